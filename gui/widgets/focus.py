"""Returns the focus to controls that were disabled while their action ran, and from closed messages."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary, ref

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid


@dataclass(slots=True)
class _Moved:
    """A control that lost the focus by being disabled, and the widget to which Qt moved it.

    Weak references: as values of `_moved` they would keep the window alive, which is its key.
    """

    control: ref[QWidget]
    now: ref[QWidget] | None

    @property
    def focused_now(self) -> QWidget | None:
        """The widget to which Qt moved the focus, if it still exists."""
        return self.now() if self.now is not None else None


class _Typing(QObject):
    """Forgets the former focus of a window once the user uses the widget that has it now."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice keys and clicks, without using them."""
        used = event.type() in {QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress}
        if used and isinstance(watched, QWidget):
            _forget(watched.window())
        return super().eventFilter(watched, event)


_typing = _Typing()
_moved: WeakKeyDictionary[QWidget, _Moved] = WeakKeyDictionary()


def set_enabled(control: QWidget, enabled: bool) -> None:
    """Enable or disable a control; a disabled one gets the focus back once it is enabled again.

    Qt moves the focus of a disabled control to the next one, which may be a button that removes
    something. It stays there if the user has used that control, or has moved the focus.
    """
    window = control.window()
    focused = not enabled and control.isEnabled() and window.focusWidget() is control
    control.setEnabled(enabled)
    if focused:
        _note(window, control)
    elif enabled:
        _restore(window, control)


def _focused(window: QWidget) -> QWidget | None:
    """Return the control with the focus; Qt's type does not mention that there may be none."""
    return window.focusWidget()


def _note(window: QWidget, control: QWidget) -> None:
    former = _forget(window)
    # If several controls are disabled in turn, the focus was that of the first one.
    in_turn = former is not None and former.focused_now is control
    now = _focused(window)
    _moved[window] = _Moved(
        former.control if former is not None and in_turn else ref(control),
        ref(now) if now is not None else None,
    )
    if now is not None:
        now.installEventFilter(_typing)


def _restore(window: QWidget, control: QWidget) -> None:
    found = _moved.get(window)
    if found is None or found.control() is not control:
        return
    _forget(window)
    if window.focusWidget() is found.focused_now:
        control.setFocus()


def _forget(window: QWidget) -> _Moved | None:
    found = _moved.pop(window, None)
    now = found.focused_now if found is not None else None
    if now is not None and isValid(now):
        now.removeEventFilter(_typing)
    return found


class _Return(QObject):
    """Moves the focus from a panel that is hidden to the control that had it before."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self._panel = panel
        self._before: ref[QWidget] | None = None
        panel.installEventFilter(self)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus)

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        inside = self._panel.isAncestorOf
        if old is not None and new is not None and inside(new) and not inside(old):
            self._before = ref(old)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the focus before Qt moves it to the first control of the window."""
        if event.type() == QEvent.Type.Hide and watched is self._panel:
            focus = _focused(self._panel.window())
            before = self._before() if self._before is not None else None
            focused = focus is not None and self._panel.isAncestorOf(focus)
            if focused and before is not None and isValid(before) and before.isVisible():
                before.setFocus()
        return super().eventFilter(watched, event)


def return_focus(panel: QWidget) -> None:
    """Let the focus return from a panel that is hidden, such as a message, to where it was."""
    _Return(panel)

"""Shortcuts: binds the actions of `gui.actions` to widgets. No other module creates shortcuts."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut, QStatusTipEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from gui.actions import ACTIONS, Action, Reach, action, scope

_log = logging.getLogger(__name__)

_CONTEXTS: dict[Reach, Qt.ShortcutContext] = {
    "window": Qt.ShortcutContext.WindowShortcut,
    "within": Qt.ShortcutContext.WidgetWithChildrenShortcut,
    "view": Qt.ShortcutContext.WidgetShortcut,
}


class Binding(QObject):
    """An action bound to a widget; its shortcut runs it, and the search (Ctrl+K) finds it.

    Args:
        bound: the row of the table.
        widget: the widget that owns the binding, in which the keys apply.
        run: runs the action.
        reason: returns why it is not possible now, or an empty text; None for always possible.
    """

    def __init__(
        self,
        bound: Action,
        widget: QWidget,
        run: Callable[[], object],
        reason: Callable[[], str] | None,
    ) -> None:
        super().__init__(widget)
        self.action, self.listed = bound, True
        self._widget, self._run, self._reason = widget, run, reason

    def perform(self) -> None:
        """Run the action, or show why it is not possible now."""
        why = self._reason() if self._reason is not None else ""
        if why:
            explain(self._widget, why)
        else:
            self._run()

    def report_ambiguous(self) -> None:
        """Log that two widgets have the same shortcut, which is a bug."""
        _log.warning("Ambiguous shortcut: %s (%s)", self.action.id, self.action.key_text)


def bind(
    action_id: str,
    widget: QWidget,
    run: Callable[[], object],
    reason: Callable[[], str] | None = None,
    *,
    listed: bool = True,
) -> None:
    """Bind the shortcut of an action, and let the search find it.

    Args:
        action_id: the row of the table.
        widget: the window, tab or view in which the row's scope says that the keys apply.
        run: runs the action.
        reason: returns why it is not possible now, which is then shown, or an empty text.
        listed: whether the search lists it: one binding is enough for an action of several views.
    """
    found = action(action_id)
    binding = Binding(found, widget, run, reason)
    binding.listed = listed
    for keys in found.keys:
        shortcut = QShortcut(QKeySequence(keys), widget)
        # Set here, since PySide ignores the context as a keyword argument of the constructor.
        shortcut.setContext(_CONTEXTS[scope(found.where).reach])
        shortcut.setAutoRepeat(False)  # a key that is held down runs the action once
        shortcut.activated.connect(binding.perform)
        shortcut.activatedAmbiguously.connect(binding.report_ambiguous)


def bind_button(action_id: str, view: QWidget, button: QAbstractButton) -> None:
    """Bind the shortcut of an action to a button; while it is disabled, the reason is shown.

    Args:
        action_id: the row of the table.
        view: the view in which the keys apply.
        button: the button; its accessible description is the reason why it is disabled.
    """

    def reason() -> str:
        if button.isEnabled() and not button.isHidden():
            return ""
        return button.accessibleDescription() or f"{action(action_id).text} is not possible here."

    bind(action_id, view, button.click, reason)


def menu_action(action_id: str, owner: QWidget, run: Callable[[], object]) -> QAction:
    """Return a menu entry of `owner` that shows the shortcut, which `bind` activates."""
    found = action(action_id)
    made = QAction(found.text, owner)
    made.setShortcuts([QKeySequence(keys) for keys in found.keys])
    # An action that is only in a menu never handles the keys, since no view has it.
    made.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    made.setShortcutVisibleInContextMenu(True)
    made.triggered.connect(lambda _checked=False: run())
    return made


def explain(widget: QWidget, text: str) -> None:
    """Show in the window of a widget why nothing was done."""
    QApplication.sendEvent(widget, QStatusTipEvent(text))


class Withdrawal(QEvent):
    """Removes the explanation `text` from a window, if it still shows it."""

    KIND = QEvent.Type(QEvent.registerEventType())

    def __init__(self, text: str) -> None:
        super().__init__(self.KIND)
        self.text = text


def withdraw(widget: QWidget, text: str) -> None:
    """Remove an explanation of `explain` that no longer applies."""
    QApplication.sendEvent(widget.window(), Withdrawal(text))


def pressed(event: QKeyEvent) -> str:
    """Return the keys of an event as they are written in the table."""
    return QKeySequence(event.keyCombination()).toString()


def bound_to(event: QKeyEvent) -> list[Action]:
    """Return the actions of the keys of an event, except for plain letters and movements."""
    keys = pressed(event)
    plain = not event.modifiers() & (
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    )
    moves = keys.rpartition("+")[2] in {"Up", "Down", "Left", "Right"}
    if moves or (plain and keys != "Del" and not keys.startswith("F")):
        return []
    return [each for each in ACTIONS if keys in each.keys and not each.own]


def is_copy(event: QKeyEvent) -> bool:
    """Return whether a key means Copy on this platform."""
    return event.matches(QKeySequence.StandardKey.Copy)


def is_cut(event: QKeyEvent) -> bool:
    """Return whether a key means Cut on this platform."""
    return event.matches(QKeySequence.StandardKey.Cut)

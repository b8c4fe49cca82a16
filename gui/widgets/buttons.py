"""Buttons of the kinds defined in the style sheet, each with an accessible name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QToolTip,
    QWidget,
)

from gui import shortcuts
from gui.widgets.focus import set_enabled
from gui.widgets.icons import SIZE, icon
from gui.widgets.labels import set_tooltip, shown, tooltip

Clicked = Callable[[], object]

B = TypeVar("B", bound="Button")

#: Width in pixels that the text of a button with a name has at least.
_LEAST_TEXT = 112

_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.ShiftModifier
)


class Button(QPushButton):
    """A push button whose icon follows the theme and that shows why it is disabled.

    Args:
        text: the label, which without an ellipsis is also the accessible name.
        kind: the appearance in the style sheet: `plain primary danger loss link quiet`.
        icon_name: an icon of `resources/icons`; empty for none.
        tone: the colour of the icon, a name of `theme.Tokens`.
    """

    def __init__(
        self, text: str = "", *, kind: str = "plain", icon_name: str = "", tone: str = "text"
    ) -> None:
        super().__init__(text)
        self._icon_name = icon_name
        self._tone = tone
        self._hint = self._reason = ""
        self.setProperty("kind", kind)
        # In a dialog Qt makes every button an auto-default one, which Enter would press.
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setIconSize(QSize(SIZE, SIZE))
        self.setAccessibleName(_spoken(text))
        self._paint_icon()

    def setText(self, text: str) -> None:
        """Show another label; the accessible name follows it unless it is another text."""
        follows = self.accessibleName() == _spoken(self.text())
        super().setText(text)
        if follows:
            self.setAccessibleName(_spoken(text))

    def set_icon(self, name: str, tone: str = "text") -> None:
        """Show another icon."""
        self._icon_name, self._tone = name, tone
        self._paint_icon()

    def set_hint(self, text: str) -> None:
        """Set the tooltip and accessible description of the button."""
        self._hint = text
        # A disabled button shows the reason instead.
        if self.isEnabled():
            set_tooltip(self, text)

    @property
    def reason(self) -> str:
        """Why the button is disabled; empty while it is enabled or without a reason."""
        return "" if self.isEnabled() else self._reason

    def allow(self, allowed: bool, reason: str = "") -> None:
        """Enable the button, or disable it with the reason as its tooltip."""
        set_enabled(self, allowed)
        self._reason = reason
        text = self._hint if allowed else reason or self._hint
        set_tooltip(self, text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press also with Enter, which in a dialog would press the default button."""
        # With another key it is a shortcut, which may be explained. Repetitions of a held key must
        # not press a button that a dialog has just opened under it.
        enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if enter and not event.modifiers() & _MODIFIERS and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon again when the theme changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_icon()

    def _paint_icon(self) -> None:
        if not self._icon_name:
            return
        wanted = icon(self._icon_name, self._tone)
        # Qt announces a new palette several times for each button that is created.
        if wanted.cacheKey() != self.icon().cacheKey():
            self.setIcon(wanted)


class NameButton(Button):
    """A button with a name of any length, which is elided in the middle if it does not fit.

    The tooltip and the accessible name have the complete text.
    """

    def __init__(self, text: str = "", *, kind: str = "plain") -> None:
        super().__init__("", kind=kind)
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def text(self) -> str:
        """Return the complete text."""
        return self._text

    def setText(self, text: str) -> None:
        """Show a text, in which an ampersand is no mnemonic, and read it to screen readers."""
        self._text = shown(text)
        super().setText(self._text.replace("&", "&&"))
        self.setAccessibleName(_spoken(self._text))

    @property
    def elided(self) -> str:
        """The text as it is drawn."""
        metrics, wide = self.fontMetrics(), super().sizeHint().width()
        if self.width() >= wide:
            return self._text
        room = self.width() - (wide - metrics.horizontalAdvance(self._text))
        return metrics.elidedText(self._text, Qt.TextElideMode.ElideMiddle, room)

    def minimumSizeHint(self) -> QSize:
        """Return the size with the beginning and the end of the text."""
        least = super().minimumSizeHint()
        wide = self.fontMetrics().horizontalAdvance(self._text)
        return QSize(least.width() - max(wide - _LEAST_TEXT, 0), least.height())

    def event(self, event: QEvent) -> bool:
        """Show the complete text above the hint if it is elided."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            text = self.toolTip()
            if self.elided != self._text:
                text = f"{tooltip(self._text)}<br>{text}" if text else tooltip(self._text)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the text that fits."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.elided.replace("&", "&&")
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)


def plain_button(text: str, on_click: Clicked | None = None, *, icon_name: str = "") -> Button:
    """Return an ordinary button."""
    return _wired(Button(text, icon_name=icon_name), on_click)


def primary_button(text: str, on_click: Clicked | None = None) -> Button:
    """Return the primary button of a view."""
    return _wired(Button(text, kind="primary"), on_click)


def name_button(text: str, on_click: Clicked | None = None, *, kind: str = "plain") -> NameButton:
    """Return a button whose text contains a name; `kind` is that of `Button`."""
    return _wired(NameButton(text, kind=kind), on_click)


def danger_button(text: str, on_click: Clicked | None = None) -> Button:
    """Return a button that deletes something (after a confirmation)."""
    return _wired(Button(text, kind="danger"), on_click)


def link_button(text: str, on_click: Clicked | None = None) -> Button:
    """Return a button without a frame."""
    button = _wired(Button(text, kind="link"), on_click)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


def set_flush(button: B) -> B:
    """Align the text of a button without a frame with the left edge, and return the button."""
    button.setProperty("flush", "true")
    return button


def quiet_button(text: str, on_click: Clicked | None = None, *, icon_name: str = "") -> Button:
    """Return a muted button without a frame that is highlighted under the pointer."""
    return _wired(Button(text, kind="quiet", icon_name=icon_name, tone="muted"), on_click)


def icon_button(name: str, what: str, on_click: Clicked | None = None) -> Button:
    """Return a button with only an icon; `what` is its accessible name and tooltip."""
    button = Button("", kind="quiet", icon_name=name, tone="muted")
    button.setAccessibleName(what)
    button.set_hint(what)
    button.setFixedSize(24, 24)
    return _wired(button, on_click)


def menu_button(text: str, menu: QMenu, parent: QWidget | None = None) -> Button:
    """Return an ordinary button that opens a menu."""
    button = Button(f"{text} ▾")
    button.setAccessibleName(text)
    button.setMenu(menu)
    if parent is not None:
        button.setParent(parent)
    return button


def button_menu(
    view: QAbstractItemView, where: QPoint, entries: Sequence[tuple[str, Button]]
) -> QMenu:
    """Open a context menu with the actions of buttons, and the reasons of disabled ones.

    Args:
        view: the view whose menu it is.
        where: the position in the view's viewport.
        entries: buttons, each with its action id of `gui.actions`; empty to use the button's text.
    """
    menu = QMenu(view)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    # The tooltips have the reasons of disabled entries; menus hide tooltips by default.
    menu.setToolTipsVisible(True)
    for name, button in entries:
        if name:
            entry = shortcuts.menu_action(name, menu, button.click)
            menu.addAction(entry)
        else:
            # A button with only an icon has its text as accessible name.
            entry = menu.addAction(button.text() or button.accessibleName(), button.click)
        entry.setEnabled(button.isEnabled())
        entry.setToolTip(button.toolTip())
    menu.popup(view.viewport().mapToGlobal(where))
    return menu


def _spoken(label: str) -> str:
    """Return a label without the ellipsis, which screen readers would read aloud."""
    return label.rstrip("…").strip()


def _wired(button: B, on_click: Clicked | None) -> B:
    if on_click is not None:  # without the argument `checked`, which Qt would pass
        button.clicked.connect(lambda _checked=False: on_click())
    return button

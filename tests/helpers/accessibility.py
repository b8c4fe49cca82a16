"""Read and press the controls of a window as a screen reader does."""

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QStackedWidget,
    QTabBar,
    QWidget,
)

from gui.widgets.buttons import Button

_CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
#: Roles whose parts are rows and cells: there may be a million of them.
_DATA = {QAccessible.Role.Table, QAccessible.Role.Tree, QAccessible.Role.List}
_NO_ROLE = {QAccessible.Role.NoRole, QAccessible.Role.Client}
PRESS, TOGGLE = "Press", "Toggle"


def widgets_in_tree(root: QWidget) -> Iterator[QWidget]:
    """Yield the widgets below a window that its accessible tree leads to, but for hidden ones."""
    top = QAccessible.queryAccessibleInterface(root)
    waiting = [top] if top is not None else []
    while waiting:
        here = waiting.pop()
        part = here.object()
        if isinstance(part, QWidget):
            if not part.isVisible():
                continue
            yield part
        if here.role() in _DATA:
            continue
        children = [here.child(place) for place in range(here.childCount())]
        waiting += [child for child in reversed(children) if child is not None]


def controls(root: QWidget) -> list[QWidget]:
    """Return every control of a window: what takes the focus or has an action."""
    found = []
    for widget in widgets_in_tree(root):
        actions = set(_interface(widget).actionNames()) if _acts(widget) else set()
        if actions & {PRESS, TOGGLE} or widget.focusPolicy().value & 1:
            found.append(widget)
    return found


def nameless(root: QWidget) -> list[str]:
    """Return the controls without a name or a role, and buttons whose ellipsis would be read."""
    bad = []
    for widget in controls(root):
        control = _interface(widget)
        name = control.text(QAccessible.Text.Name)
        if widget.objectName().startswith("qt_") or isinstance(widget, QStackedWidget):
            continue  # parts of Qt's own controls, and pages that only hand the focus on
        # A view that only scrolls has no separate role in Qt.
        roles = {QAccessible.Role.NoRole} if isinstance(widget, QAbstractScrollArea) else _NO_ROLE
        ellipsis = isinstance(widget, QAbstractButton) and name.endswith("…")
        if not name or ellipsis or control.role() in roles:
            holder = type(widget.parentWidget()).__name__
            bad.append(f"{type(widget).__name__} {name!r} {control.role().name} in {holder}")
    return bad


def unexplained(root: QWidget) -> list[str]:
    """Return the disabled controls that do not say why they are disabled.

    What a button does, its hint, is no reason: the reason is given to `Button.allow`.
    """
    return [
        f"{type(control).__name__} {control.accessibleName()!r} in "
        f"{type(control.parentWidget()).__name__}"
        for control in root.findChildren(QWidget)
        if isinstance(control, _CONTROLS) and control.isVisibleTo(root)
        if not control.isEnabled() and not _reason(control)
    ]


def _reason(control: QWidget) -> str:
    """Return why a control is disabled: its own reason, or that of the control that it is a part of."""
    parent = control.parentWidget()
    if control.objectName().startswith("qt_") or isinstance(parent, (QComboBox, QAbstractSpinBox)):
        return "a part of another control"
    if isinstance(control, Button):
        return control.reason
    if control.isEnabledTo(parent):
        return _reason(parent)
    return control.toolTip() or control.accessibleDescription()


def press(button: QAbstractButton) -> None:
    """Do the first action that a screen reader is offered for a button.

    `Toggle` changes the check mark without a click; `Press` clicks, after a wait of 100 ms that
    only shows the button pressed: it is left out here, and tested once. A menu is closed again.
    """
    names = _interface(button).actionNames()
    assert names, f"{button.accessibleName()} offers no action"
    QTimer.singleShot(0, _close_menu)
    if names[0] == TOGGLE:
        _interface(button).doAction(TOGGLE)
    else:
        assert PRESS in names or "ShowMenu" in names, names
        button.click()


def state_of_screen() -> tuple[Any, ...]:
    """Return all that a person could see change, of every window."""
    focus = QApplication.focusWidget()
    return (
        id(focus),
        QGuiApplication.clipboard().text(),
        tuple(_seen(w) for top in QApplication.topLevelWidgets() for w in _below(top)),
    )


def _below(top: QWidget) -> list[QWidget]:
    return [w for w in (top, *top.findChildren(QWidget)) if w.isVisible()]


def _seen(widget: QWidget) -> tuple[Any, ...]:
    text = widget.text() if isinstance(widget, QLabel) else ""
    return id(widget), widget.isEnabled(), widget.geometry().getRect(), text, _value(widget)


def _value(widget: QWidget) -> Any:
    more: Any = None
    if isinstance(widget, QAbstractButton):
        more = widget.text(), widget.isChecked()
    elif isinstance(widget, QLineEdit):
        more = widget.text(), widget.echoMode()
    elif isinstance(widget, QComboBox):
        more = widget.currentIndex()
    elif isinstance(widget, (QAbstractSpinBox, QPlainTextEdit)):
        more = widget.property("text") or widget.property("plainText")
    elif isinstance(widget, QAbstractSlider):
        more = widget.value()
    elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
        index = widget.currentIndex()
        more = widget.model().rowCount(), index.row(), index.column()
    elif isinstance(widget, QTabBar):
        more = widget.currentIndex()
    return more


def close_dialogs() -> int:
    """Turn every open dialog down, and return how many there were."""
    open_now = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog)]
    open_now = [dialog for dialog in open_now if dialog.isVisible()]
    for dialog in open_now:
        dialog.reject()
    return len(open_now)


def _close_menu() -> None:
    menu = QApplication.activePopupWidget()
    if isinstance(menu, QMenu):
        menu.close()


def _acts(widget: QObject) -> bool:
    return _interface(widget).actionInterface() is not None


def _interface(widget: QObject) -> Any:
    control = QAccessible.queryAccessibleInterface(widget)
    assert control is not None, f"{type(widget).__name__} is unknown to screen readers"
    return control

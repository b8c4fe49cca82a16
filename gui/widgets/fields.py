"""Fields that the style sheet alone cannot lay out."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QWidget

from gui import shortcuts
from gui.widgets.labels import tooltip

Box = TypeVar("Box", bound=QAbstractSpinBox)


def inset(box: Box) -> Box:
    """Give a spin box or date field the room at its left that line edits have (Qt forgets it)."""
    edit = box.findChild(QLineEdit)
    if edit is not None:
        edit.setTextMargins(8, 0, 0, 0)
    return box


def clearable(field: QLineEdit) -> QLineEdit:
    """Give a field its clear button, with a name."""
    field.setClearButtonEnabled(True)
    for button in field.findChildren(QAbstractButton):
        button.setAccessibleName("Clear")
    return field


def filter_of(field: QLineEdit, view: QWidget) -> QLineEdit:
    """Have Escape clear a filter, and without one lead to the list that it filters."""

    def leave() -> None:
        if field.text():
            field.clear()
        else:
            view.setFocus()

    shortcuts.bind("filters.clear", field, leave)
    return clearable(field)


def allow_field(field: QWidget, allowed: bool, reason: str) -> None:
    """Enable a field, or disable it and say why, as `Button.allow` does for buttons."""
    field.setEnabled(allowed)
    field.setToolTip("" if allowed else tooltip(reason))
    field.setAccessibleDescription("" if allowed else reason)


def combo_box(name: str) -> QComboBox:
    """Return a choice of lines; `name` is what screen readers call it and its list."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.view().setAccessibleName(name)
    return box


def line_edit(name: str, placeholder: str = "", *, clear: bool = False) -> QLineEdit:
    """Return a field of one line; `name` is what screen readers call it."""
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(placeholder)
    return clearable(field) if clear else field

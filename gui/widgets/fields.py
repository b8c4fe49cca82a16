"""Input fields with adjustments that a style sheet cannot make."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QWidget

from gui import shortcuts
from gui.widgets.labels import tooltip

Box = TypeVar("Box", bound=QAbstractSpinBox)


def inset(box: Box) -> Box:
    """Give a spin box or date field the left padding of line edits, which Qt omits."""
    edit = box.findChild(QLineEdit)
    if edit is not None:
        edit.setTextMargins(8, 0, 0, 0)
    return box


def clearable(field: QLineEdit) -> QLineEdit:
    """Add a clear button with an accessible name to a field."""
    field.setClearButtonEnabled(True)
    # Qt gives its clear button no name, so that a screen reader reads only "button".
    for button in field.findChildren(QAbstractButton):
        button.setAccessibleName("Clear")
    return field


def filter_of(field: QLineEdit, view: QWidget) -> QLineEdit:
    """Let Escape clear a filter or, if it is empty, focus the filtered list."""

    def leave() -> None:
        if field.text():
            field.clear()
        else:
            view.setFocus()

    shortcuts.bind("filters.clear", field, leave)
    return clearable(field)


def allow_field(field: QWidget, allowed: bool, reason: str) -> None:
    """Enable a field, or disable it with a reason as tooltip and accessible description."""
    field.setEnabled(allowed)
    field.setToolTip("" if allowed else tooltip(reason))
    field.setAccessibleDescription("" if allowed else reason)


def combo_box(name: str) -> QComboBox:
    """Return a combo box; `name` is the accessible name of it and its list."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.view().setAccessibleName(name)
    return box


def line_edit(name: str, placeholder: str = "", *, clear: bool = False) -> QLineEdit:
    """Return a line edit; `name` is its accessible name."""
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(placeholder)
    return clearable(field) if clear else field

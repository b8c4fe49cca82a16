"""Input fields with adjustments that a style sheet cannot make."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHelpEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
    QWidget,
)

from gui import shortcuts
from gui.widgets.focus import set_enabled
from gui.widgets.labels import repolish, set_tooltip, tooltip
from gui.widgets.table import choose_row

Box = TypeVar("Box", bound=QAbstractSpinBox)

#: The property of a field with its hint.
_HINT = "hint"


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
    """Let Escape clear a filter or, if it is empty, focus the filtered list; Down focuses it, too."""

    def leave() -> None:
        if field.text():
            field.clear()
        else:
            view.setFocus()

    def enter() -> None:
        view.setFocus()
        # The row that was current before may be hidden by the filter.
        if isinstance(view, QAbstractItemView) and not view.currentIndex().isValid():
            choose_row(view, 0)

    shortcuts.bind("filters.clear", field, leave)
    shortcuts.bind("filters.list", field, enter)
    return clearable(field)


def set_field_hint(field: QWidget, text: str) -> None:
    """Set the tooltip and accessible description of a field while it is enabled."""
    field.setProperty(_HINT, text)
    if field.isEnabled():
        set_tooltip(field, text)


def allow_field(field: QWidget, allowed: bool, reason: str) -> None:
    """Enable a field, or disable it with a reason as tooltip and accessible description."""
    set_enabled(field, allowed)
    set_tooltip(field, str(field.property(_HINT) or "") if allowed else reason)


def set_read_only(field: QLineEdit | QPlainTextEdit, read_only: bool) -> None:
    """Make a field read-only or editable, with the matching background."""
    if field.isReadOnly() != read_only:
        field.setReadOnly(read_only)
        # Qt would apply the style sheet only when the pointer or the focus reaches the field.
        repolish(field)


class _ComboBox(QComboBox):
    """A combo box that elides a text that does not fit, which Qt would cut off."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the part of the text that fits."""
        if self.isEditable():
            super().paintEvent(event)
            return
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self._fitting(option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def event(self, event: QEvent) -> bool:
        """Show an elided text as the tooltip, unless there is one."""
        if isinstance(event, QHelpEvent) and not self.toolTip() and not self.isEditable():
            option = QStyleOptionComboBox()
            self.initStyleOption(option)
            elided = self._fitting(option) != self.currentText()
            QToolTip.showText(event.globalPos(), tooltip(self.currentText()) if elided else "")
            return True
        return super().event(event)

    def _fitting(self, option: QStyleOptionComboBox) -> str:
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        text, metrics = self.currentText(), self.fontMetrics()
        # At its preferred width the box is as wide as its text, except for rounding.
        if metrics.horizontalAdvance(text) <= field.width() + 1:
            return text
        return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, field.width())


def combo_box(name: str) -> QComboBox:
    """Return a combo box; `name` is the accessible name of it and its list."""
    box = _ComboBox()
    box.setAccessibleName(name)
    box.view().setAccessibleName(name)
    return box


def line_edit(
    name: str, placeholder: str = "", *, hint: str = "", clear: bool = False
) -> QLineEdit:
    """Return a line edit; `name` is its accessible name, `hint` the tooltip while it is enabled."""
    field = QLineEdit()
    field.setAccessibleName(name)
    set_field_hint(field, hint)
    field.setPlaceholderText(placeholder)
    return clearable(field) if clear else field

"""Checks of every widget of a window."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_USABLE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)


def unnamed(root):
    """Return the controls that a screen reader could not name."""
    return [
        (type(part).__name__, type(part.parent()).__name__, part.objectName())
        for kind in _USABLE
        for part in root.findChildren(kind)
        if not _named(part)
    ]


def descriptions_with_html(root):
    """Return the descriptions that a screen reader would read with tags: those of tooltips."""
    faces = [QAccessible.queryAccessibleInterface(each) for each in root.findChildren(QWidget)]
    found = {face.text(QAccessible.Text.Description) for face in faces if face is not None}
    return sorted(text for text in found if text.startswith("<qt>"))


def labels_with_html(root):
    """Return the texts of labels that would take a key's text for HTML."""
    labels = root.findChildren(QLabel)
    return [x.text() for x in labels if x.textFormat() is not Qt.TextFormat.PlainText]


def _named(part):
    if part.accessibleName() or part.objectName().startswith(("qt_", "Scroll")):
        return True
    if isinstance(part, QHeaderView):
        return part.isHidden()
    return isinstance(part, QAbstractButton) and bool(part.text())

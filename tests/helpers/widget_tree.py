"""Checks of every widget of a window."""

from PySide6.QtCore import Qt
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

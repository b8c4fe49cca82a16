"""Presses keys where a user's would go: in the widget that has the focus."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget


def focused() -> QWidget:
    """Return the widget with the focus; after a window has closed it takes a moment to come back.

    Qt ends the process when a test presses a key in no widget at all.
    """
    found = QTest.qWaitFor(lambda: QApplication.focusWidget() is not None, 20_000)
    assert found, "no widget has the focus"
    return QApplication.focusWidget()


def press_key(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press and release a key in the widget that has the focus."""
    QTest.keyClick(focused(), key, modifier)

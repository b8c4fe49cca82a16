"""Send keys to the widget that has the focus."""

from PySide6.QtCore import QDeadlineTimer, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget


def focused() -> QWidget:
    """Return the widget with the focus; after a window has closed it takes a moment to come back.

    The offscreen platform has no window manager, which would activate the window that remains;
    and Qt ends the process when a test presses a key in no widget at all.
    """
    deadline = QDeadlineTimer(20_000)
    while QApplication.focusWidget() is None and not deadline.hasExpired():
        remaining = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
        if remaining and QApplication.activeWindow() is None:
            remaining[-1].activateWindow()
        QTest.qWait(50)
    found = QApplication.focusWidget()
    assert found is not None, "no widget has the focus"
    return found


def press_key(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press and release a key in the widget that has the focus."""
    QTest.keyClick(focused(), key, modifier)

"""The part of the screen that a window may use.

`QWidget.screen()` must not be called: PySide6 makes the returned QScreen a child of the widget's
Python object, and Python's garbage collector then deletes Qt's own screen together with a closed
window. The program crashes at the next use of the screen.
"""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget


def available_area(widget: QWidget) -> QRect:
    """Return the area of the widget's screen without taskbars, in device-independent pixels."""
    parent = widget.parentWidget()
    # A dialog that was not yet shown has no place: it will appear above its parent.
    place = parent.window() if parent is not None and not widget.isVisible() else widget
    center = place.mapToGlobal(place.rect().center())
    screen = QGuiApplication.screenAt(center) or QGuiApplication.primaryScreen()
    return screen.availableGeometry()

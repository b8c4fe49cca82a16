"""Closed windows do not take Qt's screen with them."""

import ast
import gc

from conventions import source
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from shiboken6 import ownedByPython

from gui.widgets.screen import available_area


def test_the_screen_outlives_a_collected_window(qapp):
    for _ in range(3):
        window = QWidget()
        window.itself = window  # garbage that only the collector finds
        area = available_area(window)
        assert area == QGuiApplication.primaryScreen().availableGeometry()
        del window
        gc.collect()
    assert not ownedByPython(QGuiApplication.primaryScreen())
    assert [screen.virtualSiblings() for screen in QGuiApplication.screens()]


def test_no_widget_is_asked_for_its_screen():
    """PySide6 gives that QScreen to the widget, and Python's garbage collector deletes it."""
    calls = [
        source.place(path, node.lineno)
        for folder in ("gui", "tests")
        for path in source.python_files(folder)
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "screen"
    ]
    assert calls == []

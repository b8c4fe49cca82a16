"""The frame around the tabs: header, tab bar, activity drawer, status bar, command palette."""

from gui.main_window.window import MainWindow

__all__ = ["MainWindow"]

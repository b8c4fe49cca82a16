"""The main window: header, tab bar, activity drawer, status bar and command palette."""

from gui.main_window.window import MainWindow

__all__ = ["MainWindow"]

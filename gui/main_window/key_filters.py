"""The keys Tab and Backtab of the window: they follow the order in which it is read."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QPlainTextEdit, QWidget
from shiboken6 import isValid

from gui.shortcuts import pressed
from gui.widgets.reading_order import focus_next


class TabKeys(QObject):
    """Watches the widget that has the focus; a text that takes tabs keeps them.

    `QWidget.focusNextPrevChild` is not overridden: Qt also calls it while windows are destroyed,
    when Python can no longer answer.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._watched: QWidget | None = None
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the focus instead of Qt."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            keys = pressed(event)
            if keys == "Tab" or keys.endswith("Backtab"):
                content = self._window.centralWidget()
                return content is not None and focus_next(content, forward=keys == "Tab")
        return super().eventFilter(watched, event)

    def _on_focus(self, _old: QWidget | None, now: QWidget | None) -> None:
        if self._watched is not None and isValid(self._watched):
            self._watched.removeEventFilter(self)
        self._watched = None
        if now is None or now.window() is not self._window:
            return
        if not isinstance(now, QPlainTextEdit) or now.tabChangesFocus():
            self._watched = now
            now.installEventFilter(self)

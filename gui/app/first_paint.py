"""Runs slow work only after the first paint of a window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

#: Milliseconds after which work starts anyway, since a minimized window is never painted.
_PATIENCE_MS = 400


class AfterFirstPaint(QObject):
    """Calls a function once, after the window's first paint."""

    def __init__(self, window: QWidget, then: Callable[[], object]) -> None:
        super().__init__(window)
        self._window, self._then = window, then
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._go)
        self._patience.start(_PATIENCE_MS)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Wait for the first paint; no event is filtered out."""
        if event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            self._patience.start(0)
        return False

    def _go(self) -> None:
        self._window.removeEventFilter(self)
        self._then()

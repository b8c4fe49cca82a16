"""SIGINT (Ctrl-C), SIGTERM and SIGHUP close the window like its close button."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier

from core.signals import ending_signals


class Signals(QObject):
    """Wakes the event loop on a signal, which Python alone would handle only at the next event."""

    def __init__(self, act: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._act = act
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            # `set_wakeup_fd` requires a socket that does not block.
            end.settimeout(0)
        self._former = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._numbers = ending_signals()
        for number in self._numbers:
            signal.signal(number, _nothing)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    def stop(self) -> None:
        """Restore the former signal handlers."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._former)
        for number in self._numbers:
            signal.signal(number, signal.SIG_DFL)
        self._read.close()
        self._write.close()

    def _on_signal(self) -> None:
        # One byte for each signal; those that arrived together are handled once.
        self._read.recv(64)
        self._act()


def _nothing(_number: int, _frame: object) -> None:
    """Do nothing: Python writes the byte that wakes the event loop only if a handler is set."""

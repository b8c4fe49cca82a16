"""Ctrl-C ends every command within two seconds, whatever it is waiting for.

The first interrupt cancels the command's work, which closes its sockets and lets it clean up. A
command that is still busy after a second gets a `KeyboardInterrupt`, and shortly afterwards the
process ends. A thread of its own watches, because the main thread answers no signal while it is
inside native code. What an ended command leaves behind is swept by the next one.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import ErrorKind
from core.work import CancelToken

#: Seconds after an interrupt: until the command is interrupted where it stands, and until the
#: process ends without it. Together with the start of an exit they stay below two.
STOP_SECONDS, END_SECONDS = 1.0, 1.5
#: A second interrupt leaves so long for the way out.
_LEAVE_SECONDS = 0.5


@contextmanager
def interruptible(token: CancelToken, last_words: Callable[[], None]) -> Iterator[None]:
    """Turn interrupts inside the block into a cancel of `token`, and into the end of the process.

    Args:
        token: what the command's work is cancelled by.
        last_words: called just before the process is ended from another thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop = _Stop(token, last_words)
    numbers = [signal.SIGINT, signal.SIGALRM] if hasattr(signal, "SIGALRM") else [signal.SIGINT]
    before = {number: signal.signal(number, stop.requested) for number in numbers}
    try:
        with stop.watched():
            yield
    finally:
        if not stop.forced:
            _set_alarm(0)
            for number, handler in before.items():
                signal.signal(number, handler)


class _Stop:
    """How far an interrupt has come. `requested` runs in the main thread, one signal at a time."""

    def __init__(self, token: CancelToken, last_words: Callable[[], None]) -> None:
        self._token = token
        self._last_words = last_words
        self._over = threading.Event()
        self._interrupted = False
        self.forced = False

    def requested(self, _number: int, _frame: object) -> None:
        """Cancel at first; then interrupt the main thread where it stands; then end."""
        if self.forced:
            self._end()
        if self._interrupted:
            self.forced = True
            _set_alarm(_LEAVE_SECONDS)
            # From then on the interpreter has no handlers any more: an alarm would kill it.
            atexit.register(_set_alarm, 0)
            raise KeyboardInterrupt
        self._interrupted = True
        _set_alarm(STOP_SECONDS)
        self._token.cancel()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let a thread end the process if the block goes on for too long after an interrupt."""
        heard, told = socket.socketpair()
        told.settimeout(0)
        before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(heard,), name="interrupt", daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            told.close()
            if not self.forced:
                self._over.set()
                thread.join()

    def _watch(self, heard: socket.socket) -> None:
        with heard:
            while numbers := heard.recv(64):  # empty when the block has ended
                # A command that answers interrupts itself has put its own handler in place.
                if signal.SIGINT in numbers and signal.getsignal(signal.SIGINT) == self.requested:
                    self._token.cancel()
                    if not self._over.wait(END_SECONDS):
                        self._end()
                    return

    def _end(self) -> None:
        self._last_words()
        os._exit(ErrorKind.CANCELLED.value)


def _set_alarm(seconds: float) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)

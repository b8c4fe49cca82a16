"""Handling of Ctrl-C, SIGTERM and SIGHUP, which end every command within two seconds.

The first interrupt cancels the command's work, which closes its sockets and lets it clean up. A
command that is still running after a second gets a `KeyboardInterrupt`, and shortly afterwards the
process ends. A separate thread does this, because the main thread does not handle signals while it
executes native code. The next command removes what an ended command left behind.

SIGTERM is sent by `timeout`, systemd and the shutdown of the computer, and SIGHUP when the terminal
is closed or its connection is lost, not by a user who has given up: they pause the work, so that
what a later command can continue remains.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from core.errors import ErrorKind
from core.signals import ending_signals
from core.work import CancelToken

#: Seconds after an interrupt until a `KeyboardInterrupt` is raised, and until the process ends.
#: Together with the exit itself they stay below two.
STOP_SECONDS, END_SECONDS = 1.0, 1.5
#: Seconds after a second interrupt until the process ends.
_LEAVE_SECONDS = 0.5


@contextmanager
def interruptible(token: CancelToken, report_interrupt: Callable[[], None]) -> Iterator[None]:
    """Let interrupts inside the block cancel `token`, and then end the process.

    Args:
        token: the cancel token of the command's work.
        report_interrupt: called just before another thread ends the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop = _Stop(token, report_interrupt)
    numbers = [*stop.interrupts]
    if hasattr(signal, "SIGALRM"):
        numbers.append(signal.SIGALRM)
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
    """State of an interrupt; `requested` handles signals in the main thread, one at a time."""

    def __init__(self, token: CancelToken, report_interrupt: Callable[[], None]) -> None:
        self._token = token
        self._report_interrupt = report_interrupt
        self._ended = threading.Event()
        self._interrupted = False
        #: Requests to end the command.
        self.interrupts = ending_signals()
        self.forced = False

    def requested(self, number: int, _frame: object) -> None:
        """Handle a signal: cancel first, then raise `KeyboardInterrupt`, then end the process."""
        # `timeout` sends SIGTERM to the process and to its group, and a terminal and its shell both
        # send SIGHUP, which is no second request.
        if number in self._pausing and self._interrupted:
            return
        if self.forced:
            self._end()
        if self._interrupted:
            self.forced = True
            _set_alarm(_LEAVE_SECONDS)
            # During the shutdown there are no signal handlers: an alarm would kill the process.
            atexit.register(_set_alarm, 0)
            raise KeyboardInterrupt
        self._interrupted = True
        _set_alarm(STOP_SECONDS)
        self._stop(number)

    @property
    def _pausing(self) -> Collection[int]:
        return [number for number in self.interrupts if number != signal.SIGINT]

    def _stop(self, number: int) -> None:
        if number in self._pausing:
            self._token.pause()
        else:
            self._token.cancel()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let a thread end the process if the block runs too long after an interrupt."""
        heard, writer = socket.socketpair()
        writer.settimeout(0)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(heard,), name="interrupt", daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            writer.close()
            if not self.forced:
                self._ended.set()
                thread.join()

    def _watch(self, heard: socket.socket) -> None:
        with heard:
            while numbers := heard.recv(64):  # empty once the block has ended
                # A command with its own handling of interrupts has replaced the handler.
                found = [
                    number
                    for number in self.interrupts
                    if number in numbers and signal.getsignal(number) == self.requested
                ]
                if found:
                    self._stop(found[0])
                    if not self._ended.wait(END_SECONDS):
                        self._end()
                    return

    def _end(self) -> None:
        self._report_interrupt()
        os._exit(ErrorKind.CANCELLED.value)


def _set_alarm(seconds: float) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)

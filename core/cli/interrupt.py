"""Ctrl-C: the first asks a command to stop, the second makes it.

A command that only reads is made to stop soon after the first: a request that hangs would
otherwise hold it until a time-out. One that writes is left to clean up after itself.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from core.errors import ErrorKind
from core.work import CancelToken

#: After an interrupt a command may go on so long to come to its end, then to leave, in seconds.
_STOP, _LEAVE = 1.2, 0.5
_READING = frozenset({"ls", "get", "link", "stats", "backups"})


def only_reads(words: Sequence[str]) -> bool:
    """Return whether the command named by these words changes nothing anywhere."""
    return words[:1] != [] and (words[0] in _READING or list(words[:2]) == ["secrets", "list"])


@contextmanager
def interruptible(token: CancelToken, note: Callable[[str], None], *, soon: bool) -> Iterator[None]:
    """Turn interrupts into a cancel of `token`; with `soon` into the end, if it takes long."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop = _Stop(token, note, soon=soon)
    numbers = [signal.SIGINT, signal.SIGALRM] if hasattr(signal, "SIGALRM") else [signal.SIGINT]
    before = {number: signal.signal(number, stop.asked) for number in numbers}
    try:
        yield
    finally:
        stop.over()
        for number, handler in before.items() if not stop.forced else ():
            signal.signal(number, handler)


class _Stop:
    """What has been asked for so far. Signals arrive in the main thread, one at a time."""

    def __init__(self, token: CancelToken, note: Callable[[str], None], *, soon: bool) -> None:
        self._token = token
        self._note = note
        self._soon = soon
        self.forced = False

    def asked(self, _number: int, _frame: object) -> None:
        """Stop: kindly, then by an exception, then without waiting for anybody."""
        if self.forced:
            os._exit(ErrorKind.CANCELLED.value)  # threads that hang in a socket would be waited for
        if self._token.cancelled:
            self.forced = True
            _ring(_LEAVE)
            raise KeyboardInterrupt
        self._token.cancel()
        if self._soon:
            _ring(_STOP)
        else:
            self._note("Stopping; Ctrl-C again ends at once.")

    def over(self) -> None:
        """Forget the alarm, unless the program is already on its way out."""
        if not self.forced:
            _ring(0)


def _ring(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)

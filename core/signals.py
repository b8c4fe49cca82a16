"""The signals by which a person or the system ends the program."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: The exit code of a cancelled command.
_CANCELLED = 130


def ending_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a command or the window, with its clean-up.

    SIGHUP arrives when the terminal is closed or its connection is lost. It is not among them if
    it is ignored: `nohup` has started the program, which continues without its terminal then.
    """
    found: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        found += (signal.SIGHUP,)
    return found


def leave_to_parent() -> None:
    """Ignore the signals that a terminal also sends to the parent process, which handles them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextmanager
def ending_at_interrupts(text: str) -> Iterator[None]:
    """Let Ctrl-C end the process with a line on standard error and exit code 130 inside the block.

    Afterwards it raises `KeyboardInterrupt`, which the block cannot rely on: Python ignores an
    exception that is raised in some places, for example while an import discards an object. Nothing
    changes if Ctrl-C is ignored or has another handler.
    """

    def end(_number: int, _frame: object) -> None:
        with suppress(OSError):  # a full disk, or a reader that has ended
            os.write(2, f"{text}\n".encode())
        os._exit(_CANCELLED)

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

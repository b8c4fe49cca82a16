"""The signals by which a person or the system ends the program."""

from __future__ import annotations

import signal
import sys


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

"""The child ends with its parent: told by the kernel, and by the end of a pipe everywhere."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1


def call_when_parent_ends(pipe: BinaryIO, parent: int, leave: Callable[[], None]) -> None:
    """Have `leave` called once when the parent is gone; call this in the main thread.

    The kernel's signal comes when the *thread* that started us ends, which may be long before the
    process does; so it only makes us look. The end of the pipe is certain: the parent alone holds
    its other end, and loses it however it dies.

    Args:
        pipe: our end of a pipe that the parent keeps open, and never writes to.
        parent: the parent's process id.
        leave: ends this process; may be called in any thread.
    """
    threading.Thread(target=_wait, args=(pipe, leave), name="lifeline", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, lambda *_: leave())
    if sys.platform == "linux":

        def leave_if_orphaned(*_: object) -> None:
            if os.getppid() != parent:
                leave()

        signal.signal(signal.SIGUSR1, leave_if_orphaned)
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)
        leave_if_orphaned()  # it may have died before the kernel was asked


def _wait(pipe: BinaryIO, leave: Callable[[], None]) -> None:
    while pipe.read(1):
        pass
    leave()

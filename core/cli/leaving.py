"""The end of a process that ran a command."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with an exit code, without destroying each imported object.

    Python does that in the order of the references, which takes a tenth of a second. Threads that
    are still running are waited for, and registered functions run as usual.
    """
    if any(
        not each.daemon for each in threading.enumerate() if each is not threading.main_thread()
    ):
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public function
    for stream in (sys.stdout, sys.stderr):
        # The command has reported a reader that has closed the pipe.
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)

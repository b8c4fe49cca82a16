"""The start and the end of a process that runs one command."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def collect_garbage_rarely() -> None:
    """Let Python search for garbage after 200,000 new objects instead of 700.

    The 110,000 objects of the imports and of botocore's models stay until the end: searching them
    takes a fifth of the start of a command, and a tenth of it if they are searched twice.
    """
    gc.set_threshold(200_000, 50, 100)


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

"""The start and the end of a process that runs one command."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import NoReturn

#: Values on the stack of a function, so that Python allocates 256 KB for it and its calls together.
_STACK_VALUES = 17_000


def collect_garbage_rarely() -> None:
    """Let Python search for garbage after 200,000 new objects instead of 700.

    The 110,000 objects of the imports and of botocore's models stay until the end: searching them
    takes a fifth of the start of a command, and a tenth of it if they are searched twice.
    """
    gc.set_threshold(200_000, 50, 100)


def with_room(function: Callable[[], int]) -> int:
    """Call a function with room on the stack for all of its calls.

    Python allocates the stack in pieces of 16 KB, and requests the next one from the system for
    each call at the end of a piece. Where such a call is repeated, as by the patterns that an
    import deep in other imports compiles, that took a twentieth of the time of a command.
    """
    code = _called.__code__.replace(co_stacksize=_STACK_VALUES)
    return int(FunctionType(code, {})(function))


def _called(function: Callable[[], int]) -> int:
    return function()


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

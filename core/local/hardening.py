"""No core dumps and no tracing by other programs: keys are in this process's memory."""

from __future__ import annotations

import contextlib
import sys

_PR_SET_DUMPABLE = 4  # from <linux/prctl.h>


def harden() -> None:
    """Forbid core dumps of this process and, on Linux, that programs of the same user trace it.

    The limit is inherited by child processes; the mark against tracing is not, so each process
    that handles secrets calls this. On systems without these functions it has no effect.
    """
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(ValueError, OSError):  # a lower hard limit is even better
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        # In a C library without prctl the limit above still holds.
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

"""No core dumps, no tracing by other programs: keys live in this process's memory."""

from __future__ import annotations

import contextlib
import sys


def harden() -> None:
    """Forbid core dumps where the system lets us; elsewhere nothing happens."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):  # a lower hard limit is even better
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

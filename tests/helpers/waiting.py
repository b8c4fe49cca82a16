"""Wait for other processes, with a limit; Qt's waits are in pytest-qt."""

import threading
from collections.abc import Callable
from time import monotonic


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until the condition is true; fail when it is not in time."""
    ends = monotonic() + seconds
    while not condition():
        assert monotonic() < ends, "it did not happen in time"
        threading.Event().wait(0.02)

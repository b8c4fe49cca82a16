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


def in_time(measure: Callable[[], float], seconds: float, attempts: int = 3) -> None:
    """Measure until a time is below its limit: a busy machine delays one of them, a defect all."""
    took = [measure()]
    while took[-1] >= seconds and len(took) < attempts:
        took.append(measure())
    assert took[-1] < seconds, f"it took {took} seconds"

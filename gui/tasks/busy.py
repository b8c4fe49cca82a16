"""Whether the GUI thread is busy, for worker threads that let it draw first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Seconds between two readings of the clock while a worker waits.
_PAUSE = 0.001
#: Seconds of the processor between two readings, above which the thread is busy: an idle event loop
#: uses none.
_IDLE = 0.00005
#: Seconds of one wait at most, and of computing after it, so that a reader always gets on.
_LONGEST, _AFTER = 0.05, 0.01


def busy_clock() -> Callable[[], float] | None:
    """Return what reads the processor time of the present thread in any thread, in seconds.

    None on systems without such a clock: macOS and Windows.
    """
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    read = getattr(time, "clock_gettime", None)
    if clock_of is None or read is None:
        return None
    clock = clock_of(threading.get_ident())
    return lambda: float(read(clock))


class BusyThread:
    """Lets other threads wait while one thread computes.

    Args:
        clock: returns the processor time of that thread in seconds.
        sleep: waits for some seconds.
        now: returns the time in seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - a millisecond, between checks for a cancel
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock, self._sleep, self._now = clock, sleep, now
        self._thread = threading.get_ident()
        self._used = clock()
        self._next = now()

    def wait(self) -> float:
        """Wait while the thread is busy; return the seconds that this took.

        The thread itself does not wait. Several threads may wait at the same time; at worst, one of
        them waits for a pause too few.
        """
        if threading.get_ident() == self._thread or not self._busy():
            return 0.0
        began = self._now()
        if began < self._next:
            return 0.0
        ends = began + _LONGEST
        while True:
            self._sleep(_PAUSE)
            now = self._now()
            if now >= ends:
                self._next = now + _AFTER
                break
            if not self._busy():
                break
        return now - began

    def _busy(self) -> bool:
        used = self._clock()
        busy, self._used = used - self._used > _IDLE, used
        return busy

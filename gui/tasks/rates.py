"""The smoothed speed and remaining time of a task."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from core.units import format_count, format_duration, format_rate, format_size
from core.work import Progress

#: Weight of the newest speed.
_NEWEST = 0.3
#: Seconds without a report after which the last speed is not the present one: the server may be
#: gone, which is only known when its time limit has passed.
_STALE_SECONDS = 8
#: Milliseconds after which a display of a speed should be updated although there was no report.
UPDATE_MS = 2_000


@dataclass(slots=True)
class Pace:
    """The speed of one task in units per second, computed from its progress reports."""

    clock: Callable[[], float] = time.monotonic
    _speed: float = 0.0
    _when: float = 0.0
    _done: int = 0
    _first: bool = True

    @property
    def speed(self) -> float:
        """The speed in units per second; 0 while it is unknown, or if nothing has been reported."""
        return 0.0 if self.is_stale else self._speed

    @property
    def is_stale(self) -> bool:
        """Whether there was a speed, and no report for some seconds."""
        return self._speed > 0 and self.clock() - self._when > _STALE_SECONDS

    def take(self, progress: Progress) -> None:
        """Add a report; progress that goes back (a repeated part) is not counted."""
        now = self.clock()
        if self._first:
            self._when, self._done, self._first = now, progress.done, False
            return
        passed = now - self._when
        if passed < 0.2:  # a speed from so short a time would jump
            return
        fresh = max(progress.done - self._done, 0) / passed
        # An exponential average, which follows changes without storing former speeds.
        self._speed = fresh if not self._speed else self._speed + _NEWEST * (fresh - self._speed)
        self._when, self._done = now, progress.done

    def rate(self, unit: str) -> str:
        """Return the speed as text: bytes as a size, other units as a count."""
        if self.speed <= 0:
            return ""
        if unit == "bytes":
            return format_rate(self.speed)
        return f"{format_count(round(self.speed))}/s"

    def left(self, progress: Progress) -> str:
        """Return the remaining time as text, or an empty text while it is unknown."""
        if not progress.total or self.speed <= 0 or progress.done >= progress.total:
            return ""
        return format_duration((progress.total - progress.done) / self.speed)


def share(progress: Progress | None) -> float | None:
    """Return the completed share between 0 and 1; None while the total is unknown."""
    if progress is None or not progress.total:
        return None
    return min(max(progress.done / progress.total, 0.0), 1.0)


def amount(progress: Progress | None) -> str:
    """Return the progress as text, for example `3 of 120` or `1.9 MB`."""
    if progress is None:
        return ""
    if progress.items_total:
        return f"{format_count(progress.items_done or 0)} of {format_count(progress.items_total)}"
    as_text = format_size if progress.unit == "bytes" else format_count
    if progress.total:
        return f"{as_text(progress.done)} of {as_text(progress.total)}"
    if progress.unit == "bytes":
        return format_size(progress.done)
    return f"{format_count(progress.done)} {progress.unit}".strip()

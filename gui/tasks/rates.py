"""The smoothed speed and remaining time of a task."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.units import format_duration, format_progress, format_rate
from core.work import Progress

#: Shortest time, in seconds, that a speed is computed from: displays of it change only as often,
#: so that those in several places show the same.
_SHORTEST_SECONDS = 0.5
#: Seconds over which a speed is averaged.
_AVERAGED_SECONDS = 4.0
#: Seconds without progress after which the last speed is not the present one: the server may be
#: gone, which is only known when its time limit has passed.
_STALE_SECONDS = 8
#: What a file costs beside its bytes, in bytes: thousands of small files take long at few bytes per
#: second, which says nothing about the large ones behind them.
_FILE_COST = 100_000
#: Milliseconds after which a display of a speed should be updated although there was no report.
UPDATE_MS = 2_000


@dataclass(slots=True)
class Pace:
    """The speed of one task in units per second, computed from its progress reports."""

    clock: Callable[[], float] = time.monotonic
    _speed: float = 0.0
    _when: float = 0.0
    _began: float = 0.0
    _step: float = 0.0
    _done: int = 0
    _effort: float = 0.0
    _effort_speed: float = 0.0
    _first: bool = True

    @property
    def speed(self) -> float:
        """The speed in units per second; 0 while it is unknown, or if there was no progress."""
        return 0.0 if self.is_stale else self._speed

    @property
    def effort_speed(self) -> float:
        """The speed in `effort` per second; 0 while it is unknown, or if there was no progress."""
        return 0.0 if self.is_stale else self._effort_speed

    @property
    def is_stale(self) -> bool:
        """Whether there was a speed, and no progress for some seconds."""
        # Twice the last step: an operation whose steps take a minute is not interrupted.
        limit = max(_STALE_SECONDS, 2 * self._step)
        return self._effort_speed > 0 and self.clock() - self._when > limit

    def take(self, progress: Progress) -> None:
        """Add a report; progress that goes back (a repeated part) is not counted."""
        done = progress.done - progress.reused
        now, worked = self.clock(), effort(done, progress.items_done)
        more = worked - self._effort
        begins = self._first or (self.is_stale and more > 0)
        if begins:
            # What arrives after an interruption had been waiting: it is not the speed from now on.
            self._began, self._first, self._speed, self._effort_speed = now, False, 0.0, 0.0
        elif more > 0:
            passed = now - self._when
            if passed < _SHORTEST_SECONDS:
                return
            self._average(passed, now - self._began, done, worked)
            self._step = passed
        if begins or more > 0:  # reports without progress are no sign that the server still answers
            self._when = now
        self._done, self._effort = done, worked

    def _average(self, passed: float, since_begin: float, done: int, worked: float) -> None:
        # An exponential average, which follows changes without storing former speeds; at first that
        # of the time since the beginning, since buffers take the first bytes at once.
        weight = max(1 - math.exp(-passed / _AVERAGED_SECONDS), passed / since_begin)
        self._speed += weight * (max(done - self._done, 0) / passed - self._speed)
        self._effort_speed += weight * ((worked - self._effort) / passed - self._effort_speed)

    def rate(self, unit: str) -> str:
        """Return the speed as text with its unit, for example `1.2 MB/s` or `900 rows/s`."""
        if self.speed <= 0:
            return ""
        if unit == "bytes":
            return format_rate(self.speed)
        return f"{format_progress(round(self.speed), None, unit)}/s"

    def left(self, progress: Progress) -> str:
        """Return the remaining time as text, or an empty text while it is unknown."""
        if not progress.total or self.effort_speed <= 0 or progress.done >= progress.total:
            return ""
        return format_duration(effort_left(progress) / self.effort_speed)


def effort(size: float, files: int | None) -> float:
    """Return what the time of a transfer is estimated from: its bytes, and a share for each file.

    Args:
        size: bytes, or the unit of a task without files.
        files: number of files; None for a task without files.
    """
    return size + _FILE_COST * (files or 0)


def effort_left(progress: Progress) -> float:
    """Return the `effort` that remains."""
    total = effort(progress.total or 0, progress.items_total)
    return max(total - effort(progress.done, progress.items_done), 0)


def share(progress: Progress | None) -> float | None:
    """Return the completed share between 0 and 1; None while the total is unknown."""
    if progress is None or not progress.total:
        return None
    return min(max(progress.done / progress.total, 0.0), 1.0)


def amount(progress: Progress | None) -> str:
    """Return the progress as text with its unit, for example `3 of 120 files` or `1.9 MB`."""
    if progress is None:
        return ""
    if progress.items_total:
        return format_progress(progress.items_done or 0, progress.items_total, "files")
    return format_progress(progress.done, progress.total, progress.unit)

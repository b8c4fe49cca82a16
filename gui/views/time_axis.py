"""Positions of candles on a linear time axis, and its visible part, without Qt.

Positions are seconds after the beginning of the first candle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.preview import Candles
from core.preview.series import micros_of, moment_at

if TYPE_CHECKING:
    from core.preview.series import Floats

_MICROS = 1_000_000
#: Minimum number of visible candles.
LEAST_CANDLES = 8


class TimeAxis:
    """The beginnings of candles, and what is missing between them.

    Args:
        candles: candles in order of time.
        span: the beginning and the end of the axis in microseconds since 1970, for charts that
            share one; by default those of the candles.

    Attributes:
        starts: the beginning of each candle in seconds, rising, shape (n,).
        step: the seconds that each candle takes.
        total: the end of the last candle in seconds.
        gap_starts: the beginning of each gap, rising, shape (m,).
        gap_ends: the end of each gap, shape (m,).
    """

    def __init__(self, candles: Candles, span: tuple[int, int] | None = None) -> None:
        import numpy as np

        times = candles.series.times
        self._first = int(times[0]) if len(times) else 0
        if span is not None:
            self._first = span[0]
        # In one array: a million candles are shown without a pause of the window.
        self.starts: Floats = np.subtract(times, self._first, dtype=float)
        self.starts /= _MICROS
        self.step = float(candles.step or _usual_distance(self.starts))
        self.total = float(self.starts[-1] + self.step) if len(times) else self.step
        if span is not None:
            self.total = (span[1] - span[0]) / _MICROS
        count = len(candles.gaps)
        after = np.fromiter((gap.after for gap in candles.gaps), np.int64, count)
        before = np.fromiter((gap.before for gap in candles.gaps), np.int64, count)
        self.gap_starts: Floats = self.starts[after] + self.step
        self.gap_ends: Floats = self.starts[before]

    def nearest(self, second: float) -> int:
        """Return the number of the candle nearest to a position on the axis; -1 without candles."""
        if not len(self.starts):
            return -1
        # Candles are compared by their middles, which are half a step after their starts.
        start = second - self.step / 2
        at = int(self.starts.searchsorted(start))
        if at == len(self.starts):
            return at - 1
        before = at and start - self.starts[at - 1] < self.starts[at] - start
        return at - 1 if before else at

    def nearest_start(self, second: float) -> int:
        """Return the number of the candle in which a position is, or the nearest; -1 without any."""
        return self.nearest(second + self.step / 2)

    def middle(self, at: int) -> float:
        """Return the middle of a candle in seconds."""
        return float(self.starts[at]) + self.step / 2

    def moment(self, second: float) -> datetime:
        """Return the time of a position on the axis."""
        return moment_at(self._first + round(second * _MICROS))

    def second(self, moment: datetime) -> float:
        """Return the position of a time on the axis."""
        return (micros_of(moment) - self._first) / _MICROS


def _usual_distance(starts: Floats) -> float:
    """Return the median distance, which ignores gaps that would enlarge a mean."""
    import numpy as np

    return float(np.median(np.diff(starts))) if len(starts) > 1 else 60.0


def span_of(charts: Sequence[Candles]) -> tuple[int, int] | None:
    """Return the beginning and the end of all candles in microseconds; None without any."""
    ends = [
        (int(times[0]), int(times[-1] + TimeAxis(each).step * _MICROS))
        for each in charts
        if len(times := each.series.times)
    ]
    return (min(first for first, _ in ends), max(end for _, end in ends)) if ends else None


@dataclass(frozen=True, slots=True)
class VisibleRange:
    """The visible part of an axis: `width` of `total` from `left`, at least `least`."""

    left: float
    width: float
    total: float
    least: float

    @classmethod
    def complete(cls, axis: TimeAxis) -> VisibleRange:
        """Return a range with all candles."""
        return cls(0.0, axis.total, axis.total, min(axis.total, axis.step * LEAST_CANDLES))

    @property
    def right(self) -> float:
        """The end of the visible part."""
        return self.left + self.width

    def zoomed(self, factor: float, around: float) -> VisibleRange:
        """Return a range with `factor` times the width; the position `around` does not move."""
        width = min(self.total, max(self.least, self.width * factor))
        share = (around - self.left) / self.width if self.width else 0.5
        return self._moved_to(around - share * width, width)

    def moved(self, distance: float) -> VisibleRange:
        """Return a range shifted by a distance within the axis."""
        return self._moved_to(self.left + distance, self.width)

    def showing(self, left: float, right: float) -> VisibleRange:
        """Return a range moved just far enough to show a part of the axis."""
        # One more step than necessary, so that the next candle is visible as well.
        if left < self.left:
            return self._moved_to(left - (right - left), self.width)
        if right > self.right:
            return self._moved_to(right + (right - left) - self.width, self.width)
        return self

    def _moved_to(self, left: float, width: float) -> VisibleRange:
        left = max(0.0, min(left, self.total - width))
        return VisibleRange(left, width, self.total, self.least)

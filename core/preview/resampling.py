"""Candles of a coarser timeframe from those of a finer one, with exact values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from core.preview.candle_blocks import CLOSE, HIGH, LOW, OPEN, VOLUME, joined_values
from core.preview.series import CandleSeries, cell_decimal
from core.preview.values import Candles, Gap

if TYPE_CHECKING:
    from core.preview.series import Moments

_MICROS = 1_000_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_WEEK = 7 * _DAY
#: Weeks begin on Monday; the first one of 1970 was the fifth of January.
_MONDAY = 4 * _DAY
#: The timeframes that are offered, with their seconds.
TIMEFRAMES: dict[str, int] = {
    "5m": 5 * _MINUTE,
    "15m": 15 * _MINUTE,
    "30m": 30 * _MINUTE,
    "1h": _HOUR,
    "4h": 4 * _HOUR,
    "12h": 12 * _HOUR,
    "1d": _DAY,
    "1w": _WEEK,
}


def coarser_timeframes(candles: Candles) -> tuple[str, ...]:
    """Return the timeframes into which the intervals of the candles fit, from fine to coarse."""
    step = candles.step
    if step <= 0 or len(candles.candles) < 2:
        return ()
    return tuple(name for name, size in TIMEFRAMES.items() if size > step and size % step == 0)


def resample(candles: Candles, timeframe: str) -> Candles:
    """Return the candles of a coarser timeframe, whose intervals begin in UTC.

    An interval has the first open, the highest high, the lowest low, the last close and the sum of
    the volumes of its candles, also if some of them are missing.

    Args:
        candles: candles in order of time.
        timeframe: a name in `TIMEFRAMES`.
    """
    import numpy as np

    series, size = candles.series, TIMEFRAMES[timeframe]
    if not len(series):
        return candles
    origin = _MONDAY * _MICROS if size == _WEEK else 0
    width = size * _MICROS
    buckets = (series.times - origin) // width
    starts = np.flatnonzero(np.append(True, buckets[1:] != buckets[:-1]))
    ends = np.append(starts[1:], len(buckets))
    times = buckets[starts] * width + origin
    cells = tuple(_Cells(series, column, starts, ends) for column in range(5))
    made = CandleSeries(times, joined_values(series.floats, starts, ends), cells)
    missing = np.diff(times) // width - 1
    gaps = tuple(Gap(at, at + 1, int(missing[at])) for at in np.flatnonzero(missing > 0).tolist())
    return Candles(candles.symbol, timeframe, made, gaps, size)


class _Cells(Sequence[Any]):
    """One column of resampled candles, each value computed exactly on access."""

    def __init__(self, series: CandleSeries, column: int, starts: Moments, ends: Moments) -> None:
        self._series, self._column = series, column
        self._starts, self._ends = starts, ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        start, end = int(self._starts[index]), int(self._ends[index])
        return _EXACT[self._column](self._series, start, end)


def _extreme(column: int, *, highest: bool) -> Callable[[CandleSeries, int, int], Any]:
    def found(series: CandleSeries, start: int, end: int) -> Any:
        part = series.floats[column, start:end]
        value = part.max() if highest else part.min()
        # Equal doubles may be different numbers: those are compared as written.
        places = (part == value).nonzero()[0].tolist()
        cells = [cell_decimal(series.cell(column, start + at)) for at in places]
        return max(cells) if highest else min(cells)

    return found


def _volume(series: CandleSeries, start: int, end: int) -> Decimal | None:
    cells = [series.cell(VOLUME, at) for at in range(start, end)]
    known = [cell_decimal(cell) for cell in cells if cell is not None]
    return sum(known, Decimal(0)) if known else None


#: How the exact value of each column is found.
_EXACT: tuple[Callable[[CandleSeries, int, int], Any], ...] = (
    lambda series, start, _end: series.cell(OPEN, start),
    _extreme(HIGH, highest=True),
    _extreme(LOW, highest=False),
    lambda series, _start, end: series.cell(CLOSE, end - 1),
    _volume,
)

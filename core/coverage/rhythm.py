"""The rhythm of a stream: the hours and the number of files that are usual around each week.

The data contract states in which folders the files of a kind are, but not how often they are
written: candles may be saved once an hour or once a day. So a stream is compared with itself. For
each week, the nine weeks around it determine the weekdays that usually have files, and the median
number of files of each hour on those days. Weeks and days without any file are left out of the
comparison: a long outage must not become usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    N = TypeVar("N", bound=np.generic)

HOURS = 24
WEEK = 7
#: Weeks before and after a week that determine its rhythm.
_AROUND = 4
#: A number of files is abnormal if it is below the median by this many median deviations, which is
#: about three standard deviations of a normal distribution, or below a tenth of the median.
_DEVIATIONS = 4.5
LEAST_SHARE = 0.1
#: Candles and books of one stream have equal structure, so a much smaller file lacks rows.
_LEAST_SIZE = 0.25
FIXED_ROWS = frozenset({"ohlcv", "orderbook"})
#: Kinds that are written when something happens: the day without a trade of a user is no gap.
EVENTS = frozenset({"user_trades"})


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is usual on each day, as arrays by day and hour, or by day.

    Attributes:
        hours: usual number of files of each hour; 0 where none is expected.
        least: the smallest number of files of each hour that is still normal.
        days: usual number of files of each day; 0 on days on which none is expected.
        least_days: the smallest number of files of each day that is still normal.
        size: usual mean size of a file on each day, in bytes.
    """

    hours: NDArray[np.int32]
    least: NDArray[np.float64]
    days: NDArray[np.int32]
    least_days: NDArray[np.float64]
    size: NDArray[np.float64]


def rhythm_of(files: NDArray[np.int32], sizes: NDArray[np.int64], *, open_end: bool) -> Rhythm:
    """Return the rhythm of a stream.

    Args:
        files: number of files by day and hour; the first and the last day have files.
        sizes: their bytes.
        open_end: whether the last day has not ended, so that it says nothing about full days.
    """
    import numpy as np

    days = len(files)
    weeks = -(-days // WEEK)
    padded = np.zeros((weeks * WEEK, HOURS), dtype=np.int32)
    padded[:days] = files
    active: NDArray[np.bool_] = np.asarray(padded.any(axis=1))
    # Without files in most weeks, the weekdays of the few files are a coincidence.
    if usual_pause(files) > WEEK:
        return without_rhythm(days)
    usual_days = _usual_weekdays(active.reshape(weeks, WEEK), days)
    # The first day rarely begins at midnight; with few days it would distort the median.
    compared = active.copy()
    if compared.sum() > 2:
        compared[0] = False
        if open_end:
            compared[days - 1] = False
    columns = np.concatenate([padded, padded.sum(axis=1, keepdims=True)], axis=1)
    usual, least = _usual_counts(columns.reshape(weeks, WEEK, HOURS + 1), compared)
    expected = np.repeat(usual, WEEK, axis=0) * usual_days.reshape(-1, 1)
    limits = np.repeat(least, WEEK, axis=0)
    return Rhythm(
        expected[:days, :HOURS],
        limits[:days, :HOURS],
        expected[:days, HOURS],
        limits[:days, HOURS],
        np.repeat(_usual_sizes(files, sizes, weeks), WEEK)[:days],
    )


def usual_pause(files: NDArray[np.int32]) -> int:
    """Return the median of the days from one day with files to the next one; 1 for a single day."""
    import numpy as np

    pauses = np.sort(np.diff(np.flatnonzero(files.any(axis=1))))
    return int(pauses[len(pauses) // 2]) if len(pauses) else 1


def without_rhythm(days: int) -> Rhythm:
    """Return a rhythm in which no file is ever expected."""
    import numpy as np

    none, zero = np.zeros((days, HOURS), dtype=np.int32), np.zeros(days)
    return Rhythm(none, none.astype(np.float64), none[:, 0], zero, zero)


def abnormally_small(
    rhythm: Rhythm, files: NDArray[np.int32], sizes: NDArray[np.int64], kind: str
) -> NDArray[np.bool_]:
    """Return the hours whose files are empty, or much smaller than usual for kinds of fixed rows."""
    import numpy as np

    least = rhythm.size * (_LEAST_SIZE if kind in FIXED_ROWS else 0)
    mean = sizes / np.maximum(files, 1)
    return np.asarray((files > 0) & ((mean < least[:, None]) | (sizes == 0)))


def _windows(values: NDArray[N]) -> NDArray[N]:
    """Return for each week (the first axis) the values of the weeks around it, joined."""
    import numpy as np

    padding = [(_AROUND, _AROUND)] + [(0, 0)] * (values.ndim - 1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(values, padding), 2 * _AROUND + 1, 0)
    return np.moveaxis(around, -1, 1)


def _usual_weekdays(active: NDArray[np.bool_], days: int) -> NDArray[np.bool_]:
    """Return by week and weekday whether at least half of the weeks around have files then."""
    import numpy as np

    weeks = len(active)
    within = (np.arange(weeks * WEEK) < days).reshape(weeks, WEEK)
    weighed = within & active.any(axis=1, keepdims=True)
    counted = _windows(weighed.astype(np.int32)).sum(axis=1)
    found = _windows((active & weighed).astype(np.int32)).sum(axis=1)
    # A weekday that occurred only once says nothing: then the days of the stream as a sum decide.
    daily = int(active.sum()) * 2 >= days
    usual = (found * 2 >= counted) & (counted > 1) | (found | daily) & (counted == 1)
    return np.asarray(usual[_filled(counted.any(axis=1))])


def _usual_counts(
    columns: NDArray[np.int32], compared: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return by week and column the median of the compared days, and the smallest normal number."""
    import numpy as np

    weeks, _, width = columns.shape
    around = _windows(columns).reshape(weeks, -1, width).astype(np.float64)
    used = _windows(compared.reshape(weeks, WEEK)).reshape(weeks, -1)
    around[~used] = np.nan
    number = used.sum(axis=1)
    median = _upper_median(around, number)
    deviation = _upper_median(np.abs(around - median[:, None, :]), number)
    least = np.maximum(median - _DEVIATIONS * deviation, median * LEAST_SHARE)
    at = _filled(number > 0)
    return np.nan_to_num(median[at]).astype(np.int32), np.nan_to_num(least[at])


def _upper_median(values: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the medians along the second axis, of which `number` are not NaN.

    Of an even number it is the greater one in the middle, so that an hour with files on half of the
    days is expected to have them.
    """
    import numpy as np

    order = np.sort(values, axis=1)  # NaN is sorted to the end
    at = (number // 2).reshape(-1, *(1,) * (values.ndim - 1))
    return np.take_along_axis(order, at, axis=1)[:, 0]


def _usual_sizes(
    files: NDArray[np.int32], sizes: NDArray[np.int64], weeks: int
) -> NDArray[np.float64]:
    """Return by week the median of the mean sizes of files in an hour."""
    import numpy as np

    mean = np.full((weeks * WEEK, HOURS), np.nan)
    mean[: len(files)] = np.where(files > 0, sizes / np.maximum(files, 1), np.nan)
    around = _windows(mean.reshape(weeks, WEEK * HOURS)).reshape(weeks, -1)
    # `np.pad` fills with zeros, which are no sizes of files before the first week.
    around = np.where(around > 0, around, np.nan)
    number = (~np.isnan(around)).sum(axis=1)
    found = _upper_median(around, number)
    return np.nan_to_num(found[_filled(number > 0)])


def _filled(known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each week the index of the last known week until then, else of the first one."""
    import numpy as np

    at = np.where(known, np.arange(len(known)), -1)
    at = np.maximum.accumulate(at)
    return np.where(at < 0, int(known.argmax()), at)

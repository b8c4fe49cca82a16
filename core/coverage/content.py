"""Intervals without a candle, and why: no file, a file without these rows, or a quiet market.

Exchanges emit no candle for an interval without trades, so an interval that a file leaves out is no
error by itself.

Times that no file covers lack their file, unless files of the stream usually pause then: nights of
exchanges with opening hours, and quiet hours of pairs with few trades. The calendar decides, so
that both agree. A file that cannot be read lacks its rows. Otherwise it is decided in this order:

1. The trades of the symbol: with a trade in the interval the candle was lost; without one, between
   the first and the last trade of a file of trades, the market was quiet.
2. Other symbols that were read: if none of at least two has a candle, the source had an outage.
3. The symbol itself on the days around: if at least one in fifty intervals is empty there, and gaps
   of this length are to be expected, the market is called quiet. Otherwise the candles were lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.coverage.cells import Stream
from core.units import iso_utc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Seconds = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_HOUR, _DAY = 3600, 86_400
#: Days before and after a gap that are compared with it, and the fewest intervals.
_DAYS_AROUND, _LEAST_AROUND = 2, 100
#: Share of empty intervals from which on a pair is sparse.
_SPARSE = 0.02
#: Expected number of equally long gaps in the surroundings from which on a gap is called usual.
_EXPECTED = 0.05
#: Other gaps of at least half the length that make a gap usual: quiet nights come in rows.
_SIMILAR = 2
_LEAST_OTHERS = 2
#: Without so many candles on the days around, nothing is known about the market.
_LEAST_CANDLES = 5
#: Share of files whose rows may begin earlier, or end later, than usual.
_EDGE = 0.05


class ContentState(StrEnum):
    """Why intervals have no candle."""

    NO_FILE = "no file"
    ROWS_MISSING = "rows missing"
    QUIET = "quiet market"


@dataclass(frozen=True, slots=True)
class FileTimes:
    """The times in one file, in seconds since 1970: that of its key, and those of its rows, sorted.

    `readable` is False for a file whose rows could not be read; it has no times.
    """

    moment: int
    times: Seconds
    readable: bool = True


@dataclass(frozen=True, slots=True)
class ContentGap:
    """Consecutive intervals without a candle.

    Attributes:
        stream: the stream.
        state: why they have none.
        begin: the start of the first interval.
        end: the end of the last interval.
        intervals: their number.
        reason: how that was decided, as a sentence.
    """

    stream: Stream
    state: ContentState
    begin: datetime
    end: datetime
    intervals: int
    reason: str

    def row(self) -> dict[str, Any]:
        """Return the values for an export; times are ISO 8601 in UTC."""
        return {
            "kind": self.stream.kind,
            "name": self.stream.name,
            "timeframe": self.stream.timeframe,
            "state": self.state.value,
            "from": iso_utc(self.begin),
            "to": iso_utc(self.end),
            "intervals": self.intervals,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Grid:
    """The intervals of a range: `count` of `step` seconds from `begin` on."""

    begin: int
    step: int
    count: int

    @classmethod
    def of(cls, begin: int, end: int, step: int, files: Sequence[FileTimes]) -> Grid:
        """Return the intervals in a range, which begin like the candles: weeks begin on Mondays."""
        import numpy as np

        times = [each.times for each in files if len(each.times)]
        phase = 0
        if times:
            phases, counts = np.unique(np.concatenate(times) % step, return_counts=True)
            phase = int(phases[counts.argmax()])
        first = begin + (phase - begin) % step
        return cls(first, step, max(0, -(-(end - first) // step)))

    def flags(self, times: Seconds) -> Flags:
        """Return for each interval whether one of the times is in it."""
        import numpy as np

        found = np.zeros(self.count, dtype=bool)
        places = (times - self.begin) // self.step
        found[places[(places >= 0) & (places < self.count)]] = True
        return found

    def covered(self, spans: Seconds) -> Flags:
        """Return which intervals are in one of the spans, an array of first and last times."""
        import numpy as np

        places = (spans - self.begin) // self.step + np.array([0, 1], dtype=np.int64)
        places = np.clip(places, 0, self.count)
        changes = np.zeros(self.count + 1, dtype=np.int64)
        np.add.at(changes, places[:, 0], 1)
        np.add.at(changes, np.maximum(places[:, 1], places[:, 0]), -1)
        return np.asarray(changes.cumsum()[:-1] > 0)


@dataclass(frozen=True, slots=True)
class Candles:
    """Which intervals have a candle, are covered by a file, or by one that cannot be read.

    `pending` are the last ones, whose file may still be on its way.
    """

    present: Flags
    covered: Flags
    unreadable: Flags
    pending: Flags


def candles_of(grid: Grid, files: Sequence[FileTimes], now: int | None = None) -> Candles:
    """Return the intervals of a range that files contain or cover.

    A file that ends early lacks rows, and a quiet one may begin late; neither is a missing file. So
    each file covers the times that files of the stream usually have, relative to the time in the
    key, and at least as long as until the next file usually follows.

    Args:
        grid: the intervals.
        files: the files of the stream.
        now: the time in seconds until which files may have been written; None if all have been.
    """
    import numpy as np

    if not files:
        none = np.zeros(grid.count, dtype=bool)
        return Candles(none, none, none, none)
    present = grid.flags(np.concatenate([each.times for each in files]))
    moments = np.array([each.moment for each in files], dtype=np.int64)
    first, last = _usual_span(grid.step, files, moments)
    spans = np.stack([moments + first, moments + last], axis=1)
    for span, each in zip(spans, files, strict=True):
        if len(each.times):
            span[:] = min(span[0], each.times[0]), max(span[1], each.times[-1])
    damaged = np.array([not each.readable for each in files], dtype=bool)
    pending = np.zeros(grid.count, dtype=bool)
    if now is not None:
        # A file is complete when the next one begins.
        due = (now - _usual_distance(moments) - grid.begin) // grid.step
        last = int(np.flatnonzero(present)[-1]) if present.any() else -1
        pending[max(due, last + 1, 0) :] = True
    covered = grid.covered(spans) | present
    return Candles(present, covered, grid.covered(spans[damaged]), pending)


def pauses_of(grid: Grid, files: Sequence[FileTimes], expected: Sequence[int]) -> Flags:
    """Return the intervals that no expected file would cover.

    Args:
        grid: the intervals.
        files: those of the stream.
        expected: the hours (since 1970) in which files are expected, with or without a file.
    """
    import numpy as np

    moments = np.array([each.moment for each in files], dtype=np.int64)
    first, last = _usual_span(grid.step, files, moments)
    phase = int(np.median(moments % _HOUR)) if len(moments) else 0
    begins = np.array(expected, dtype=np.int64) * _HOUR + phase
    return ~grid.covered(np.stack([begins + first, begins + last], axis=1))


def _usual_span(step: int, files: Sequence[FileTimes], moments: Seconds) -> tuple[int, int]:
    """Return the usual distance of first and last row of a file from the time in its key."""
    import numpy as np

    until_next = max(0, _usual_distance(moments) - step)
    full = [each for each in files if len(each.times)]
    if not full:
        return 0, until_next
    # Not the median: the first row of a sparse pair is rarely that of the first interval.
    firsts = [each.times[0] - each.moment for each in full]
    lasts = [each.times[-1] - each.moment for each in full]
    first = int(np.quantile(firsts, _EDGE, method="lower"))
    last = int(np.quantile(lasts, 1 - _EDGE, method="higher"))
    return first, max(last, first + until_next)


def _usual_distance(moments: Seconds) -> int:
    """Return the usual seconds from one file to the next one, 0 for a single file."""
    import numpy as np

    distances = np.diff(np.unique(moments))
    return int(np.median(distances)) if len(distances) else 0


def absent_runs(candles: Candles) -> list[tuple[int, int]]:
    """Return begin and end of each run of covered intervals without a candle."""
    return _runs(candles.covered & ~candles.present & ~candles.pending)


def gaps_in_content(
    stream: Stream,
    grid: Grid,
    candles: Candles,
    *,
    trades: Sequence[FileTimes] = (),
    others: Sequence[Candles] = (),
    pauses: Flags | None = None,
) -> list[ContentGap]:
    """Return all intervals without a candle, in order of time.

    Args:
        stream: the stream.
        grid: the intervals.
        candles: those of the stream.
        trades: the times of the symbol's trades, as far as they were read.
        others: the candles of other symbols of the same timeframe, on the same grid.
        pauses: in which intervals files of the stream are not expected.
    """
    judge = _Judge(grid, candles, trades, others)
    paused = judge.untraded(pauses) if pauses is not None else ~candles.covered & False
    uncovered = ~candles.covered & ~candles.pending
    found = [
        _gap(stream, grid, run, ContentState.NO_FILE, "No file covers this time.")
        for run in _runs(uncovered & ~paused)
    ]
    found += [
        _gap(stream, grid, run, ContentState.QUIET, "The stream usually has no file at this time.")
        for run in _runs(uncovered & paused)
    ]
    for run in absent_runs(candles):
        state, reason = judge.verdict(*run)
        found.append(_gap(stream, grid, run, state, reason))
    return sorted(found, key=lambda gap: gap.begin)


class _Judge:
    """Decides why covered intervals have no candle."""

    def __init__(
        self,
        grid: Grid,
        candles: Candles,
        trades: Sequence[FileTimes],
        others: Sequence[Candles],
    ) -> None:
        import numpy as np

        self._others, self._unreadable = others, candles.unreadable
        self._around = max(_DAYS_AROUND * _DAY // grid.step, _LEAST_AROUND)
        # A file that cannot be read says nothing about how often the pair is quiet.
        readable = candles.covered & ~candles.unreadable
        self._absent = np.append(0, (readable & ~candles.present).cumsum())
        self._covered = np.append(0, readable.cumsum())
        self._runs = np.array(absent_runs(candles), dtype=np.int64).reshape(-1, 2)
        full = [each.times for each in trades if len(each.times)]
        none = np.empty(0, dtype=np.int64)
        self._traded = grid.flags(np.concatenate(full) if full else none)
        spans = np.array([[times[0], times[-1]] for times in full], dtype=np.int64).reshape(-1, 2)
        self._trades_known = grid.covered(spans)

    def untraded(self, pauses: Flags) -> Flags:
        """Return the pauses without those in which trades are stored."""
        untraded = pauses.copy()
        for begin, end in _runs(pauses):
            untraded[begin:end] &= not self._traded[begin:end].any()
        return untraded

    def verdict(self, begin: int, end: int) -> tuple[ContentState, str]:
        """Return the state of a run, and the reason."""
        if self._unreadable[begin:end].any():
            return ContentState.ROWS_MISSING, "A file of this time cannot be read."
        if self._traded[begin:end].any():
            return ContentState.ROWS_MISSING, "There were trades at this time."
        if self._trades_known[begin:end].all():
            return ContentState.QUIET, "The stored trades have none at this time."
        others = [each for each in self._others if each.covered[begin:end].all()]
        if len(others) >= _LEAST_OTHERS and not any(
            each.present[begin:end].any() for each in others
        ):
            return ContentState.ROWS_MISSING, "Other symbols have no candle at this time either."
        return self._by_itself(begin, end)

    def _by_itself(self, begin: int, end: int) -> tuple[ContentState, str]:
        length = end - begin
        first, last = max(0, begin - self._around), min(len(self._covered) - 1, end + self._around)
        number = int(self._covered[last] - self._covered[first]) - length
        empty = int(self._absent[last] - self._absent[first]) - length
        if number - empty < _LEAST_CANDLES:
            reason = "The files of the days around have hardly any candle."
            return ContentState.ROWS_MISSING, reason
        share = empty / number
        if share < _SPARSE:
            reason = "This pair has hardly any empty interval on the days around."
            return ContentState.ROWS_MISSING, reason
        near = self._runs[(self._runs[:, 1] > first) & (self._runs[:, 0] < last)]
        similar = int(((near[:, 1] - near[:, 0]) * 2 >= length).sum()) - 1
        if similar >= _SIMILAR or number * share**length >= _EXPECTED:
            return ContentState.QUIET, "Such gaps are usual for this pair on the days around."
        return ContentState.ROWS_MISSING, "This gap is longer than the usual ones of this pair."


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """Return begin and end of each run of true values."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _gap(
    stream: Stream, grid: Grid, run: tuple[int, int], state: ContentState, reason: str
) -> ContentGap:
    begin, end = (datetime.fromtimestamp(grid.begin + at * grid.step, UTC) for at in run)
    return ContentGap(stream, state, begin, end, run[1] - run[0], reason)


def joined_windows(
    grid: Grid, runs: Sequence[tuple[int, int]], distance: int
) -> list[tuple[int, int]]:
    """Return begin and end of the times that contain the runs, in seconds.

    Runs that are at most `distance` seconds apart share a window, so that no file is read twice.
    """
    found: list[tuple[int, int]] = []
    for run in runs:
        begin, end = (grid.begin + at * grid.step for at in run)
        if found and begin - found[-1][1] <= distance:
            found[-1] = found[-1][0], end
        else:
            found.append((begin, end))
    return found

"""Conversion of rows to columns of candles: regular rows in chunks, others one by one.

A row is regular if it has the form of its neighbours and plain numbers. All others are read by
`RowReader`, so both ways have the same result.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from core.preview.candle_rows import FIELDS, TIME, RowReader, column_order
from core.preview.numbers import number_text
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.row_order import time_text
from core.preview.series import Candle, micros_of
from core.units import as_utc, format_counted

if TYPE_CHECKING:
    from core.preview.series import Floats, Moments

#: Rows of a chunk, whose values fit in the processor's cache.
_CHUNK = 2048
#: Number of irregular rows that are always read, which takes a tenth of a second.
_MANY_ODD = 5_000
#: Longer texts are not ordinary numbers; see `core.preview.exact`.
_MOST_CHARS = 60
#: Doubles between these bounds (and zero) are within those of `core.preview.exact` in any case.
_LEAST, _MOST = 2e-30, 9e30
#: Numbers of which some are dates; see `core.preview.exact`.
_DATES = ((19000101, 20991231), (19000101000000, 20991231235959))
#: Bounds of epoch numbers in seconds, milli- and microseconds, with microseconds for each unit.
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
_NANOSECONDS = 1_000
#: Range of `datetime` in microseconds.
_FIRST, _LAST = (micros_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (1, 9999))
#: Types of JSON values that are not numbers, although `float` accepts some of them.
_OTHER_KINDS = {type(None), bool, dict, list}
#: Seconds up to which doubles have microsecond precision (the year 2106).
_EXACT_SECONDS = 2**32


@dataclass(slots=True)
class Columns:
    """The candles of a file in the order of its rows.

    `times`, `floats`, `cells` and `places` are those of `CandleSeries`; `rows` has the number of
    each candle's row, `empty` the beginnings of intervals without prices, in microseconds.
    """

    times: Moments
    floats: Floats
    rows: Moments
    places: Moments
    cells: Sequence[Sequence[Any]]
    empty: Sequence[int]

    def reversed(self) -> Columns:
        """Return the same candles, the last one first."""
        back = slice(None, None, -1)
        columns = self.times[back], self.floats[:, back], self.rows[back], self.places[back]
        return Columns(*columns, self.cells, self.empty)

    def with_volume(self, which: Moments) -> Any:
        """Return for some of the candles whether they have a volume."""
        import numpy as np

        volumes = self.cells[-1]
        found = (volumes[place] is not None for place in self.places[which].tolist())
        return np.fromiter(found, bool, len(which))


def read_columns(rows: Sequence[Any], reading: Reading) -> Columns:
    """Return the candles of `rows`; problems of rows are added to the findings."""
    import numpy as np

    if isinstance(known := getattr(rows, "columns", None), Columns):
        return known
    reader = _ColumnReader(rows, reading)
    cap = min(len(rows), reading.limits.shown)
    parts = []
    for start in range(0, cap, _CHUNK):
        if reading.deadline.overdue or reader.late:
            cap = start
            break
        parts.append(reader.chunk(start, min(start + _CHUNK, cap)))
    if cap < len(rows):
        finding = f"only the first {cap:,} of {format_counted(len(rows), 'candle')} are shown"
        reading.findings.note(ProblemKind.LIMIT, finding)
    # `concatenate` refuses an empty list, and a file may have no candles.
    none = (np.zeros(0, np.int64), np.zeros((5, 0)), np.zeros(0, np.int64))
    parts.append(none)
    times = np.concatenate([part[0] for part in parts])
    floats = np.concatenate([part[1] for part in parts], axis=1)
    numbers = np.concatenate([part[2] for part in parts])
    return Columns(times, floats, numbers, np.arange(len(times)), reader.cells, reader.empty)


class _ColumnReader:
    """Reads one chunk after the other; `cells` and `empty` grow."""

    def __init__(self, rows: Sequence[Any], reading: Reading) -> None:
        self._rows = rows
        self._reading = reading
        self._reader = RowReader(column_order(rows, reading.findings), reading.findings)
        self._odd = 0
        self._deadline = reading.next_deadline()
        self.cells: list[list[Any]] = [[] for _ in FIELDS]
        self.empty: list[int] = []

    @property
    def late(self) -> bool:
        """Whether reading irregular rows has taken too long."""
        return self._odd > _MANY_ODD and self._deadline.passed

    def chunk(self, start: int, end: int) -> tuple[Moments, Floats, Moments]:
        """Return times, doubles and row numbers of the candles from one row to before another."""
        import numpy as np

        size = end - start
        times, floats = np.zeros(size, np.int64), np.zeros((5, size))
        cells, good = self._regular(self._rows[start:end], times, floats)
        for at in np.flatnonzero(~good).tolist():
            candle = self._single(start + at)
            if candle is not None:
                good[at] = True
                times[at] = micros_of(candle.when)
                # A missing volume is zero in the drawing; the exact cell remains None.
                floats[:, at] = [float(value or 0) for value in candle.values]
                for column, value in zip(cells, candle.values, strict=True):
                    column[at] = value
        numbers = np.arange(start, end)
        if not good.all():
            times, floats, numbers = times[good], floats[:, good], numbers[good]
            cells = [list(itertools.compress(column, good.tolist())) for column in cells]
        for all_of, part in zip(self.cells, cells, strict=True):
            all_of.extend(part)
        return times, floats, numbers

    def _regular(
        self, rows: Sequence[Any], times: Moments, floats: Floats
    ) -> tuple[list[list[Any]], Any]:
        """Fill times and doubles of regular rows; return the cells and which rows are regular."""
        import numpy as np

        columns = _written_columns(rows, self._reader.order.places)
        if columns is None:
            return [[None] * len(rows) for _ in FIELDS], np.zeros(len(rows), bool)
        good = fill_times(columns[0], times)
        for number, column in enumerate(columns[1:]):
            good &= _fill_floats(column, floats[number], optional=number == len(FIELDS) - 1)
        return columns[1:], good

    def _single(self, number: int) -> Candle | None:
        """Read a single row."""
        reader, findings = self._reader, self._reading.findings
        if self._reading.truncated and number == len(self._rows) - 1:  # one cause is sufficient
            candle = RowReader(reader.order, Findings()).candle(self._rows[number], number)
            return candle if isinstance(candle, Candle) else None
        self._odd += 1
        candle = reader.candle(self._rows[number], number)
        if isinstance(candle, datetime):
            self.empty.append(micros_of(candle))
            finding = f"empty interval: no prices at {time_text(candle)}"
            findings.add(Problem(ProblemKind.GAP, finding, row=number, start=candle, end=candle))
            return None
        return candle


def _written_columns(rows: Sequence[Any], places: Sequence[int]) -> list[list[Any]] | None:
    """Return time, open, high, low, close and volume of rows of one form; None for mixed ones."""
    # One call for all rows is much faster than a test of each.
    kinds = set(map(type, rows))
    if kinds == {list}:
        longest = max(map(len, rows))
        keys: list[Any] = [0, *places[:-1], places[-1] if places[-1] < longest else None]
    elif kinds == {dict}:
        keys = candle_names(rows[0])
    else:
        return None
    if None in keys[:-1] or not _alike(rows, len(set(keys) - {None})):
        return None
    absent = [None] * len(rows)
    try:
        return [absent[:] if key is None else list(map(itemgetter(key), rows)) for key in keys]
    except (KeyError, IndexError):
        return None


def candle_names(record: dict[str, Any]) -> list[Any]:
    """Return the names of time, open, high, low, close and volume in a record, None without one."""
    return [_name_in(record, names) for names in (TIME, *(names for _, names in FIELDS))]


def _alike(rows: Sequence[Any], used: int) -> bool:
    """Return whether no row has other relevant names, if all rows have the used ones."""
    lengths = set(map(len, rows))
    if isinstance(rows[0], list) or lengths == {used}:
        return True
    return len(lengths) == 1 and len(set(map(tuple, rows))) == 1


def _name_in(record: dict[str, Any], names: Sequence[str]) -> str | None:
    """Return the name in a record that `first_of` would use."""
    exact = next((name for name in names if name in record), None)
    if exact is not None:
        return exact
    lowered = {name.lower(): name for name in record}
    return next((lowered[name] for name in names if name in lowered), None)


def _fill_floats(cells: Sequence[Any], into: Floats, *, optional: bool) -> Any:
    """Convert one column; return which of its cells are ordinary numbers (or absent ones)."""
    import numpy as np

    kinds = set(map(type, cells))
    convert: Callable[[Any], float] = _float_of if kinds & _OTHER_KINDS else float
    try:
        # `float` is tried for all cells first; one that is no number makes only this column slower.
        into[:] = np.fromiter(map(convert, cells), float, len(cells))
    except (ValueError, OverflowError):
        into[:] = np.fromiter(map(_float_of, cells), float, len(cells))
    if optional and kinds & _OTHER_KINDS:
        into[np.fromiter((cell is None for cell in cells), bool, len(cells))] = 0.0
    good = ordinary_values(into)
    if str in kinds:
        good &= _short(cells)
    return good


def ordinary_values(values: Floats) -> Any:
    """Return a mask of the doubles that are those of ordinary numbers."""
    import numpy as np

    size = np.abs(values)
    return ((size < _MOST) & (size > _LEAST)) | (values == 0)


def _short(cells: Sequence[Any]) -> Any:
    import numpy as np

    lengths = (len(cell) if isinstance(cell, str) else 0 for cell in cells)
    return np.fromiter(lengths, np.int64, len(cells)) <= _MOST_CHARS


def _float_of(cell: Any) -> float:
    """Return a cell as a double, NaN if it is no number."""
    text = cell if isinstance(cell, str) else number_text(cell)
    try:
        return float("nan") if text is None else float(text)
    except ValueError:
        return float("nan")


def fill_times(cells: Sequence[Any], into: Moments) -> Any:
    """Convert the column of times; return the mask of converted ones, which is all or none."""
    import numpy as np

    kinds = set(map(type, cells))
    try:
        if kinds == {int}:
            into[:] = _epoch_micros(np.array(cells, dtype=np.int64))
            return np.ones(len(cells), bool)
        if kinds == {str}:
            into[:] = _text_micros(cells)
            return np.ones(len(cells), bool)
    except (ValueError, OverflowError):
        pass
    return np.zeros(len(cells), bool)


def _epoch_micros(numbers: Moments) -> Moments:
    """Return epoch numbers of any unit in microseconds; the unit is found as in `exact`."""
    import numpy as np

    sizes = np.abs(numbers)
    # Zero and numbers beyond nanoseconds have no unambiguous unit.
    if sizes.min() < 1 or sizes.max() >= 10**18:
        raise ValueError
    # Some of these are dates such as 20240115, which `exact` recognizes.
    if any(((sizes >= first) & (sizes <= last)).any() for first, last in _DATES):
        raise ValueError
    known = [sizes < bound for bound, _ in _UNITS]
    scaled = [numbers * factor for _, factor in _UNITS]
    micros = np.select(known, scaled, numbers // _NANOSECONDS)
    return _dated(micros)


def _dated(micros: Moments) -> Moments:
    """Return the times if all are in the range of `datetime`."""
    if micros.min() < _FIRST or micros.max() > _LAST:
        raise ValueError
    return micros


def _text_micros(cells: Sequence[str]) -> Moments:
    """Return times written as ISO 8601 (no zone: UTC) or as digits in microseconds."""
    import numpy as np

    if max(map(len, cells)) > _MOST_CHARS:
        raise ValueError
    joined = "".join(cells)
    if joined.isascii() and joined.isdigit():
        numbers = np.array(list(map(int, cells)), dtype=np.int64)
        # The limit of `exact.moment_of`: smaller numbers in texts are no epoch numbers.
        if numbers.min() <= 10_000_000:
            raise ValueError
        return _epoch_micros(numbers)
    moments = list(map(datetime.fromisoformat, cells))
    if any(moment.tzinfo is None for moment in moments):
        moments = list(map(as_utc, moments))
    seconds = np.fromiter(map(datetime.timestamp, moments), float, len(cells))
    if np.abs(seconds).max() > _EXACT_SECONDS:
        raise ValueError
    micros: Moments = np.rint(seconds * 1_000_000).astype(np.int64)
    return micros

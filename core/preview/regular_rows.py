"""Candles of regular JSON texts, read by columns without an object for each value.

A program that writes candles gives all rows the same form: the same names, spaces and marks, and
only the values differ. The marks of all rows are located with numpy and compared with those of the
first row, which the parser reads. What is between them are the values as written. A text of any
other form is left to the other readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.preview.candle_columns import Columns, candle_names, fill_times, ordinary_values
from core.preview.json_runs import first_row_of, parse_exact
from core.preview.limits import Limits
from core.preview.number_texts import numbers_of
from core.preview.packed_texts import PackedTexts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Positions = NDArray[np.int64]
    Letters = NDArray[np.uint8]

_QUOTE, _COLON, _COMMA = b'":,'
_BRACKETS = b"{}[]"
_LEAST_LETTER = b" "[0]
_BACKSLASH = b"\\"[0]
#: The form of the most common time of a candle; `0` is any digit.
_TIME = b"0000-00-00T00:00:00Z"
_DAY = 86_400
#: Letters of a value at most: a column is a matrix that has room for the longest in each row.
_MOST_LETTERS = 64
#: Fewer rows are read as quickly by the other readers.
_FEWEST = 100


class RegularRows(list[Any]):
    """The first row of a list, and the columns of all its candles."""

    columns: Columns


def regular_document(text: str, limits: Limits) -> dict[str, Any] | None:
    """Return an object whose list of candles is a `RegularRows`; None for any other text."""
    begin = first_row_of(text) if text.isascii() else None
    if begin is None:
        return None
    end = text.rfind("}", begin, text.rfind("]")) + 1
    try:
        first = text[begin : text.index("}", begin) + 1]
        row = parse_exact(first)
        columns = _columns(text[begin:end].encode(), first.encode(), row, limits)
        document = parse_exact(f"{text[:begin]}{first}{text[end:]}")
    except ValueError:  # the text is no JSON, or of another form
        return None
    return document if isinstance(document, dict) and _replaced(document, row, columns) else None


def _replaced(document: dict[str, Any], row: Any, columns: Columns) -> bool:
    """Put the columns into the object that has the list with one row."""
    for name, value in document.items():
        # Nothing but the first row is left of the rows.
        if isinstance(value, list) and len(value) == 1 and list(value[0]) == list(row):
            rows = RegularRows(value)
            rows.columns = columns
            document[name] = rows
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Value:
    """Where a value of a row is: after a mark and so many letters, and before another mark."""

    name: str
    after: int
    skipped: int
    before: int
    text: bool


def _require(holds: object) -> None:
    if not holds:
        message = "rows of another form"
        raise ValueError(message)


def _columns(data: bytes, first: bytes, row: Any, limits: Limits) -> Columns:
    """Return the candles of rows that have the form of the first one.

    Raises:
        ValueError: some rows have another form.
    """
    import numpy as np

    _require(isinstance(row, dict))
    names = candle_names(row)
    _require(None not in names[:-1])
    letters = np.frombuffer(data, np.uint8)
    # A backslash or a control character may change what the marks after it mean.
    _require(letters.min() >= _LEAST_LETTER and not (letters == _BACKSLASH).any())
    values = _values_of(first, row)
    places = _marks(letters, first)
    _require(_FEWEST <= len(places) <= limits.shown)
    _check_between(letters, places, values)
    found: dict[str, Any] = {}
    for value in values:
        starts, ends = places[:, value.after] + value.skipped, places[:, value.before]
        lengths = ends - starts
        _require(lengths.max() <= _MOST_LETTERS)
        texts = _Texts(letters, starts, lengths)
        is_time = value.name == names[0]
        found[value.name] = texts.times() if is_time else texts.column(text=value.text)
    return _candles(found, names, len(places))


def _candles(found: dict[str, Any], names: Sequence[str | None], count: int) -> Columns:
    """Return the columns by name as candles."""
    import numpy as np

    floats, cells = np.zeros((5, count)), list[Sequence[Any]]()
    for number, name in enumerate(names[1:]):
        if name is None:  # candles without a volume
            cells.append([None] * count)
            continue
        texts, doubles = found[name]
        _require(doubles is not None and ordinary_values(doubles).all())
        floats[number] = doubles
        cells.append(texts)
    rows = np.arange(count)
    return Columns(found[str(names[0])], floats, rows, rows, cells, ())


def _values_of(first: bytes, row: dict[str, Any]) -> list[_Value]:
    """Return where the values of the first row are."""
    marks = [at for at, letter in enumerate(first) if letter in b'":,{}[]']
    found = []
    at = 1  # after the bracket
    for name in row:
        # A name in quotes, without marks in it, and a colon.
        colon = at + 2
        _require(colon < len(marks) and first[marks[colon]] == _COLON)
        start = marks[colon] + 1
        while first[start : start + 1] == b" ":
            start += 1
        text = first[start] == _QUOTE
        after, skipped = (colon + 1, 1) if text else (colon, start - marks[colon])
        before = after + 1
        if text:  # a time may have colons
            while before < len(marks) and first[marks[before]] != _QUOTE:
                before += 1
        found.append(_Value(name, after, skipped, before, text))
        at = before + (2 if text else 1)
    # What follows the last value is the closing bracket, and there is nothing else.
    _require(at == len(marks))
    return found


def _marks(letters: Letters, first: bytes) -> Positions:
    """Return the positions of the marks of each row, which are those of the first, shape (rows, marks)."""
    import numpy as np

    chosen = np.zeros(256, bool)
    chosen[[_QUOTE, _COLON, _COMMA, *_BRACKETS]] = True
    expected = np.array([each for each in first if chosen[each]] + [_COMMA], np.uint8)
    places = np.flatnonzero(chosen[letters])
    # Between two rows there is a comma; one is added after the last row.
    _require((len(places) + 1) % len(expected) == 0)
    marks = np.append(letters[places], np.uint8(_COMMA)).reshape(-1, len(expected))
    _require((marks == expected).all())
    return np.append(places, len(letters)).reshape(-1, len(expected))


def _check_between(letters: Letters, places: Positions, values: Sequence[_Value]) -> None:
    """Check that all rows have the same letters outside of their values."""
    import numpy as np

    left, edges = 0, []
    for value in values:
        edges.append((left, value.after, value.skipped))
        left = value.before
    last = places.shape[1] - 2
    for begin, end, skipped in [*edges, (left, last, 1)]:
        starts = places[:, begin]
        lengths = places[:, end] + skipped - starts
        _require((lengths == lengths[0]).all())
        part = letters[starts[:, None] + np.arange(lengths[0])]
        _require((part == part[0]).all())
    # From the end of a row to the beginning of the next one.
    ends, begins = places[:-1, last] + 1, places[1:, 0]
    lengths = begins - ends
    _require((lengths == lengths[0]).all())
    between = letters[ends[:, None] + np.arange(lengths[0])]
    _require((between == between[0]).all() and between[0].tobytes().strip(b" ") == b",")


class _Texts:
    """The texts of a column as a matrix of letters.

    Args:
        letters: the bytes of all rows.
        starts: where each text begins.
        lengths: how many letters it has.
    """

    def __init__(self, letters: Letters, starts: Positions, lengths: Positions) -> None:
        import numpy as np

        self.lengths = lengths
        steps = np.arange(max(1, int(lengths.max())))
        # Behind the last letter there may be nothing.
        self.letters = letters.take(starts[:, None] + steps, mode="clip")
        self.inside = steps < lengths[:, None]

    def packed(self) -> PackedTexts:
        """Return the texts in packed form."""
        import numpy as np

        ends = np.cumsum(self.lengths, dtype=np.uint32)
        return PackedTexts(self.letters[self.inside], ends)

    def column(self, *, text: bool) -> tuple[PackedTexts, Any]:
        """Return the texts, and the doubles if they are numbers."""
        packed = self.packed()
        if text:
            return packed, None
        doubles = numbers_of(self.letters, self.lengths, packed)
        _require(doubles is not None)
        return packed, doubles

    def times(self) -> Positions:
        """Return the times in microseconds since 1970."""
        import numpy as np

        times = self._iso_times()
        if times is None:
            cells: list[Any] = list(self.packed()[:])
            # Whether digits are a number or a text decides about their unit.
            _require(not all(cell.isdigit() for cell in cells))
            times = np.zeros(len(cells), np.int64)
            _require(fill_times(cells, times).all())
        return times

    def _iso_times(self) -> Positions | None:
        """Return times such as `2024-01-15T10:30:00Z`; None for any other."""
        import numpy as np

        form = np.frombuffer(_TIME, np.uint8)
        if self.letters.shape[1] != len(form) or (self.lengths != len(form)).any():
            return None
        digits = form == b"0"[0]
        numbers = self.letters[:, digits] - np.uint8(b"0"[0])
        if (numbers > 9).any() or (self.letters[:, ~digits] != form[~digits]).any():
            return None
        tens = numbers.reshape(len(numbers), -1, 2).astype(np.int64) @ np.array([10, 1])
        century, year, month, day, *clock = tens.T
        years = century * 100 + year
        months = ((years - 1970) * 12 + month - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (day - 1)
        real = (years > 0) & (month > 0) & (month <= 12) & (day > 0)
        real &= days.astype("datetime64[M]") == months
        for part, most in zip(clock, (23, 59, 59), strict=True):
            real &= part <= most
        if not real.all():
            return None
        hours, minutes, seconds = clock
        micros: Positions = days.astype(np.int64) * _DAY + hours * 3600 + minutes * 60 + seconds
        return micros * 1_000_000

"""The cells of one column with their kinds and values, read once for sorting, filters and statistics.

Doubles only speed up comparisons: rounding never exchanges two numbers, so what two different
doubles compare to is exact, and for equal doubles the numbers as written are compared.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING, Any

from core.preview.cells import (
    may_have_decimal_comma,
    needs_decimal_comma,
    plain_number,
    reads_as_number,
    writes_decimal_comma,
)
from core.preview.series import micros_of
from core.preview.values import Table
from core.units import as_utc
from core.work import Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.preview.series import Floats

    Positions = NDArray[np.int64]

#: Cells between two checks for a cancel, and values that are sorted at once: Python runs no other
#: thread until such a call has returned, and the thread of the window waits many times in a frame.
PART = 1_024
#: Values of the sample by which longer lists are divided for sorting, and values for each part.
_SAMPLE, _PART_OF_SAMPLE = 2_048, 8
#: Different values of a column that are stored while it is read.
_MOST_VALUES = 20_000
#: Different numbers with at most so many characters and no exponent have different doubles (IEEE
#: 754: 15 significant digits survive).
_EXACT_CHARS = 15
#: The digits of a time after those of microseconds.
_FINER = re.compile(r"\.\d{6}(\d+)")
#: Infinite numbers as Python, DuckDB and JavaScript write them; others may be names.
_INFINITE = frozenset({"inf", "-inf", "Infinity", "-Infinity"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]|\Z)")


class CellKind(IntEnum):
    """The kind of a cell; its value is the position of the kind in an ascending order."""

    NUMBER = 0
    TIME = 1
    TEXT = 2
    EMPTY = 3


@dataclass(frozen=True, slots=True)
class Column:
    """The cells of a column.

    Attributes:
        texts: the cells as shown.
        kinds: the `CellKind` of each, shape (n,).
        keys: the nearest double of each number, the microseconds since 1970 of each time, else 0;
            shape (n,).
        comma: whether the numbers have decimal commas, see `core.preview.cells`.
        guessed: whether the numbers might also be read otherwise, as `1,234`: the separator of the
            file decides.
    """

    texts: list[str]
    kinds: NDArray[np.uint8]
    keys: Floats
    comma: bool = False
    guessed: bool = False

    def at(self, rows: Positions) -> Column:
        """Return some of the cells as a column."""
        texts = [self.texts[row] for row in rows.tolist()]
        return Column(texts, self.kinds[rows], self.keys[rows], self.comma, self.guessed)


def read_column(table: Table, at: int, work: Work) -> Column:
    """Return the cells of the column with the number `at`.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    count = len(table.rows)
    texts: list[str] = []
    for rows in parts_of(count, work):
        texts += cells_of(table, at, rows)
    values = _Values()
    column = _column_of(texts, values, work)
    if not (values.commas or values.ambiguous):
        return column
    certain, possible = (
        writes_decimal_comma(
            chain.from_iterable(texts[part.start : part.stop] for part in parts_of(count, work)),
            semicolons=semicolons,
        )
        for semicolons in (False, True)
    )
    guessed = possible and not certain
    if certain or (possible and table.semicolons):
        column = _column_of(texts, _Values(comma=True), work)
    return replace(column, guessed=guessed)


def _column_of(texts: list[str], values: _Values, work: Work) -> Column:
    import numpy as np

    kinds, keys = np.empty(len(texts), np.uint8), np.zeros(len(texts))
    for rows in parts_of(len(texts), work):
        found = [values[text] for text in texts[rows.start : rows.stop]]
        kinds[rows.start : rows.stop] = [kind for kind, _ in found]
        keys[rows.start : rows.stop] = [key for _, key in found]
    return Column(texts, kinds, keys, values.comma)


class _Values(dict[str, tuple[CellKind, float]]):
    """The values of cells, of which a column often has many equal ones.

    `commas` is whether one of them can only be a number with a decimal comma, and `ambiguous`
    whether one may be such a number.
    """

    def __init__(self, *, comma: bool = False) -> None:
        super().__init__()
        self.comma, self.commas, self.ambiguous = comma, False, False

    def __missing__(self, text: str) -> tuple[CellKind, float]:
        value = value_of(text, comma=self.comma)
        bare = text.strip()
        self.commas = self.commas or needs_decimal_comma(bare)
        self.ambiguous = self.ambiguous or may_have_decimal_comma(bare)
        if len(self) < _MOST_VALUES:
            self[text] = value
        return value


def cells_of(table: Table, at: int, rows: range) -> list[str]:
    """Return consecutive cells of a column."""
    if isinstance(table.rows, list | tuple):
        return [row[at] for row in table.rows[rows.start : rows.stop]]
    return [table.cell(row, at) for row in rows]


def parts_of(count: int, work: Work) -> Iterator[range]:
    """Yield the positions below `count` in parts, and check for a cancel before each.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    for start in range(0, count, PART):
        work.check()
        yield range(start, min(start + PART, count))


def value_of(text: str, *, comma: bool = False) -> tuple[CellKind, float]:
    """Return the kind of a cell and its key, see `Column`."""
    bare = text.strip()
    if not bare:
        return CellKind.EMPTY, 0.0
    if reads_as_number(bare, comma=comma) or bare in _INFINITE:
        return CellKind.NUMBER, float(plain_number(bare, comma=comma))
    if _DATE.match(bare) is not None:
        try:
            return CellKind.TIME, float(micros_of(as_utc(datetime.fromisoformat(bare))))
        except (ValueError, OverflowError):
            return CellKind.TEXT, 0.0
    return CellKind.TEXT, 0.0


def exact_value(kind: CellKind, text: str, *, comma: bool = False) -> Decimal:
    """Return the number of a cell as written, or the microseconds since 1970 of a time."""
    if kind is CellKind.NUMBER:
        return Decimal(plain_number(text.strip(), comma=comma))
    micros = Decimal(micros_of(as_utc(datetime.fromisoformat(text.strip()))))
    # Python reads microseconds; Parquet files also have times in nanoseconds.
    finer = _FINER.search(text)
    return micros + Decimal(f"0.{finer[1]}") if finer else micros


def order_of(column: Column, *, backwards: bool, work: Work) -> Positions:
    """Return the positions of the cells in order: numbers, times, texts, and empty cells.

    Numbers are compared by their exact values, texts without regard to case. Equal cells stay in
    the order of the table. Backwards, texts come first and numbers last; empty cells are at the end
    in both directions.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    import numpy as np

    kinds = [CellKind.NUMBER, CellKind.TIME, CellKind.TEXT]
    ordered = []
    for kind in reversed(kinds) if backwards else kinds:
        rows = np.flatnonzero(column.kinds == kind)
        if kind is CellKind.TEXT:
            keys: Any = _ranks([column.texts[row].casefold() for row in rows.tolist()], work)
        else:
            keys = column.keys[rows]
        rows = rows[np.argsort(-keys if backwards else keys, kind="stable")]
        if kind is CellKind.TIME or not (kind is CellKind.TEXT or _doubles_are_exact(column.texts)):
            rows = _without_ties(column, kind, rows, work, backwards=backwards)
        ordered.append(rows)
    return np.concatenate([*ordered, np.flatnonzero(column.kinds == CellKind.EMPTY)])


def _doubles_are_exact(texts: Sequence[str]) -> bool:
    return all(len(text) <= _EXACT_CHARS and "e" not in text.lower() for text in texts)


def _without_ties(
    column: Column, kind: CellKind, rows: Positions, work: Work, *, backwards: bool
) -> Positions:
    """Order by their exact values the cells that have the same double."""
    import numpy as np

    keys = column.keys[rows]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    stops = np.append(starts[1:], len(rows))
    tied = stops - starts > 1
    found = rows.copy()
    for start, stop in zip(starts[tied].tolist(), stops[tied].tolist(), strict=True):
        work.check()
        texts = [column.texts[row] for row in rows[start:stop].tolist()]
        if len(set(texts)) > 1:
            exact = [exact_value(kind, text, comma=column.comma) for text in texts]
            ranks = _ranks(exact, work)
            order = np.argsort(-ranks if backwards else ranks, kind="stable")
            found[start:stop] = rows[start:stop][order]
    return found


def _ranks(keys: Sequence[Any], work: Work) -> Positions:
    """Return the rank of each key among all different ones."""
    import numpy as np

    distinct: set[Any] = set()
    for part in parts_of(len(keys), work):
        distinct.update(keys[part.start : part.stop])
    ranks = {key: rank for rank, key in enumerate(sorted_in_parts(distinct, work))}
    found = np.empty(len(keys), np.int64)
    for part in parts_of(len(keys), work):
        found[part.start : part.stop] = [ranks[key] for key in keys[part.start : part.stop]]
    return found


def sorted_in_parts(distinct: Collection[Any], work: Work) -> list[Any]:
    """Return different values in order.

    Python runs no other thread while it sorts a list, so a long one is divided by a sample first.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    values = list(distinct)
    if len(values) <= PART:
        return sorted(values)
    sample = sorted(values[:: max(1, len(values) // _SAMPLE)])
    bounds = sample[_PART_OF_SAMPLE::_PART_OF_SAMPLE]
    parts: list[list[Any]] = [[] for _ in range(len(bounds) + 1)]
    for positions in parts_of(len(values), work):
        for value in values[positions.start : positions.stop]:
            parts[bisect_right(bounds, value)].append(value)
    ordered: list[Any] = []
    for part in parts:
        work.check()
        part.sort()
        ordered += part
    return ordered

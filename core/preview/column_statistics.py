"""Statistics of one column of a table: numbers are exact, and values are shown as written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import TYPE_CHECKING

from core.preview.cells import safe_cell
from core.preview.column import CellKind, Column, exact_value, order_of, parts_of
from core.units import format_count
from core.work import Work

if TYPE_CHECKING:
    from core.preview.column import Positions

#: Most frequent values that are listed.
_MOST_FREQUENT = 10
#: Quantiles in percent; the median is one of them.
_QUANTILES = (5, 25, 50, 75, 95)
#: Digits of an exact sum at most; numbers of very different sizes have none.
_DIGITS = 400
#: Numbers with more digits before or zeros after the point are written with an exponent.
_MOST_WRITTEN = 60
#: Decimal places of a mean beyond those of the numbers.
_MORE_PLACES = 4
_KINDS = {CellKind.NUMBER: "numbers", CellKind.TIME: "times", CellKind.TEXT: "texts"}


@dataclass(frozen=True, slots=True)
class Frequency:
    """A value of a column, and in how many rows it is."""

    value: str
    rows: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What statistics are of.

    Attributes:
        column: the name of the column.
        rows: the number of rows of the table, with those that a filter hides.
        partial: whether the object has more rows than the table.
    """

    column: str
    rows: int
    partial: bool


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """Statistics of a column.

    Attributes:
        scope: the column and its table.
        kind: what its filled cells are: `numbers`, `times`, `texts`, several of these with their
            counts, or `empty`.
        rows: the number of rows that count.
        empty: the number of empty cells.
        distinct: the number of different filled cells, as written; a lower bound if the object has
            more rows.
        minimum: the smallest number, else the earliest time or first text, as written; or empty.
        maximum: the opposite.
        total: the exact sum of the numbers; empty without any, with infinite ones, or if it has
            too many digits.
        mean: their mean, with `≈` if it is rounded.
        quantiles: percent and the number (or time) that is not exceeded by so many percent of them.
        frequent: the most frequent values, empty cells excluded.
    """

    scope: Scope
    kind: str
    rows: int
    empty: int
    distinct: int
    minimum: str
    maximum: str
    total: str
    mean: str
    quantiles: tuple[tuple[int, str], ...]
    frequent: tuple[Frequency, ...]

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return names and texts of all that applies to this column."""
        distinct = format_count(self.distinct)
        facts = [
            ("Type", self.kind),
            ("Rows", self._rows_text()),
            ("Empty", format_count(self.empty)),
            ("Distinct", f"at least {distinct}" if self.scope.partial else distinct),
            ("Minimum", self.minimum),
            ("Maximum", self.maximum),
            ("Sum", self.total),
            ("Mean", self.mean),
        ]
        facts += [
            ("Median" if percent == 50 else f"{percent} % quantile", text)
            for percent, text in self.quantiles
        ]
        return tuple((name, text) for name, text in facts if text)

    def _rows_text(self) -> str:
        filtered = self.rows != self.scope.rows
        text = f"{format_count(self.rows)} of {format_count(self.scope.rows)}, filtered"
        text = text if filtered else format_count(self.rows)
        return f"{text}, at the beginning of the object" if self.scope.partial else text

    def as_text(self) -> str:
        """Return all statistics as lines with tab-separated cells, safe to paste in spreadsheets."""
        lines = [("Column", self.scope.column), *self.facts()]
        lines += [("Value", "Rows")] if self.frequent else []
        lines += [(each.value, str(each.rows)) for each in self.frequent]
        return "\n".join("\t".join(safe_cell(cell) for cell in line) for line in lines)


def statistics_of(scope: Scope, column: Column, *, work: Work) -> ColumnStatistics:
    """Return the statistics of a column; see `TableRows.statistics`."""
    counts: Counter[str] = Counter()
    for part in parts_of(len(column.texts), work):
        counts.update(column.texts[part.start : part.stop])
    for text in [text for text in counts if not text.strip()]:
        del counts[text]
    kinds = {kind: int((column.kinds == kind).sum()) for kind in CellKind}
    empty = kinds.pop(CellKind.EMPTY)
    # Extremes are those of one kind: a text has no place among numbers.
    main = next((kind for kind in kinds if kinds[kind]), CellKind.EMPTY)
    if main in {CellKind.NUMBER, CellKind.TIME}:
        ordered = order_of(column, backwards=False, work=work)[: kinds[main]]
        first, last = column.texts[ordered[0]], column.texts[ordered[-1]]
        quantiles = _quantiles(column, ordered)
        numbers = ordered.tolist() if main is CellKind.NUMBER else []
    else:
        first, last = _first_and_last(list(counts), work)
        quantiles, numbers = (), []
    total, mean = _sum_and_mean(column, numbers, work) if numbers else ("", "")
    return ColumnStatistics(
        scope, _kind_text(kinds, _commas_text(column)), len(column.texts), empty, len(counts), first, last, total, mean,
        quantiles, tuple(Frequency(text, count) for text, count in _most_frequent(counts)),
    )  # fmt: skip


def _first_and_last(texts: list[str], work: Work) -> tuple[str, str]:
    """Return the first and the last of different texts, without sorting all of them."""
    ends: list[str] = []
    for part in parts_of(len(texts), work):
        some = [*ends, *texts[part.start : part.stop]]
        ends = [min(some, key=str.casefold), max(some, key=str.casefold)]
    return (ends[0], ends[1]) if ends else ("", "")


def _commas_text(column: Column) -> str:
    """Return how the commas of numbers are read, and why if the numbers allow two readings."""
    if not column.guessed:
        return " with decimal commas" if column.comma else ""
    if column.comma:
        return " with decimal commas (as semicolons separate the cells)"
    return " with commas between thousands (no semicolons separate the cells)"


def _kind_text(kinds: dict[CellKind, int], commas: str) -> str:
    """Return the kinds of the cells; `commas` follows numbers."""
    found = {kind: count for kind, count in kinds.items() if count}
    if len(found) == 1:
        kind = next(iter(found))
        return _KINDS[kind] + (commas if kind is CellKind.NUMBER else "")
    return (
        ", ".join(
            _counted(kind, count) + (commas if kind is CellKind.NUMBER else "")
            for kind, count in found.items()
        )
        or "empty"
    )


def _counted(kind: CellKind, count: int) -> str:
    name = _KINDS[kind]
    return f"{format_count(count)} {name.removesuffix('s') if count == 1 else name}"


def _most_frequent(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return the most frequent values, or all of a few; of many only those in several rows."""
    found = counts.most_common(_MOST_FREQUENT)
    few = len(counts) <= _MOST_FREQUENT and found and found[0][1] > 1
    return found if few else [(text, count) for text, count in found if count > 1]


def _quantiles(column: Column, ordered: Positions) -> tuple[tuple[int, str], ...]:
    """Return quantiles that are cells of the column (nearest rank), so that nothing is rounded."""
    count = len(ordered)
    # The rank is rounded up: -(-a // b) is the ceiling of a / b.
    ranks = ((percent, max(1, -(-percent * count // 100))) for percent in _QUANTILES)
    return tuple((percent, column.texts[ordered[rank - 1]]) for percent, rank in ranks)


def _sum_and_mean(column: Column, positions: list[int], work: Work) -> tuple[str, str]:
    """Return the exact sum of numbers, and their mean; empty texts if there is none."""
    exact = Context(prec=_DIGITS, traps=[Inexact])
    total, places = Decimal(0), 0
    try:
        for part in parts_of(len(positions), work):
            for row in positions[part.start : part.stop]:
                number = exact_value(CellKind.NUMBER, column.texts[row], comma=column.comma)
                if not number.is_finite():
                    return "", ""
                total = exact.add(total, number)
                places = max(places, -int(number.as_tuple().exponent))
    except Inexact:
        return "", ""
    return _written(total), _mean_text(total, len(positions), places)


def _mean_text(total: Decimal, count: int, places: int) -> str:
    """Return a mean with a few more decimal places than the numbers have."""
    if abs(total.adjusted()) > _DIGITS or places > _DIGITS:
        return ""
    exact = Context(prec=4 * _DIGITS, rounding=ROUND_HALF_EVEN)
    mean = exact.quantize(
        exact.divide(total, Decimal(count)), Decimal(1).scaleb(-places - _MORE_PLACES)
    )
    text = _written(mean)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if exact.multiply(mean, Decimal(count)) == total else f"≈ {text}"


def _written(number: Decimal) -> str:
    """Return a number with all its digits; extreme ones with an exponent."""
    return f"{number:f}" if abs(number.adjusted()) < _MOST_WRITTEN else str(number)

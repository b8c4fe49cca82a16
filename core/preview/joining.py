"""Several previews as one: a series, a comparison, a history of order books, or a longer table."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from core.preview.candles import join_candles
from core.preview.column_types import joined_types
from core.preview.history import history_of
from core.preview.packed_texts import PackedRows
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.values import (
    Book,
    Candles,
    Comparison,
    Panes,
    Preview,
    Representation,
    Table,
    Trades,
)
from core.units import format_counted
from core.work import Work

if TYPE_CHECKING:
    from core.preview.series import Moments

#: Symbols of one comparison, as many as have distinguishable lines; the others are a finding.
MOST_SYMBOLS = 8


def join(previews: Sequence[Preview], work: Work) -> Preview | None:
    """Return several previews as one; see `core.preview.join_previews`."""
    findings = Findings()
    for kind, reader in _JOINS:
        parts = [(each, first) for each in previews if (first := _first(each, kind)) is not None]
        # A few objects of another kind in a folder do not prevent the view of the others.
        if len(parts) * 2 <= len(previews):
            continue
        work.check()
        _note_problems([each for each, _ in parts], findings)
        joined = reader([first for _, first in parts], findings)
        if joined is None:
            return None
        title, count, representations = joined
        if rest := len(previews) - len(parts):
            finding = f"{format_counted(rest, 'object')} of another kind left out"
            findings.note(ProblemKind.NOTE, finding)
        return Preview(
            previews[0].key, title, count, representations, findings.problems(),
            dict(findings.counts), complete=all(each.complete for each, _ in parts),
        )  # fmt: skip
    return None


_Joined = tuple[str, str, tuple[Representation, ...]]


def _first(preview: Preview, kind: type) -> Any:
    return next((each for each in preview.representations if isinstance(each, kind)), None)


def _note_problems(previews: Sequence[Preview], findings: Findings) -> None:
    """Report the causes of problems in single objects, each with the name of its object."""
    for preview in previews:
        name = preview.key.rsplit("/", 1)[-1]
        for problem in preview.problems:
            # Gaps and repeats are found again in the joined series, where they may be filled.
            if problem.kind not in _OF_ONE_SERIES:
                findings.add(Problem(problem.kind, f"{name}: {problem.text}", start=problem.start))


_OF_ONE_SERIES = frozenset(
    {ProblemKind.GAP, ProblemKind.DUPLICATE, ProblemKind.NOTE, ProblemKind.OUT_OF_ORDER}
)


def _join_candles(parts: list[Candles], findings: Findings) -> _Joined | None:
    groups: dict[tuple[str, str], list[Candles]] = {}
    for part in parts:
        groups.setdefault((part.symbol, part.timeframe), []).append(part)
    if len(groups) > MOST_SYMBOLS:
        finding = f"only the first {MOST_SYMBOLS} of {len(groups):,} series are compared"
        findings.note(ProblemKind.LIMIT, finding)
    joined = [join_candles(group, findings) for group in list(groups.values())[:MOST_SYMBOLS]]
    total = format_counted(sum(len(each.candles) for each in joined), "candle")
    if len(joined) == 1:
        one = joined[0]
        title = " · ".join(part for part in (one.symbol, one.timeframe) if part)
        return title or "Candles", total, (one,)
    title = ", ".join(dict.fromkeys(each.symbol or "?" for each in joined))
    return title, total, (Comparison(tuple(joined)), Panes(tuple(joined)))


def _join_books(parts: list[Book], findings: Findings) -> _Joined | None:
    symbol = Counter(book.symbol for book in parts).most_common(1)[0][0]
    books = [book for book in parts if book.symbol == symbol and book.when is not None]
    if others := len(parts) - len(books):
        finding = f"{format_counted(others, 'order book')} of another symbol or without a time"
        findings.note(ProblemKind.NOTE, finding)
    history = history_of(symbol, books)
    if history is None:
        return None
    count = format_counted(len(books), "order book")
    return f"{symbol} · order books".lstrip(" ·"), count, (history,)


def _join_trades(parts: list[Trades], findings: Findings) -> _Joined | None:
    import numpy as np

    symbols = Counter(part.symbol for part in parts)
    symbol = symbols.most_common(1)[0][0]
    chosen = [part for part in parts if part.symbol == symbol]
    if others := len(parts) - len(chosen):
        finding = f"{format_counted(others, 'object')} with trades of another symbol left out"
        findings.note(ProblemKind.NOTE, finding)
    times = np.concatenate([part.times for part in chosen])
    floats = np.concatenate([part.floats for part in chosen], axis=1)
    sells = np.concatenate([part.sells for part in chosen])
    ids = np.concatenate([part.ids for part in chosen])
    objects = np.repeat(np.arange(len(chosen)), [len(part.times) for part in chosen])
    unknown = np.concatenate([part.unknown for part in chosen])
    once = _counted_once(ids, (times, *floats, sells, unknown), objects)
    if repeated := len(times) - int(once.sum()):
        finding = f"{format_counted(repeated, 'repeated trade')} in several objects"
        findings.add(Problem(ProblemKind.NOTE, finding, amount=repeated))
    order = np.argsort(times, kind="stable")
    order = order[once[order]]
    joined = Trades(
        symbol,
        times[order],
        floats.take(order, axis=1),
        sells[order],
        unknown[order],
        _reordered([part.written for part in chosen], order),
        ids[order],
    )
    count = format_counted(len(order), "trade")
    return f"{symbol} · trades".lstrip(" ·"), count, (joined,)


def _counted_once(ids: Moments, values: Sequence[Any], objects: Moments) -> Any:
    """Return which trades count if several objects have the same ones, as in `core.collect.table`.

    A trade with an id is that of the last object. Trades without ids count as often as in the
    object that has the most equal ones: two trades may be equal.

    Args:
        ids: a number for the id of each trade, 0 without one, shape (n,).
        values: what equal trades have in common, arrays of shape (n,).
        objects: the number of the object of each trade, rising, shape (n,).
    """
    import numpy as np

    keys = [ids, *(np.where(ids, 0, each) for each in values)]
    order = np.lexsort((objects, *reversed(keys)))
    same = np.logical_and.reduce([each[order][1:] == each[order][:-1] for each in keys])
    trades = np.append(0, (~same).cumsum())
    runs = np.flatnonzero(np.append(True, ~same | (np.diff(objects[order]) != 0)))
    sizes = np.diff(np.append(runs, len(order)))
    # Of the runs of equal trades in one object the longest, and of the longest ones the last.
    best = np.lexsort((np.where(ids[order[runs]], 0, sizes), trades[runs]))
    chosen = best[np.append(np.diff(trades[runs][best]) != 0, True)]
    counted = np.zeros(len(runs), bool)
    counted[chosen] = True
    found = np.zeros(len(order), bool)
    found[order] = np.repeat(counted, sizes)
    return found


def _reordered(parts: list[Sequence[tuple[str, str]]], order: Moments) -> Any:
    """Return the prices and quantities of several objects as written, in another order."""
    packed = [part for part in parts if isinstance(part, PackedRows)]
    if len(packed) == len(parts):
        return PackedRows.chained(packed, order)
    written = [pair for part in parts for pair in part]
    return [written[at] for at in order.tolist()]


class _ChainedRows(Sequence[tuple[str, ...]]):
    """The rows of several tables, one table after the other."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables
        self._ends: list[int] = []
        for table in tables:
            self._ends.append(len(table.rows) + (self._ends[-1] if self._ends else 0))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, ...], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        table, row = self._place(range(len(self))[index])
        return table.rows[row]

    def cell(self, row: int, column: int) -> str:
        """Return one cell without making the others of its row."""
        table, place = self._place(row)
        return table.cell(place, column)

    def _place(self, row: int) -> tuple[Table, int]:
        number = bisect_right(self._ends, row)
        return self._tables[number], row - (self._ends[number - 1] if number else 0)


def _join_tables(parts: list[Table], findings: Findings) -> _Joined | None:
    columns = Counter(part.columns for part in parts).most_common(1)[0][0]
    chosen = [part for part in parts if part.columns == columns]
    if len(chosen) < 2:
        return None
    if others := len(parts) - len(chosen):
        finding = f"{format_counted(others, 'table')} with other columns left out"
        findings.note(ProblemKind.NOTE, finding)
    numeric = tuple(all(part.numeric[at] for part in chosen) for at in range(len(columns)))
    rows = _ChainedRows(chosen)
    more = any(part.more for part in chosen)
    table = Table(
        columns, rows, numeric, more, chosen[0].signs, chosen[0].label,
        joined_types(chosen), all(part.declared for part in chosen),
        all(part.semicolons for part in chosen),
    )  # fmt: skip
    return format_counted(len(chosen), "table"), format_counted(len(rows), "row"), (table,)


#: Representations that can be joined; all others of an object are not needed for that.
JOINED = (Candles, Book, Trades, Table)
#: What can be joined, the most special kind first.
_JOINS: tuple[tuple[type, Any], ...] = (
    (Candles, _join_candles),
    (Book, _join_books),
    (Trades, _join_trades),
    (Table, _join_tables),
)

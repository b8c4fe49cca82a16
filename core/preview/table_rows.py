"""The rows of a table in any order and through any filter, for a view that shows them.

All methods may take seconds for long tables: call them in a worker thread. What was read of a
column is stored for the next order, filter or statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.preview.column import Column, order_of, parts_of, read_column
from core.preview.column_statistics import ColumnStatistics, Scope, statistics_of
from core.preview.row_filter import ANY_COLUMN, Condition, holds, pattern_of
from core.preview.values import Table
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.preview.column import Positions
    from core.preview.row_filter import Mask

#: Between the cells of a row when it is searched: no text may match across two cells.
_BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Which rows are shown, and in which order.

    Attributes:
        column: the number of the column to sort by; -1 for the order of the table.
        backwards: whether the order is descending.
        conditions: what all shown rows meet, see `core.preview.row_filter`.
    """

    column: int = -1
    backwards: bool = False
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Arranged:
    """The result of an arrangement.

    Attributes:
        wanted: the arrangement.
        rows: the positions in the table of the shown rows, in order.
        places: for each row of the table its place among the shown ones, -1 if it is not shown.
    """

    wanted: Arrangement
    rows: Sequence[int]
    places: Sequence[int]


class TableRows:
    """A table and what was read of its columns.

    Several threads may use it: at worst, a column is read twice.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._columns: dict[int, Column] = {}
        self._searched: list[str] = []
        # The last order, to which other filters are applied while one is typed.
        self._order: tuple[int, bool, Positions] | None = None

    def as_read(self) -> Arranged:
        """Return all rows in the order of the table, at once."""
        every = range(len(self.table.rows))
        return Arranged(Arrangement(), every, every)

    def column(self, at: int, *, work: Work | None = None) -> Column:
        """Return the cells of a column.

        Raises:
            Cancelled: the token of `work` was cancelled.
        """
        if at not in self._columns:
            self._columns[at] = read_column(self.table, at, default_work(work))
        return self._columns[at]

    def arrange(self, wanted: Arrangement, *, work: Work | None = None) -> Arranged:
        """Return the rows that meet all conditions in the wanted order.

        Raises:
            Cancelled: the token of `work` was cancelled.
        """
        import numpy as np

        work = default_work(work)
        count = len(self.table.rows)
        rows = np.arange(count) if wanted.column < 0 else self._ordered(wanted, work)
        if wanted.conditions:
            shown = np.zeros(count, np.bool_)
            shown[self._meeting(wanted.conditions, work)] = True
            rows = rows[shown[rows]]
        places = np.full(count, -1)
        places[rows] = np.arange(len(rows))
        return Arranged(wanted, rows.tolist(), places.tolist())

    def statistics(
        self,
        at: int,
        *,
        conditions: tuple[Condition, ...] = (),
        partial: bool = False,
        work: Work | None = None,
    ) -> ColumnStatistics:
        """Return the statistics of a column.

        Args:
            at: the number of the column.
            conditions: what the rows meet that count.
            partial: whether the table has only the beginning of the object.
            work: cancel token.

        Raises:
            Cancelled: the token was cancelled.
        """
        work = default_work(work)
        column = self.column(at, work=work)
        scope = Scope(self.table.columns[at], len(column.texts), partial or self.table.more)
        if conditions:
            column = column.at(self._meeting(conditions, work))
        return statistics_of(scope, column, work=work)

    def _meeting(self, conditions: tuple[Condition, ...], work: Work) -> Positions:
        """Return the rows that meet all conditions, in the order of the table."""
        import numpy as np

        found = np.ones(len(self.table.rows), np.bool_)
        for condition in conditions:
            found &= self._mask(condition, work)
        return np.flatnonzero(found)

    def _ordered(self, wanted: Arrangement, work: Work) -> Positions:
        known = self._order
        if known is not None and known[:2] == (wanted.column, wanted.backwards):
            return known[2]
        column = self.column(wanted.column, work=work)
        rows = order_of(column, backwards=wanted.backwards, work=work)
        self._order = wanted.column, wanted.backwards, rows
        return rows

    def _mask(self, condition: Condition, work: Work) -> Mask:
        if condition.column != ANY_COLUMN:
            return holds(condition, self.column(condition.column, work=work), work)
        return self._found(pattern_of(condition.value, literal=condition.literal), condition, work)

    def _found(self, fits: Callable[[str], bool], condition: Condition, work: Work) -> Mask:
        """Return which rows have a cell that fits."""
        import numpy as np

        if len(self._searched) != len(self.table.rows):
            self._searched = self._joined(work)
        entire = not condition.literal and set("*?") & set(condition.value)
        found = np.empty(len(self._searched), np.bool_)
        for part in parts_of(len(self._searched), work):
            rows = self._searched[part.start : part.stop]
            found[part.start : part.stop] = (
                # A pattern is compared with entire cells.
                [any(map(fits, row.split(_BETWEEN))) for row in rows]
                if entire
                else [fits(row) for row in rows]
            )
        return found

    def _joined(self, work: Work) -> list[str]:
        """Return the cells of each row as one text without upper case."""
        rows = self.table.rows
        return [
            _BETWEEN.join(row).casefold()
            for part in parts_of(len(rows), work)
            for row in rows[part.start : part.stop]
        ]

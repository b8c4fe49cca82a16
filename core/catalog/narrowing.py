"""Searches within the results of earlier ones: what is typed on can only match fewer keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.catalog.query import CONTAINS, Condition

if TYPE_CHECKING:
    import numpy.typing as npt

#: Results that are remembered, and the most rows of them together: 4 bytes each.
_REMEMBERED, _MOST_ROWS = 6, 8_000_000
#: Rows up to which each is named; more are ranges.
_MOST_NAMED = 50_000
#: Ranges of a search, and the rows between two of them up to which they are one: DuckDB reads
#: 2,048 rows at once.
_MOST_RANGES, _GAP = 200, 2_048
#: The share of all rows from which ranges save nothing.
_MOST_SHARE = 0.8


class Narrowing:
    """The rows of the last searches of one table, which never changes."""

    def __init__(self) -> None:
        self._last: deque[tuple[tuple[Condition, ...], npt.NDArray[Any]]] = deque(
            maxlen=_REMEMBERED
        )

    def remember(self, conditions: tuple[Condition, ...], rows: npt.NDArray[Any]) -> None:
        """Remember the row numbers, in any order, that meet conditions."""
        if not conditions or len(rows) > _MOST_ROWS:
            return
        # Another thread may search at the same time, so the list is replaced and not changed.
        last = deque(self._last, maxlen=_REMEMBERED)
        last.append((conditions, rows))
        while sum(len(each) for _, each in last) > _MOST_ROWS:
            last.popleft()
        self._last = last

    def condition(
        self, conditions: tuple[Condition, ...], total: int
    ) -> tuple[str, list[list[int]]]:
        """Return a condition in SQL that all results meet, and its parameters.

        Args:
            conditions: those of the search.
            total: the number of rows of the table.

        Returns:
            The condition; `true` if nothing is known, or too little to save time.
        """
        known = [rows for before, rows in self._last if _implies(conditions, before)]
        if not known:
            return "true", []
        rows = min(known, key=len)
        if not len(rows):
            return "false", []
        if len(rows) <= _MOST_NAMED:
            return "rowid IN (SELECT unnest(?::BIGINT[]))", [rows.tolist()]
        ranges = _ranges(rows)
        covered = sum(last - first + 1 for first, last in ranges)
        if len(ranges) > _MOST_RANGES or covered > _MOST_SHARE * total:
            return "true", []
        # All are numbers of this program.
        return " OR ".join(f"rowid BETWEEN {first} AND {last}" for first, last in ranges), []


def _implies(conditions: Sequence[Condition], before: Sequence[Condition]) -> bool:
    """Return whether each key that meets some conditions meets earlier ones, too."""
    return all(any(_is_stricter(each, old) for each in conditions) for old in before)


def _is_stricter(condition: Condition, old: Condition) -> bool:
    if condition == old:
        return True
    # A text that contains a longer one contains each part of that.
    return (
        condition.sql == old.sql == CONTAINS
        and not condition.negated
        and not old.negated
        and str(old.values[0]) in str(condition.values[0])
    )


def _ranges(rows: npt.NDArray[Any]) -> list[tuple[int, int]]:
    import numpy as np

    ordered = np.sort(rows)
    gaps = np.flatnonzero(np.diff(ordered) > _GAP)
    first = ordered[np.concatenate(([0], gaps + 1))]
    last = ordered[np.concatenate((gaps, [len(ordered) - 1]))]
    return list(zip(first.tolist(), last.tolist(), strict=True))

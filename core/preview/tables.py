"""JSON values as tables: a list of objects, a list of lists, or the only list in an object.

Cells are converted to text when they are displayed, so that long tables are fast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, overload

from core.preview.cells import SAMPLE, cell_text, numeric_columns
from core.preview.limits import Deadline, Limits
from core.preview.numbers import is_number
from core.preview.piecewise import distinct
from core.preview.problems import Findings, ProblemKind
from core.preview.releasing import hand_over
from core.preview.values import Table
from core.units import format_counted

#: Names that programs give to the list of rows, which have priority over other lists.
_LIST_NAMES = ("records", "rows", "data", "trades", "items", "results", "analysis")


def rows_of(root: Any) -> list[Any] | None:
    """Return the list to show as a table: the root, or the only list inside it."""
    if isinstance(root, list):
        return root if _tabular(root) else None
    if not isinstance(root, dict):
        return None
    named = [root[name] for name in _LIST_NAMES if isinstance(root.get(name), list)]
    lists = named or [value for value in root.values() if isinstance(value, list)]
    found = [value for value in lists if _tabular(value)]
    # With several lists, and none of the known names, it is unknown which of them has the rows.
    return found[0] if len(found) == 1 or (named and found) else None


def _tabular(values: list[Any]) -> bool:
    sample = values[:50]
    dicts = sum(isinstance(value, dict) for value in sample)
    lists = sum(isinstance(value, list) for value in sample)
    return bool(sample) and max(dicts, lists) * 2 > len(sample)


def table_of(
    values: list[Any],
    limits: Limits,
    deadline: Deadline,
    findings: Findings,
    *,
    reported: Collection[int] = (),
) -> Table | None:
    """Return the table of a list of objects or lists, one row for each element.

    An element with an unusual form is shown as text in the first column, with a finding unless its
    position is already in `reported`.
    """
    if not values:
        return None
    form: type = list if _mostly_lists(values) else dict
    if form is list:
        rows = [value for value in values if isinstance(value, list)]
        columns = [str(number + 1) for number in range(max(map(len, rows)))]
    else:
        records = values if distinct(type, values).keys() == {dict} else None
        columns = _names(records or [value for value in values if isinstance(value, dict)])
    names = tuple(columns[: limits.columns])
    if len(columns) > len(names):
        findings.note(
            ProblemKind.LIMIT,
            f"only {len(names)} of {format_counted(len(columns), 'column')} are shown",
        )
    return _TableBuilder(names, form, (limits, deadline, findings), reported).table(values)


def _mostly_lists(values: list[Any]) -> bool:
    sample = values[:50]
    return sum(isinstance(value, list) for value in sample) * 2 > len(sample)


def _names(records: Sequence[dict[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for record in distinct(tuple, records):  # each combination of names once
        names.update(dict.fromkeys(record))
        # Objects with keys as data, for example dates, would otherwise make a table of any width.
        if len(names) > 10_000:
            break
    return list(names)


class JsonRows(Sequence[tuple[str, ...]]):
    """The rows of a table over JSON values, each created on access."""

    def __init__(
        self, values: Sequence[Any], columns: tuple[str, ...], form: type, chars: int
    ) -> None:
        self._values, self._columns = values, columns
        self._form, self._chars = form, chars

    def __del__(self) -> None:
        hand_over(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, ...], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        if isinstance(index, slice):
            return tuple(self._row(value) for value in self._values[index])
        return self._row(self._values[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(len(self))

    def cell(self, row: int, column: int) -> str:
        """Return one cell without making the others of its row."""
        value = self._values[row]
        if self._form is dict and isinstance(value, dict):
            return cell_text(value.get(self._columns[column]), self._chars)
        return self._row(value)[column]

    def _row(self, value: Any) -> tuple[str, ...]:
        if self._form is dict and isinstance(value, dict):
            return tuple(cell_text(value.get(name), self._chars) for name in self._columns)
        cells = value if self._form is list and isinstance(value, list) else [value]
        missing = len(self._columns) - len(cells)
        shown = [*cells[: len(self._columns)], *[None] * missing]
        return tuple(cell_text(cell, self._chars) for cell in shown)


class _TableBuilder:
    """Builds one table, and reports the elements that differ from most."""

    def __init__(
        self,
        columns: tuple[str, ...],
        form: type,
        bounds: tuple[Limits, Deadline, Findings],
        reported: Collection[int],
    ) -> None:
        self._columns, self._form, self._reported = columns, form, reported
        self._limits, self._deadline, self._findings = bounds

    def table(self, values: list[Any]) -> Table:
        shown = values[: self._limits.shown]
        checked = self._check_all(shown)
        if checked < len(values):
            finding = f"the first {checked:,} of {format_counted(len(values), 'row')} are shown"
            self._findings.note(ProblemKind.LIMIT, finding)
        rows = JsonRows(shown[:checked], self._columns, self._form, self._limits.cell_chars)
        numeric = numeric_columns(rows[:SAMPLE], len(self._columns))
        return Table(self._columns, rows, numeric, checked < len(values))

    def _check_all(self, values: list[Any]) -> int:
        """Check all rows, or as many as there is time for; return how many."""
        # The usual case in one pass in C, without a Python loop over all rows.
        if distinct(type, values).keys() == {self._form} and (
            self._form is dict or len(distinct(len, values)) == 1
        ):
            return len(values)
        expected = self._usual_length(values)
        for number, value in enumerate(values):
            # Reading the clock for every row would take longer than checking it.
            if number % 256 == 0 and self._deadline.passed:
                return number
            if number not in self._reported:
                self._check(value, number, expected)
        return len(values)

    def _usual_length(self, values: list[Any]) -> int:
        lengths = Counter(len(value) for value in values[:200] if isinstance(value, list))
        return lengths.most_common(1)[0][0] if lengths else 0

    def _check(self, value: Any, number: int, expected: int) -> None:
        if not isinstance(value, self._form):
            finding = f"row {number + 1:,} is {_noun(value)} among {_PLURALS[self._form]}"
            self._findings.note(ProblemKind.BAD_ROW, finding, row=number)
        elif isinstance(value, list) and len(value) != expected:
            finding = f"row {number + 1:,} has {len(value)} values, not {expected}"
            self._findings.note(ProblemKind.RAGGED, finding, row=number)


_PLURALS: dict[type, str] = {dict: "objects", list: "lists"}


def _noun(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return "a number" if is_number(value) else "a text" if isinstance(value, str) else "a value"

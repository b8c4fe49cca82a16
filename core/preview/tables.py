"""JSON values as tables: a list of objects, a list of lists, or the one list an object carries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from core.preview.cells import cell_text, numeric_columns
from core.preview.limits import Deadline, Limits
from core.preview.problems import Findings, ProblemKind
from core.preview.values import Number, Table

_CARRIERS = ("records", "rows", "data", "trades", "items", "results", "analysis")


def rows_of(root: Any) -> list[Any] | None:
    """Return the list that is worth a table: the root itself, or the one list inside it."""
    if isinstance(root, list):
        return root if _tabular(root) else None
    if not isinstance(root, dict):
        return None
    named = [root[name] for name in _CARRIERS if isinstance(root.get(name), list)]
    lists = named or [value for value in root.values() if isinstance(value, list)]
    found = [value for value in lists if _tabular(value)]
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

    An element of another form than most stands in the first column as its text, with a finding
    unless its position is among those `reported` already.
    """
    if not values:
        return None
    form: type = list if _mostly_lists(values) else dict
    if form is list:
        rows = [value for value in values if isinstance(value, list)]
        columns = [str(number + 1) for number in range(max(map(len, rows)))]
    else:
        columns = _names(value for value in values if isinstance(value, dict))
    kept = tuple(columns[: limits.columns])
    if len(columns) > len(kept):
        findings.note(ProblemKind.LIMIT, f"only {len(kept)} of {len(columns):,} columns are shown")
    return _Filling(kept, form, (limits, deadline, findings), reported).table(values)


def _mostly_lists(values: list[Any]) -> bool:
    sample = values[:50]
    return sum(isinstance(value, list) for value in sample) * 2 > len(sample)


def _names(records: Iterable[dict[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
        if len(names) > 10_000:
            break
    return list(names)


class _Filling:
    """Makes the rows of one table."""

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
        cap = min(self._limits.rows, self._limits.cells // max(1, len(self._columns)))
        expected = self._usual_length(values)
        rows: list[tuple[str, ...]] = []
        for number, value in enumerate(values[:cap]):
            if number % 256 == 0 and self._deadline.passed:
                break
            rows.append(self._row(value))
            if number not in self._reported:
                self._check(value, number, expected)
        if len(rows) < len(values):
            finding = f"the first {len(rows):,} of {len(values):,} rows are shown"
            self._findings.note(ProblemKind.LIMIT, finding)
        numeric = numeric_columns(rows, len(self._columns))
        return Table(self._columns, tuple(rows), numeric, len(rows) < len(values))

    def _usual_length(self, values: list[Any]) -> int:
        lengths = Counter(len(value) for value in values[:200] if isinstance(value, list))
        return lengths.most_common(1)[0][0] if lengths else 0

    def _row(self, value: Any) -> tuple[str, ...]:
        chars = self._limits.cell_chars
        if self._form is dict and isinstance(value, dict):
            return tuple(cell_text(value.get(name), chars) for name in self._columns)
        cells = value if self._form is list and isinstance(value, list) else [value]
        missing = len(self._columns) - len(cells)
        return tuple(
            cell_text(cell, chars) for cell in [*cells[: len(self._columns)], *[None] * missing]
        )

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
    return (
        "a number"
        if isinstance(value, Number)
        else "a text"
        if isinstance(value, str)
        else "a value"
    )

"""JSON values as tables: a list of objects, a list of lists, or the one list an object carries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.preview.cells import cell_text, numeric_columns
from core.preview.limits import Deadline, Limits
from core.preview.problems import Findings, ProblemKind
from core.preview.values import Table

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
    values: list[Any], limits: Limits, deadline: Deadline, findings: Findings
) -> Table | None:
    """Return the table of a list of objects or lists; an element of another form is told of."""
    if not values:
        return None
    if sum(isinstance(value, list) for value in values[:50]) * 2 > len(values[:50]):
        width = max(len(value) for value in values[:1000] if isinstance(value, list))
        columns = [str(number + 1) for number in range(width)]
    else:
        columns = _names(value for value in values if isinstance(value, dict))
    kept = tuple(columns[: limits.columns])
    if len(columns) > len(kept):
        findings.note(ProblemKind.LIMIT, f"only {len(kept)} of {len(columns):,} columns are shown")
    return _filled(kept, values, (limits, deadline, findings))


def _names(records: Iterable[dict[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
        if len(names) > 10_000:
            break
    return list(names)


def _filled(
    columns: tuple[str, ...], values: list[Any], bounds: tuple[Limits, Deadline, Findings]
) -> Table:
    limits, deadline, findings = bounds
    cap = min(limits.rows, limits.cells // max(1, len(columns)))
    rows: list[tuple[str, ...]] = []
    for number, value in enumerate(values[:cap]):
        if number % 256 == 0 and deadline.passed:
            findings.note(ProblemKind.LIMIT, f"time is up: the first {number:,} rows are shown")
            break
        rows.append(_row(columns, value, limits.cell_chars))
        if not isinstance(value, dict | list):
            findings.note(ProblemKind.BAD_ROW, f"row {number + 1:,} is no record", row=number)
    if len(values) > cap:
        findings.note(ProblemKind.LIMIT, f"the first {cap:,} of {len(values):,} rows are shown")
    return Table(columns, tuple(rows), numeric_columns(rows, len(columns)), len(rows) < len(values))


def _row(columns: tuple[str, ...], value: Any, chars: int) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(cell_text(value.get(name), chars) for name in columns)
    cells = value if isinstance(value, list) else [value]
    padded = [*cells[: len(columns)], *[None] * (len(columns) - len(cells))]
    return tuple(cell_text(cell, chars) for cell in padded)

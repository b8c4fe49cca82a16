"""What DuckDB will read of Parquet files for a statement: columns, conditions and files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

#: DuckDB's name of the step that reads Parquet files.
_SCAN = "READ_PARQUET"
#: Steps that pass on the first rows of the next one, and one that changes no number of rows.
_LIMITS, _PROJECTION = ("LIMIT", "STREAMING_LIMIT"), "PROJECTION"
_LITERAL = r"-?[0-9][0-9.]*(?:e[-+]?[0-9]+)?|'(?:[^']|'')*'(?:::[A-Z][A-Z_ ]*(?:\([0-9, ]+\))?)?"
_COMPARISON = re.compile(rf"\((?P<column>[^()]+?) (?P<sign>>=|<=|=|>|<) (?P<literal>{_LITERAL})\)")
#: What remains of a condition if it is nothing but comparisons that must all be met. Conditions
#: that are found while a statement runs can only exclude more rows.
_REST = re.compile(r"(?:[() ]|AND|optional: Dynamic Filter \([^()]*\))*")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition of each row that is read: a column, `=`, `<`, `<=`, `>` or `>=`, and a literal in SQL."""

    column: str
    sign: str
    literal: str


@dataclass(frozen=True, slots=True)
class Scan:
    """One reading of Parquet files.

    Attributes:
        columns: the columns, members of a struct as `column.member`.
        filters: the conditions as DuckDB shows them, which may contain further columns.
        comparisons: those conditions that are comparisons.
        file_filter: a condition in SQL on `filename`; empty if all files are read.
        most_rows: the number of the first rows that are read, if it has one thread; None for all.
    """

    columns: tuple[str, ...]
    filters: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    file_filter: str
    most_rows: int | None


def scans_of(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[Scan, ...]:
    """Return how a statement reads Parquet files, without running it.

    Raises:
        duckdb.Error: the statement cannot be run.
    """
    rows = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}").fetchall()
    return tuple(
        _scan(step, most_rows)
        for root in json.loads(rows[0][1])
        for step, most_rows in _steps(root)
    )


def _steps(
    step: dict[str, Any], most_rows: int | None = None
) -> Iterator[tuple[dict[str, Any], int | None]]:
    """Yield the scans below a step, which needs only some first rows of them."""
    name, details = step["name"].strip(), step.get("extra_info", {})
    if name == _SCAN:
        yield details, None if details.get("Filters") else most_rows
    elif name in _LIMITS:
        limit, offset = (details.get(each, "") for each in ("Limit", "Offset"))
        known = limit.isdecimal() and (not offset or offset.isdecimal())
        most_rows = int(limit) + int(offset or 0) if known else None
    elif name != _PROJECTION:
        most_rows = None
    for child in step.get("children", ()):
        yield from _steps(child, most_rows)


def _scan(details: dict[str, Any], most_rows: int | None) -> Scan:
    filters = _texts(details.get("Filters"))
    compared = tuple(each for text in filters for each in comparisons_of(text))
    # DuckDB divides texts at line breaks.
    file_filter = " AND ".join(_texts(details.get("File Filters")))
    return Scan(_texts(details.get("Projections")), filters, compared, file_filter, most_rows)


def _texts(value: Sequence[str] | None) -> tuple[str, ...]:
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def comparisons_of(condition: str) -> tuple[Comparison, ...]:
    """Return the comparisons of a condition; none if it is anything but comparisons joined by AND."""
    if not _REST.fullmatch(_COMPARISON.sub("", condition)):
        return ()
    return tuple(Comparison(*each.groups()) for each in _COMPARISON.finditer(condition))

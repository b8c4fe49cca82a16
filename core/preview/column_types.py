"""Types of the columns of a table, as its header shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.preview.cells import SAMPLE, writes_decimal_comma
from core.preview.column import CellKind, value_of
from core.preview.values import Table

EMPTY, INTEGER, DECIMAL, TIME, TRUTH, TEXT, MIXED = (
    "empty", "integer", "decimal", "time", "true/false", "text", "mixed",
)  # fmt: skip
#: Cells that are examined at most: a table of many columns is judged by fewer rows.
_MOST_CELLS = 20_000
_INTEGER = re.compile(r"[-+]?\d[\d,_]*\Z")
_INTEGER_BESIDE_COMMA = re.compile(r"[-+]?\d[\d.]*\Z")
_TRUTH = frozenset({"true", "false"})


def typed(table: Table) -> Table:
    """Return a table with the types of its columns, found in its first rows if none are declared."""
    if table.types or not table.columns:
        return table
    width = len(table.columns)
    sample = table.rows[: max(5, min(SAMPLE, _MOST_CELLS // width))]
    columns = ((row[at] for row in sample if at < len(row)) for at in range(width))
    types = (type_of(cells, semicolons=table.semicolons) for cells in columns)
    return replace(table, types=tuple(types))


def type_of(cells: Iterable[str], *, semicolons: bool = False) -> str:
    """Return the type that all filled cells have; `mixed` if some are numbers and others are not.

    Args:
        cells: the cells of the column.
        semicolons: whether semicolons separate the cells, see `Table`.
    """
    filled = [cell for cell in cells if cell]
    comma = writes_decimal_comma(filled, semicolons=semicolons)
    kinds = {_type_of_cell(cell, comma=comma) for cell in filled}
    if not kinds:
        return EMPTY
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {INTEGER, DECIMAL}:
        return DECIMAL
    return MIXED if kinds & {INTEGER, DECIMAL} else TEXT


def joined_types(tables: Sequence[Table]) -> tuple[str, ...]:
    """Return the types of a table that contains the rows of several tables with the same columns."""
    return tuple(
        _joined({kind for kind in kinds if kind not in {EMPTY, ""}})
        for kinds in zip(*(table.types for table in tables), strict=False)
    )


def _joined(kinds: set[str]) -> str:
    if len(kinds) <= 1:
        return kinds.pop() if kinds else EMPTY
    return DECIMAL if kinds == {INTEGER, DECIMAL} else MIXED


def _type_of_cell(cell: str, *, comma: bool) -> str:
    kind, _ = value_of(cell, comma=comma)
    if kind is CellKind.NUMBER:
        integer = _INTEGER_BESIDE_COMMA if comma else _INTEGER
        return INTEGER if integer.match(cell.strip()) else DECIMAL
    if kind is CellKind.TIME:
        return TIME
    return TRUTH if cell.lower() in _TRUTH else TEXT

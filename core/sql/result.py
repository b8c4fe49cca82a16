"""Results of queries as plain values, which can be shown, written as JSON and sent to another process."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.sql.session import check_select, run
from core.work import Work

if TYPE_CHECKING:
    import duckdb
    from duckdb.sqltypes import DuckDBPyType

#: A value of a result: a decimal, a time or a list is text; bytes are text such as `\\x00ff`.
Cell = None | bool | int | float | str

_NATIVE = frozenset(
    ["boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint",
     "uinteger", "ubigint", "uhugeint", "double", "decimal", "varchar", "blob"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """Names and DuckDB types of the columns of a SELECT statement, and its first rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def select(connection: duckdb.DuckDBPyConnection, sql: str, most: int, work: Work) -> Selection:
    """Run a SELECT statement and return up to `most` rows.

    Raises:
        Cancelled: A cancel was requested.
        InvalidInput: The text is not one SELECT statement, or it cannot be run.
        LimitExceeded: The query needs too much memory.
    """
    check_select(connection, sql)
    with run(connection, work):
        found = connection.sql(sql)
        types = tuple(str(kind) for kind in found.types)
        values = ", ".join(_value_sql(number, kind) for number, kind in enumerate(found.types, 1))
        rows = found.limit(most).project(values).fetchall()
    cells = tuple(tuple(_cell(value) for value in row) for row in rows)
    return Selection(tuple(found.columns), types, cells)


def _value_sql(number: int, kind: DuckDBPyType) -> str:
    """Return the SQL of a result column: Python's types do not represent all times of DuckDB."""
    if kind.id in _NATIVE:
        return f"#{number}"
    text = f"CAST(#{number} AS VARCHAR)"
    return f"CAST({text} AS DOUBLE)" if kind.id == "float" else text


def _cell(value: Any) -> Cell:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value  # type: ignore[no-any-return] # the select list has no other types

"""Files of query results: CSV, JSON, JSON lines and Parquet, with exact values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from core.sql.csv_text import FORMULA_STARTS
from core.sql.literals import quoted, text_literal

if TYPE_CHECKING:
    import duckdb

#: The formats, with the endings of file names that mean them and the options of DuckDB's COPY.
FORMATS: dict[str, tuple[tuple[str, ...], str]] = {
    "csv": ((".csv",), "FORMAT csv, HEADER true, NULLSTR ''"),
    "json": ((".json",), "FORMAT json, ARRAY true"),
    "jsonl": ((".jsonl", ".ndjson"), "FORMAT json, ARRAY false"),
    "parquet": ((".parquet",), "FORMAT parquet, COMPRESSION zstd"),
}
_WITH_ZONE = "TIMESTAMP WITH TIME ZONE"


class TypedColumn(NamedTuple):
    """A column of a result and DuckDB's name of its type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file to write, and how.

    Attributes:
        path: the file.
        format: a name of `FORMATS`.
        formula_safe: whether an apostrophe precedes texts of a CSV that a spreadsheet would compute.
        iso_times: whether times with a zone are `2024-01-15T10:00:00Z` where they are text; they
            are otherwise as DuckDB writes them.
    """

    path: Path
    format: str
    formula_safe: bool = False
    iso_times: bool = False


def format_of_name(path: Path) -> str:
    """Return the format that the name of a file ends with; empty if it is none of them."""
    suffix = path.suffix.lower()
    return next((name for name, (endings, _) in FORMATS.items() if suffix in endings), "")


def copy_to_file(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    columns: Sequence[TypedColumn],
    target: FileTarget,
) -> int:
    """Write a table or view to a file, and return the number of its rows.

    Infinite numbers and NaN, which JSON lacks, are texts there.

    Args:
        connection: a session that may write files.
        source: the quoted name of the table, or a query in parentheses.
        columns: the columns to write.
        target: the file.
    """
    values = ", ".join(_value_sql(column, target) for column in columns)
    options = f"{FORMATS[target.format][1]}, USE_TMP_FILE false"
    path = text_literal(str(target.path))
    copy = f"COPY (SELECT {values} FROM {source}) TO {path} ({options})"  # noqa: S608 - all names are quoted
    return int(connection.execute(copy).fetchall()[0][0])


def _value_sql(column: TypedColumn, target: FileTarget) -> str:
    name = column.name
    if target.format == "parquet":
        value = quoted(name)
    elif target.iso_times and column.type == _WITH_ZONE:
        value = iso_time_sql(quoted(name))
    elif target.format == "csv":
        value = _csv_value(column, formula_safe=target.formula_safe)
    else:
        value = _json_value(column)
    if target.formula_safe and target.format == "csv" and name.startswith(FORMULA_STARTS):
        name = "'" + name
    return f"{value} AS {quoted(name)}"


def _csv_value(column: TypedColumn, *, formula_safe: bool) -> str:
    value = quoted(column.name)
    if column.type == "BLOB":
        return f"'\\x' || lower(hex({value}))"
    if column.type in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({value}) THEN CAST({value} AS VARCHAR) ELSE {_not_finite(value)} END"
    if column.type == "VARCHAR" and formula_safe:
        starts = " OR ".join(f"starts_with({value}, chr({ord(start)}))" for start in FORMULA_STARTS)
        return f"CASE WHEN {starts} THEN chr(39) || {value} ELSE {value} END"
    return value


def _json_value(column: TypedColumn) -> str:
    value = quoted(column.name)
    if column.type == "BLOB":
        return f"CASE WHEN {value} IS NOT NULL THEN {{'$hex': hex({value})}} END"
    if column.type in ("DOUBLE", "FLOAT"):
        # JSON has no numbers for them.
        other = f"to_json({_not_finite(value)})"
        return f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE {other} END"
    return value


def _not_finite(value: str) -> str:
    """Return the SQL of the text of an infinity or NaN; NULL stays NULL."""
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN isnan({value}) THEN 'NaN' "
        f"WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    )


def iso_time_sql(value: str) -> str:
    """Return the SQL of a TIMESTAMPTZ as text in ISO 8601 with Z, with a fraction if it has one."""
    moment = f"{value} AT TIME ZONE 'UTC'"
    return (
        f"CASE WHEN date_trunc('second', {value}) = {value} "
        f"THEN strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') "
        f"ELSE strftime({moment}, '%Y-%m-%dT%H:%M:%S.%fZ') END"
    )


def copy_query(
    connection: duckdb.DuckDBPyConnection, sql: str, target: FileTarget
) -> tuple[int, tuple[TypedColumn, ...]]:
    """Write the result of one SELECT statement to a file; return the number of rows and the columns.

    Names that occur twice get a number. Integers of 128 bits, which sums have and Parquet lacks,
    become decimals.

    Args:
        connection: a restricted session that may write the file.
        sql: a statement that `check_select` has accepted.
        target: the file.
    """
    found = connection.sql(sql)
    names = list(_unique(found.columns))
    types = [_WIDE.get(str(kind), str(kind)) for kind in found.types]
    places = ", ".join(f"c{number}" for number in range(len(names)))
    values = ", ".join(
        f"CAST(c{number} AS {kind}) AS {quoted(name)}"
        if str(found.types[number]) in _WIDE
        else f"c{number} AS {quoted(name)}"
        for number, (name, kind) in enumerate(zip(names, types, strict=True))
    )
    # A line break ends a comment at the end of the statement.
    source = f"(SELECT {values} FROM ({sql.strip().rstrip(';')}\n) AS result({places}))"  # noqa: S608 - one SELECT of the user, in a restricted session
    columns = tuple(map(TypedColumn, names, types))
    return copy_to_file(connection, source, columns, target), columns


_WIDE = {"HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)"}


def _unique(names: Sequence[str]) -> Iterator[str]:
    used: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique.casefold() in used:
            number += 1
            unique = f"{name}_{number}"
        used.add(unique.casefold())
        yield unique

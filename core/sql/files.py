"""Files of query results: CSV, JSON, JSON lines and Parquet, with exact values."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from core.sql.csv_text import FORMULA_STARTS, NUMBER
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
#: Types of times with a zone, and the format of fractions of their seconds.
_WITH_ZONE = {"TIMESTAMP WITH TIME ZONE": "%f", "TIMESTAMPTZ_NS": "%n"}


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
        formula_safe: whether an apostrophe precedes texts of a CSV that a spreadsheet would
            compute.
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

    Raises:
        OSError: The disk of the file is full.
    """
    import duckdb

    try:
        return int(connection.execute(_copy_sql(source, columns, target)).fetchall()[0][0])
    except duckdb.IOException as error:
        # DuckDB names the file. Another one is that of what does not fit in memory.
        if "No space left on device" in str(error) and target.path.name in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target.path)) from error
        raise


def _copy_sql(source: str, columns: Sequence[TypedColumn], target: FileTarget) -> str:
    values = ", ".join(_value_sql(column, target) for column in columns)
    options = f"{FORMATS[target.format][1]}, USE_TMP_FILE false"
    path = text_literal(str(target.path))
    return f"COPY (SELECT {values} FROM {source}) TO {path} ({options})"  # noqa: S608 - all names are quoted


def _value_sql(column: TypedColumn, target: FileTarget) -> str:
    name = column.name
    if target.format == "parquet":
        value = quoted(name)
    elif target.iso_times and column.type in _WITH_ZONE:
        value = iso_time_sql(quoted(name), _WITH_ZONE[column.type])
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
        formula = f"({starts}) AND NOT regexp_full_match({value}, '{NUMBER}')"
        return f"CASE WHEN {formula} THEN chr(39) || {value} ELSE {value} END"
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


def iso_time_sql(value: str, fraction: str = "%f") -> str:
    """Return the SQL of a time with a zone as text in ISO 8601 with Z.

    Args:
        value: the time.
        fraction: the format of a fraction that is not zero: `%f` for micro-, `%n` for nanoseconds.
    """
    moment = f"{value} AT TIME ZONE 'UTC'"
    return (
        f"CASE WHEN date_trunc('second', {value}) = {value} "
        f"THEN strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') "
        f"ELSE strftime({moment}, '%Y-%m-%dT%H:%M:%S.{fraction}Z') END"
    )


class Copied(NamedTuple):
    """What `copy_query` has written; `notes` name columns of numbers that are text."""

    rows: int
    columns: tuple[TypedColumn, ...]
    notes: tuple[str, ...]


def copy_query(connection: duckdb.DuckDBPyConnection, sql: str, target: FileTarget) -> Copied:
    """Write the result of one SELECT statement to a file.

    Integers of 39 digits, which no decimal holds, make their column text in Parquet.

    Args:
        connection: a restricted session that may write the file.
        sql: a statement that `check_select` has accepted.
        target: the file.
    """
    import duckdb

    copy, columns = copy_query_sql(connection, sql, target)
    as_text: dict[str, str] = {}
    try:
        rows = connection.execute(copy).fetchall()
    except duckdb.ConversionException:
        as_text = _beyond_decimals(connection, sql, target)
        if not as_text:
            raise
        copy, columns = copy_query_sql(connection, sql, target, as_text)
        rows = connection.execute(copy).fetchall()
    notes = tuple(
        f"The column {name} is text, because it has integers of 39 digits. "
        f"CAST({quoted(name)} AS HUGEINT) returns the numbers."
        for name in as_text.values()
    )
    return Copied(int(rows[0][0]), columns, notes)


def _beyond_decimals(
    connection: duckdb.DuckDBPyConnection, sql: str, target: FileTarget
) -> dict[str, str]:
    """Return the columns of a result with integers that no decimal holds, by their places."""
    found = connection.sql(sql)
    wide = _wide_columns([str(kind) for kind in found.types], target)
    if not wide:
        return {}
    tests = ", ".join(
        f"bool_or({place} IS NOT NULL AND TRY_CAST({place} AS {kind}) IS NULL)"
        for place, kind in wide.items()
    )
    ((*beyond,),) = connection.execute(
        f"SELECT {tests} FROM {_source(sql, len(found.types))}"  # noqa: S608 - as below
    ).fetchall()
    names = dict(zip(map(_place, range(len(found.types))), _unique(found.columns), strict=True))
    return {place: names[place] for place, each in zip(wide, beyond, strict=True) if each}


def copy_query_sql(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    target: FileTarget,
    as_text: Collection[str] = (),
) -> tuple[str, tuple[TypedColumn, ...]]:
    """Return the statement that writes the result of a SELECT statement, and the columns.

    Names that occur twice get a number. Integers of 128 bits, which sums have and Parquet lacks,
    become decimals there, also within lists and structs.

    Args:
        connection: a restricted session that may write the file.
        sql: a statement that `check_select` has accepted.
        target: the file.
        as_text: the places of columns that become text.
    """
    found = connection.sql(sql)
    names, kinds = list(_unique(found.columns)), [str(kind) for kind in found.types]
    casts = _wide_columns(kinds, target) | {
        place: _INTEGER.sub("VARCHAR", kinds[int(place.removeprefix("c"))]) for place in as_text
    }
    types = [casts.get(_place(number), kind) for number, kind in enumerate(kinds)]
    values = ", ".join(
        f"CAST({place} AS {casts[place]}) AS {quoted(name)}"
        if (place := _place(number)) in casts
        else f"{place} AS {quoted(name)}"
        for number, name in enumerate(names)
    )
    source = f"(SELECT {values} FROM {_source(sql, len(names))})"  # noqa: S608 - one SELECT of the user, in a restricted session
    columns = tuple(map(TypedColumn, names, types))
    return _copy_sql(source, columns, target), columns


_INTEGER = re.compile(r"\bU?HUGEINT\b")


def _wide_columns(kinds: Sequence[str], target: FileTarget) -> dict[str, str]:
    """Return the exact types of columns with integers of 128 bits, which only Parquet lacks."""
    if target.format != "parquet":
        return {}
    return {
        _place(number): _INTEGER.sub("DECIMAL(38,0)", kind)
        for number, kind in enumerate(kinds)
        if _INTEGER.search(kind)
    }


def _place(number: int) -> str:
    return f"c{number}"


def _source(sql: str, columns: int) -> str:
    """Return a statement as a table with the columns `c0`, `c1` and so on."""
    places = ", ".join(map(_place, range(columns)))
    # A line break ends a comment at the end of the statement.
    return f"({sql.strip().rstrip(';')}\n) AS result({places})"


def _unique(names: Sequence[str]) -> Iterator[str]:
    used: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique.casefold() in used:
            number += 1
            unique = f"{name}_{number}"
        used.add(unique.casefold())
        yield unique

"""Notes on columns of Parquet files of which no type of DuckDB holds all digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.sql.literals import text_literal

if TYPE_CHECKING:
    import duckdb

_MOST_DIGITS = 38
#: DuckDB's types of decimals with more digits, and of times in the old form, which end in
#: nanoseconds.
_DECIMAL, _TIME = "DOUBLE", "TIMESTAMP"
_ROUNDED = "The column {name} is shown rounded: its decimals have more than 38 digits, and are doubles here."
_CUT = (
    "Times of the column {name} are shown to the microsecond: the files may have further digits "
    "(INT96)."
)


def may_lack_digits(types: Mapping[str, str]) -> bool:
    """Return whether Parquet files with these types may have columns with more digits."""
    return any(each in kind for kind in types.values() for each in (_DECIMAL, _TIME))


def notes_on_digits(connection: duckdb.DuckDBPyConnection, files: Mapping[int, Path]) -> list[str]:
    """Return which columns have fewer digits in queries than in the files.

    Args:
        connection: a database.
        files: the files by the numbers of their objects.

    Raises:
        duckdb.Error: a file is damaged.
    """
    paths = ", ".join(text_literal(str(path)) for path in files.values())
    rows = connection.execute(
        "SELECT file_name, name, coalesce(num_children, 0), coalesce(type = 'INT96', false), "  # noqa: S608 - paths of this program
        f"coalesce(precision > {_MOST_DIGITS} AND duckdb_type = 'DOUBLE', false) "
        f"FROM parquet_schema([{paths}])"
    ).fetchall()
    found: dict[tuple[str, str], None] = {}
    for name, is_time, is_decimal in _leaves(rows):
        if is_time or is_decimal:
            found[name, _CUT if is_time else _ROUNDED] = None
    return [text.format(name=name) for name, text in found]


def _leaves(rows: list[tuple[str, str, int, bool, bool]]) -> Iterator[tuple[str, bool, bool]]:
    """Yield the values of a schema, each with the name of its column, which may be a list or struct.

    Args:
        rows: file, name, number of children and two facts of each element, in their order.
    """
    file, column, left = "", "", 0
    for path, name, children, is_time, is_decimal in rows:
        if path != file:
            file, left = path, 0  # its first element stands for all columns
            continue
        if not left:
            column, left = name, 1
        left += children - 1
        yield column, is_time, is_decimal

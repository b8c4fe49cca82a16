"""Whether the common type of a column of several objects holds all of their numbers.

DuckDB makes 38 digits of two long decimals by omitting digits after the point, and doubles of
integers or decimals beside doubles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInput
from core.sql.literals import text_literal

if TYPE_CHECKING:
    import duckdb

#: A column, its type, and the object that has it with this type.
Typed = tuple[str, str, str]

_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")
#: Integers that a double and a float hold with all of their digits.
_SMALL = frozenset({"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT"})
_HELD = {"DOUBLE": _SMALL | {"INTEGER", "UINTEGER"}, "FLOAT": _SMALL}
_BINARY = frozenset(_HELD)
_INTEGERS = _SMALL | {"INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}


def parquet_types(
    connection: duckdb.DuckDBPyConnection, files: Mapping[int, Path], keys: Sequence[str]
) -> list[Typed]:
    """Return the types of the columns of Parquet files, each with the key of one of its objects.

    Args:
        connection: a database.
        files: the files by the numbers of their objects.
        keys: the keys of the objects by their numbers.

    Raises:
        duckdb.Error: a file is damaged.
    """
    numbers = {str(path): number for number, path in files.items()}
    paths = ", ".join(map(text_literal, numbers))
    found = connection.execute(
        f"SELECT name, duckdb_type, min(file_name) FROM parquet_schema([{paths}]) "  # noqa: S608 - paths of this program
        "WHERE duckdb_type IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [(name, kind, keys[numbers[path]]) for name, kind, path in found]


def may_be_inexact(common: Mapping[str, str]) -> bool:
    """Return whether any of some common types may hold fewer digits than those that it is made of."""
    return any(kind in _BINARY or kind.startswith("DECIMAL(38") for kind in common.values())


def check_common_types(common: Mapping[str, str], found: Iterable[Typed]) -> list[str]:
    """Return notes about columns of doubles that have integers or decimals in some objects.

    Args:
        common: the types of the columns of the table by their names.
        found: the types of the objects.

    Raises:
        InvalidInput: a common decimal has fewer digits after the point than that of an object.
    """
    types: dict[str, dict[str, str]] = {}
    for name, kind, place in found:
        types.setdefault(name.casefold(), {}).setdefault(kind, place)
    notes: list[str] = []
    for name, kind in common.items():
        others = types.get(name.casefold(), {})
        if kind in _BINARY and (rounded := [each for each in others if _rounds(kind, each)]):
            notes.append(
                f"The column {name} is {kind}, because only some objects have it as {rounded[0]}: "
                "its numbers are rounded."
            )
        elif long := [each for each in others if _scale(each) > _scale(kind) >= 0]:
            other = next(each for each in others if each != long[0])
            raise InvalidInput(
                "The objects of the folder cannot be one table with exact numbers",
                cause=f"The column {name} is {long[0]} in {others[long[0]]}, and {other} in "
                f"{others[other]}: a common type would need more than 38 digits.",
                remedy="Query the folders of both forms of files as two tables.",
            )
    return notes


def _rounds(binary: str, other: str) -> bool:
    exact = other in _INTEGERS or other.startswith("DECIMAL")
    return exact and other not in _HELD[binary]


def _scale(kind: str) -> int:
    """Return the digits after the point of a decimal; -1 for other types."""
    found = _DECIMAL.fullmatch(kind)
    return int(found[1]) if found else -1

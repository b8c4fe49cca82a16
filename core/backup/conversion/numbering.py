"""Numbering of new rows in another engine: identity, AUTO_INCREMENT, and SQLite's rowid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.backup.conversion.type_rules import MARIADB, POSTGRESQL, SQLITE
from core.backup.databases.postgresql.names import TableName
from core.model.tables import Column, Sequence, TableSchema

#: Largest number of the types that PostgreSQL numbers.
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def add_numbering(
    made: TableSchema, schema: TableSchema, source: str, free_name: Callable[[str], str]
) -> TableSchema:
    """Return the converted schema with the numbering of its only primary key column, if it has one.

    Args:
        made: The converted schema.
        schema: The table of the backup.
        source: The engine of the backup.
        free_name: Returns a free name for a sequence of the new table.
    """
    name, last = _numbered(schema, source)
    key = made.primary
    column = next((c for c in made.columns if c.name == name), None)
    if column is None or key is None or [part.name for part in key.parts] != [name]:
        return made
    if column.type in _LARGEST:
        sequence = _sequence(made.table, column, last, free_name)
        numbered = replace(column, numbering="by default")
        return replace(made, columns=_with(made, numbered), sequences=(sequence,))
    if column.type.startswith(("int(", "bigint(", "smallint(")):
        numbered = replace(column, numbering="auto_increment")
        return replace(made, columns=_with(made, numbered), sequence=last)
    return made


def is_numbered(made: TableSchema, target: str) -> bool:
    """Return whether the engine numbers new rows of a converted table."""
    if target != SQLITE:
        return any(column.numbering for column in made.columns)
    parts = made.primary.parts if made.primary else ()
    types = {column.name: column.type for column in made.columns}
    return len(parts) == 1 and types[parts[0].name] == "INTEGER"


def _numbered(schema: TableSchema, source: str) -> tuple[str, int | None]:
    """Return the column that the database numbers, and the last number; empty if there is none."""
    if source == POSTGRESQL:
        numbered = next((one for one in schema.sequences if one.increment == 1), None)
        return (numbered.column, numbered.last) if numbered else ("", None)
    if source == MARIADB:
        found = next((column.name for column in schema.columns if column.numbering), "")
        return found, schema.sequence
    key = schema.primary
    if key is not None and key.identity and len(key.parts) == 1:
        return key.parts[0].name, schema.sequence
    return "", None


def _sequence(
    table: str, column: Column, last: int | None, free_name: Callable[[str], str]
) -> Sequence:
    place = TableName.parse(table)
    name = free_name(f"{place.name}_{column.name}_seq"[:63])
    largest = _LARGEST[column.type]
    return Sequence(
        column.name, str(TableName(place.schema, name)), column.type, 1, 1, 1, largest,
        last=last if last and 0 < last <= largest else None,
    )  # fmt: skip


def _with(made: TableSchema, column: Column) -> tuple[Column, ...]:
    return tuple(column if each.name == column.name else each for each in made.columns)

"""Replacement of a table by the loaded shadow table, inside one transaction."""

from __future__ import annotations

from dataclasses import replace

import apsw

from core.backup.databases.sqlite.ddl.writer import create_index, create_table, create_trigger
from core.backup.databases.sqlite.guarded_create import create_guarded
from core.backup.databases.sqlite.inspect import read_schema
from core.backup.databases.sqlite.renaming import rename, set_aside
from core.errors import Corrupt
from core.model.tables import TableSchema


def create_bare(connection: apsw.Connection, schema: TableSchema) -> None:
    """Create `schema.table` without indexes and triggers, and read it back.

    Raises:
        Corrupt: When the created table differs from the schema.
    """
    create_guarded(connection, create_table(schema, schema.table))
    built = read_schema(connection, schema.table)
    requested = replace(schema, indexes=(), triggers=(), sequence=None, rowids=built.rowids)
    if _comparable(built) != _comparable(requested) or len(built.checks) != len(schema.checks):
        raise Corrupt(
            f"The schema of {schema.table} could not be built as recorded",
            cause="The table that was created from it differs.",
            subject=schema.table,
        )


def _comparable(schema: TableSchema) -> TableSchema:
    """Return a schema whose keys have one order: that of a column is written at the column."""
    keys = tuple(sorted(schema.keys, key=repr))
    return replace(schema, keys=keys, checks=(), sequence=None)


def publish(
    connection: apsw.Connection, schema: TableSchema, shadow: str, former: str, *, triggers: bool
) -> None:
    """Rename `shadow`, and create its indexes, sequence and optionally triggers.

    A table that has the name already is set aside as `former`.
    """
    if former:
        set_aside(connection, schema.table, former)
    rename(connection, shadow, schema.table)
    for index in schema.indexes:
        create_guarded(connection, create_index(index, schema.table))
    for trigger in schema.triggers if triggers else ():
        create_guarded(connection, create_trigger(trigger, schema.table))
    _set_sequence(connection, schema)


def _set_sequence(connection: apsw.Connection, schema: TableSchema) -> None:
    if not any(key.identity for key in schema.keys):
        return
    connection.execute("DELETE FROM sqlite_sequence WHERE name=?", (schema.table,))
    if schema.sequence is not None:
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (schema.table, schema.sequence)
        )

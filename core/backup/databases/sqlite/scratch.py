"""Empty databases in memory, which test whether a schema and its dependants work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import apsw

from core.backup.databases.sqlite.ddl.writer import create_table
from core.backup.databases.sqlite.failures import translate_sqlite_errors
from core.backup.databases.sqlite.guarded_create import create_guarded
from core.backup.databases.sqlite.load import insert_sql
from core.backup.databases.sqlite.publish import create_bare, publish
from core.errors import Corrupt, DatabaseError, NotSupported, StorageError
from core.model.tables import TableSchema


def prove_restorable(schema: TableSchema) -> None:
    """Check that a restore could build a table with its indexes and triggers.

    Raises:
        NotSupported: The table cannot be built; the error has cause and remedy.
    """
    try:
        with _memory() as connection, translate_sqlite_errors(schema.table):
            name = f"{schema.table}__restoring"
            bare = replace(schema, table=name, indexes=(), triggers=(), sequence=None)
            create_bare(connection, bare)
            connection.execute(f"EXPLAIN {insert_sql(bare)}", [None] * _marks(bare)).fetchall()
            publish(connection, schema, name, "", triggers=True)
    except (Corrupt, DatabaseError, NotSupported) as error:
        raise _not_restorable(schema.table, error) from error


def _marks(schema: TableSchema) -> int:
    return len(schema.stored) + bool(schema.rowids)


def _not_restorable(table: str, error: StorageError) -> NotSupported:
    expected = isinstance(error, NotSupported)
    return NotSupported(
        f"{table} cannot be backed up, because a restore could not build it again",
        cause=error.cause or error.summary,
        remedy=error.remedy
        if expected
        else "Simplify the schema of the table, or copy its rows to a plain table (CREATE TABLE "
        "copy AS SELECT …) and back up the copy.",
        subject=table,
        details=f"{error.summary} {error.subject}",
    )


@contextmanager
def schema_with(
    schema: TableSchema, others: Sequence[tuple[str, str]]
) -> Iterator[apsw.Connection]:
    """Yield an empty copy of a database: `schema` as one table, and the other objects.

    Args:
        schema: The future schema of the table.
        others: Name and CREATE statement of each other object, as SQLite stores them. Objects that
            cannot be built here (a missing module) are omitted, and only CREATE statements are run.
    """
    with _memory() as connection:
        create_guarded(
            connection, create_table(replace(schema, indexes=(), triggers=()), schema.table)
        )
        for _name, sql in others:
            with suppress(apsw.Error):
                _create(connection, sql)
        yield connection


def _create(connection: apsw.Connection, sql: str) -> None:
    count = 0

    def one_only(_cursor: apsw.Cursor, text: str, _bindings: object) -> bool:
        nonlocal count
        count += 1
        return count == 1 and text.lstrip()[:6].upper() == "CREATE"

    cursor = connection.cursor()
    cursor.exec_trace = one_only
    cursor.execute(sql)


@contextmanager
def _memory() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    try:
        for pragma in ("trusted_schema=OFF", "foreign_keys=OFF", "ignore_check_constraints=ON"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
    finally:
        connection.close()

"""Loading of JSON lines into a table, with exact values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apsw

from core.backup.databases.base import Rows
from core.backup.databases.sqlite.dump import recorded_names, rowid_name
from core.backup.databases.sqlite.rows import RawText, values_of
from core.backup.databases.sqlite.tokens import quoted
from core.errors import Corrupt
from core.model.tables import TableSchema
from core.work import Progress, Work


def load_rows(
    connection: apsw.Connection, schema: TableSchema, rows: Iterable[Rows], work: Work
) -> int:
    """Insert all rows into the table `schema.table`, and return their number.

    Raises:
        Corrupt: When a row does not match the schema or the format.
    """
    insert = _Insert(connection, schema)
    done = 0
    for count, lines in rows:
        work.check()
        insert.piece(lines)
        done += count
        work.report(Progress(done, None, "rows", "loading"))
    return done


class _Insert:
    def __init__(self, connection: apsw.Connection, schema: TableSchema) -> None:
        self._cursor = connection.cursor()
        self._names = recorded_names(schema)
        self._sql = insert_sql(schema)
        self._head = self._sql.rpartition("(")[0]

    def piece(self, lines: bytes) -> None:
        rows = values_of(lines, self._names)
        try:
            if b'{"$text"' in lines:
                for row in rows:
                    self._cursor.execute(self._typed(row), tuple(row))
            else:
                self._cursor.executemany(self._sql, rows)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Corrupt(
                "A row of the backup does not match its schema", cause=str(error)
            ) from error

    def _typed(self, row: Sequence[Any]) -> str:
        """Return the placeholder of a value; bytes that are not UTF-8 are bound as BLOB and cast."""
        marks = ("CAST(? AS TEXT)" if isinstance(value, RawText) else "?" for value in row)
        return self._head + "(" + ",".join(marks) + ")"


def _targets(schema: TableSchema) -> Iterator[str]:
    """Yield the columns to insert into, in the order of `recorded_names`."""
    if schema.rowids:
        name = rowid_name(schema)
        if not name:
            raise Corrupt("The backup contains rowids for a table that has none")
        yield name
    yield from (quoted(column.name) for column in schema.stored)


def insert_sql(schema: TableSchema) -> str:
    """Return the statement that inserts one row, with a placeholder for each value."""
    marks = ",".join("?" * len(recorded_names(schema)))
    return f"INSERT INTO {quoted(schema.table)} ({','.join(_targets(schema))}) VALUES ({marks})"  # noqa: S608 - names are quoted, values bound

"""Loading of JSON lines into a table, with exact values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apsw

from core.backup.databases.base import Rows
from core.backup.databases.sqlite.dump import recorded_names, rowid_name
from core.backup.databases.sqlite.long_lines import (
    JOINED,
    LongLine,
    LongValue,
    LongValues,
)
from core.backup.databases.sqlite.rows import RawText, values_of
from core.backup.databases.sqlite.tokens import quoted
from core.errors import Corrupt
from core.model.tables import TableSchema
from core.work import Work


def load_rows(
    connection: apsw.Connection, schema: TableSchema, rows: Iterable[Rows], work: Work
) -> int:
    """Insert all rows into the table `schema.table`, and return their number.

    A row may be in several pieces, of which only the last has a count. The values of such a row are
    in memory one after the other, and then twice while SQLite inserts them.

    Raises:
        Corrupt: When a row does not match the schema or the format.
    """
    insert = _Insert(connection, schema)
    done = 0
    with LongValues(connection) as values:
        line: LongLine | None = None
        for count, lines in rows:
            work.check()
            if line is None and count:
                insert.piece(lines)
            else:
                line = line or LongLine(values)
                line.add(lines)
                if count:
                    insert.long_row(line.row())
                    values.clear()
                    line = None
            done += count
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

    def long_row(self, row: Mapping[str, Any]) -> None:
        """Insert a row whose long values are in the temporary table of `LongValues`."""
        try:
            values = [row[name] for name in self._names]
            marks = ",".join(
                value.sql if isinstance(value, LongValue) else mark
                for value, mark in zip(values, self._marks(values), strict=True)
            )
            bound = [value for value in values if not isinstance(value, LongValue)]
            long = [value for value in values if isinstance(value, LongValue)]
            joined = [value.source for value in long if value.number < JOINED]
            source = f" FROM {','.join(joined)}" if joined else ""
            head = self._head.rpartition(" VALUES ")[0]
            self._cursor.execute(f"{head} SELECT {marks}{source}", bound)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Corrupt(
                "A row of the backup does not match its schema", cause=str(error)
            ) from error

    def _typed(self, row: Sequence[Any]) -> str:
        """Return the placeholder of a value; bytes that are not UTF-8 are bound as BLOB and cast."""
        return self._head + "(" + ",".join(self._marks(row)) + ")"

    def _marks(self, row: Sequence[Any]) -> Iterator[str]:
        return ("CAST(? AS TEXT)" if isinstance(value, RawText) else "?" for value in row)


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

"""Restore of single rows of an SQLite table; see `single_rows`.

The former rows are in an ordinary table with the note of a former table beside it, a view, which
in addition contains the primary key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from core.backup.databases.base import Rows
from core.backup.databases.row_keys import Digits, KeyValue
from core.backup.databases.row_statements import UPDATE
from core.backup.databases.single_rows import FormerRowsNote, RowChanges, former_schema
from core.backup.databases.sqlite import dependants, inspect
from core.backup.databases.sqlite.connection import cancellable
from core.backup.databases.sqlite.failures import translate_sqlite_errors
from core.backup.databases.sqlite.former_names import NOTE
from core.backup.databases.sqlite.load import load_rows
from core.backup.databases.sqlite.tokens import literal, quoted
from core.model.database import Reference
from core.model.restore import UndoReport
from core.model.tables import Column, TableSchema
from core.work import Work

_STAGED = "strongroom_staged"


class SQLiteRowChanges(RowChanges):
    """Changes of single rows, within a transaction of a connection."""

    def __init__(
        self,
        connection: apsw.Connection,
        backup: TableSchema,
        today: TableSchema,
        incoming: Sequence[Reference],
    ) -> None:
        self._connection = connection
        super().__init__(backup, today, incoming)
        self._collations = {c.name: c.collation for c in today.columns if c.collation}

    @property
    def table(self) -> str:
        """The quoted name of the present table."""
        return self.other_table(self.today.table)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with translate_sqlite_errors(self._connection.filename):
            return self._connection.execute(statement).fetchall()

    def quoted(self, name: str) -> str:
        """Return a quoted identifier."""
        return quoted(name)

    def other_table(self, name: str) -> str:
        """Return the quoted name of a table of the file, which a temporary one cannot hide."""
        return f"main.{quoted(name)}"

    def temporary(self, name: str) -> str:
        """Return the quoted name of a temporary table."""
        return f"temp.{quoted(name)}"

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Run a transaction that is rolled back."""
        self.query("BEGIN")
        try:
            yield
        finally:
            if not self._connection.get_autocommit():  # an error may have ended the transaction
                self.query("ROLLBACK")

    def load(self, schema: TableSchema, rows: Iterable[Rows], work: Work) -> None:
        """Load the rows into columns without a type, which store every value unchanged."""
        names = ", ".join(quoted(column.name) for column in schema.stored)
        self.query(f"CREATE TEMPORARY TABLE {quoted(_STAGED)} ({names})")
        columns = tuple(Column(column.name) for column in schema.stored)
        staged = TableSchema(_STAGED, columns, rowids=schema.rowids)
        with cancellable(self._connection, work, self._connection.filename):
            load_rows(self._connection, staged, rows, work)

    def load_keys(self, keys: Sequence[Sequence[KeyValue]]) -> None:
        """Insert the keys into columns with the affinity of the table: `5` as text becomes 5."""
        names = ", ".join(map(quoted, self.key))
        self.query(
            f"CREATE TEMPORARY TABLE {quoted('strongroom_keys')} AS "  # noqa: S608 - names are quoted
            f"SELECT {names} FROM {self.table} LIMIT 0"
        )
        marks = ", ".join("?" * len(self.key))
        with translate_sqlite_errors(self._connection.filename):
            self._connection.executemany(
                f"INSERT INTO {self.keys} VALUES ({marks})",  # noqa: S608 - a constant
                [tuple(map(_bound, key)) for key in keys],
            )

    def differs(self, column: Column) -> str:
        """Compare the values with their types: 1, 1.0 and '1' all differ."""
        ours, theirs = f"b.{quoted(column.name)}", f"t.{quoted(column.name)}"
        return f"({ours} IS NOT ({theirs} COLLATE BINARY) OR typeof({ours}) <> typeof({theirs}))"

    def shown(self, expression: str) -> str:
        """Return the SQL of a value for a message; binary values as their digits."""
        return (
            f"CASE typeof({expression}) WHEN 'blob' THEN 'x'''||hex({expression})||'''' "
            f"ELSE {expression} END"
        )

    def stored_value(self, column: Column) -> str:
        """Return the value, which the affinity of the column converts as usual."""
        return f"b.{quoted(column.name)}"

    def update_statement(self, columns: Sequence[Column]) -> str:
        """Return the UPDATE; OR ABORT since a key may be declared to replace other rows."""
        values = ", ".join(f"{quoted(c.name)} = b.{quoted(c.name)}" for c in columns)
        return (
            f"UPDATE OR ABORT {self.table} AS t SET {values} "  # noqa: S608 - names are quoted
            f"FROM {self.selected} AS b JOIN {self.changes} AS k ON {self.joined('b', 'k')} "
            f"WHERE {self.joined('t', 'k')} AND {self.marked(UPDATE, 'k')}"
        )

    def delete_statement(self) -> str:
        """Return the DELETE of the marked rows."""
        return (
            f"DELETE FROM {self.table} AS t WHERE EXISTS (SELECT 1 FROM {self.changes} k "  # noqa: S608 - names are quoted
            f"WHERE {self.joined('t', 'k')} AND {self.marked('delete', 'k')})"
        )

    def insert_statement(self, clause: str = "", verb: str = "") -> str:  # noqa: ARG002 - see `RowChanges`
        """Return the INSERT; see `update_statement`."""
        return super().insert_statement(verb="INSERT OR ABORT")

    def prepare(self, former: str) -> None:
        """Create the table for the present rows; the transaction has locked the file."""
        # A single row must obey the checks of today; `change` disables them for complete tables.
        self.query("PRAGMA ignore_check_constraints=OFF")
        names = self.columns_of("t", [column.name for column in self.today.stored])
        self.query(
            f"CREATE TABLE {self.other_table(former)} AS "  # noqa: S608 - names are quoted
            f"SELECT '' AS {quoted(self.marker)}, {names} FROM {self.table} t LIMIT 0"
        )

    def complete(self, former: str) -> None:
        """Create the note beside the prepared table."""
        notes = FormerRowsNote(self.today.table, self.marker, self.key).rows()
        values = ", ".join(f"({', '.join(map(literal, note))})" for note in notes)
        view = quoted(former + NOTE)
        self.query(f"CREATE VIEW {view} (kind, name, sql) AS VALUES {values}")

    def begin_undo(self) -> None:
        """Check the rows as usual; the transaction has locked the file."""
        self.query("PRAGMA ignore_check_constraints=OFF")

    def complete_undo(self, former: str) -> None:
        """Drop the former rows and their note."""
        self.query(f"DROP VIEW {quoted(former + NOTE)}")
        self.discard(former)

    @contextmanager
    def triggers_disabled(self) -> Iterator[None]:
        """Disable triggers for this connection, and rebuild full-text indexes over the table."""
        option = apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER
        before = self._connection.config(option, -1)
        self._connection.config(option, 0)
        try:
            yield
        finally:
            self._connection.config(option, before)
        with translate_sqlite_errors(self._connection.filename):
            dependants.rebuild_indexes(self._connection, self.today.table)

    def notes(self) -> tuple[str, ...]:
        """Return that triggers do not fire."""
        names = ", ".join(trigger.name for trigger in self.today.triggers)
        return (f"Triggers of the table do not fire for these rows: {names}.",) if names else ()

    def parent_key(self, table: str) -> tuple[str, ...]:
        """Return the primary key of a table, to which a foreign key without columns refers."""
        with translate_sqlite_errors(self._connection.filename):
            schema = inspect.read_schema(self._connection, table)
        return tuple(part.name for part in schema.primary.parts) if schema.primary else ()

    def joined(self, left: str, right: str) -> str:
        """Return the condition for equal keys, with the collation of the table's columns."""
        return " AND ".join(
            f"{left}.{quoted(name)} = {right}.{quoted(name)} "
            f"COLLATE {quoted(self._collations.get(name, 'BINARY'))}"
            for name in self.key
        )

    def _folded(self, name: str) -> str:
        return name.lower()

    def _same_type(self, backup: Column, today: Column) -> bool:
        mine = (backup.type.upper(), (backup.collation or "BINARY").upper())
        return mine == (today.type.upper(), (today.collation or "BINARY").upper())


def _bound(value: KeyValue) -> str | bytes | int | float:
    if not isinstance(value, Digits):
        return value
    return int(value) if value.lstrip("-").isdecimal() else float(value)


def former_rows_note(connection: apsw.Connection, former: str) -> FormerRowsNote | None:
    """Return the note of former rows; None if `former` is a complete table."""
    notes = connection.execute(f"SELECT kind, name, sql FROM {quoted(former + NOTE)}").fetchall()  # noqa: S608 - the name is quoted
    return FormerRowsNote.parse((str(kind), str(name), str(text)) for kind, name, text in notes)


def undo_rows(connection: apsw.Connection, former: str, note: FormerRowsNote) -> UndoReport:
    """Restore the former rows, and drop their table."""
    today = inspect.read_schema(connection, note.table)
    saved = [row[1] for row in connection.execute(f"PRAGMA main.table_info({quoted(former)})")]
    present = former_schema(today, map(str, saved))
    changes = SQLiteRowChanges(connection, present, today, inspect.incoming(connection, note.table))
    return UndoReport(changes.undo(former, note))

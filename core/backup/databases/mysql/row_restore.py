"""Restore of single rows of a MariaDB or MySQL table; see `single_rows`.

The former rows are in an ordinary table, which has to be created before the transaction. Its note
beside it is written in the transaction, so that a killed restore is recognised by the empty note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from core.backup.databases.base import Rows
from core.backup.databases.mysql.completion import REPEAT, UnfinishedError
from core.backup.databases.mysql.inspect import exists, read_schema, text
from core.backup.databases.mysql.load import load_rows
from core.backup.databases.mysql.names import NOTE, former_pattern
from core.backup.databases.mysql.notes import DONE, create_note
from core.backup.databases.mysql.referring import UNSEEN, incoming, sees_all
from core.backup.databases.mysql.rows import base_type, default_collation
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.databases.mysql.writer import create_table
from core.backup.databases.row_keys import Digits, KeyValue
from core.backup.databases.row_statements import UPDATE, bad_key
from core.backup.databases.server import noting_lost_answer
from core.backup.databases.single_rows import FormerRowsNote, RowChanges, former_schema
from core.errors import Conflict, DatabaseError, StorageError
from core.model.database import Reference
from core.model.restore import UndoReport
from core.model.tables import Column, TableSchema
from core.work import Work

#: The comment of a table with former rows. Without a note it was left by a killed restore.
COMMENT = "strongroom: rows as they were before a restore"
_STAGED = "strongroom_staged"
_TEXTS = frozenset(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"))
_TEMPORARY = ("strongroom_keys", _STAGED, "strongroom_selected", "strongroom_changes")


class MySQLRowChanges(RowChanges):
    """Changes of single rows, within a transaction of a session."""

    def __init__(
        self,
        session: Session,
        backup: TableSchema,
        today: TableSchema,
        incoming: Sequence[Reference],
    ) -> None:
        self._session = session
        self._collation = default_collation(today)
        self._former_collation = default_collation(backup)
        super().__init__(backup, today, incoming)

    @property
    def table(self) -> str:
        """The quoted name of the present table."""
        return quoted(self.today.table)

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run a statement and return its rows, with texts as `str`."""
        return [tuple(map(_plain, row)) for row in self._session.query(statement)]

    def quoted(self, name: str) -> str:
        """Return a quoted identifier."""
        return quoted(name)

    def other_table(self, name: str) -> str:
        """Return the quoted name of another table."""
        return quoted(name)

    def referring_table(self, reference: Reference) -> str:
        """Return the quoted name of a table, with its database if that is another one."""
        if not reference.database:
            return quoted(reference.table)
        name = reference.table.removeprefix(f"{reference.database}.")
        return f"{quoted(reference.database)}.{quoted(name)}"

    def temporary(self, name: str) -> str:
        """Return the quoted name of a temporary table, which hides a table of the same name."""
        return quoted(name)

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Allow temporary tables, and drop them afterwards."""
        self._session.run("SET SESSION TRANSACTION READ WRITE")
        try:
            yield
        finally:
            with suppress(StorageError):  # the connection has ended, and with it the tables
                self._drop_temporary()

    def _drop_temporary(self) -> None:
        names = ", ".join(map(quoted, _TEMPORARY))
        self._session.run(f"DROP TEMPORARY TABLE IF EXISTS {names}")

    def load(self, schema: TableSchema, rows: Iterable[Rows], work: Work) -> None:
        """Load the rows into a temporary table with the types of the backup."""
        columns = tuple(
            Column(c.name, c.type, collation=c.collation or None) for c in schema.stored
        )
        options = tuple(o for o in schema.options if o.startswith(("DEFAULT CHARSET=", "COLLATE=")))
        staged = TableSchema(_STAGED, columns, options=options)
        statement = create_table(staged)
        self._session.run(statement.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
        load_rows(self._session, staged, rows, work)

    def load_keys(self, keys: Sequence[Sequence[KeyValue]]) -> None:
        """Insert the keys into columns with the types of the table."""
        names = ", ".join(map(quoted, self.key))
        self._session.run(
            f"CREATE TEMPORARY TABLE {self.keys} AS SELECT {names} FROM {self.table} LIMIT 0"  # noqa: S608 - names are quoted
        )
        values = ", ".join(f"({', '.join(map(_literal, key))})" for key in keys)
        try:
            self._session.run(f"INSERT INTO {self.keys} VALUES {values}")  # noqa: S608 - literals
        except DatabaseError as error:
            raise bad_key(self.today.table, error.cause) from error

    def differs(self, column: Column) -> str:
        """Compare the bytes of texts, which collations may consider equal, and exact numbers."""
        return f"NOT ({self._exact('b', column)} <=> {self._exact('t', column)})"

    def _exact(self, alias: str, column: Column) -> str:
        value, kind = f"{alias}.{quoted(column.name)}", base_type(column)
        if column.name in self.changed_types:
            return f"CAST(CONVERT({value} USING utf8mb4) AS BINARY)"
        if kind in _TEXTS or kind == "json":
            return f"CAST({value} AS BINARY)"
        return f"CAST({value} AS DOUBLE)" if kind == "float" else value

    def shown(self, expression: str) -> str:
        """Return the SQL of a value as text."""
        return f"CAST({expression} AS CHAR)"

    def stored_value(self, column: Column) -> str:
        """Return the value, which the server converts if the column has another type today."""
        return f"b.{quoted(column.name)}"

    def update_statement(self, columns: Sequence[Column]) -> str:
        """Return the UPDATE; columns that the server would set to the present time are written."""
        changed = {column.name for column in columns}
        stored = {column.name for column in self.columns}
        values = [f"t.{quoted(name)} = b.{quoted(name)}" for name in changed]
        for column in self.today.stored:
            automatic = any(each.startswith("ON UPDATE ") for each in column.attributes)
            if automatic and column.name not in changed:
                source = "b" if column.name in stored else "t"
                values.append(f"t.{quoted(column.name)} = {source}.{quoted(column.name)}")
        return (
            f"UPDATE {self.table} t JOIN {self.changes} k ON {self.joined('t', 'k')} "  # noqa: S608 - names are quoted
            f"JOIN {self.selected} b ON {self.joined('b', 'k')} SET {', '.join(values)} "
            f"WHERE {self.marked(UPDATE, 'k')}"
        )

    def delete_statement(self) -> str:
        """Return the DELETE of the marked rows."""
        return (
            f"DELETE t FROM {self.table} t JOIN {self.changes} k ON {self.joined('t', 'k')} "
            f"WHERE {self.marked('delete', 'k')}"
        )

    def prepare(self, former: str) -> None:
        """Create the table for the present rows and its empty note, and begin the transaction."""
        names = self.columns_of("t", [column.name for column in self.today.stored])
        self._session.run(
            f"CREATE TABLE {quoted(former)} ENGINE=InnoDB COMMENT={literal(COMMENT)} AS "  # noqa: S608 - names are quoted
            f"SELECT REPEAT(' ', 20) AS {quoted(self.marker)}, {names} FROM {self.table} t LIMIT 0"
        )
        create_note(self._session, former)
        self.begin_undo()
        # The rows that are compared must be those that change: lock them, and the gaps between.
        self._session.query(
            f"SELECT 1 FROM {self.table} t JOIN {self.keys} k ON {self.joined('t', 'k')} FOR UPDATE"  # noqa: S608 - names are quoted
        )

    def discard(self, former: str) -> None:
        """End the transaction, and drop the prepared table."""
        self._session.run("ROLLBACK")
        _drop(self._session, former)

    def complete(self, former: str) -> None:
        """Write the note, and commit it with the rows."""
        saved = FormerRowsNote(self.today.table, self.marker, self.key)
        rows = (*saved.rows(), ("swap", "", former), ("state", DONE, ""))
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
        note = quoted(former + NOTE)
        self._session.run(f"INSERT INTO {note} (kind, name, text) VALUES {values}")  # noqa: S608 - literals
        with noting_lost_answer():
            self._session.run("COMMIT")

    def begin_undo(self) -> None:
        """Begin a transaction in which foreign keys and checks of single rows are enforced."""
        self._session.run("SET SESSION foreign_key_checks=1, unique_checks=1")
        with suppress(StorageError):  # MySQL does not have it
            self._session.run("SET SESSION check_constraint_checks=1")
        # Both counts of the rows are of one view, whatever other sessions commit.
        self._session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self._session.run("START TRANSACTION")

    def complete_undo(self, former: str) -> None:
        """Empty the note with the commit, and drop both tables."""
        self._session.run(f"DELETE FROM {quoted(former + NOTE)}")  # noqa: S608 - the name is quoted
        with noting_lost_answer():
            self._session.run("COMMIT")
        try:
            _drop(self._session, former)
        except Conflict as error:
            raise UnfinishedError(
                f"The former rows of {self.today.table} are restored, but {former} is not dropped",
                cause=error.cause,
                remedy=REPEAT,
                subject=former,
            ) from error

    @contextmanager
    def triggers_disabled(self) -> Iterator[None]:
        """Let triggers fire: the server cannot disable them."""
        yield

    def notes(self) -> tuple[str, ...]:
        """Return that triggers fire, and that keys of other databases may not be seen."""
        found = [] if sees_all(self._session) else [f"{UNSEEN}. Their rules may change rows there."]
        if names := ", ".join(trigger.name for trigger in self.today.triggers):
            found.append(
                f"Triggers of the table fire, because the server cannot disable them: {names}."
            )
        return tuple(found)

    def _same_type(self, backup: Column, today: Column) -> bool:
        mine = backup.collation or self._former_collation
        same_text = mine == (today.collation or self._collation)
        return backup.type == today.type and (same_text or base_type(today) not in _TEXTS)


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _literal(value: KeyValue) -> str:
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value) if isinstance(value, Digits) and _is_number(value) else literal(value)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return value.lstrip("-")[:1].isdigit()


def _drop(session: Session, former: str) -> None:
    session.run(f"DROP TABLE IF EXISTS {quoted(former)}, {quoted(former + NOTE)}")


def discard_unfinished(session: Session, name: str, comment: str) -> None:
    """Drop a table of former rows whose note is empty: a restore or an undo was killed."""
    if comment != COMMENT or not former_pattern.fullmatch(name):
        return
    if former_rows_note(session, name) is None:
        session.run(f"DROP TABLE {quoted(name)}")  # its empty note is a leftover too


def former_rows_note(session: Session, former: str) -> FormerRowsNote | None:
    """Return the note of former rows; None if `former` is a complete table."""
    if not former_pattern.fullmatch(former) or not exists(session, former + NOTE):
        return None
    rows = session.query(f"SELECT kind, name, text FROM {quoted(former + NOTE)}")  # noqa: S608 - the name is quoted
    return FormerRowsNote.parse((text(kind), text(name), text(value)) for kind, name, value in rows)


def undo_rows(session: Session, former: str, note: FormerRowsNote) -> UndoReport:
    """Restore the former rows, and drop their table."""
    today = read_schema(session, note.table)
    saved = read_schema(session, former)
    present = former_schema(today, [column.name for column in saved.columns])
    changes = MySQLRowChanges(session, present, today, incoming(session, note.table))
    return UndoReport(changes.undo(former, note))

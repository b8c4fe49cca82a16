"""Restore of single rows of a PostgreSQL table; see `single_rows`.

The former rows are in an ordinary table, whose comment has the same record as that of a former
table, and in addition the primary key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from core.backup.databases.base import Rows
from core.backup.databases.postgresql import catalog
from core.backup.databases.postgresql.build import table_statement
from core.backup.databases.postgresql.dependants import references_to
from core.backup.databases.postgresql.former import MARK, former_names, former_record
from core.backup.databases.postgresql.loading import copy_rows
from core.backup.databases.postgresql.names import TableName, checked_type, literal, quoted
from core.backup.databases.postgresql.session import Session
from core.backup.databases.row_keys import KeyValue
from core.backup.databases.row_statements import INSERT, UPDATE, bad_key
from core.backup.databases.single_rows import FormerRowsNote, RowChanges, former_schema
from core.errors import NOTHING_CHANGED, DatabaseError, NotSupported
from core.model.database import Reference
from core.model.restore import UndoReport
from core.model.tables import Column, TableSchema
from core.work import Work, default_work

#: Enabled triggers of a table and its partitions, without those of foreign keys.
_TRIGGERS = """
SELECT t.relid::regclass::text, g.tgname::text, g.tgenabled::text
FROM (SELECT $1::regclass AS relid UNION SELECT relid FROM pg_partition_tree($1::regclass)) t
JOIN pg_trigger g ON g.tgrelid = t.relid
WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 28 <> 0 ORDER BY 1, 2
"""
_HAS_CHILDREN = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhparent = $1)"
_IS_OWNER = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = $1::regclass"
_ENABLED = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


class PostgreSQLRowChanges(RowChanges):
    """Changes of single rows, within a transaction of a session."""

    def __init__(
        self,
        session: Session,
        backup: TableSchema,
        today: TableSchema,
        incoming: Sequence[Reference],
    ) -> None:
        self._session = session
        self._name = TableName.parse(today.table)
        super().__init__(backup, today, incoming)

    @property
    def table(self) -> str:
        """The quoted name of the present table."""
        return self._name.sql

    def query(self, statement: str) -> list[list[Any]]:
        """Run a statement and return its rows."""
        return self._session.query(statement)

    def quoted(self, name: str) -> str:
        """Return a quoted identifier."""
        return quoted(name)

    def other_table(self, name: str) -> str:
        """Return the quoted name of another table with its schema."""
        return TableName.parse(name).sql

    def temporary(self, name: str) -> str:
        """Return the quoted name of a temporary table, which no other schema can hide."""
        return f"pg_temp.{quoted(name)}"

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Run a transaction that is rolled back."""
        self._session.query("BEGIN READ WRITE")
        try:
            yield
        finally:
            self._session.query("ROLLBACK")

    def load(self, schema: TableSchema, rows: Iterable[Rows], work: Work) -> None:
        """Load the rows by COPY; columns of another type than today are loaded as text."""
        present = {c.name: c for c in self.columns if c.name not in self.changed_types}
        columns = tuple(_plain(present.get(c.name, Column(c.name, "text"))) for c in schema.stored)
        bare = TableSchema(schema.table, columns)
        self.query(table_statement(bare, self.staged, temporary=True))
        copy_rows(self._session, f"{self.staged} ({catalog.column_list(bare)})", rows, work)
        self.query(f"ANALYZE {self.staged}")

    def load_keys(self, keys: Sequence[Sequence[KeyValue]]) -> None:
        """Load the keys by COPY into a table with the types of the key columns."""
        names = ", ".join(map(quoted, self.key))
        self.query(
            f"CREATE TEMPORARY TABLE {self.keys} AS SELECT {names} FROM {self.table} WITH NO DATA"  # noqa: S608 - names are quoted
        )
        lines = "".join(",".join(map(_field, key)) + "\n" for key in keys)
        pieces = [(len(keys), lines.encode(errors="surrogateescape"))]
        try:
            self._session.copy_in(
                f"COPY {self.keys} FROM STDIN (FORMAT csv)", pieces, default_work(None)
            )
        except DatabaseError as error:
            raise bad_key(self.today.table, error.cause) from error

    def differs(self, column: Column) -> str:
        """Compare the texts of the values: 1.0 is not 1.00."""
        name = quoted(column.name)
        return f'b.{name}::text COLLATE "C" IS DISTINCT FROM t.{name}::text COLLATE "C"'

    def shown(self, expression: str) -> str:
        """Return the SQL of a value as text."""
        return f"{expression}::text"

    def stored_value(self, column: Column) -> str:
        """Return the value; one of another type is converted from its text."""
        name = f"b.{quoted(column.name)}"
        if column.name not in self.changed_types:
            return name
        return f"{name}::{checked_type(column.type)}"

    def update_statement(self, columns: Sequence[Column]) -> str:
        """Return the UPDATE from `selected`."""
        values = ", ".join(f"{quoted(c.name)} = {self.stored_value(c)}" for c in columns)
        return (
            f"UPDATE {self.table} t SET {values} FROM {self.selected} b, {self.changes} k "  # noqa: S608 - names are quoted
            f"WHERE {self.joined('t', 'k')} AND {self.joined('b', 'k')} "
            f"AND {self.marked(UPDATE, 'k')}"
        )

    def delete_statement(self) -> str:
        """Return the DELETE of the marked rows."""
        return (
            f"DELETE FROM {self.table} t USING {self.changes} k "  # noqa: S608 - names are quoted
            f"WHERE {self.joined('t', 'k')} AND {self.marked('delete', 'k')}"
        )

    def insert_statement(self, clause: str = "", verb: str = "INSERT") -> str:  # noqa: ARG002 - see `RowChanges`
        """Return the INSERT, which also writes identity columns that are always generated."""
        return super().insert_statement("OVERRIDING SYSTEM VALUE")

    def prepare(self, former: str) -> None:
        """Lock writers out, and create the table for the present rows."""
        self.begin_undo()
        names = self.columns_of("t", [column.name for column in self.today.stored])
        self.query(
            f"CREATE TABLE {self.other_table(former)} AS "  # noqa: S608 - names are quoted
            f"SELECT ''::text AS {quoted(self.marker)}, {names} FROM {self.table} t WITH NO DATA"
        )

    def complete(self, former: str) -> None:
        """Write the record into the comment of the prepared table."""
        record = {
            "table": str(self._name), "comment": "", "renames": [], "key": self.key,
            "marker": self.marker,
        }  # fmt: skip
        comment = literal(MARK + json.dumps(record))
        self.query(f"COMMENT ON TABLE {self.other_table(former)} IS {comment}")

    def begin_undo(self) -> None:
        """Lock writers out, so that the rows that are compared are those that change."""
        self.query(f"LOCK TABLE {self.table} IN SHARE ROW EXCLUSIVE MODE")

    def complete_undo(self, former: str) -> None:
        """Drop the former rows."""
        self.discard(former)

    @contextmanager
    def triggers_disabled(self) -> Iterator[None]:
        """Disable the triggers in this transaction, if the user owns the table."""
        triggers = self._triggers() if self._is_owner() else []
        for table, name, _ in triggers:
            self.query(f"ALTER TABLE ONLY {table} DISABLE TRIGGER {quoted(name)}")
        yield
        # Deferred checks of foreign keys would prevent the next statements.
        self.query("SET CONSTRAINTS ALL IMMEDIATE")
        for table, name, state in triggers:
            self.query(f"ALTER TABLE ONLY {table} {_ENABLED[state]} TRIGGER {quoted(name)}")

    def _triggers(self) -> list[list[Any]]:
        return self._session.query(_TRIGGERS, (self.table,))

    def _is_owner(self) -> bool:
        return bool(self._session.value(_IS_OWNER, (self.table,)))

    def notes(self) -> tuple[str, ...]:
        """Return whether triggers fire."""
        names = ", ".join(sorted({name for _, name, _ in self._triggers()}))
        if not names:
            return ()
        if self._is_owner():
            return (f"Triggers of the table do not fire for these rows: {names}.",)
        return (f"Triggers of the table fire, because only its owner can disable them: {names}.",)

    def advance_sequences(self) -> None:
        """Let sequences continue after the inserted numbers; last, since it is not rolled back."""
        names = {column.name for column in self.columns}
        for sequence in self.today.sequences:
            if sequence.column not in names or sequence.increment < 0:
                continue
            highest = self._session.value(
                f"SELECT max(b.{quoted(sequence.column)}) FROM {self.changes} k "  # noqa: S608 - names are quoted
                f"JOIN {self.selected} b ON {self.joined('b', 'k')} WHERE {self.marked(INSERT, 'k')}"
            )
            name = TableName.parse(sequence.name).sql
            last, called = self.query(f"SELECT last_value, is_called FROM {name}")[0]  # noqa: S608 - quoted
            if highest is not None and (highest > last or (highest == last and not called)):
                limit = min(int(highest), sequence.maximum)
                self._session.query("SELECT setval($1::regclass, $2::bigint, true)", (name, limit))


def _plain(column: Column) -> Column:
    return Column(column.name, column.type, collation=column.collation)


def _field(value: KeyValue) -> str:
    text = "\\x" + value.hex() if isinstance(value, bytes) else value
    return '"' + text.replace('"', '""') + '"'


def undo_rows(session: Session, former: TableName) -> UndoReport:
    """Restore the former rows, and drop their table."""
    relation = catalog.require_relation(session, former)
    record = json.loads(relation.comment.removeprefix(MARK))
    name = TableName.parse(str(record["table"]))
    today = catalog.read_schema(session, name)
    saved = catalog.read_schema(session, former)
    present = former_schema(today, [column.name for column in saved.columns])
    note = FormerRowsNote(str(name), str(record["marker"]), record["key"])
    return UndoReport(row_changes(session, present, today).undo(str(former), note))


def has_former_rows(session: Session, former: TableName) -> bool:
    """Return whether the comment of a former table is that of single rows.

    Raises:
        InvalidInput: It is not a former table.
    """
    relation, _ = former_record(session, former)
    return "marker" in json.loads(relation.comment.removeprefix(MARK))


def row_changes(session: Session, backup: TableSchema, today: TableSchema) -> PostgreSQLRowChanges:
    """Return the changes of single rows of a table to those of a backup."""
    relation = catalog.require_relation(session, TableName.parse(today.table))
    if relation.kind == "r" and session.value(_HAS_CHILDREN, (relation.oid,)):
        raise NotSupported(
            f"Single rows of {today.table} cannot be restored",
            cause="Other tables inherit from it, so that a change would include their rows.",
            remedy="Restore under a new name, and copy the rows.",
            effect=NOTHING_CHANGED,
            subject=today.table,
        )
    former = dict(former_names(session))
    references = references_to(session, TableName.parse(today.table))
    incoming = [reference for reference in references if reference.table not in former]
    return PostgreSQLRowChanges(session, backup, today, incoming)

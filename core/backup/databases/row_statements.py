"""Statements for the restore of single rows, which each engine writes in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from core.backup.databases.row_keys import KeyValue
from core.errors import InvalidInput, NotSupported
from core.model.database import Reference
from core.model.row_restore import RowAction
from core.model.tables import Column, TableSchema
from core.work import Work

INSERT, UPDATE, DELETE = RowAction.INSERT.value, RowAction.UPDATE.value, RowAction.DELETE.value
UNCHANGED, MISSING = RowAction.UNCHANGED.value, "missing"
REMEDY = "Restore the table under a new name, and copy the rows by a query."


class RowStatements(ABC):
    """Statements of one engine for single rows of the table `today`.

    Aliases in statements: k is a key of `changes` or `keys`, b a row of the backup in `selected`, t
    a row of the table.

    Args:
        backup: The schema of the staged rows.
        today: The present table.
        incoming: The foreign keys of other tables to it.
    """

    def __init__(
        self, backup: TableSchema, today: TableSchema, incoming: Sequence[Reference]
    ) -> None:
        self.today = today
        self.key = primary_key_of(today)
        self.backup = backup
        self.incoming = [one for one in incoming if one.database or one.table != today.table]
        names = {self._folded(column.name): column for column in backup.stored}
        self.columns = tuple(c for c in today.stored if self._folded(c.name) in names)
        self.changed_types = frozenset(
            column.name
            for column in self.columns
            if not self._same_type(names[self._folded(column.name)], column)
        )
        self._require_key(names)
        # The action is beside the columns of the table, which may have a column of any name.
        taken = {column.name.lower() for column in today.columns}
        self.marker = next(
            name
            for n in range(len(taken) + 1)
            if (name := "strongroom_action" + "_" * n) not in taken
        )
        self.selected = self.temporary("strongroom_selected")
        self.changes = self.temporary("strongroom_changes")
        self.keys = self.temporary("strongroom_keys")
        self.staged = self.temporary("strongroom_staged")

    def _require_key(self, names: dict[str, Column]) -> None:
        lost = [name for name in self.key if self._folded(name) not in names]
        lost += [name for name in self.key if name in self.changed_types]
        if lost:
            raise NotSupported(
                f"Single rows of {self.today.table} cannot be restored from this backup",
                cause=f"The primary key differs: {', '.join(lost)} is missing in the backup or has "
                "another type there.",
                remedy=REMEDY,
                subject=self.today.table,
            )

    @property
    @abstractmethod
    def table(self) -> str:
        """The quoted name of the present table."""

    @abstractmethod
    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run a statement and return its rows."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """Return a quoted identifier."""

    @abstractmethod
    def other_table(self, name: str) -> str:
        """Return the quoted name of another table."""

    def referring_table(self, reference: Reference) -> str:
        """Return the quoted name of the table of a foreign key."""
        return self.other_table(reference.table)

    @abstractmethod
    def temporary(self, name: str) -> str:
        """Return the quoted name of a temporary table."""

    @abstractmethod
    def scratch(self) -> AbstractContextManager[None]:
        """Provide a block for a preview, after which the temporary tables no longer exist."""

    @abstractmethod
    def load(self, schema: TableSchema, rows: Iterable[tuple[int, bytes]], work: Work) -> None:
        """Create the temporary table `staged` and load the rows of the backup."""

    @abstractmethod
    def load_keys(self, keys: Sequence[Sequence[KeyValue]]) -> None:
        """Fill the temporary table `keys`, which has the key columns of the present table."""

    @abstractmethod
    def differs(self, column: Column) -> str:
        """Return the condition for different values of a column in the aliases b and t."""

    @abstractmethod
    def shown(self, expression: str) -> str:
        """Return the SQL of a value as text for a message."""

    @abstractmethod
    def stored_value(self, column: Column) -> str:
        """Return the SQL of the value in the alias b for a column of the table."""

    @abstractmethod
    def update_statement(self, columns: Sequence[Column]) -> str:
        """Return the statement that updates these columns from `selected`."""

    @abstractmethod
    def delete_statement(self) -> str:
        """Return the statement that deletes the rows that `changes` marks."""

    @abstractmethod
    def prepare(self, former: str) -> None:
        """Lock the rows, and create the empty table `former` for their present values."""

    def discard(self, former: str) -> None:
        """Remove the prepared table, since no row changes."""
        self.query(f"DROP TABLE {self.other_table(former)}")

    @abstractmethod
    def complete(self, former: str) -> None:
        """Write the note of the prepared table, and commit where `change` does not."""

    @abstractmethod
    def begin_undo(self) -> None:
        """Lock the rows for an undo."""

    @abstractmethod
    def complete_undo(self, former: str) -> None:
        """Remove the former rows, and commit where `change` does not."""

    @abstractmethod
    def triggers_disabled(self) -> AbstractContextManager[None]:
        """Provide a block in which triggers do not fire, where the engine allows it."""

    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Return what else happens, for example that triggers fire, as complete sentences."""

    def advance_sequences(self) -> None:  # noqa: B027 - optional
        """Let the next number follow the inserted ones, where the engine does not do it."""

    def parent_key(self, table: str) -> tuple[str, ...]:  # noqa: ARG002 - overridden
        """Return the primary key of a table to which a foreign key without columns refers."""
        return ()

    def _folded(self, name: str) -> str:
        return name

    def _same_type(self, backup: Column, today: Column) -> bool:
        return (backup.type, backup.collation) == (today.type, today.collation)

    def insert_statement(self, clause: str = "", verb: str = "INSERT") -> str:
        """Return the statement that inserts the missing rows; `clause` precedes the SELECT."""
        names = ", ".join(self.quoted(column.name) for column in self.columns)
        values = ", ".join(self.stored_value(column) for column in self.columns)
        return (
            f"{verb} INTO {self.table} ({names}) {clause} SELECT {values} FROM {self.selected} b "  # noqa: S608 - names are quoted
            f"JOIN {self.changes} k ON {self.joined('b', 'k')} WHERE {self.marked(INSERT, 'k')}"
        )

    def any_differs(self) -> str:
        """Return the condition for a different value in any column of b and t."""
        return "(" + " OR ".join(self.differs(column) for column in self.columns) + ")"

    def joined(self, left: str, right: str) -> str:
        """Return the condition for equal keys; the collation of the left side counts."""
        names = map(self.quoted, self.key)
        return " AND ".join(f"{left}.{name} = {right}.{name}" for name in names)

    def columns_of(self, alias: str, names: Iterable[str]) -> str:
        """Return columns of an alias for a select list."""
        return ", ".join(f"{alias}.{self.quoted(name)}" for name in names)

    def marked(self, action: str, alias: str) -> str:
        """Return the condition for keys with an action."""
        return f"{alias}.{self.quoted(self.marker)} = '{action}'"

    def marked_any(self, actions: Sequence[str], alias: str) -> str:
        """Return the condition for keys with one of several actions."""
        return "(" + " OR ".join(self.marked(action, alias) for action in actions) + ")"

    def first_key(self, source: str) -> str:
        """Return the first key k of a source as text; empty if there is no row."""
        shown = ", ".join(self.shown(f"k.{self.quoted(name)}") for name in self.key)
        rows = self.query(f"SELECT {shown} {source} LIMIT 1")
        return ", ".join(map(str, rows[0])) if rows else ""


def primary_key_of(today: TableSchema) -> tuple[str, ...]:
    """Return the columns of the primary key.

    Raises:
        NotSupported: The table has no primary key, or one with an expression.
    """
    parts = today.primary.parts if today.primary else ()
    if not parts or any(part.expression or part.length for part in parts):
        raise NotSupported(
            f"Single rows of {today.table} cannot be restored",
            cause="The table has no primary key of complete columns, which identifies a row.",
            remedy="Restore the table under a new name, and copy the rows by a query.",
            subject=today.table,
        )
    return tuple(part.name for part in parts)


def bad_key(table: str, cause: str) -> InvalidInput:
    """Return the error of a key that the database does not accept."""
    return InvalidInput(
        f"A key does not fit the primary key of {table}",
        cause=cause,
        remedy='Write keys as the preview shows them, for example 5 or ["BTC", 5].',
        subject=table,
    )

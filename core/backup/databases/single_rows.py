"""Insertion, update and deletion of single rows, so that they equal the rows of a backup.

The statements are the same for every engine, except for what `RowStatements` leaves to its
subclasses. All rows of the backup are staged in a temporary table, from which the selected ones
are copied; `changes` then contains the action for each key. The former values of changed rows, and
the keys of inserted ones, are saved in a table whose note lets `undo` recognise it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from core.backup.databases.row_checks import check_keys
from core.backup.databases.row_keys import parse_keys
from core.backup.databases.row_statements import (
    DELETE,
    INSERT,
    MISSING,
    REMEDY,
    UNCHANGED,
    UPDATE,
    RowStatements,
)
from core.errors import NOTHING_CHANGED, Conflict, NotFound
from core.model.row_restore import RowAction, RowCounts, RowEffect
from core.model.tables import Column, TableSchema
from core.units import format_counted
from core.work import Work

_MOST_SHOWN = 200
#: The kind of the note that distinguishes former rows from a complete former table.
_ROWS = "rows"


class RowChanges(RowStatements):
    """Changes of single rows of a table, within one transaction.

    Call `stage`, then `prepare` (only to change something), `classify`, `row_checks.check_keys`,
    `apply` and `complete`.
    """

    def problems(self) -> tuple[str, ...]:
        """Return the differences between the schemas that matter for single rows."""
        stored = {self._folded(column.name) for column in self.columns}
        present = {self._folded(column.name) for column in self.today.columns}
        lost = [c.name for c in self.backup.stored if self._folded(c.name) not in present]
        new = [c.name for c in self.today.stored if self._folded(c.name) not in stored]
        found = []
        if lost:
            found.append(f"Columns of the backup that the table no longer has: {', '.join(lost)}.")
        if new:
            found.append(
                f"Columns that the backup does not have stay unchanged, or get their default in "
                f"inserted rows: {', '.join(new)}."
            )
        return (*found, *self.notes())

    def stage(self, rows: Iterable[tuple[int, bytes]], keys: Iterable[str], work: Work) -> None:
        """Stage the rows of the backup, and select those with the given keys.

        Raises:
            InvalidInput: A key does not match the primary key.
        """
        # Before the rows, which may take minutes: a key that does not fit is reported at once.
        parsed = parse_keys(keys, self.key)
        self.load_keys(parsed)
        self.load(self.backup, rows, work)
        names = self.columns_of("b", [column.name for column in self.columns])
        self.query(
            f"CREATE TEMPORARY TABLE {self.selected} AS SELECT {names} FROM {self.staged} b "  # noqa: S608 - names are quoted
            f"JOIN (SELECT DISTINCT * FROM {self.keys}) k ON {self.joined('b', 'k')}"
        )

    def classify(self) -> None:
        """Fill `changes` with the action for each key.

        Raises:
            Conflict: A key identifies several rows of the backup.
            NotFound: A row exists neither in the backup nor in the table.
        """
        first = self.quoted(self.key[0])
        action = (
            f"CASE WHEN b.{first} IS NULL AND t.{first} IS NULL THEN '{MISSING}' "
            f"WHEN t.{first} IS NULL THEN '{INSERT}' WHEN b.{first} IS NULL THEN '{DELETE}' "
            f"WHEN {self.any_differs()} THEN '{UPDATE}' ELSE '{UNCHANGED}' END"
        )
        self._create_changes(
            action,
            f"(SELECT DISTINCT * FROM {self.keys}) k "  # noqa: S608 - names are quoted
            f"LEFT JOIN {self.selected} b ON {self.joined('b', 'k')} "
            f"LEFT JOIN {self.table} t ON {self.joined('t', 'k')}",
        )
        if missing := self.first_key(f"FROM {self.changes} k WHERE {self.marked(MISSING, 'k')}"):
            raise NotFound(
                f"There is no row {missing} in {self.today.table}",
                cause="Neither the backup nor the present table contains it.",
                remedy="Choose keys of the preview.",
                effect=NOTHING_CHANGED,
                subject=self.today.table,
            )
        self._require_unique_keys()

    def _require_unique_keys(self) -> None:
        keys = self.columns_of("k", self.key)
        doubled = self.query(
            f"SELECT 1 FROM {self.changes} k GROUP BY {keys} HAVING count(*) > 1"  # noqa: S608 - names are quoted
        )
        if doubled:
            raise Conflict(
                f"A key identifies several rows of the backup of {self.today.table}",
                cause="The table had another primary key when it was backed up.",
                remedy=REMEDY,
                subject=self.today.table,
            )

    def _create_changes(self, action: str, source: str) -> None:
        keys = self.columns_of("k", self.key)
        marker = self.quoted(self.marker)
        self.query(
            f"CREATE TEMPORARY TABLE {self.changes} AS SELECT {keys}, {action} AS {marker} "  # noqa: S608 - names are quoted
            f"FROM {source}"
        )

    def counts(self) -> RowCounts:
        """Return the number of rows of each action."""
        marker = self.quoted(self.marker)
        rows = self.query(
            f"SELECT {self.shown(marker)}, count(*) FROM {self.changes} GROUP BY {marker}"  # noqa: S608 - names are quoted
        )
        found = {str(action): int(count) for action, count in rows}
        return RowCounts(
            found.get(INSERT, 0),
            found.get(UPDATE, 0),
            found.get(DELETE, 0),
            found.get(UNCHANGED, 0),
        )

    def effects(self) -> tuple[RowEffect, ...]:
        """Return the first rows with their actions."""
        shown = ", ".join(self.shown(f"k.{self.quoted(name)}") for name in (*self.key, self.marker))
        rows = self.query(f"SELECT {shown} FROM {self.changes} k LIMIT {_MOST_SHOWN}")  # noqa: S608 - names are quoted
        return tuple(
            RowEffect(", ".join(map(str, key)), RowAction(str(action))) for *key, action in rows
        )

    def apply(self, former: str = "") -> None:
        """Change the rows, and check them; the present values are saved in `former`, if any.

        Raises:
            Conflict: The rows differ from the backup afterwards, for example because of a trigger.
            DatabaseError: The database refuses a row.
        """
        before = self._count()
        counts = self.counts()
        changed = self._changed_columns() if counts.updated else ()
        # Deletions first: an inserted or updated row may need the unique value of a deleted one.
        with self.triggers_disabled():
            if former:
                self._save(former, UPDATE, DELETE)
            if counts.deleted:
                self.query(self.delete_statement())
            if changed:
                self.query(self.update_statement(changed))
            if counts.inserted:
                self.query(self.insert_statement())
            if former:  # after the insertion: columns that the backup lacks have their defaults
                self._save(former, INSERT)
        self._prove(before, counts)
        self.advance_sequences()

    def _count(self) -> int:
        return int(self.query(f"SELECT count(*) FROM {self.table}")[0][0])  # noqa: S608 - the name is quoted

    def _changed_columns(self) -> tuple[Column, ...]:
        """Return the columns with a different value in at least one row; others are not written."""
        found = ", ".join(
            f"max(CASE WHEN {self.differs(column)} THEN 1 ELSE 0 END)" for column in self.columns
        )
        flags = self.query(
            f"SELECT {found} FROM {self.changes} k JOIN {self.selected} b ON "  # noqa: S608 - names are quoted
            f"{self.joined('b', 'k')} JOIN {self.table} t ON {self.joined('t', 'k')} "
            f"WHERE {self.marked(UPDATE, 'k')}"
        )[0]
        return tuple(column for column, flag in zip(self.columns, flags, strict=True) if flag)

    def _save(self, former: str, *actions: str) -> None:
        names = [column.name for column in self.today.stored]
        columns = ", ".join(self.quoted(name) for name in (self.marker, *names))
        values = ", ".join(
            [f"k.{self.quoted(self.marker)}", *(f"t.{self.quoted(name)}" for name in names)]
        )
        self.query(
            f"INSERT INTO {self.other_table(former)} ({columns}) SELECT {values} "  # noqa: S608 - names are quoted
            f"FROM {self.changes} k JOIN {self.table} t ON {self.joined('t', 'k')} "
            f"WHERE {self.marked_any(actions, 'k')}"
        )

    def _prove(self, before: int, counts: RowCounts) -> None:
        first = self.quoted(self.key[0])
        wrong = self.first_key(
            f"FROM {self.changes} k JOIN {self.selected} b ON {self.joined('b', 'k')} "
            f"LEFT JOIN {self.table} t ON {self.joined('t', 'k')} "
            f"WHERE {self.marked_any((INSERT, UPDATE), 'k')} AND (t.{first} IS NULL OR "
            f"{self.any_differs()})"
        ) or self.first_key(
            f"FROM {self.changes} k JOIN {self.table} t ON {self.joined('t', 'k')} "
            f"WHERE {self.marked(DELETE, 'k')}"
        )
        # Also finds rows that a rule of a foreign key of the table to itself has deleted.
        after = self._count()
        if wrong:
            raise Conflict(
                f"The row {wrong} of {self.today.table} cannot be stored as in the backup",
                cause="A trigger or a rule changes it, or a column has another type than in the "
                "backup.",
                remedy=REMEDY,
                subject=self.today.table,
            )
        expected = before + counts.inserted - counts.deleted
        if after != expected:
            raise Conflict(
                f"Other rows of {self.today.table} would change too",
                cause="A trigger or a rule of a foreign key changes other rows: the table would "
                f"have {format_counted(after, 'row')}, expected: {expected:,}.",
                remedy=REMEDY,
                subject=self.today.table,
            )

    def undo(self, former: str, note: FormerRowsNote) -> str:
        """Restore the former rows, drop their table, and return the name of the changed table.

        Raises:
            Conflict: The table has another primary key now, or does not accept the rows.
        """
        self.marker = note.marker
        self.begin_undo()
        self.classify_undo(former, note.key)
        check_keys(self)
        self.apply()
        self.complete_undo(former)
        return note.table

    def classify_undo(self, former: str, key: Sequence[str]) -> None:
        """Fill `changes` with the actions that reverse those in `former`.

        Raises:
            Conflict: The table has another primary key now.
        """
        if tuple(key) != self.key:
            raise Conflict(
                f"The primary key of {self.today.table} has changed since the rows were restored",
                remedy=f"Copy the former rows from {former} by a query.",
                subject=self.today.table,
            )
        self.selected = self.other_table(former)
        first, marker = self.quoted(self.key[0]), f"b.{self.quoted(self.marker)}"
        action = (
            f"CASE WHEN {marker} = '{INSERT}' AND t.{first} IS NULL THEN '{UNCHANGED}' "
            f"WHEN {marker} = '{INSERT}' THEN '{DELETE}' WHEN t.{first} IS NULL THEN '{INSERT}' "
            f"WHEN {self.any_differs()} THEN '{UPDATE}' ELSE '{UNCHANGED}' END"
        )
        keys = self.columns_of("b", self.key)
        marker = self.quoted(self.marker)
        self.query(
            f"CREATE TEMPORARY TABLE {self.changes} AS SELECT {keys}, {action} AS {marker} "  # noqa: S608 - names are quoted
            f"FROM {self.selected} b LEFT JOIN {self.table} t ON {self.joined('t', 'b')}"
        )


class FormerRowsNote(NamedTuple):
    """What a note records about former rows: their table, the column of the action, the key."""

    table: str
    marker: str
    key: Sequence[str]

    @classmethod
    def parse(cls, notes: Iterable[tuple[str, str, str]]) -> FormerRowsNote | None:
        """Return the note in the rows (kind, name, text) of notes; None for a complete table."""
        found = {kind: (name, text) for kind, name, text in notes}
        if _ROWS not in found:
            return None
        marker, key = found[_ROWS]
        return cls(found["table"][0], marker, tuple(json.loads(key)))

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Return the rows that `parse` reads."""
        key = json.dumps(self.key, ensure_ascii=False)
        return ("table", self.table, ""), (_ROWS, self.marker, key)


def former_schema(today: TableSchema, names: Iterable[str]) -> TableSchema:
    """Return the schema of former rows: the columns of the present table that they have."""
    stored = set(names)
    return replace(today, columns=tuple(c for c in today.columns if c.name in stored))

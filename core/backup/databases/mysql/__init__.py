"""The engine for MariaDB and MySQL, with PyMySQL; the server builds the text of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from core.backup.databases.base import CompletedKeys, Rows
from core.backup.databases.mysql import grants, inspect
from core.backup.databases.mysql.address import ServerAddress
from core.backup.databases.mysql.failures import changed_elsewhere
from core.backup.databases.mysql.reading import ReadableDatabase
from core.backup.databases.mysql.session import Session, named_lock
from core.backup.databases.mysql.tokens import literal
from core.backup.databases.naming import naming_restored
from core.effects import BY_HAND, Result, note_attempt
from core.errors import NOTHING_CHANGED, Conflict, DatabaseError, StorageError
from core.model.tables import TableSchema
from core.redaction import Secret
from core.work import Work, default_work, finishing

# A method imports what a backup does not need: all of it takes longer than a connection.
if TYPE_CHECKING:
    from core.backup.databases.mysql.swap import Swap
    from core.backup.databases.single_rows import RowChanges
    from core.model.database import Dependant, Reference
    from core.model.restore import Difference, UndoReport

__all__ = ["MySQLDatabase"]


class MySQLDatabase(ReadableDatabase):
    """A database of a MariaDB or MySQL server.

    `change` cannot be one transaction, since such a server cannot roll back the definition of a
    table. Instead, all changes are made to a new table until the block ends; then a single RENAME
    TABLE swaps the tables.
    """

    def __init__(
        self, session: Session, address: ServerAddress, password: Secret | None, work: Work
    ) -> None:
        super().__init__(session, address, password, work)
        self._swap: Swap | None = None
        self._connect = partial(Session.open, address, password, default_work(None))
        #: The former table that the change removes or puts back.
        self._leaving = ""
        self._problems: tuple[str, ...] = ()
        #: By table, rows that lose the row to which they refer, as counted before the swap.
        self._orphans: tuple[tuple[str, int], ...] = ()

    def references(self, table: str) -> tuple[Reference, ...]:
        """Return the foreign keys of other tables to `table`."""
        from core.backup.databases.mysql.referring import incoming

        return incoming(self._session, table)

    def dependants(self, table: str) -> tuple[Dependant, ...]:
        """Return the views, triggers, routines, events and foreign keys that depend on a table."""
        from core.backup.databases.mysql.dependants import dependants_of

        return dependants_of(self._session, table)

    def dependants_after(self, schema: TableSchema) -> tuple[Dependant, ...]:
        """Return the dependants with the problems of a restore, and a restore that was begun."""
        from core.backup.databases.mysql.dependants import dependants_before
        from core.backup.databases.mysql.recovery import begun_restores

        found = dependants_before(self._session, schema, self._today(schema.table))
        return (*found, *begun_restores(self._session, schema.table))

    def update_dependants(
        self,
        schema: TableSchema,
        before: Sequence[Dependant],  # noqa: ARG002 - they refer to the table by its name
        today: TableSchema | None,
    ) -> tuple[Dependant, ...]:
        """Return the dependants with their problems after the swap, which is still to come."""
        from core.backup.databases.mysql.dependants import dependants_after

        return dependants_after(self._session, schema, today)

    def _today(self, table: str) -> TableSchema | None:
        return self.schema(table) if self.exists(table) else None

    def compare(
        self, schema: TableSchema, rows: Iterable[Rows], *, samples: int, work: Work
    ) -> tuple[Difference, tuple[tuple[str, int], ...]]:
        """Compare the present table with a backup's rows on this machine."""
        from core.backup.databases.mysql import compare

        server = compare.Server(self._session, self.references(schema.table), work)
        return compare.compared(schema, rows, self._today(schema.table), samples, server)

    @contextmanager
    def change(self, *, work: Work) -> Iterator[None]:
        """Hold the lock of the database; the swap of tables is carried out at the end of the block.

        What an earlier restore left is completed or removed first. If the block fails, the loaded
        table is removed and nothing else was changed, unless the error states it.
        """
        from core.backup.databases.mysql.completion import UnfinishedError
        from core.backup.databases.mysql.recovery import recover

        name = f"strongroom {self._address.database}"[:64]
        with self._session.cancellable(work):
            if self._session.value(named_lock(name)) != 1:
                raise changed_elsewhere(self._address)
            self._connect = partial(Session.open, self._address, self._password, work)
            recover(self._session, self._connect)
        self._swap, self._leaving = None, ""
        try:
            yield
            work.check()
            self._carry_out()
        except UnfinishedError:
            note_attempt(BY_HAND, Result.CHANGE)  # a clean-up would wait for the same session
            raise
        except BaseException as error:
            with finishing(work) as last:
                self._clean_up_after(error, name, last)
            raise
        finally:
            self._swap = None
            with suppress(StorageError):  # the connection has ended, and with it the lock
                self._session.run(f"DO RELEASE_LOCK({literal(name)})")

    def problems_after_change(self) -> tuple[str, ...]:
        """Return the grants that the server refused after the swap, and rows that lack others."""
        return self._problems

    def _carry_out(self) -> None:
        from core.backup.databases.mysql import swap
        from core.backup.databases.mysql.orphans import orphaned_during_swap

        if (done := self._swap) is not None:
            with naming_restored(done.schema.table):
                swap.commit(self._session, done, self._connect)
            late = orphaned_during_swap(self._session, done.schema, done.former, self._orphans)
            self._problems = (*grants.apply_grants(self._session, done.schema), *late)

    def _clean_up_after(self, error: BaseException, lock: str, work: Work) -> None:
        from core.backup.databases.mysql.completion import UnfinishedError
        from core.backup.databases.mysql.recovery import add_failure

        try:
            self._clean_up(lock, work)
        except UnfinishedError as failure:
            note_attempt(BY_HAND, Result.CHANGE)
            raise failure from error
        except StorageError as failure:
            if self._swap or self._leaving:
                note_attempt(BY_HAND, Result.UNKNOWN)
            add_failure(error, failure)

    def _clean_up(self, lock: str, work: Work) -> None:
        """Undo what was begun, on another connection: the present one may have been cut."""
        from core.backup.databases.mysql import recovery

        former = self._swap.former if self._swap else ""
        self._session.close()
        self._session = Session.open(self._address, self._password, work)
        if self._session.value(named_lock(lock)) != 1:
            raise changed_elsewhere(self._address)
        connect = partial(Session.open, self._address, self._password, work)
        recovery.recover(self._session, connect)
        if former and inspect.former_of(self._session, former):
            recovery.undo(self._session, former, connect)
        if self._leaving and not self.exists(self._leaving):
            note_attempt(BY_HAND, Result.CHANGE)  # only the answer was lost

    def lock(self, table: str) -> None:
        """Refuse a table that cannot be replaced; the swap itself waits for its writers."""
        from core.backup.databases.mysql.referring import refuse_other_databases

        refuse_other_databases(self._session, table)

    def create(self, schema: TableSchema) -> None:
        """Create the bare table from checked data, marked as being loaded."""
        from core.backup.databases.mysql.swap import create_bare

        create_bare(self._session, schema)

    def load(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work) -> int:
        """Load rows; return how many."""
        from core.backup.databases.mysql.load import load_rows

        return load_rows(self._session, schema, rows, work)

    def publish(self, schema: TableSchema, shadow: str, former: str, *, triggers: bool) -> None:
        """Complete the loaded table; it takes its name at the end of `change`."""
        from core.backup.databases.mysql import swap
        from core.backup.databases.mysql.referring import refuse_other_databases

        if former:
            refuse_other_databases(self._session, schema.table)
        for reference in self.references(schema.table) if former else ():
            if not swap.can_be_referenced(schema, reference.parents):
                raise Conflict(
                    f"A foreign key of {reference.table} cannot refer to the restored table",
                    cause=f"It has no index on {', '.join(reference.parents)}.",
                    remedy="Restore under a new name.",
                    effect=NOTHING_CHANGED,
                    subject=schema.table,
                )
        grants.check_grants(schema)
        swap.complete(self._session, schema, shadow, with_triggers=triggers)
        self._swap = swap.Swap(schema, shadow, former)

    def orphans(self, schema: TableSchema, former: str) -> tuple[tuple[str, int], ...]:
        """Return tables with rows that point to nothing after the swap, which is still to come."""
        from core.backup.databases.mysql.orphans import newly_orphaned

        if self._swap is None:
            raise DatabaseError(
                f"No restored table was published in {self.name}",
                remedy="Report this: it should not happen.",
                subject=self.name,
            )
        today = self._today(schema.table) if former else None
        found = self.references(schema.table)
        self._orphans = newly_orphaned(self._session, schema, found, self._swap.new, today)
        return self._orphans

    def complete_foreign_keys(self, schema: TableSchema) -> CompletedKeys:
        """Count orphans; the server itself attaches keys to a table that is created later."""
        from core.backup.databases.mysql.orphans import newly_orphaned

        return (), newly_orphaned(self._session, schema, (), schema.table, None)

    def undo(self, former: str) -> UndoReport:
        """Restore a former table under its name, or the former values of single rows."""
        from core.backup.databases.mysql import recovery, row_restore

        self._leaving = former if self.exists(former) else ""
        if note := row_restore.former_rows_note(self._session, former):
            return row_restore.undo_rows(self._session, former, note)
        return recovery.undo(self._session, former, self._connect)

    def row_changes(self, backup: TableSchema, today: TableSchema) -> RowChanges:
        """Return the changes of single rows of a table."""
        from core.backup.databases.mysql.row_restore import MySQLRowChanges

        references = self.references(today.table)
        return MySQLRowChanges(self._session, backup, today, references)

    def has_former_rows(self, former: str) -> bool:
        """Return whether the note of a former table is that of single rows."""
        from core.backup.databases.mysql.row_restore import former_rows_note

        return former_rows_note(self._session, former) is not None

    def drop_former(self, former: str) -> None:
        """Drop a former table."""
        from core.backup.databases.mysql.recovery import drop_former

        self._leaving = former if self.exists(former) else ""
        drop_former(self._session, former)

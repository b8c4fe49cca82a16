"""The engine for MariaDB and MySQL, with PyMySQL; the server builds the text of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Self

from core.backup.databases.base import CompletedKeys, Database, Rows
from core.backup.databases.condition import checks_of, clause
from core.backup.databases.mysql import (
    compare,
    dependants,
    grants,
    inspect,
    recovery,
    row_restore,
    swap,
)
from core.backup.databases.mysql.address import ServerAddress
from core.backup.databases.mysql.completion import UnfinishedError
from core.backup.databases.mysql.dump import dump_rows
from core.backup.databases.mysql.effects import refuse_effects
from core.backup.databases.mysql.failures import changed_elsewhere
from core.backup.databases.mysql.fingerprint import Fingerprint, server_fingerprint
from core.backup.databases.mysql.load import load_rows
from core.backup.databases.mysql.names import related_name
from core.backup.databases.mysql.orphans import newly_orphaned, orphaned_during_swap
from core.backup.databases.mysql.referring import incoming, refuse_other_databases
from core.backup.databases.mysql.session import Session, named_lock
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.databases.naming import naming_table
from core.backup.databases.single_rows import RowChanges
from core.effects import BY_HAND, Result, note_attempt
from core.errors import Conflict, DatabaseError, StorageError
from core.model.backup import Difference, Origin, UndoReport
from core.model.tables import Dependant, Reference, TableInfo, TableSchema
from core.redaction import Secret
from core.work import Work, default_work, finishing

__all__ = ["MySQLDatabase"]


class MySQLDatabase(Database):
    """A database of a MariaDB or MySQL server.

    `change` cannot be one transaction, since such a server cannot roll back the definition of a
    table. Instead, all changes are made to a new table until the block ends; then a single RENAME
    TABLE swaps the tables.
    """

    engine = "MariaDB"
    loads_long_rows = True
    tested = ("10.11",)
    restores_together = False  # each statement that changes a table is committed by itself
    missing_rows_remedy = "Run CHECK TABLE … EXTENDED on the table."

    def __init__(self, session: Session, address: ServerAddress, password: Secret | None) -> None:
        self._session = session
        self._address = address
        self._password = password
        self._swap: swap.Swap | None = None
        self._connect = partial(Session.open, address, password, default_work(None))
        #: The former table that the change removes or puts back.
        self._leaving = ""
        self._problems: tuple[str, ...] = ()
        #: By table, rows that lose the row to which they refer, as counted before the swap.
        self._orphans: tuple[tuple[str, int], ...] = ()
        self._in_snapshot = False
        #: By table and condition.
        self._counts: dict[tuple[str, str], int] = {}
        self._fingerprints: dict[tuple[str, str], str] = {}
        self._folds_case = int(session.value("SELECT @@lower_case_table_names")) > 0

    @classmethod
    def open(
        cls,
        address: str,
        *,
        write: bool = False,
        create: bool = False,  # noqa: ARG003 - a server's database is not created
        password: Secret | None = None,
        work: Work | None = None,
    ) -> Self:
        """Connect to a `mysql://` or `mariadb://` URL; see `Database`."""
        place = ServerAddress.parse(address)
        session = Session.open(place, password, default_work(work))
        try:
            if not write:
                session.run("SET SESSION TRANSACTION READ ONLY")
            return cls(session, place, password)
        except BaseException:
            session.close()
            raise

    @classmethod
    def missing(cls, address: str) -> bool:
        """Return False: a restore never creates a server's database."""
        ServerAddress.parse(address)
        return False

    def close(self) -> None:
        """Close the connection; repeated calls are allowed."""
        self._session.close()

    @property
    def name(self) -> str:
        """Host, port and database."""
        return str(self._address)

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self._session.encrypted

    @classmethod
    def origin_of(cls, address: str) -> Origin:
        """Return host, port and database."""
        return ServerAddress.parse(address).origin(cls.engine)

    @property
    def origin(self) -> Origin:
        """Host, port and database."""
        return self._address.origin(self.engine)

    @property
    def version(self) -> str:
        """The version of the server; that of MySQL begins with its name."""
        version = self._session.version
        return version if self._session.is_mariadb else f"MySQL {version}"

    def tables(self, *, work: Work | None = None) -> tuple[TableInfo, ...]:
        """Return the tables; the row counts of large ones are estimates."""
        with self._session.cancellable(default_work(work)):
            return inspect.list_tables(self._session)

    def schema(self, table: str) -> TableSchema:
        """Return a table as data, with the grants that the user may see."""
        with naming_table(table, self.name):
            schema = inspect.read_schema(self._session, table, for_rows=self._in_snapshot)
        return replace(schema, grants=grants.grants_of(self._session, schema.table))

    def exists(self, name: str) -> bool:
        """Return whether a table or view has this name."""
        return inspect.exists(self._session, name)

    def same_name(self, one: str, other: str) -> bool:
        """Return whether two names mean the same table; that depends on the server."""
        return one.lower() == other.lower() if self._folds_case else one == other

    def related_name(self, table: str, suffix: str) -> str:
        """Return the name of a table beside `table`, shortened to 64 characters."""
        return related_name(table, suffix)

    def renamed(self, schema: TableSchema, name: str) -> TableSchema:
        """Return a schema for a new table of another name, without triggers.

        Indexes belong to their table; the server chooses the names of foreign keys.
        """
        own = schema.table
        keys = tuple(
            replace(key, name="", table=name if self.same_name(key.table, own) else key.table)
            for key in schema.foreign_keys
        )
        return replace(schema, table=name, foreign_keys=keys, triggers=())

    def ddl(self, schema: TableSchema) -> str:
        """Return the definition of the table as the server writes it."""
        return inspect.definition(self._session, schema.table)

    def fingerprint(self, schema: TableSchema, *, where: str = "", work: Work) -> str:
        """Return the checksum that the server computes.

        After a dump in the same snapshot it is known from the lines, which spares a second reading.
        """
        known = self._fingerprints.get((schema.table, where))
        return known or server_fingerprint(self._session, schema, work, where)

    def count(self, table: str, *, where: str = "", work: Work | None = None) -> int:
        """Return the count of the rows that meet a condition; in a snapshot only counted once."""
        if (table, where) in self._counts:
            return self._counts[table, where]
        statement = f"SELECT COUNT(*) FROM {quoted(table)}{clause(where)}"  # noqa: S608 - the name is quoted
        with self._session.cancellable(default_work(work)):
            count = int(self._session.value(statement))
        if self._in_snapshot:
            self._counts[table, where] = count
        return count

    def estimated_rows(self, schema: TableSchema, *, work: Work | None = None) -> int | None:
        """Return the server's estimate for a large table, which would take long to count."""
        with self._session.cancellable(default_work(work)):
            return inspect.estimated_rows(self._session, schema.table)

    def check_condition(self, table: str, where: str, *, work: Work) -> None:
        """Let the server parse a condition in two places; see `Database`."""
        refuse_effects(where)
        for statement in checks_of(quoted(table), where):
            with self._session.cancellable(work):
                self._session.query(statement)

    def references(self, table: str) -> tuple[Reference, ...]:
        """Return the foreign keys of other tables to `table`."""
        return incoming(self._session, table)

    def prove_restorable(self, schema: TableSchema) -> None:
        """Check that the schema describes the table completely, and that rows can be read.

        A read-only user cannot create a table, so the statement of a restore is read again.
        """
        inspect.prove_restorable(schema)

    def dependants(self, table: str) -> tuple[Dependant, ...]:
        """Return the views, triggers, routines, events and foreign keys that depend on a table."""
        return dependants.dependants_of(self._session, table)

    def dependants_after(self, schema: TableSchema) -> tuple[Dependant, ...]:
        """Return the dependants with the problems of a restore, and a restore that was begun."""
        found = dependants.dependants_before(self._session, schema, self._today(schema.table))
        return (*found, *recovery.begun_restores(self._session, schema.table))

    def update_dependants(
        self,
        schema: TableSchema,
        before: Sequence[Dependant],  # noqa: ARG002 - they refer to the table by its name
        today: TableSchema | None,
    ) -> tuple[Dependant, ...]:
        """Return the dependants with their problems after the swap, which is still to come."""
        return dependants.dependants_after(self._session, schema, today)

    def _today(self, table: str) -> TableSchema | None:
        return self.schema(table) if self.exists(table) else None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold a transaction whose view begins now, of all tables together."""
        self._session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self._session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        self._in_snapshot = True
        try:
            yield
        finally:
            self._in_snapshot = False
            self._counts.clear()
            self._fingerprints.clear()
            with suppress(StorageError):  # the connection has ended, and with it the transaction
                self._session.run("ROLLBACK")

    def dump(
        self, schema: TableSchema, *, where: str = "", work: Work | None = None
    ) -> Iterator[Rows]:
        """Yield the rows as pieces of JSON lines."""
        found = Fingerprint()
        work = default_work(work)
        with closing(dump_rows(self._session, schema, work, found, where)) as pieces:
            sent = yield from pieces
        self._fingerprints[schema.table, where] = str(found)
        if self._in_snapshot and sent is not None:
            self._counts.setdefault((schema.table, where), sent)

    def compare(
        self, schema: TableSchema, rows: Iterable[Rows], *, samples: int, work: Work
    ) -> tuple[Difference, tuple[tuple[str, int], ...]]:
        """Compare the present table with a backup's rows on this machine."""
        server = compare.Server(self._session, self.references(schema.table), work)
        return compare.compared(schema, rows, self._today(schema.table), samples, server)

    @contextmanager
    def change(self, *, work: Work) -> Iterator[None]:
        """Hold the lock of the database; the swap of tables is carried out at the end of the block.

        What an earlier restore left is completed or removed first. If the block fails, the loaded
        table is removed and nothing else was changed, unless the error states it.
        """
        name = f"strongroom {self._address.database}"[:64]
        with self._session.cancellable(work):
            if self._session.value(named_lock(name)) != 1:
                raise changed_elsewhere(self._address)
            self._connect = partial(Session.open, self._address, self._password, work)
            recovery.recover(self._session, self._connect)
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
        if (done := self._swap) is not None:
            swap.commit(self._session, done, self._connect)
            late = orphaned_during_swap(self._session, done.schema, done.former, self._orphans)
            self._problems = (*grants.apply_grants(self._session, done.schema), *late)

    def _clean_up_after(self, error: BaseException, lock: str, work: Work) -> None:
        try:
            self._clean_up(lock, work)
        except UnfinishedError as failure:
            note_attempt(BY_HAND, Result.CHANGE)
            raise failure from error
        except StorageError as failure:
            if self._swap or self._leaving:
                note_attempt(BY_HAND, Result.UNKNOWN)
            recovery.add_failure(error, failure)

    def _clean_up(self, lock: str, work: Work) -> None:
        """Undo what was begun, on another connection: the present one may have been cut."""
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
        refuse_other_databases(self._session, table)

    def create(self, schema: TableSchema) -> None:
        """Create the bare table from checked data, marked as being loaded."""
        swap.create_bare(self._session, schema)

    def load(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work) -> int:
        """Load rows; return how many."""
        return load_rows(self._session, schema, rows, work)

    def publish(self, schema: TableSchema, shadow: str, former: str, *, triggers: bool) -> None:
        """Complete the loaded table; it takes its name at the end of `change`."""
        if former:
            refuse_other_databases(self._session, schema.table)
        for reference in self.references(schema.table) if former else ():
            if not swap.can_be_referenced(schema, reference.parents):
                raise Conflict(
                    f"A foreign key of {reference.table} cannot refer to the restored table",
                    cause=f"It has no index on {', '.join(reference.parents)}.",
                    remedy="Restore under a new name. Nothing was changed.",
                    subject=schema.table,
                )
        grants.check_grants(schema)
        swap.complete(self._session, schema, shadow, with_triggers=triggers)
        self._swap = swap.Swap(schema, shadow, former)

    def orphans(self, schema: TableSchema, former: str) -> tuple[tuple[str, int], ...]:
        """Return tables with rows that point to nothing after the swap, which is still to come."""
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
        return (), newly_orphaned(self._session, schema, (), schema.table, None)

    def undo(self, former: str) -> UndoReport:
        """Restore a former table under its name, or the former values of single rows."""
        self._leaving = former if self.exists(former) else ""
        if note := row_restore.former_rows_note(self._session, former):
            return row_restore.undo_rows(self._session, former, note)
        return recovery.undo(self._session, former, self._connect)

    def row_changes(self, backup: TableSchema, today: TableSchema) -> RowChanges:
        """Return the changes of single rows of a table."""
        references = self.references(today.table)
        return row_restore.MySQLRowChanges(self._session, backup, today, references)

    def has_former_rows(self, former: str) -> bool:
        """Return whether the note of a former table is that of single rows."""
        return row_restore.former_rows_note(self._session, former) is not None

    def drop_former(self, former: str) -> None:
        """Drop a former table."""
        self._leaving = former if self.exists(former) else ""
        recovery.drop_former(self._session, former)

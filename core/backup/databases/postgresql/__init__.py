"""The engine for PostgreSQL: COPY for the rows, the system catalogs for the schema."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from core.backup.databases.base import CompletedKeys, Rows
from core.backup.databases.condition import checks_of, clause
from core.backup.databases.naming import naming_locked, naming_table
from core.backup.databases.postgresql import build, catalog
from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.postgresql.fingerprint import counted_rows, fingerprint
from core.backup.databases.postgresql.listing import (
    COUNTED_PAGES,
    list_tables,
    refuse_changed,
    refuse_unreadable,
    wait_briefly,
)
from core.backup.databases.postgresql.loading import copy_rows
from core.backup.databases.postgresql.names import TableName
from core.backup.databases.postgresql.reading import copy_statement, size_of
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.snapshot import Snapshot
from core.backup.databases.postgresql.user_types import large_object_notes
from core.backup.databases.server import noting_lost_answer
from core.backup.databases.server_database import ServerDatabase
from core.errors import AccessDenied, StorageError
from core.model.tables import TableSchema
from core.redaction import Secret
from core.work import Work, default_work

# A method imports what a backup does not need: all of it takes longer than a connection.
if TYPE_CHECKING:
    from core.backup.databases.postgresql.swap import Published
    from core.backup.databases.single_rows import RowChanges
    from core.model.database import Dependant, Reference, TableInfo
    from core.model.restore import Difference, UndoReport
    from core.model.selection import Selection

__all__ = ["PostgreSQLDatabase"]

_EXISTS = """
SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
"""

_log = logging.getLogger(__name__)


class PostgreSQLDatabase(ServerDatabase[ServerAddress, Session]):
    """A database of a PostgreSQL server, version 12 or newer."""

    engine = "PostgreSQL"
    tested = ("15",)
    parts_format = "csv"
    missing_rows_remedy = (
        "Check the table with pg_amcheck, and run REINDEX TABLE if it finds errors."
    )

    def __init__(
        self, session: Session, address: ServerAddress, password: Secret | None, work: Work
    ) -> None:
        super().__init__(session, address, password, work)
        self._snapshot: Snapshot | None = None
        self._published: Published | None = None

    @classmethod
    def _parsed(cls, url: str) -> ServerAddress:
        return ServerAddress.parse(url)

    @classmethod
    def _connected(cls, address: ServerAddress, password: Secret | None, work: Work) -> Session:
        return Session.open(address, password, work)

    @classmethod
    def _refuse_writes(cls, session: Session) -> None:
        session.query("SELECT set_config('default_transaction_read_only', 'on', false)")

    @property
    def version(self) -> str:
        """The version of the server."""
        return self._session.version

    def tables(self, *, work: Work | None = None) -> tuple[TableInfo, ...]:
        """Return the tables; the row counts of large ones are the server's estimates."""
        with self._session.cancellable(default_work(work)):
            return list_tables(self._session, self.count, self.attempt)

    def attempt(self) -> AbstractContextManager[None]:
        """Return a savepoint inside a snapshot; see `Database`."""
        return savepoint(self._session) if self._snapshot else nullcontext()

    def schema(self, table: str) -> TableSchema:
        """Return a table as data; inside a snapshot it is locked against TRUNCATE and ALTER."""
        name = TableName.parse(table)
        with self.attempt():
            if self._snapshot and self.exists(table):
                catalog.require_relation(self._session, name)
                refuse_unreadable(self._session, name)
                # These are not part of the snapshot: a truncated table would be backed up as empty.
                with naming_locked(table, self.name):
                    self._session.query(f"LOCK TABLE {name.sql} IN ACCESS SHARE MODE")
                refuse_changed(self._session, name)
            with naming_table(table, self.name):
                return catalog.read_schema(self._session, name)

    def exists(self, name: str) -> bool:
        """Return whether a table, view, index or sequence of this name exists."""
        place = TableName.parse(name)
        return bool(self._session.query(_EXISTS, (place.schema, place.name)))

    def pattern_names(self, table: str) -> tuple[str, ...]:
        """Return the name as it is shown, and the one with the schema."""
        name = TableName.parse(table)
        return (table, f"{name.schema}.{name.name}")

    def related_name(self, table: str, suffix: str) -> str:
        """Return the name of a table beside `table`, shortened to 63 bytes."""
        return str(TableName.parse(table).beside(suffix))

    @classmethod
    def restore_notes(cls, schema: TableSchema) -> tuple[str, ...]:
        """Return a note about large objects, which a backup does not contain."""
        return large_object_notes(schema)

    def renamed(self, schema: TableSchema, name: str) -> TableSchema:
        """Return a schema for a new table of another name; see `Database`."""
        from core.backup.databases.postgresql.renaming import renamed

        return renamed(schema, name, self)

    def ddl(self, schema: TableSchema) -> str:
        """Return the definition of a table for reading."""
        return build.ddl_text(schema)

    def count(self, table: str, *, where: str = "", work: Work | None = None) -> int:
        """Return the row count of a table, or of the rows that meet a condition."""
        if begun := self._begun_fingerprint(table, where):
            return counted_rows(begun)
        with self._session.cancellable(default_work(work)):
            relation = catalog.find_relation(self._session, TableName.parse(table))
            only = "ONLY " if relation and relation.kind == "r" else ""  # not of inheriting tables
            rows = f"{only}{TableName.parse(table).sql}{clause(where)}"
            return int(self._session.value(f"SELECT count(*) FROM {rows}"))  # noqa: S608 - the name is quoted

    def estimated_rows(self, schema: TableSchema, *, work: Work | None = None) -> int | None:
        """Return the server's estimate for a large table, which would take long to count."""
        with self._session.cancellable(default_work(work)):
            size = size_of(self._session, schema.table)
        is_large = size.pages > COUNTED_PAGES and size.rows_per_page >= 0
        return round(size.pages * size.rows_per_page) if is_large else None

    def check_condition(self, table: str, where: str, *, work: Work) -> None:
        """Let the server parse a condition in two places; see `Database`."""
        from core.backup.databases.postgresql.volatile import refuse_volatile

        name = TableName.parse(table).sql
        with self._session.cancellable(work):
            for statement in checks_of(name, where):
                self._session.query(statement)
            refuse_volatile(self._session, name, where)

    def fingerprint(
        self, schema: TableSchema, *, where: str = "", like: str = "", work: Work
    ) -> str:
        """Return the sum of the hashes of the rows; see `Database`."""
        if begun := self._begun_fingerprint(schema.table, where):
            return begun
        with self._session.cancellable(work):
            return fingerprint(self._session, schema, where, like)

    def _begun_fingerprint(self, table: str, where: str) -> str:
        """Return the fingerprint that began with `dump`, or nothing."""
        return self._snapshot.fingerprint(table) if self._snapshot and not where else ""

    def references(self, table: str) -> tuple[Reference, ...]:
        """Return the foreign keys of other tables to `table`, except of former tables."""
        from core.backup.databases.postgresql.dependants import references_to
        from core.backup.databases.postgresql.former import former_names

        former = dict(former_names(self._session))
        found = references_to(self._session, TableName.parse(table))
        return tuple(reference for reference in found if reference.table not in former)

    def prove_restorable(self, schema: TableSchema) -> None:
        """Build the table as a temporary one in another session, and roll it back.

        A user without the permission for temporary tables, or a standby server, cannot prove it;
        this is logged.
        """
        session = Session.open(self._address, self._password, self._work)
        try:
            build.build_temporary(session, schema)
        except StorageError as error:
            if not isinstance(error, AccessDenied) and "(25006)" not in error.cause:
                raise
            _log.info("The schema of %s could not be proven: %s", schema.table, error.cause)
        finally:
            session.close()

    def dependants(self, table: str) -> tuple[Dependant, ...]:
        """Return the objects that are bound to a table."""
        from core.backup.databases.postgresql.dependants import dependants_of

        relation = catalog.find_relation(self._session, TableName.parse(table))
        return tuple(dependants_of(self._session, relation)) if relation else ()

    def dependants_after(self, schema: TableSchema) -> tuple[Dependant, ...]:
        """Return the dependants; their problems are what prevents a restore in place."""
        from core.backup.databases.postgresql.dependants import dependants_of
        from core.backup.databases.postgresql.takeover import losses
        from core.backup.databases.postgresql.trial import refused_definitions

        relation = catalog.find_relation(self._session, TableName.parse(schema.table))
        found = dependants_of(self._session, relation, schema) if relation else ()
        lost = losses(self._session, schema, in_place=relation is not None)
        return (*found, *lost, *refused_definitions(self._session, schema))

    def update_dependants(
        self, schema: TableSchema, before: Sequence[Dependant], today: TableSchema | None
    ) -> tuple[Dependant, ...]:
        """Return the dependants, which `publish` has moved, and what the restore lost."""
        from core.backup.databases.postgresql.takeover import losses

        publications = (one for one in before if one.kind == "publication")
        lost = self._published.lost if self._published else ()
        missing = losses(self._session, schema, in_place=today is not None)
        return (*self.dependants(schema.table), *publications, *lost, *missing)

    @contextmanager
    def snapshot(self, selection: Selection | None = None) -> Iterator[None]:  # noqa: ARG002 - the view is exported
        """Provide one view of all tables: REPEATABLE READ, which locks no writer out."""
        connect = partial(Session.open, self._address, self._password, self._work)
        self._snapshot = Snapshot.begin(self._session, connect)
        try:
            yield
        finally:
            self._snapshot.close()
            self._snapshot = None
            self._roll_back()

    def wait_briefly(self) -> None:
        """Wait half a second at most for locks until the snapshot ends."""
        wait_briefly(self._session)

    def dump(
        self, schema: TableSchema, *, where: str = "", work: Work | None = None
    ) -> Iterator[Rows]:
        """Yield the rows as CSV, in the order in which they are stored."""
        work = default_work(work)
        if self._snapshot is not None and not where:
            yield from self._snapshot.rows(schema, work)
            return
        if where:
            # COPY needs the simple protocol, which runs several statements. The check of the
            # condition only holds for the settings under which it was parsed, and its evaluation
            # by `count` may have changed them: set_config('standard_conforming_strings', …).
            self._session.apply_settings()
        yield from self._session.copy_out(copy_statement(schema, where), work)

    def compare(
        self, schema: TableSchema, rows: Iterable[Rows], *, samples: int, work: Work
    ) -> tuple[Difference, tuple[tuple[str, int], ...]]:
        """Compare today's table with a backup's rows in a temporary table."""
        from core.backup.databases.postgresql import compare
        from core.backup.databases.postgresql.orphans import future_orphans
        from core.model.restore import Difference

        today = self.schema(schema.table) if self.exists(schema.table) else None
        references = self.references(schema.table)
        with (
            compare.loaded(self._session, schema, rows, work) as loaded,
            self._session.cancellable(work),
        ):
            found = tuple(future_orphans(self._session, schema, loaded, references))
            if today is not None:
                comparison = compare.Comparison(self._session, loaded, today, samples)
                return comparison.difference(), found
            count = self._session.value(f"SELECT count(*) FROM {compare.LOADED}")  # noqa: S608 - a constant
            return Difference(int(count), 0, 0), found

    @contextmanager
    def change(self, *, work: Work) -> Iterator[None]:
        """Run one transaction; a failure, a cancel or a kill rolls it back."""
        # A cancel ends the connection also while an index is created, which may take minutes.
        with self._session.cancellable(work):
            # The defaults of the database or the user may be other ones.
            self._session.query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            self._published = None
            try:
                yield
                with noting_lost_answer():
                    self._session.query("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def finish_restore(self) -> tuple[str, ...]:
        """Drop the foreign keys of the former table; return texts about those that remain."""
        from core.backup.databases.postgresql.former import release_former

        former = self._published.former if self._published else None
        return release_former(self._session, former) if former else ()

    def lock(self, table: str) -> None:
        """Lock writers of a table out until the transaction ends; readers are not affected."""
        locked = TableName.parse(table).sql
        with naming_locked(table, self.name):
            self._session.query(f"LOCK TABLE {locked} IN SHARE ROW EXCLUSIVE MODE")

    def _roll_back(self) -> None:
        with suppress(StorageError):  # the error that ended the transaction is the one to report
            self._session.query("ROLLBACK")

    def create(self, schema: TableSchema) -> None:
        """Create the bare table from checked data."""
        build.create_table(self._session, schema)

    def load(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work) -> int:
        """Load rows by COPY; return their number."""
        target = f"{TableName.parse(schema.table).sql} ({catalog.column_list(schema)})"
        # Partitioned tables do not support FREEZE.
        return copy_rows(self._session, target, rows, work, freeze=not schema.partition_key)

    def publish(self, schema: TableSchema, shadow: str, former: str, *, triggers: bool) -> None:  # noqa: ARG002 - those of the schema
        """Swap the shadow table in; see `Database`."""
        from core.backup.databases.postgresql.swap import publish

        aside = TableName.parse(former) if former else None
        self._published = publish(self._session, schema, TableName.parse(shadow), aside)

    def orphans(self, schema: TableSchema, former: str) -> tuple[tuple[str, int], ...]:  # noqa: ARG002 - see `Database`
        """Validate the foreign keys; return the tables with rows that refer to missing ones."""
        from core.backup.databases.postgresql.orphans import validate

        not_valid = self._published.not_valid if self._published else frozenset()
        return validate(self._session, TableName.parse(schema.table), not_valid)

    def complete_foreign_keys(self, schema: TableSchema) -> CompletedKeys:
        """Create and validate foreign keys that were left out; see `Database`."""
        from core.backup.databases.postgresql.orphans import complete_keys

        return complete_keys(self._session, schema)

    def undo(self, former: str) -> UndoReport:
        """Restore a former table and drop the restored one, or restore the former rows."""
        from core.backup.databases.postgresql import row_restore, undo

        if self.has_former_rows(former):
            return row_restore.undo_rows(self._session, TableName.parse(former))
        return undo.undo(self._session, TableName.parse(former))

    def row_changes(self, backup: TableSchema, today: TableSchema) -> RowChanges:
        """Return the changes of single rows of a table."""
        from core.backup.databases.postgresql.row_restore import row_changes

        return row_changes(self._session, backup, today)

    def has_former_rows(self, former: str) -> bool:
        """Return whether the comment of a former table is that of single rows."""
        from core.backup.databases.postgresql.row_restore import has_former_rows

        return has_former_rows(self._session, TableName.parse(former))

    def drop_former(self, former: str) -> None:
        """Drop a former table."""
        from core.backup.databases.postgresql.former import drop_former

        drop_former(self._session, TableName.parse(former))

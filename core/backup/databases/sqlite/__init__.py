"""The engine for SQLite files, with apsw's SQLite (exact numbers, recent SQL)."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import apsw

from core.backup.databases.base import Database, Rows
from core.backup.databases.condition import clause
from core.backup.databases.naming import naming_table
from core.backup.databases.sqlite import inspect, publish
from core.backup.databases.sqlite.condition import check_condition
from core.backup.databases.sqlite.connection import (
    cancellable,
    encoding_of,
    open_file,
    scalar,
)
from core.backup.databases.sqlite.dump import Dump, rowid_warning
from core.backup.databases.sqlite.estimate import estimated_rows
from core.backup.databases.sqlite.failures import database_error, translate_sqlite_errors
from core.backup.databases.sqlite.load import load_rows
from core.backup.databases.sqlite.readers import readers_of_snapshot
from core.backup.databases.sqlite.scratch import prove_restorable
from core.backup.databases.sqlite.tokens import quoted
from core.backup.databases.url import DatabaseUrl
from core.errors import NOTHING_CHANGED, Conflict, InvalidInput
from core.model.backup import Origin
from core.model.tables import TableSchema
from core.redaction import Secret
from core.work import Work, default_work

# A method imports what a backup does not need: all of it takes longer than to open a file.
if TYPE_CHECKING:
    from core.backup.databases.single_rows import RowChanges
    from core.model.database import Dependant, Reference, TableInfo
    from core.model.restore import Difference, UndoReport
    from core.model.selection import Selection

__all__ = ["SQLiteDatabase"]


class SQLiteDatabase(Database):
    """An SQLite file."""

    engine = "SQLite"
    loads_long_rows = True
    no_tables_remedy = "Check that it is the correct file."
    missing_rows_remedy = "Run `PRAGMA integrity_check` on the database."

    def __init__(self, connection: apsw.Connection, path: Path, *, created: bool) -> None:
        self._connection = connection
        self._path = path
        self.created = created
        self._readers: tuple[apsw.Connection, ...] = ()
        #: By table and condition; None outside of a snapshot, since other programs may write.
        self._counts: dict[tuple[str, str], int] | None = None
        found = path.stat()
        self._file = (found.st_dev, found.st_ino)

    @classmethod
    def open(
        cls,
        address: str,
        *,
        write: bool = False,
        create: bool = False,
        password: Secret | None = None,  # noqa: ARG003 - a file has none
        work: Work | None = None,  # noqa: ARG003 - opening a file does not wait
    ) -> Self:
        """Open a file by its path or `sqlite:///` URL; see `Database`."""
        path = _path(address)
        missing = create and not path.exists()
        return cls(open_file(path, write=write, create=missing), path, created=missing)

    @classmethod
    def missing(cls, address: str) -> bool:
        """Return whether the file does not exist."""
        return not _path(address).exists()

    def close(self) -> None:
        """Close the file; a new file without tables is removed."""
        if self.created:
            self.created = False
            with suppress(apsw.Error):
                self._remove_if_empty()
        self._connection.close()

    def _remove_if_empty(self) -> None:
        """Remove the file while its lock is held: another process may have begun to fill it."""
        if not self._connection.get_autocommit():
            self._connection.execute("ROLLBACK")
        self._connection.set_busy_timeout(0)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except apsw.FullError:
            # Even the lock of an empty file needs space; it was free, or the error were another
            # one.
            if not self._path.stat().st_size:
                self._path.unlink()
            return
        if not self._connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall():
            self._path.unlink(missing_ok=True)
        self._connection.execute("ROLLBACK")

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self._path.name

    @classmethod
    def origin_of(cls, address: str) -> Origin:
        """Return host, absolute path and name of the file."""
        path = _path(address)
        return Origin(cls.engine, path.name, socket.gethostname(), str(path.resolve()))

    @property
    def origin(self) -> Origin:
        """Host, absolute path and name of the file."""
        return self.origin_of(str(self._path))

    @property
    def version(self) -> str:
        """The version of the SQLite that reads it."""
        return apsw.sqlite_lib_version()

    def tables(self, *, work: Work | None = None) -> tuple[TableInfo, ...]:
        """Return the tables with counts."""
        with self._guard(default_work(work)):
            return inspect.list_tables(self._connection)

    def schema(self, table: str) -> TableSchema:
        """Return a table as data."""
        with self._translated(), naming_table(table, str(self._path)):
            return inspect.read_schema(self._connection, table)

    def exists(self, name: str) -> bool:
        """Whether a table or view of that name is there."""
        sql = "SELECT 1 FROM sqlite_schema WHERE lower(name)=lower(?)"
        with self._translated():
            return bool(self._connection.execute(sql, (name,)).fetchall())

    def same_name(self, one: str, other: str) -> bool:
        """Return whether two names mean the same table; SQLite ignores case."""
        return one.lower() == other.lower()

    @classmethod
    def restore_notes(cls, schema: TableSchema) -> tuple[str, ...]:
        """Return a warning if a backup does not contain the rowids of a table that has them."""
        return rowid_warning(schema)

    def count(self, table: str, *, where: str = "", work: Work | None = None) -> int:
        """Return the count of the rows that meet a condition; in a snapshot only counted once."""
        if self._counts is not None and (table, where) in self._counts:
            return self._counts[table, where]
        sql = f"SELECT count(*) FROM {quoted(table)}{clause(where)}"  # noqa: S608 - the name is quoted
        with self._guard(default_work(work)):
            count = int(scalar(self._connection, sql))
        if self._counts is not None:
            self._counts[table, where] = count
        return count

    def estimated_rows(self, schema: TableSchema, *, work: Work | None = None) -> int | None:
        """Return an estimate for a large table: a backup counts its rows while it reads them."""
        with self._guard(default_work(work)):
            return estimated_rows(self._connection, schema)

    def check_condition(self, table: str, where: str, *, work: Work) -> None:
        """Compile a condition in two places; see `Database`."""
        with self._guard(work):
            check_condition(self._connection, table, where)

    def references(self, table: str) -> tuple[Reference, ...]:
        """Return the foreign keys that point to `table`."""
        with self._translated():
            return inspect.incoming(self._connection, table)

    def prove_restorable(self, schema: TableSchema) -> None:
        """Build the table in an empty database in memory."""
        prove_restorable(schema)

    def dependants(self, table: str) -> tuple[Dependant, ...]:
        """Return the views, triggers, foreign keys and virtual tables that depend on a table."""
        from core.backup.databases.sqlite.dependants import dependants_of

        with self._translated():
            return dependants_of(self._connection, table, self.references(table))

    def dependants_after(self, schema: TableSchema) -> tuple[Dependant, ...]:
        """Return the dependants with the problems that a restore would cause."""
        from core.backup.databases.sqlite.dependants import dependants_after

        today = self.schema(schema.table) if self.exists(schema.table) else None
        references = self.references(schema.table)
        with self._translated():
            return dependants_after(self._connection, schema, references, today)

    def update_dependants(
        self, schema: TableSchema, before: Sequence[Dependant], today: TableSchema | None
    ) -> tuple[Dependant, ...]:
        """Rebuild full-text indexes and compile views and triggers."""
        from core.backup.databases.sqlite.dependants import dependants_now

        references = self.references(schema.table)
        with self._translated():
            return dependants_now(self._connection, schema, before, references, today)

    @contextmanager
    def snapshot(self, selection: Selection | None = None) -> Iterator[None]:  # noqa: ARG002 - readers of all tables are opened
        """Hold a read transaction: WAL provides one view, a rollback journal locks writers out."""
        try:
            with readers_of_snapshot(self._path, self._begin) as readers:
                self._readers, self._counts = readers, {}
                yield
        finally:
            self._readers, self._counts = (), None
            self._roll_back()

    def _begin(self) -> None:
        with self._translated():
            self._connection.execute("BEGIN")
            # The view begins with the first read, not with BEGIN.
            self._connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()

    def dump(
        self, schema: TableSchema, *, where: str = "", work: Work | None = None
    ) -> Iterator[Rows]:
        """Yield the rows as pieces of JSON lines."""
        work = default_work(work)
        with self._guard(work):
            encoding = encoding_of(self._connection)
            with ExitStack() as interruptible:
                for reader in self._readers:
                    interruptible.enter_context(cancellable(reader, work, str(self._path)))
                dump = Dump(self._connection, schema, encoding, where, self._readers)
                yield from dump.pieces(work)
            if dump.counted is not None and self._counts is not None:
                self._counts[schema.table, where] = dump.counted

    def compare(
        self, schema: TableSchema, rows: Iterable[Rows], *, samples: int, work: Work
    ) -> tuple[Difference, tuple[tuple[str, int], ...]]:
        """Compare today's table with a backup's rows in a scratch database."""
        from core.backup.databases.sqlite.compare import Comparison, scratch
        from core.backup.databases.sqlite.orphans import Place, newly_orphaned
        from core.model.restore import Difference

        with self._guard(work):
            encoding = str(scalar(self._connection, "PRAGMA encoding"))
            references = inspect.incoming(self._connection, schema.table)
            today = self.schema(schema.table) if self.exists(schema.table) else None
        with (
            scratch(schema, rows, encoding, work) as beside,
            cancellable(beside, work, str(self._path)),
        ):
            beside.execute("ATTACH ? AS today", (self._path.absolute().as_uri() + "?mode=ro",))
            before = None if today is None else Place("today", today.table)
            now = Place("main", schema.table)
            orphaned = newly_orphaned(beside, schema, references, now, before)
            if today is not None:
                return Comparison(beside, schema, today, samples).difference(), orphaned
            sql = f"SELECT count(*) FROM main.{quoted(schema.table)}"  # noqa: S608 - the name is quoted
            return Difference(int(scalar(beside, sql)), 0, 0), orphaned

    @contextmanager
    def change(self, *, work: Work) -> Iterator[None]:
        """Hold the write lock for one transaction, so that a kill changes nothing."""
        with self._guard(work):
            # Rows that violate a check already violated it in the backup, and are restored
            # unchanged.
            self._connection.execute("PRAGMA ignore_check_constraints=ON")
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._check_in_place()
            yield
            self._check_in_place()
            with self._guard(work):
                self._connection.execute("COMMIT")
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        """End a transaction that is still open; closing the connection does it otherwise."""
        if not self._connection.get_autocommit():
            with suppress(apsw.Error):  # the error that ended the transaction is the one to report
                self._connection.execute("ROLLBACK")

    def _check_in_place(self) -> None:
        """Check that the file was not removed or replaced: its rows would be lost."""
        try:
            there = self._path.stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != self._file:
            raise database_error(apsw.exception_for(apsw.SQLITE_READONLY_DBMOVED), str(self._path))

    def create(self, schema: TableSchema) -> None:
        """Create the bare table from checked data."""
        with self._translated():
            publish.create_bare(self._connection, schema)

    def load(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work) -> int:
        """Load rows; return how many."""
        with self._guard(work):
            return load_rows(self._connection, schema, rows, work)

    def publish(self, schema: TableSchema, shadow: str, former: str, *, triggers: bool) -> None:
        """Swap the shadow in."""
        with self._translated():
            publish.publish(self._connection, schema, shadow, former, triggers=triggers)

    def orphans(self, schema: TableSchema, former: str) -> tuple[tuple[str, int], ...]:
        """Return tables with rows that point to nothing since `former` was replaced."""
        from core.backup.databases.sqlite.orphans import Place, newly_orphaned

        with self._translated():
            references = inspect.incoming(self._connection, schema.table)
            before = Place("main", former) if former else None
            now = Place("main", schema.table)
            return newly_orphaned(self._connection, schema, references, now, before)

    def undo(self, former: str) -> UndoReport:
        """Restore a former table, and rebuild the full-text indexes over it."""
        from core.backup.databases.sqlite import row_restore, undo
        from core.backup.databases.sqlite.dependants import rebuild_indexes

        with self._translated():
            undo.require_former(self._connection, former)
            if note := row_restore.former_rows_note(self._connection, former):
                return row_restore.undo_rows(self._connection, former, note)
            report = undo.put_back(self._connection, former)
            found = rebuild_indexes(self._connection, report.table)
        return replace(report, problems=(*report.problems, *found))

    def row_changes(self, backup: TableSchema, today: TableSchema) -> RowChanges:
        """Return the changes of single rows of a table."""
        from core.backup.databases.sqlite.row_restore import SQLiteRowChanges

        references = self.references(today.table)
        with self._translated():
            return SQLiteRowChanges(self._connection, backup, today, references)

    def has_former_rows(self, former: str) -> bool:
        """Return whether the note of a former table is that of single rows."""
        from core.backup.databases.sqlite import row_restore, undo

        with self._translated():
            undo.require_former(self._connection, former)
            return row_restore.former_rows_note(self._connection, former) is not None

    def drop_former(self, former: str) -> None:
        """Drop a former table, unless a foreign key refers to it: its table could not change."""
        from core.backup.databases.sqlite import undo

        with self._translated():
            undo.require_former(self._connection, former)
            if keys := self.references(former):
                raise Conflict(
                    f"{former} is used by a foreign key",
                    cause=f"The foreign key ({', '.join(keys[0].columns)}) of {keys[0].table} "
                    "refers to it.",
                    remedy="Drop that foreign key first.",
                    effect=NOTHING_CHANGED,
                    subject=former,
                )
            undo.drop(self._connection, former)

    def _translated(self) -> AbstractContextManager[None]:
        return translate_sqlite_errors(str(self._path))

    @contextmanager
    def _guard(self, work: Work) -> Iterator[None]:
        with cancellable(self._connection, work, str(self._path)):
            yield


def _path(address: str) -> Path:
    if "://" in address:
        address = DatabaseUrl.parse(address).database or ""
    if not address or address == ":memory:" or address.startswith("file:"):
        raise InvalidInput(
            "The URL names no database file", remedy="Write it as sqlite:///path/to/file.db."
        )
    return Path(address).expanduser()

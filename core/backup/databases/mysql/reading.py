"""The part of the engine for MariaDB and MySQL that a backup needs, which imports nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from core.backup.databases.base import Rows
from core.backup.databases.condition import checks_of, clause
from core.backup.databases.mysql import grants, inspect
from core.backup.databases.mysql.address import ServerAddress
from core.backup.databases.mysql.dump import dump_rows
from core.backup.databases.mysql.effects import refuse_effects
from core.backup.databases.mysql.fingerprint import Fingerprint, methods_of, server_fingerprint
from core.backup.databases.mysql.names import related_name
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.snapshot import Snapshot
from core.backup.databases.mysql.tokens import quoted
from core.backup.databases.naming import changed_during, naming_locked, naming_table
from core.backup.databases.selected import is_read_completely
from core.backup.databases.server_database import ServerDatabase
from core.errors import StorageError
from core.model.tables import TableSchema
from core.redaction import Secret
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.model.database import TableInfo
    from core.model.selection import Selection


class ReadableDatabase(ServerDatabase[ServerAddress, Session]):
    """A database of a MariaDB or MySQL server, whose tables are read."""

    engine = "MariaDB"
    loads_long_rows = True
    tested = ("10.11",)
    restores_together = False  # each statement that changes a table is committed by itself
    missing_rows_remedy = "Run CHECK TABLE … EXTENDED on the table."

    def __init__(
        self, session: Session, address: ServerAddress, password: Secret | None, work: Work
    ) -> None:
        super().__init__(session, address, password, work)
        self._snapshot: Snapshot | None = None
        #: By table and condition.
        self._counts: dict[tuple[str, str], int] = {}
        self._fingerprints: dict[tuple[str, str], str] = {}
        #: By table, for those whose schema was read in the snapshot: when it had been changed.
        self._changed: dict[str, object] = {}
        self._folds_case = int(session.value("SELECT @@lower_case_table_names")) > 0

    @classmethod
    def _parsed(cls, url: str) -> ServerAddress:
        return ServerAddress.parse(url)

    @classmethod
    def _connected(cls, address: ServerAddress, password: Secret | None, work: Work) -> Session:
        return Session.open(address, password, work)

    @classmethod
    def _refuse_writes(cls, session: Session) -> None:
        session.run("SET SESSION TRANSACTION READ ONLY")

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
        # Before the definition, so that a change between both is noticed.
        changed = self._snapshot and inspect.changed_at(self._session, table)
        with naming_table(table, self.name):
            schema = inspect.read_schema(self._session, table, for_rows=self._snapshot is not None)
        if self._snapshot is not None:
            self._changed[schema.table] = changed
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

    def fingerprint(
        self, schema: TableSchema, *, where: str = "", like: str = "", work: Work
    ) -> str:
        """Return the checksum that the server computes.

        After a dump in the same snapshot it is known from the lines, which spares a second reading.
        """
        known = self._fingerprints.get((schema.table, where))
        return known or server_fingerprint(self._session, schema, work, where, like)

    def count(self, table: str, *, where: str = "", work: Work | None = None) -> int:
        """Return the count of the rows that meet a condition; in a snapshot only counted once."""
        if (table, where) in self._counts:
            return self._counts[table, where]
        statement = f"SELECT COUNT(*) FROM {quoted(table)}{clause(where)}"  # noqa: S608 - the name is quoted
        with self._session.cancellable(default_work(work)):
            count = int(self._session.value(statement))
        if self._snapshot is not None:
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

    def prove_restorable(self, schema: TableSchema) -> None:
        """Check that the schema describes the table completely, and that rows can be read.

        A read-only user cannot create a table, so the statement of a restore is read again.
        """
        inspect.prove_restorable(schema)

    @contextmanager
    def snapshot(self, selection: Selection | None = None) -> Iterator[None]:
        """Hold a transaction whose view begins now, of all tables together."""
        connect = partial(Session.open, self._address, self._password, self._work)
        wanted = None if selection is None else partial(is_read_completely, self, selection)
        self._snapshot = Snapshot.begin(self._session, connect, wanted)
        try:
            yield
        finally:
            self._snapshot.close()
            self._snapshot = None
            self._counts.clear()
            self._fingerprints.clear()
            self._changed.clear()
            with suppress(StorageError):  # the connection has ended, and with it the transaction
                self._session.run("ROLLBACK")

    def wait_briefly(self) -> None:
        """Wait for each lock for a second at most, as long as the connection is open."""
        inspect.wait_briefly(self._session)

    def dump(
        self, schema: TableSchema, *, where: str = "", work: Work | None = None
    ) -> Iterator[Rows]:
        """Yield the rows as pieces of JSON lines."""
        work = default_work(work)
        if self._snapshot is None:
            with closing(dump_rows(self._session, schema, work, where=where)) as pieces:
                yield from pieces
            return
        self._check_unchanged(schema)
        found = Fingerprint(methods_of(self._session)[0])
        if where:
            reading = dump_rows(self._session, schema, work, found, where)
        else:
            reading = self._snapshot.rows(schema, work, found)
        with closing(reading) as pieces:
            sent = yield from pieces
        self._fingerprints[schema.table, where] = str(found)
        if sent is not None:
            self._counts.setdefault((schema.table, where), sent)

    def _check_unchanged(self, schema: TableSchema) -> None:
        """Lock the definition of a table, and check that its schema still describes it.

        A change that the server makes without rewriting the table, such as a new column with the
        name of a former one, is no error in an older view: it would show other values.

        Raises:
            LockedError: The table was changed since its schema was read.
        """
        name = schema.table
        with naming_locked(name, self.name):
            self._session.run(f"SELECT 1 FROM {quoted(name)} LIMIT 0")  # noqa: S608 - the name is quoted
        if name not in self._changed:  # its schema was read before the snapshot
            return
        same = self._changed[name] == inspect.changed_at(self._session, name)
        if not same or inspect.read_columns(self._session, name) != schema.columns:
            raise changed_during(name, self.name)

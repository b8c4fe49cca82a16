"""The part of the engine for MariaDB and MySQL that a backup needs, which imports nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from core.backup.databases.base import Database, Rows
from core.backup.databases.condition import checks_of, clause
from core.backup.databases.mysql import grants, inspect
from core.backup.databases.mysql.address import ServerAddress
from core.backup.databases.mysql.dump import dump_rows
from core.backup.databases.mysql.effects import refuse_effects
from core.backup.databases.mysql.fingerprint import Fingerprint, server_fingerprint
from core.backup.databases.mysql.names import related_name
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import quoted
from core.backup.databases.naming import naming_table
from core.errors import StorageError
from core.model.backup import Origin
from core.model.tables import TableSchema
from core.redaction import Secret
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.model.database import TableInfo


class ReadableDatabase(Database):
    """A database of a MariaDB or MySQL server, whose tables are read."""

    engine = "MariaDB"
    loads_long_rows = True
    tested = ("10.11",)
    restores_together = False  # each statement that changes a table is committed by itself
    missing_rows_remedy = "Run CHECK TABLE … EXTENDED on the table."

    def __init__(self, session: Session, address: ServerAddress, password: Secret | None) -> None:
        self._session = session
        self._address = address
        self._password = password
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

    def prove_restorable(self, schema: TableSchema) -> None:
        """Check that the schema describes the table completely, and that rows can be read.

        A read-only user cannot create a table, so the statement of a restore is read again.
        """
        inspect.prove_restorable(schema)

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

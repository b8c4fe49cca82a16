"""The view of a backup, which a second connection shares: both read a large table at once.

MariaDB exports no view, so the transactions of both connections begin while a third one locks
writers of the large tables out, for the time of a few statements. The lock is not waited for, since
new writers would wait behind it: without it one connection reads everything.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import NamedTuple, Self
from uuid import uuid4

from core.backup.databases.base import Rows
from core.backup.databases.mysql.dump import dump_rows
from core.backup.databases.mysql.fingerprint import Fingerprint
from core.backup.databases.mysql.inspect import changed_at, text
from core.backup.databases.mysql.rows import integer_key
from core.backup.databases.mysql.sampling import sampled_row_sql
from core.backup.databases.mysql.session import Session, named_lock
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.databases.parallel_reading import ParallelReading
from core.errors import Cancelled, Conflict, StorageError
from core.model.tables import TableSchema
from core.work import Work

#: Tables with fewer bytes are read before another connection would be ready.
_LARGE_BYTES = 16 << 20
#: Stored bytes of a range, so that readers end at nearly the same time.
_RANGE_BYTES = 4 << 20
#: How often the lock is tried: a transaction of a single INSERT ends within a millisecond.
_ATTEMPTS = 5
#: The server ends the connection with the lock after as many idle seconds, if this computer stops.
_LOCK_SECONDS = 5
#: How long the second connection may wait for the next large table.
_IDLE_SECONDS = 24 * 3600
#: These errors are only logged.
_NO_REMEDY = "One connection reads the tables, so nothing needs to be done."
_BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
#: Without partitions: one can be exchanged with a table that was not locked, which is not seen.
_LARGE = """
SELECT TABLE_NAME, DATA_LENGTH, CREATE_TIME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB'
  AND DATA_LENGTH >= {bytes} AND CREATE_OPTIONS NOT LIKE '%partitioned%'
"""

_log = logging.getLogger(__name__)


class _Large(NamedTuple):
    """A large table: its bytes, and when its definition or its name changed, in UTC."""

    size: int
    changed: object


class Snapshot:
    """A transaction, and a second one that has the same view of the tables in `large`.

    Args:
        session: The session of the transaction.
        companion: The session of the second one; None without it.
        large: These tables, by name.
    """

    def __init__(
        self, session: Session, companion: Session | None, large: dict[str, _Large]
    ) -> None:
        self._session = session
        self._companion = companion
        self._large = large

    @classmethod
    def begin(
        cls,
        session: Session,
        connect: Callable[[], Session],
        wanted: Callable[[str], bool] | None,
    ) -> Self:
        """Begin a transaction, whose view of all tables begins now.

        Args:
            session: The session of the transaction.
            connect: Opens another session to the same database.
            wanted: Whether all rows of a table, of which the name is given, will be read; None if
                none are read.
        """
        _set_isolation(session)
        large: dict[str, _Large] = {}
        companion = None
        try:
            if wanted is not None:
                large = {name: found for name, found in _large_tables(session) if wanted(name)}
            if large:
                companion = _begun_together(session, connect, list(large))
        except Cancelled:
            raise
        except StorageError as error:
            _log.info("One connection reads the tables: %s %s", error.summary, error.cause)
        if companion is None:
            session.run(_BEGIN)
        return cls(session, companion, large)

    def close(self) -> None:
        """End the second session, not the transaction."""
        if self._companion is not None:
            self._companion.close()

    def rows(
        self, schema: TableSchema, work: Work, fingerprint: Fingerprint
    ) -> Generator[Rows, None, int | None]:
        """Yield the rows of a table in the order of its primary key; see `dump_rows`."""
        ranges = self._ranges(schema)
        if self._companion is None or len(ranges) < 2:
            return (yield from dump_rows(self._session, schema, work, fingerprint))
        line = sampled_row_sql(self._session, schema)
        read = _RangeReader(schema, work, line, fingerprint)
        reading = ParallelReading(ranges, read)
        with closing(reading.rows(self._session, [partial(self._beside, schema, work)])) as rows:
            yield from rows
        return read.sent

    def _ranges(self, schema: TableSchema) -> Sequence[str]:
        """Return conditions that together select all rows, in the order of the primary key."""
        key, large = integer_key(schema), self._large.get(schema.table)
        if self._companion is None or not key or large is None:
            return ()
        name = quoted(key)
        statement = f"SELECT MIN({name}), MAX({name}) FROM {quoted(schema.table)}"  # noqa: S608 - names are quoted
        ((least, greatest),) = self._session.query(statement)
        if least is None or not self._is_same(schema.table, large):
            return ()
        step = (int(greatest) - int(least)) // (large.size // _RANGE_BYTES + 1) + 1
        bounds = range(int(least) + step, int(greatest) + 1, step)
        starts = ("", *(f"{name}>={bound}" for bound in bounds))
        ends = (*(f"{name}<{bound}" for bound in bounds), "")
        return [" AND ".join(filter(None, pair)) for pair in zip(starts, ends, strict=True)]

    def _is_same(self, table: str, large: _Large) -> bool:
        """Return whether a table, whose definition is locked now, is the one that was locked.

        Another one may have been renamed to its name, for example by a tool that changes tables.
        """
        changed = changed_at(self._session, table)
        return changed is not None and changed == large.changed

    @contextmanager
    def _beside(self, schema: TableSchema, work: Work) -> Iterator[Session]:
        """Provide the second session after it has locked the definition of a table.

        Otherwise a change of the table that waits for the first session would be waited for here:
        neither would end.
        """
        assert self._companion is not None
        with self._companion.cancellable(work):
            self._companion.run("SET SESSION lock_wait_timeout=0")
            self._companion.query(f"SELECT 1 FROM {quoted(schema.table)} LIMIT 1")  # noqa: S608 - the name is quoted
        yield self._companion


class _RangeReader:
    """Reads ranges of a table, in several threads; `sent` is the number of rows, None if unknown."""

    def __init__(self, schema: TableSchema, work: Work, line: str, total: Fingerprint) -> None:
        self._schema = schema
        self._work = work
        self._line = line
        self._total = total
        self._lock = threading.Lock()
        self.sent: int | None = 0

    def __call__(self, session: Session, condition: str) -> Generator[Rows, None, None]:
        part = Fingerprint(self._total.method)
        sent = yield from dump_rows(
            session, self._schema, self._work, part, condition, line=self._line
        )
        with self._lock:
            self._total.merge(part)
            self.sent = None if sent is None or self.sent is None else self.sent + sent


def _set_isolation(session: Session) -> None:
    session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _large_tables(session: Session) -> Iterator[tuple[str, _Large]]:
    """Yield the names of the large tables of a server that can lock them for a moment."""
    # MySQL cannot lock tables without waiting, and the other nodes of a cluster have no such lock.
    if session.is_mariadb and not _is_in_cluster(session):
        for name, size, changed in session.query(_LARGE.format(bytes=_LARGE_BYTES)):
            yield text(name), _Large(int(size), changed)


def _is_in_cluster(session: Session) -> bool:
    # A server that was built without clusters, for example on Windows, has no such variable.
    found = session.query("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
    return any(text(value) != "OFF" for _, value in found)


def _begun_together(
    session: Session, connect: Callable[[], Session], tables: Collection[str]
) -> Session:
    """Begin two transactions with one view of the tables; return the session of the second.

    Raises:
        StorageError: The tables cannot be locked, or a connection leads to another server; the
            session may have begun a transaction.
    """
    name = f"strongroom_{uuid4().hex}"
    with ExitStack() as opened, closing(connect()) as locking:
        companion = connect()
        opened.callback(companion.close)
        companion.run("SET SESSION TRANSACTION READ ONLY")
        companion.run(
            f"SET SESSION wait_timeout={_IDLE_SECONDS}, idle_readonly_transaction_timeout=0"
        )
        _set_isolation(companion)
        locking.run(named_lock(name))
        _lock(locking, tables)
        session.run(_BEGIN)
        companion.run(_BEGIN)
        # Its success proves that the server has not ended the connection, and with it the lock.
        locking.run("UNLOCK TABLES")
        # One address may lead to several servers; only that of the lock knows the name.
        holder = f"SELECT IS_USED_LOCK({literal(name)})"
        if session.value(holder) is None or companion.value(holder) is None:
            raise Conflict(
                f"The connections to {session.address} lead to different servers", remedy=_NO_REMEDY
            )
        opened.pop_all()
        return companion


def _lock(session: Session, tables: Collection[str]) -> None:
    """Lock writers of tables out, without waiting for those that have changed them.

    Raises:
        StorageError: Another session uses a table, or the user lacks the privilege LOCK TABLES.
    """
    session.run(f"SET SESSION wait_timeout={_LOCK_SECONDS}")
    names = ", ".join(f"{quoted(name)} READ" for name in tables)
    for remaining in reversed(range(_ATTEMPTS)):
        try:
            session.run(f"LOCK TABLES {names} NOWAIT")
            break
        except Conflict:
            if not remaining:
                raise
    # The lock of a prepared transaction ends with its connection, but another one can commit it.
    if session.query("XA RECOVER"):
        raise Conflict(f"{session.address} has prepared transactions", remedy=_NO_REMEDY)

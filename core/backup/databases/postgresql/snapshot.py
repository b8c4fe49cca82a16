"""The view of a backup, which further sessions share: they read and hash a large table at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Self

from core.backup.databases.base import Rows
from core.backup.databases.parallel_reading import ParallelReading
from core.backup.databases.postgresql.fingerprint import fingerprint
from core.backup.databases.postgresql.names import TableName, literal
from core.backup.databases.postgresql.reading import copy_statement, range_statements, size_of
from core.backup.databases.postgresql.session import Session
from core.errors import Cancelled, StorageError
from core.model.tables import TableSchema
from core.work import Work

#: Connections that read one table. The server writes the text of a connection's rows in one
#: process, so a second one halves that time; a million rows took 8 % less in all on two processors
#: that also ran the server. Not more of them, since a backup should leave processors to the
#: server's users.
READERS = 2
#: Tables with fewer pages (8 KiB) in all are read before another connection would be ready.
_LARGE_PAGES = 2_000
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_log = logging.getLogger(__name__)


class Snapshot:
    """A transaction whose view other sessions import; `close` ends them, not the transaction.

    Args:
        session: The session of the transaction.
        connect: Opens another session to the same database.
        identifier: The name of the exported view; empty if it cannot be shared.
    """

    def __init__(self, session: Session, connect: Callable[[], Session], identifier: str) -> None:
        self._session = session
        self._connect = connect
        self._identifier = identifier
        self._lock = threading.Lock()
        self._companions: set[Session] = set()
        self._closed = False
        self._pool = ThreadPoolExecutor(1, "fingerprint")
        self._fingerprints: dict[str, Future[str]] = {}

    @classmethod
    def begin(cls, session: Session, connect: Callable[[], Session]) -> Self:
        """Begin a transaction with one view of all tables, and export the view."""
        session.query(_BEGIN)
        try:
            # The view begins with the first query.
            identifier = str(session.value("SELECT pg_export_snapshot()"))
        except StorageError as error:
            _log.info("The view of the database cannot be shared: %s", error.cause)
            session.query("ROLLBACK")
            session.query(_BEGIN)
            session.query("SELECT 1")
            identifier = ""
        return cls(session, connect, identifier)

    def close(self) -> None:
        """End the other sessions, also those that are still working."""
        with self._lock:
            self._closed = True
            for companion in self._companions:
                companion.cut()
        self._pool.shutdown(cancel_futures=True)

    def rows(self, schema: TableSchema, work: Work) -> Iterator[Rows]:
        """Yield the rows of a table in the order in which they are stored.

        A large table is read by several sessions, and its fingerprint begins at the same time.
        """
        size = size_of(self._session, schema.table)
        shared = bool(self._identifier) and size.all_pages >= _LARGE_PAGES
        if shared:
            self._fingerprints[schema.table] = self._pool.submit(self._fingerprint, schema, work)
        if shared and size.ranges:
            # A parallel plan would change the order of the rows.
            self._session.query("SET LOCAL max_parallel_workers_per_gather = 0")
            beside = [partial(self._companion, schema, work)] * (READERS - 1)
            reading = ParallelReading[Session](
                range_statements(schema, size), partial(Session.copy_out, work=work)
            )
            yield from reading.rows(self._session, beside)
        else:
            yield from self._session.copy_out(copy_statement(schema), work)

    def fingerprint(self, table: str) -> str:
        """Return the fingerprint that began with the rows; empty if it could not begin.

        Raises:
            StorageError: Its session failed.
        """
        running = self._fingerprints.get(table)
        return "" if running is None else running.result()

    def _fingerprint(self, schema: TableSchema, work: Work) -> str:
        try:
            session = self._opened(schema)
        except Cancelled:
            raise
        except StorageError as error:
            _log.info("The rows of %s are hashed after the backup: %s", schema.table, error.summary)
            return ""
        try:
            with session.cancellable(work):
                return fingerprint(session, schema)
        finally:
            self._end(session)

    @contextmanager
    def _companion(self, schema: TableSchema, work: Work) -> Iterator[Session]:
        """Provide another session in which large tables are read."""
        session = self._opened(schema)
        try:
            with session.cancellable(work):
                session.query("SET LOCAL max_parallel_workers_per_gather = 0")
            yield session
        finally:
            self._end(session)

    def _opened(self, schema: TableSchema) -> Session:
        """Return another session with the same view.

        Raises:
            Cancelled: The snapshot was closed, or a cancel was requested.
            StorageError: The server does not allow the session.
        """
        session = self._connect()
        with self._lock:
            self._companions.add(session)
            if self._closed:
                session.cut()
        try:
            session.query(_BEGIN)
            session.query(f"SET TRANSACTION SNAPSHOT {literal(self._identifier)}")
            # NOWAIT, because a change of the table that waits for the other session's lock would be
            # waited for here: neither would end.
            table = TableName.parse(schema.table).sql
            session.query(f"LOCK TABLE {table} IN ACCESS SHARE MODE NOWAIT")
        except BaseException:
            self._end(session)
            raise
        return session

    def _end(self, session: Session) -> None:
        with self._lock:
            self._companions.discard(session)
        session.close()

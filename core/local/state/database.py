"""Reads and writes the state database; see the package for the rules."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.local.atomic import translate_os_errors
from core.local.state.failures import translate_database_errors
from core.local.state.old_files import old_files
from core.paths import data_dir

if TYPE_CHECKING:  # imported when the database is first used: the window's first picture waits
    import apsw

    from core.local.state.opening import Access

#: The database's name in the data folder.
FILE_NAME = "state.db"
#: So many unused pages (of 4 KiB) stay in the file, for records to come.
_FREE_PAGES = 1000

#: Which file it is: a file that was replaced has another identity at the same path.
_Identity = tuple[int, int]
#: What a column holds.
Value = str | int | float | bytes | None


class _Held:
    """The connection of one thread, the process and file it belongs to, and how it synchronises."""

    __slots__ = ("connection", "durable", "identity", "process")

    def __init__(self, connection: apsw.Connection, identity: _Identity) -> None:
        self.connection, self.identity, self.process = connection, identity, os.getpid()
        self.durable = False


class Database:
    """One state database; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._prepared: tuple[_Identity, Access] | None = None

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; none while the file does not exist.

        Raises:
            LocalIOError: the database cannot be read.
        """
        with translate_os_errors(self.path, "read"):
            # Reading alone does not create the file.
            if not self.path.exists() and not old_files(self.path):
                return []
        with translate_database_errors(self.path, "read"):
            return self._held().connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Value] = (), *, durable: bool = False) -> int:
        """Run one writing statement in a separate transaction.

        Args:
            sql: the statement.
            parameters: its values, in order.
            durable: whether it is on the disk before this returns.

        Returns:
            The number of rows that it changed.

        Raises:
            LocalIOError: the database cannot be written; nothing was changed.
        """
        with translate_database_errors(self.path, "written"):
            connection = self._synchronised(durable=durable)
            connection.execute(sql, parameters)
            return connection.changes()

    def execute_many(
        self, sql: str, rows: Iterable[Sequence[Value]], *, durable: bool = False
    ) -> None:
        """Run one statement for each row of values, all in one transaction.

        Raises:
            LocalIOError: the database cannot be written; nothing was changed.
        """
        with self.transaction(durable=durable) as connection:
            connection.executemany(sql, rows)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[apsw.Connection]:
        """Yield a connection; other threads and processes cannot write inside the block.

        An error inside the block undoes all changes.

        Args:
            durable: whether the changes are on the disk before the block is left.

        Raises:
            LocalIOError: the database cannot be written; nothing was changed.
        """
        from core.local.state.migrations import immediate_transaction

        with translate_database_errors(self.path, "written"):
            connection = self._synchronised(durable=durable)
            with immediate_transaction(connection):
                yield connection

    def return_free_pages(self) -> None:
        """Make the file smaller after much was deleted.

        Raises:
            LocalIOError: the database cannot be written.
        """
        (free,) = self.rows("PRAGMA freelist_count")[0]
        if free > _FREE_PAGES:
            self.rows("PRAGMA incremental_vacuum")  # frees pages as long as it is read

    def close(self) -> None:
        """Close this thread's connection; the next access opens another."""
        held: _Held | None = self._threads.__dict__.pop("held", None)
        if held is None:
            return
        if held.process == os.getpid():
            held.connection.close()
        else:  # closing it in a forked process would release the locks of its parent
            _inherited.append(held)

    def forget_threads(self) -> None:
        """Forget in a forked process that another thread of its parent held the lock."""
        self._lock = threading.Lock()

    def _synchronised(self, *, durable: bool) -> apsw.Connection:
        held = self._held()
        if held.durable != durable:
            held.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            held.durable = durable
        return held.connection

    def _held(self) -> _Held:
        held: _Held | None = getattr(self._threads, "held", None)
        # A forked process must not use the connection of its parent, and a restored or removed file
        # must not be written under its old identity.
        if held is not None and (held.process, held.identity) == (os.getpid(), self._identity()):
            return held
        self.close()
        return self._open()

    def _open(self) -> _Held:
        from core.local.state.opening import connect, prepare

        with self._lock:
            if self._prepared is None or self._prepared[0] != self._identity():
                access = prepare(self.path)
                self._prepared = (self._identity() or (0, 0), access)
            identity, access = self._prepared
        held = _Held(connect(self.path, access), identity)
        self._threads.held = held
        return held

    def _identity(self) -> _Identity | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


def state_database(folder: Path | None = None) -> Database:
    """Return the state database of this user, or the one in another folder."""
    path = (folder or data_dir()) / FILE_NAME
    with _lock:
        return _databases.setdefault(path, Database(path))


def storable(text: str) -> str:
    """Return a text that can be stored: lone surrogates, which UTF-8 lacks, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def write_durably(database: Database, sql: str, parameters: Sequence[Value]) -> None:
    """Run one statement that announces an action: it is on the disk before this returns.

    Raises:
        LocalIOError: the database cannot be written; nothing was changed.
    """
    database.execute(sql, parameters, durable=True)


@atexit.register
def close_databases() -> None:
    """Close the connections of this thread, so that SQLite removes its -wal and -shm files."""
    with _lock:
        databases = tuple(_databases.values())
    for database in databases:
        database.close()


_lock = threading.Lock()
_databases: dict[Path, Database] = {}
#: Connections of the process that this one was forked from: never used, never closed.
_inherited: list[_Held] = []


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    for database in _databases.values():
        database.forget_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

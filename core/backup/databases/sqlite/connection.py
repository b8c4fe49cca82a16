"""Opening SQLite files through apsw's own, recent SQLite."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.backup.databases.sqlite.failures import database_error, translate_sqlite_errors
from core.errors import Cancelled, DatabaseError, explain_os_error
from core.local.atomic import is_special
from core.local.sqlite import apsw
from core.work import Work

#: How long another program's lock is waited for, in milliseconds.
BUSY_MILLISECONDS = 5_000
_TURN_SECONDS = 0.02

_FIRST_BYTES = b"SQLite format 3\0"

#: A journal or WAL file that a killed program left: only who may write can roll it back.
_UNFINISHED = frozenset(
    (
        apsw.SQLITE_READONLY_ROLLBACK,
        apsw.SQLITE_READONLY_RECOVERY,
        apsw.SQLITE_READONLY_CANTINIT,
        apsw.SQLITE_CANTOPEN_DIRTYWAL,
    )
)


def open_file(path: Path, *, write: bool = False, create: bool = False) -> apsw.Connection:
    """Open an SQLite file, read-only unless `write`; a missing one only with `create`.

    Never with `immutable`: a WAL file beside it holds rows too. What a killed program left
    unfinished is rolled back first, as every SQLite program does that may write.

    Raises:
        DatabaseError: When it is missing, not a database, locked, or not to be read.
    """
    if not create:
        _check_readable(path)
    elif not path.parent.is_dir():
        raise _not_opened(path, FileNotFoundError(errno.ENOENT, "No such file or directory"))
    flags = apsw.SQLITE_OPEN_READWRITE if write or create else apsw.SQLITE_OPEN_READONLY
    if create:
        flags |= apsw.SQLITE_OPEN_CREATE
    with translate_sqlite_errors(str(path)):
        try:
            return _opened(path, flags)
        except (apsw.ReadOnlyError, apsw.CantOpenError) as error:
            if write or create or not _needs_recovery(error):
                raise
            if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
                raise
            _opened(path, apsw.SQLITE_OPEN_READWRITE).close()
            return _opened(path, flags)


def _opened(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path.absolute()), flags=flags)
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        # Schema text may hold anything: only harmless functions may be called from it.
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA schema_version").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open a further connection of an open database, which does not wait for locks.

    The file is not examined first: closing it would end the locks of this process.

    Raises:
        apsw.Error: When it cannot be opened, for example since another program locks it.
    """
    connection = _opened(path, apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(0)
    return connection


def _needs_recovery(error: apsw.Error) -> bool:
    return getattr(error, "extendedresult", 0) in _UNFINISHED


def _check_readable(path: Path) -> None:
    if is_special(path):  # a pipe would be waited for without end
        raise DatabaseError(
            "The database cannot be opened",
            cause=f"{path.name} is a device, a pipe or a socket, and SQLite needs a regular file.",
            remedy="Name a regular file. The content of a pipe can be written to one first.",
            subject=str(path),
        )
    try:
        with path.open("rb") as file:
            first = file.read(len(_FIRST_BYTES))
    except OSError as error:
        raise _not_opened(path, error) from error
    if first and first != _FIRST_BYTES:
        raise database_error(apsw.NotADBError(), str(path))


def _not_opened(path: Path, error: OSError) -> DatabaseError:
    cause, remedy = explain_os_error(error, path)
    return DatabaseError(
        "The database cannot be opened", cause=cause, remedy=remedy, subject=str(path)
    )


@contextmanager
def cancellable(connection: apsw.Connection, work: Work, subject: str) -> Iterator[None]:
    """Let a cancel interrupt the running statement, or its wait for another program's lock."""

    def interrupt() -> None:
        with suppress(apsw.ConnectionClosedError):  # the statement has already ended
            connection.interrupt()

    work.check()
    with (
        translate_sqlite_errors(subject),
        work.token.on_cancel(interrupt),
        _waiting(connection, work),
    ):
        yield


@contextmanager
def _waiting(connection: apsw.Connection, work: Work) -> Iterator[None]:
    """Wait for locks by turns: SQLite's own wait cannot be interrupted."""
    began = 0.0

    def wait(turn: int) -> bool:
        nonlocal began
        began = began if turn else time.monotonic()
        with suppress(Cancelled):
            work.token.wait(_TURN_SECONDS)
        waited = time.monotonic() - began
        return not work.token.cancelled and waited * 1000 < BUSY_MILLISECONDS

    connection.set_busy_handler(wait)
    try:
        yield
    except apsw.BusyError:
        work.check()
        raise
    finally:
        with suppress(apsw.ConnectionClosedError):
            connection.set_busy_timeout(BUSY_MILLISECONDS)


def scalar(connection: apsw.Connection, sql: str, bindings: tuple[Any, ...] = ()) -> Any:
    """Return the first value of the first row."""
    return connection.execute(sql, bindings).fetchall()[0][0]


def encoding_of(connection: apsw.Connection) -> str:
    """Return the Python name of the text encoding of a database."""
    encoding = str(scalar(connection, "PRAGMA encoding"))
    return {"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}[encoding]

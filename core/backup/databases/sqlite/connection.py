"""Opening SQLite files through apsw's own, recent SQLite, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw

from core.errors import Cancelled, DatabaseError
from core.work import Work

#: How long another program's lock is waited for, in milliseconds.
BUSY_MILLISECONDS = 5_000

_FIRST_BYTES = b"SQLite format 3\0"

_WORDS: tuple[tuple[type[apsw.Error], str, str, str], ...] = (
    (
        apsw.BusyError,
        "The database is locked",
        "Another program is writing to it and did not finish in time.",
        "Wait until it is done, or stop it, and try again.",
    ),
    (
        apsw.LockedError,
        "The table is in use",
        "Another connection of this program still reads it.",
        "Try again when it is done.",
    ),
    (
        apsw.NotADBError,
        "The file is not an SQLite database",
        "Its first bytes are not those of SQLite 3, or it is encrypted.",
        "Choose another file.",
    ),
    (
        apsw.CorruptError,
        "The database file is damaged",
        "SQLite found a malformed page.",
        "Run `PRAGMA integrity_check`, and restore into a new file.",
    ),
    (
        apsw.FullError,
        "The disk is full",
        "SQLite could not write; everything was rolled back.",
        "Make room on the disk of the database and try again.",
    ),
    (
        apsw.IOError,
        "The file could not be read or written",
        "",
        "Check the disk; a full one or a quota is the usual cause. Everything was rolled back.",
    ),
    (
        apsw.TooBigError,
        "A value is too large",
        "SQLite holds values up to 1 GB, as hexadecimal digits up to half of it.",
        "Move the value out of the table first.",
    ),
    (
        apsw.ReadOnlyError,
        "The database cannot be written",
        "The file or its folder is read-only for this user.",
        "Change the permissions, or restore into another file.",
    ),
    (
        apsw.CantOpenError,
        "The database cannot be opened",
        "The file or its folder cannot be read or written, or its -wal file is missing.",
        "Check the path and the permissions of the file and of its folder.",
    ),
    (
        apsw.ConstraintError,
        "The rows break a rule of the table",
        "",
        "Restore under a new name, or change the table first.",
    ),
)


@contextmanager
def in_words(subject: str) -> Iterator[None]:
    """Turn apsw's errors inside the block into ours; an interrupt becomes `Cancelled`."""
    try:
        yield
    except apsw.InterruptError:
        raise Cancelled("Cancelled") from None
    except apsw.Error as error:
        raise _told(error, subject) from error


def _told(error: apsw.Error, subject: str) -> DatabaseError:
    for kind, summary, cause, remedy in _WORDS:
        if isinstance(error, kind):
            return DatabaseError(
                summary,
                cause=cause or str(error),
                remedy=remedy,
                subject=subject,
                details=str(error),
            )
    return DatabaseError(
        "The database refused",
        cause=str(error),
        remedy="The target was left as it was.",
        subject=subject,
    )


def open_file(path: Path, *, write: bool = False, create: bool = False) -> apsw.Connection:
    """Open an SQLite file, read-only unless `write`; a missing one only with `create`.

    Never with `immutable`: a WAL file beside it holds rows too.

    Raises:
        DatabaseError: When it is missing, not a database, locked, or not to be read.
    """
    if not create:
        _look(path)
    flags = apsw.SQLITE_OPEN_READWRITE if write or create else apsw.SQLITE_OPEN_READONLY
    if create:
        flags |= apsw.SQLITE_OPEN_CREATE
    with in_words(str(path)):
        connection = apsw.Connection(str(path.absolute()), flags=flags)
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        # Schema text may hold anything: only harmless functions may be called from it.
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA schema_version").fetchall()
    return connection


def _look(path: Path) -> None:
    try:
        with path.open("rb") as file:
            first = file.read(len(_FIRST_BYTES))
    except OSError as error:
        raise DatabaseError(
            "The database cannot be opened",
            cause=f"{error.strerror}.",
            remedy="Check the path and the permissions of the file.",
            subject=str(path),
        ) from error
    if first and first != _FIRST_BYTES:
        raise _told(apsw.NotADBError(), str(path))


@contextmanager
def cancellable(connection: apsw.Connection, work: Work, subject: str) -> Iterator[None]:
    """Let a cancel interrupt the running statement; errors are told in words."""

    def interrupt() -> None:
        with suppress(apsw.ConnectionClosedError):  # the statement ended meanwhile
            connection.interrupt()

    work.check()
    with in_words(subject), work.token.on_cancel(interrupt):
        yield


def scalar(connection: apsw.Connection, sql: str, bindings: tuple[Any, ...] = ()) -> Any:
    """Return the first value of the first row."""
    return connection.execute(sql, bindings).fetchall()[0][0]

"""Translation of SQLite's errors: one row for each cause, with its remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from core.errors import NOTHING_CHANGED, Cancelled, DatabaseError


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: SQLite's result codes (primary or extended), a message pattern, and texts.

    `{0}` in `cause` is the text of the pattern's group, and `{name}` in both texts the database.
    """

    codes: tuple[int, ...]
    summary: str
    cause: str
    remedy: str
    pattern: str = ""


_UNFINISHED = (
    "The program that wrote it was stopped during a transaction. SQLite has to roll it back with "
    "the journal beside the file, but this user has no write permission there."
)
_UNKNOWN = "Only the program that created the database has it; SQLite itself does not."
_REBUILD = (
    "Copy the table without it (CREATE TABLE copy AS SELECT …) and back up the copy, or remove it "
    "from the schema."
)

#: The first matching row is used: extended codes and patterns precede primary codes.
CAUSES: tuple[Cause, ...] = (
    Cause(
        (apsw.SQLITE_READONLY_ROLLBACK, apsw.SQLITE_READONLY_RECOVERY),
        "The database {name} contains an unfinished transaction",
        _UNFINISHED,
        "Open it once as a user with write permission for the file and its folder, for example "
        "with sqlite3 FILE 'PRAGMA schema_version'. Do not delete the journal: rows would be lost.",
    ),
    Cause(
        (
            apsw.SQLITE_READONLY_CANTINIT,
            apsw.SQLITE_READONLY_CANTLOCK,
            apsw.SQLITE_READONLY_DIRECTORY,
        ),
        "The folder of the database {name} cannot be written",
        "SQLite creates its journal, or the -wal and -shm files, in the folder of the database.",
        "Grant this user write permission for the folder, not only for the file.",
    ),
    Cause(
        (apsw.SQLITE_READONLY_DBMOVED,),
        "The database file {name} was moved or replaced",
        "Another program renamed, deleted or replaced it after it was opened.",
        "Close that program and try again with the present file.",
    ),
    Cause(
        (apsw.SQLITE_READONLY,),
        "The database {name} cannot be written",
        "The file is read-only for this user, or on a read-only disk.",
        "Change the permissions of the file, or restore to another file.",
    ),
    Cause(
        (apsw.SQLITE_BUSY_RECOVERY,),
        "The database {name} is being recovered",
        "Another program is rolling back an unfinished transaction after a crash.",
        "Wait until it is done and try again.",
    ),
    Cause(
        (apsw.SQLITE_BUSY,),
        "The database {name} is locked",
        "Another program is writing to it and did not finish in time.",
        "Wait until it is done, or stop it, and try again.",
    ),
    Cause(
        (apsw.SQLITE_LOCKED,),
        "A table of {name} is in use",
        "Another connection of this program is still reading it.",
        "Try again when it is done.",
    ),
    Cause(
        (apsw.SQLITE_NOTADB,),
        "The file {name} is not an SQLite database",
        "Its first bytes are not those of SQLite 3, or it is encrypted.",
        "Choose another file. Decrypt an encrypted file with its program first.",
    ),
    Cause(
        (apsw.SQLITE_CORRUPT_VTAB,),
        "A full-text or spatial index of {name} is damaged",
        "The index does not match the rows it was built from.",
        "Rebuild it, for FTS5 with INSERT INTO name(name) VALUES ('rebuild').",
    ),
    Cause(
        (apsw.SQLITE_CORRUPT, apsw.SQLITE_ERROR),
        "The schema of the database {name} cannot be read",
        "The schema is damaged, or a later version of SQLite wrote it: {0}.",
        "Open it with the program that created it. If that fails too, restore to a new file.",
        r"malformed database schema (.*)",
    ),
    Cause(
        (apsw.SQLITE_CORRUPT,),
        "The database file {name} is damaged",
        "SQLite found a malformed page.",
        "Run `PRAGMA integrity_check`, and restore to a new file.",
    ),
    Cause(
        (apsw.SQLITE_ERROR,),
        "The format of the database {name} is newer",
        "A later version of SQLite wrote the file in a format that this version does not support.",
        "Use a newer version of Strongroom.",
        r"unsupported file format",
    ),
    Cause(
        (apsw.SQLITE_FULL,),
        "The disk is full",
        "SQLite could not write to {name}; everything was rolled back.",
        "Free space on the disk of the database and try again.",
    ),
    Cause(
        (apsw.SQLITE_IOERR_NOMEM, apsw.SQLITE_NOMEM),
        "There is not enough memory",
        "SQLite could not allocate memory for a value or a page of {name}.",
        "Close other programs and try again.",
    ),
    Cause(
        (
            apsw.SQLITE_IOERR_WRITE,
            apsw.SQLITE_IOERR_FSYNC,
            apsw.SQLITE_IOERR_TRUNCATE,
            apsw.SQLITE_IOERR_SHMSIZE,
        ),
        "The database {name} could not be written",
        "The disk is full, over its quota, or failing. Everything was rolled back.",
        "Free space on the disk, check the quota and the disk, and try again.",
    ),
    Cause(
        (apsw.SQLITE_IOERR_LOCK, apsw.SQLITE_IOERR_RDLOCK, apsw.SQLITE_IOERR_SHMLOCK),
        "The database {name} cannot be locked",
        "The file system does not support locks, like some network drives.",
        "Copy the database to a local disk.",
    ),
    Cause(
        (apsw.SQLITE_IOERR,),
        "The database {name} could not be read",
        "The disk reported an error, or the file is shorter than expected.",
        "Check the disk and the connection to it, and try again.",
    ),
    Cause(
        (apsw.SQLITE_TOOBIG,),
        "A value of {name} is too large",
        "SQLite supports values up to 1 GB, or half of that as hexadecimal digits.",
        "Move the value out of the table first.",
    ),
    Cause(
        (apsw.SQLITE_CANTOPEN_ISDIR,),
        "The path {name} is a folder",
        "A database is a single file.",
        "Choose the file in the folder.",
    ),
    Cause(
        (apsw.SQLITE_CANTOPEN_DIRTYWAL,),
        "The database {name} contains an unfinished transaction",
        "Its -wal file has to be recovered, but this user has no write permission there.",
        "Open it once as a user with write permission. Do not delete the -wal file: rows would be "
        "lost.",
    ),
    Cause(
        (apsw.SQLITE_CANTOPEN_NOTEMPDIR,),
        "There is no folder for temporary files",
        "SQLite could not open a temporary file for {name}.",
        "Set SQLITE_TMPDIR or TMPDIR to a writable folder.",
    ),
    Cause(
        (apsw.SQLITE_CANTOPEN, apsw.SQLITE_PERM),
        "The database {name} cannot be opened",
        "The file or its folder is not readable or writable, or the -wal file is missing.",
        "Check the path and the permissions of the file and of its folder.",
    ),
    Cause(
        (apsw.SQLITE_CONSTRAINT,),
        "The rows violate a constraint of a table in {name}",
        "{0}.",
        "Restore under a new name, or change the table first.",
        r"(.*)",
    ),
    Cause(
        (apsw.SQLITE_MISMATCH,),
        "A value does not fit its column in {name}",
        "A rowid, or a key of the type INTEGER, must be an integer.",
        "The backup was altered: choose another one.",
    ),
    Cause(
        (apsw.SQLITE_ERROR,),
        "A function is missing",
        "The schema calls the function {0}. " + _UNKNOWN,
        _REBUILD,
        r"no such function: (\S+)",
    ),
    Cause(
        (apsw.SQLITE_ERROR,),
        "A collation is missing",
        "The schema sorts by the collation {0}. " + _UNKNOWN,
        _REBUILD,
        r"no such collation sequence: (\S+)",
    ),
    Cause(
        (apsw.SQLITE_ERROR,),
        "An extension is missing",
        "The schema needs the module {0}. " + _UNKNOWN,
        _REBUILD,
        r"no such (?:module|tokenizer): (\S+)",
    ),
    Cause(
        (apsw.SQLITE_ERROR,),
        "A function is not allowed",
        "The schema calls {0}, which can change or read other files.",
        _REBUILD,
        r"unsafe use of (\S+)",
    ),
    Cause(
        (apsw.SQLITE_ERROR,),
        "The schema refers to something that does not exist",
        "There is no {0} in {name}.",
        "Create it again, or remove what refers to it.",
        r"no such (?:table|column|index|view): (\S+)",
    ),
)

#: Summaries of causes in the schema: only the program that created the database can build it.
NOT_BUILDABLE = frozenset(row.summary for row in CAUSES if row.remedy is _REBUILD)


@contextmanager
def translate_sqlite_errors(subject: str) -> Iterator[None]:
    """Translate apsw's errors inside the block; an interrupt becomes `Cancelled`.

    Args:
        subject: The path of the database, which the errors name.
    """
    try:
        yield
    except apsw.InterruptError:
        raise Cancelled("Cancelled") from None
    except apsw.Error as error:
        found = database_error(error, subject)
        if subject not in found.reason:  # a missing function, for example
            found.cause += f" The database is {subject}."
        raise found from error


def database_error(error: Exception, subject: str) -> DatabaseError:
    """Return the error for an exception of SQLite, with the remedy for its cause."""
    text = str(error)
    row, reason = _row_of(error, text)
    if row is None:
        return DatabaseError(
            f"The database {subject} reported an error",
            cause=text,
            effect=NOTHING_CHANGED,
            remedy="",
            subject=subject,
        )
    cause = _who_may_not_write(subject) or row.cause if row.summary == _READ_ONLY else row.cause
    return DatabaseError(
        row.summary.replace("{name}", subject),
        cause=cause.replace("{name}", subject).replace("{0}", reason),
        remedy=row.remedy,
        subject=subject,
        details=text,
    )


_READ_ONLY = "The database {name} cannot be written"


def _row_of(error: Exception, text: str) -> tuple[Cause | None, str]:
    primary = getattr(error, "result", 0) or _primary_of(error)
    extended = getattr(error, "extendedresult", 0) or primary
    for code in (extended, primary):
        for row in CAUSES:
            if code not in row.codes:
                continue
            match = re.search(row.pattern, text)
            if match:
                return row, next((group for group in match.groups() if group), "")
    return None, ""


#: Result codes of exceptions that apsw creates without one.
_CLASSES: tuple[tuple[type[apsw.Error], int], ...] = (
    (apsw.NotADBError, apsw.SQLITE_NOTADB),
    (apsw.TooBigError, apsw.SQLITE_TOOBIG),
    (apsw.BusyError, apsw.SQLITE_BUSY),
    (apsw.SQLError, apsw.SQLITE_ERROR),
)


def _primary_of(error: Exception) -> int:
    return next((code for kind, code in _CLASSES if isinstance(error, kind)), 0)


def _who_may_not_write(subject: str) -> str:
    path = Path(subject)
    if not path.is_file():
        return ""
    if not os.access(path, os.W_OK):
        return "The file is read-only for this user."
    if not os.access(path.parent, os.W_OK):
        return (
            "The folder of the file is read-only for this user; SQLite creates its journal there."
        )
    return ""

"""Translates errors of the state database into those that users see."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LocalIOError, local_io_error

if TYPE_CHECKING:
    import apsw

#: Names of apsw's exceptions that mean the same as an error of the operating system.
_AS_OS_ERROR = {
    "CantOpenError": errno.EACCES,
    "PermissionsError": errno.EACCES,
    "ReadOnlyError": errno.EROFS,
    "NoMemError": errno.ENOMEM,
}
#: Cause and remedy of the others.
_EXPLAINED = {
    "BusyError": (
        "Another window or command of Strongroom has been writing to it for too long.",
        "Wait until it has ended, or end it; then try again.",
    ),
    "CorruptError": (
        "The file is damaged.",
        "Start Strongroom again: it sets the damaged file aside and saves what can be read.",
    ),
    "TooBigError": (
        "One record is larger than a database can hold.",
        "Transfer fewer files at a time.",
    ),
}
_SAME_AS = {"LockedError": "BusyError", "ProtocolError": "BusyError", "NotADBError": "CorruptError"}


@contextmanager
def translate_database_errors(path: Path, verb: str) -> Iterator[None]:
    """Raise errors of SQLite and of the operating system inside the block as `LocalIOError`.

    Args:
        path: the database.
        verb: what could not be done, for example `written`.

    Raises:
        LocalIOError: the block failed.
    """
    import apsw

    try:
        yield
    except apsw.Error as error:
        raise _describe(error, path, verb) from error
    except OSError as error:
        # Also the folders of settings and caches are needed, which have files of earlier versions.
        named = Path(error.filename) if isinstance(error.filename, str) else path
        culprit = path if path.parent in {named, *named.parents} else named
        raise local_io_error(error, f"{path.name} could not be {verb}", culprit) from error


def newer_version(path: Path, found: int, known: int) -> LocalIOError:
    """Return the error for a database that a newer version of the program has written.

    Args:
        path: the database.
        found: the number of its schema.
        known: the number of the newest schema that this version can use.
    """
    return LocalIOError(
        f"{path.name} was written by a newer version of Strongroom",
        cause=f"Its schema has number {found}; this version knows numbers up to {known}.",
        remedy="Start the newer version, or set STRONGROOM_HOME to another folder.",
        subject=str(path),
    )


def foreign_database(path: Path) -> LocalIOError:
    """Return the error for a database that another program has written."""
    return LocalIOError(
        f"{path.name} belongs to another program",
        cause="It is an SQLite database, but not one of Strongroom.",
        remedy="Move it to another folder, or set STRONGROOM_HOME to another folder.",
        subject=str(path),
    )


def _describe(error: apsw.Error, path: Path, verb: str) -> LocalIOError:
    summary, name = f"{path.name} could not be {verb}", type(error).__name__
    name = _SAME_AS.get(name, name)
    if name == "FullError":
        described = local_io_error(OSError(errno.ENOSPC, ""), summary, path)
        with suppress(OSError):
            described.cause = f"The disk of {path.parent} is full: {_free(path)} are free."
        return described
    if name in _AS_OS_ERROR:
        return local_io_error(OSError(_AS_OS_ERROR[name], ""), summary, path)
    cause, remedy = _EXPLAINED.get(name, (f"SQLite reports: {error}.", ""))
    return LocalIOError(summary, cause=cause, remedy=remedy, subject=str(path))


def _free(path: Path) -> str:
    from core.units import format_size

    return format_size(shutil.disk_usage(path.parent).free)

"""Creates, checks and opens the file of a state database."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from core.local.atomic import broken_name, fsync_folder
from core.local.locking import has_record_locks, locked
from core.local.state.failures import translate_database_errors
from core.local.state.migrations import check_version, migrate
from core.local.state.old_files import old_files
from core.local.state.salvage import copy_readable_rows, open_read_only

if TYPE_CHECKING:
    import apsw

_log = logging.getLogger(__name__)

#: Seconds that a statement waits for another writer.
BUSY_SECONDS = 10.0
#: Maximum size of the -wal file after its content was moved into the database, in bytes.
_WAL_BYTES = 1 << 20
#: File systems on other computers: WAL needs memory that all processes share.
_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gpfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
)
_MOUNTS = Path("/proc/self/mountinfo")


class Access(NamedTuple):  # the window's first picture need not wait for dataclasses
    """How a database can be opened in its place.

    Attributes:
        writable: whether its folder and file can be written.
        locks: whether its file system has the locks that SQLite uses.
    """

    writable: bool = True
    locks: bool = True


def prepare(path: Path) -> Access:
    """Create, check, repair and migrate a database; one process at a time does so.

    Raises:
        LocalIOError: it cannot be created or read, or a newer version has written it.
    """
    # SQLite creates further files beside the database, so the folder must be writable, too.
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return Access(writable=False)
    with locked(path), translate_database_errors(path, "opened"):
        access = Access(locks=has_record_locks(path))
        reason = _damage(path, access)
        aside = _set_aside(path) if reason else None
        _create(path)
        connection = connect(path, access)
        try:
            if not check_version(connection, path):  # has an effect in an empty file only
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _set_journal_mode(connection, path, access)
            migrate(connection, path)
            if aside is not None:
                _report(connection, path, aside, " ".join(reason.split()))
                copy_readable_rows(connection, aside)
            if old_files(path):
                from core.local.state.import_files import import_old_files

                import_old_files(connection, path)
        finally:
            connection.close()
    return access


def connect(path: Path, access: Access) -> apsw.Connection:
    """Open a prepared database; `prepare` has returned its access.

    Raises:
        apsw.Error: it cannot be opened.
        LocalIOError: it cannot be written, and an earlier or newer version has written it.
    """
    from core.local.sqlite import apsw

    if not access.writable:
        connection = open_read_only(path)
        check_version(connection, path)
        return connection
    unlocked = "win32-none" if sys.platform == "win32" else "unix-none"
    connection = apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=None if access.locks else unlocked
    )
    connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
    connection.execute(
        # Views and triggers of a manipulated file must not call functions with side effects.
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA synchronous = NORMAL;"
        f"PRAGMA journal_size_limit = {_WAL_BYTES}"
    )
    return connection


def _create(path: Path) -> None:
    """Create an empty file that only the user can read; SQLite gives -wal and -shm its mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    fsync_folder(path.parent)


def _damage(path: Path, access: Access) -> str:
    """Return what is wrong with the file, empty if nothing is or there is none.

    Raises:
        LocalIOError: a newer version or another program has written it.
    """
    import apsw

    if not path.exists():
        return ""
    try:
        connection = connect(path, access)
        try:
            check_version(connection, path)  # a newer database is not repaired
            found = connection.execute("PRAGMA quick_check(1)").get
        finally:
            connection.close()
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return str(error)
    return "" if found == "ok" else str(found)


def _set_aside(path: Path) -> Path:
    """Rename a damaged database and the files that belong to it, and return its new path."""
    aside = broken_name(path)
    for suffix in ("-wal", "-journal", ""):  # the database last: until then it is found again
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside


def _report(connection: apsw.Connection, path: Path, aside: Path, reason: str) -> None:
    from core.units import iso_utc, utc_now

    _log.warning("%s was damaged and set aside as %s: %s", path.name, aside.name, reason)
    connection.execute(
        "INSERT INTO damaged_files (path, moment, reason) VALUES (?, ?, ?)",
        (str(aside), iso_utc(utc_now()), reason),
    )


def _set_journal_mode(connection: apsw.Connection, path: Path, access: Access) -> None:
    import apsw

    wal = access.locks and not on_network_drive(path.parent)
    try:
        mode = connection.pragma("journal_mode", "wal" if wal else "delete")
    except apsw.Error:
        if not wal:
            raise
        # Without shared memory WAL fails at its first use; a rollback journal needs none.
        mode = connection.pragma("journal_mode", "delete")
    if wal and mode != "wal":
        _log.info("%s is used without WAL", path.name)


def on_network_drive(folder: Path) -> bool:
    """Whether a folder is on another computer, as far as the system shows it."""
    folder = folder.resolve()
    if str(folder).startswith("\\\\"):  # Windows
        return True
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:  # not Linux
        return False
    best, kind = -1, ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        # The fifth field is the mount point, with spaces and backslashes as octal numbers
        # (proc(5)).
        point = Path(fields.split(" ")[4].replace(r"\040", " ").replace(r"\134", "\\"))
        # The innermost mount point counts, and the last one of several at the same place.
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), rest.split(" ")[0]
    return kind in _NETWORK

"""Local records of running backups, from which leftovers of a killed run are found.

Each backup has a row of the state database, owned by its process, from before the first part is
sent until the manifest is stored. `core.backup.orphans` reads the records.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.backup.store import Store
from core.backup.unsent import LocalFiles
from core.errors import Cancelled, LocalIOError, StorageError
from core.local.state.database import state_database
from core.local.state.owners import is_running, owner_of_this_process
from core.work import Work

#: Time limit for removing the parts of a failed run, in seconds; a cancel must end in 2.
_CLEAN_SECONDS, _CLEAN_SECONDS_CANCELLED = 25.0, 1.5

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class UnfinishedBackup:
    """A running backup: the keys that were sent, and those that the server confirmed.

    `committing` is set before the manifest is sent: from then on nothing is removed, since the
    manifest may be stored even if the answer is lost. `files` are those on this computer.
    """

    folder: str
    files: LocalFiles
    sent: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    committing: bool = False


@contextmanager
def unfinished_backup(store: Store, folder: str) -> Iterator[UnfinishedBackup]:
    """Record a running backup; if the block fails, the sent objects are removed.

    Objects that cannot be removed are removed by the next backup of this machine. Nothing is
    removed of a backup that can be resumed, unless it was cancelled.

    Raises:
        LocalIOError: The record cannot be written.
    """
    number = _begin(store, folder)
    backup = UnfinishedBackup(folder, LocalFiles(store.place, folder))
    done = resumable = False
    try:
        yield backup
        done = True
    except BaseException as error:
        resumable = backup.files.complete and not _is_cancel(error)
        done = not resumable and not backup.committing and _removed(store, backup, error)
        raise
    finally:
        backup.files.release(remove=not resumable)
        if done:
            forget(number)
        else:
            _write("UPDATE unfinished_backups SET owner = NULL WHERE number = ?", number)


def _begin(store: Store, folder: str) -> int:
    database = state_database()
    owner = owner_of_this_process(database.path)
    with database.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO unfinished_backups (owner, place, folder) VALUES (?, ?, ?)",
            (owner, store.place, folder),
        )
        return connection.last_insert_rowid()


def _removed(store: Store, backup: UnfinishedBackup, error: BaseException) -> bool:
    """Remove the sent objects, and return whether none remains."""
    if not backup.stored:
        return not backup.sent
    seconds = _CLEAN_SECONDS_CANCELLED if _is_cancel(error) else _CLEAN_SECONDS
    work = Work()
    timer = threading.Timer(seconds, work.token.cancel)
    timer.start()
    try:
        store.delete(backup.sent, work=work)
    except StorageError as failure:
        _log.warning(
            "Parts of an unfinished backup remain in %s until the next backup of this machine: %s",
            backup.folder,
            failure.summary,
        )
        return False
    finally:
        timer.cancel()
        timer.join()
    return True


def _is_cancel(error: BaseException) -> bool:
    return isinstance(error, Cancelled | KeyboardInterrupt)


def running_folders(store: Store) -> frozenset[str]:
    """Return the folders that running processes of this machine are writing to.

    Raises:
        LocalIOError: The state database cannot be read.
    """
    path = state_database().path
    rows = state_database().rows(
        "SELECT owner, folder FROM unfinished_backups WHERE place = ?", (store.place,)
    )
    return frozenset(folder for owner, folder in rows if is_running(path, owner))


@contextmanager
def dead_records(store: Store) -> Iterator[dict[str, int]]:
    """Yield the folders that ended processes left in this store, each with its record.

    Inside the block the records belong to this process, so no other one removes the same parts.

    Raises:
        LocalIOError: The state database cannot be read or written.
    """
    found = _take(store)
    try:
        yield found
    finally:
        for number in found.values():
            _write("UPDATE unfinished_backups SET owner = NULL WHERE number = ?", number)


def _take(store: Store) -> dict[str, int]:
    database = state_database()
    select = "SELECT folder, number, owner FROM unfinished_backups WHERE place = ?"
    if not database.rows(select, (store.place,)):
        return {}
    owner = owner_of_this_process(database.path)
    with database.transaction() as connection:
        rows = database.rows(select, (store.place,))  # in the transaction of this thread
        dead = [row for row in rows if not is_running(database.path, row[2])]
        connection.executemany(
            "UPDATE unfinished_backups SET owner = ? WHERE number = ?",
            [(owner, number) for _folder, number, _owner in dead],
        )
    return {folder: number for folder, number, _owner in dead}


def forget(number: int) -> None:
    """Remove a record: nothing of its backup is left to remove."""
    _write("DELETE FROM unfinished_backups WHERE number = ?", number)


def forget_folder(store: Store, folder: str) -> None:
    """Remove the records of a folder whose backup was completed."""
    _write("DELETE FROM unfinished_backups WHERE place = ? AND folder = ?", store.place, folder)


def _write(sql: str, *values: str | int) -> None:
    """Run a statement about a record; when it fails, the next backup inspects the record again."""
    try:
        state_database().execute(sql, values)
    except LocalIOError as error:
        _log.warning("The record of a backup could not be changed: %s", error.summary)

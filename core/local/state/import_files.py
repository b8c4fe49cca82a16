"""Imports the files in which earlier versions stored what is now in the state database.

All files are read in one transaction, which also records the hash of each; then they are renamed
to `….imported`. After a crash between the two, the recorded hash shows that a file was imported.
A file that a running earlier version uses is left for the next start. A file that cannot be read
at all is renamed to `….broken-…`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.local.atomic import broken_name
from core.local.locking import locked, remove_lock_file
from core.local.owned_files import claimed
from core.local.state import old_forms
from core.local.state.migrations import immediate_transaction
from core.local.state.old_files import OldStore, old_files
from core.local.unreadable import UNREADABLE
from core.units import iso_utc, utc_now

if TYPE_CHECKING:
    import apsw

_log = logging.getLogger(__name__)

_IMPORTED = ".imported"


#: By the name of a store: inserts the entries of one of its files.
_INSERT: dict[str, Callable[[apsw.Connection, bytes, Path], old_forms.Inserted]] = {
    "profiles": old_forms.insert_profiles,
    "settings": old_forms.insert_settings,
    "rotations": old_forms.insert_rotation,
    "transfers": old_forms.insert_transfer,
    "uploads": old_forms.insert_upload,
    "links": old_forms.insert_links,
    "changes": old_forms.insert_changes,
    "used actions": old_forms.insert_used_actions,
    "downloads": old_forms.insert_download_folders,
    "unfinished backups": old_forms.insert_unfinished_backup,
    "verifications": old_forms.insert_verifications,
    "check secrets": old_forms.insert_check_secret,
    "former lifecycle rules": old_forms.insert_former_lifecycle_rules,
    "statistics": old_forms.insert_statistics,
}


def import_old_files(connection: apsw.Connection, database: Path) -> None:
    """Import all files of earlier versions that no running process uses.

    Raises:
        apsw.Error: the database cannot be written; nothing was imported.
    """
    found = old_files(database)
    if not found:
        return
    connection.execute("PRAGMA synchronous = FULL")
    with ExitStack() as stack:
        held = [pair for pair in found if stack.enter_context(_held(*pair))]
        with immediate_transaction(connection):
            renames = [(path, _import_file(connection, store, path)) for store, path in held]
        for path, target in renames:
            _rename(path, target)
    _log.info("%d files of an earlier version were imported", len(renames))


@contextmanager
def _held(store: OldStore, path: Path) -> Iterator[bool]:
    """Prevent writes by other processes in the block; False if one of them uses the file."""
    if store.owned:
        with claimed(path) as free:
            yield free
    else:
        with locked(path):
            yield True
            remove_lock_file(path)


def _import_file(connection: apsw.Connection, store: OldStore, path: Path) -> Path:
    """Insert the entries of one file, unless that was done, and return what it is renamed to."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # another process has imported it
        return path
    key = (str(path), hashlib.sha256(content).hexdigest())
    recorded = connection.execute(
        "SELECT moved_to FROM imported_files WHERE (path, sha256) = (?, ?)", key
    ).fetchone()
    if recorded is not None:
        return Path(recorded[0])
    try:
        with connection:  # a savepoint: half a file is not imported
            done = _INSERT[store.name](connection, content, path)
        target = _free_name(path, _IMPORTED)
    except UNREADABLE:
        done, target = old_forms.Inserted(0, ("the entire file",)), broken_name(path)
    if done.unreadable:
        _log.warning("%s cannot be read: %s", path, ", ".join(done.unreadable))
    connection.execute(
        "INSERT INTO imported_files (path, sha256, store, moment, entries, unreadable, moved_to)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*key, store.name, iso_utc(utc_now()), done.entries, json.dumps(done.unreadable),
         str(target)),
    )  # fmt: skip
    return target


def _free_name(path: Path, suffix: str) -> Path:
    target, number = path.with_name(path.name + suffix), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}{suffix}-{number}")
    return target


def _rename(path: Path, target: Path) -> None:
    """Rename a file that was imported; one that cannot be renamed is recognised by its hash."""
    with suppress(OSError):
        path.replace(target)

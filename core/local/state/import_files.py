"""Takes over the files in which earlier versions stored what is now in the state database.

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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LocalIOError
from core.local.atomic import quarantine
from core.local.json_lines import UNREADABLE
from core.local.locking import locked
from core.local.owned_files import claimed
from core.local.state import old_forms
from core.local.state.migrations import immediate_transaction
from core.paths import config_dir, data_dir
from core.units import iso_utc, utc_now

if TYPE_CHECKING:
    import apsw

_log = logging.getLogger(__name__)

_IMPORTED = ".imported"


@dataclass(frozen=True, slots=True)
class OldStore:
    """Where an earlier version stored something, and how it is read.

    Attributes:
        name: of the store, for messages.
        folder: `config` or `data`.
        pattern: the files, relative to the folder.
        insert: writes a file's entries into the database; see `core.local.state.old_forms`.
        owned: whether a process that works on an entry holds the lock of its file.
    """

    name: str
    folder: str
    pattern: str
    insert: Callable[[apsw.Connection, bytes, Path], old_forms.Inserted]
    owned: bool = False


OLD_STORES: tuple[OldStore, ...] = (
    OldStore("rotations", "data", "rotations/*.rotation.json", old_forms.insert_rotation),
    OldStore("transfers", "data", "transfers/*.transfer", old_forms.insert_transfer, owned=True),
    OldStore("uploads", "data", "uploads/*.upload", old_forms.insert_upload, owned=True),
)


def old_files(database: Path) -> list[tuple[OldStore, Path]]:
    """Return the files of earlier versions that belong to a database; none if it is not the user's.

    Args:
        database: the state database; it may not exist yet.
    """
    if database.parent != data_dir():
        return []
    folders = {"config": config_dir, "data": data_dir}
    return [
        (store, path)
        for store in OLD_STORES
        for path in sorted(folders[store.folder]().glob(store.pattern))
    ]


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
            unreadable = [path for store, path in held if not _import_file(connection, store, path)]
        for _store, path in held:
            _rename(path, broken=path in unreadable)
    _log.info("%d files of an earlier version were imported", len(held) - len(unreadable))


@contextmanager
def _held(store: OldStore, path: Path) -> Iterator[bool]:
    """Keep other processes from writing the file; False if one of them works on it."""
    if store.owned:
        with claimed(path) as free:
            yield free
    else:
        with locked(path):
            yield True


def _import_file(connection: apsw.Connection, store: OldStore, path: Path) -> bool:
    """Insert the entries of one file, unless that was done; False if it cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # another process has imported it
        return True
    key = (str(path), hashlib.sha256(content).hexdigest())
    if connection.execute("SELECT 1 FROM imported_files WHERE (path, sha256) = (?, ?)", key).get:
        return True
    try:
        with connection:  # a savepoint: half a file is not imported
            done = store.insert(connection, content, path)
    except UNREADABLE:
        _log.warning("%s cannot be read and was set aside", path)
        return False
    connection.execute(
        "INSERT INTO imported_files (path, sha256, store, moment, entries, unreadable)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (*key, store.name, iso_utc(utc_now()), done.entries, json.dumps(list(done.unreadable))),
    )
    return True


def _rename(path: Path, *, broken: bool) -> None:
    with suppress(FileNotFoundError, LocalIOError):
        if broken:
            quarantine(path)
            return
        target = path.with_name(path.name + _IMPORTED)
        number = 1
        while target.exists():
            number += 1
            target = path.with_name(f"{path.name}{_IMPORTED}-{number}")
        path.rename(target)

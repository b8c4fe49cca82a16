"""Files of a running backup that the bucket has not confirmed yet.

Parts are written to this computer before they are sent, so that an outage of the storage neither
blocks the reading nor ends the snapshot. The manifest is written last, when all rows have been
read: from then on `core.backup.resume` can complete the backup, even after the process was killed.
Parts without a manifest are useless, because their snapshot has ended; they are removed.

The files are in `unsent/{id}/` in the folder of data. The parts of an encrypted backup are
encrypted here too; the others are readable for this user only.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from core.backup.keys import MANIFEST
from core.backup.manifest import HIDDEN_FILTER, from_bytes
from core.errors import Conflict, Corrupt, ErrorKind, LocalIOError, NotSupported, StorageError
from core.local.atomic import translate_os_errors, write_atomically
from core.local.owned_files import claimed, create_owned
from core.model.backup import Manifest
from core.paths import data_dir
from core.units import utc_now

if TYPE_CHECKING:
    from core.model.backup_listing import UnsentBackup

#: Later the backup is too old to be of use, and its rows should not stay on the disk.
RETAINED = timedelta(days=7)
#: The disk is not filled up further: then parts stay in memory and the reading waits for them.
_FREE_BYTES = 1 << 30
_TARGET, _LOCK = "target.json", ".lock"
#: Errors that end without a change by the user, or after a new login.
_WAITING_KINDS = frozenset({ErrorKind.CREDENTIALS_EXPIRED, ErrorKind.NOT_S3})

_log = logging.getLogger(__name__)


class LocalFiles:
    """The files of one backup on this computer, which this process owns until `release`.

    Args:
        place: the store, see `Store.place`.
        folder: the folder of the backup in the store, which ends with its id and a slash.
    """

    def __init__(self, place: str, folder: str) -> None:
        self._target = {"place": place, "folder": folder}
        self._path = _root() / folder.rstrip("/").rpartition("_")[2]
        self._handle: int | None = None
        self.complete = False

    def save(self, name: str, pieces: Sequence[bytes]) -> bool:
        """Write a file from its pieces; return whether it was written, which a full disk prevents."""
        try:
            if self._handle is None:
                self._create()
            if shutil.disk_usage(self._path).free - sum(map(len, pieces)) < _FREE_BYTES:
                return False
            _write_private(self._path / name, *pieces)
        except OSError as error:
            _log.warning("A part of a backup could not be stored on this computer: %s", error)
            return False
        return True

    def _create(self) -> None:
        _root().mkdir(mode=0o700, exist_ok=True)
        self._handle = create_owned(_lock_of(self._path))
        self._path.mkdir(mode=0o700)
        _write_private(self._path / _TARGET, json.dumps(self._target).encode())

    def load(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            LocalIOError: it cannot be read.
        """
        path = self._path / name
        with translate_os_errors(path, "read"):
            return path.read_bytes()

    def delete(self, name: str) -> None:
        """Remove a file that the bucket has confirmed."""
        with suppress(OSError):
            (self._path / name).unlink()

    def save_manifest(self, data: bytes) -> None:
        """Write the manifest, which makes the backup resumable if that succeeds."""
        try:
            if self._handle is None:  # the table is empty
                self._create()
            write_atomically(self._path / MANIFEST, data)
        except (LocalIOError, OSError) as error:
            reason = error.reason if isinstance(error, LocalIOError) else error
            _log.warning("The backup could not be made resumable: %s", reason)
            return
        self.complete = True

    def release(self, *, remove: bool) -> None:
        """Give the files up, and remove them or leave them for `core.backup.resume`."""
        if self._handle is None:
            return
        if remove:
            shutil.rmtree(self._path, ignore_errors=True)
            _lock_of(self._path).unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None


def may_end(error: StorageError) -> bool:
    """Return whether an error of the storage may end, so that a backup can be sent later."""
    return error.retryable or error.kind in _WAITING_KINDS


def unsent_backups(place: str) -> tuple[UnsentBackup, ...]:
    """Return the backups that can be resumed in a store, oldest first.

    Those that a process is reading or sending now are omitted.
    """
    found = []
    for path in _folders(place):
        with claimed(_lock_of(path)) as free, suppress(OSError, Corrupt, NotSupported):
            if free:
                found.append(_described(path, _manifest(path)))
    return tuple(sorted(found, key=lambda each: (each.taken, each.id)))


def unsent_folders(place: str) -> frozenset[str]:
    """Return the folders in a store whose backups can be resumed, or are being resumed."""
    return frozenset(_read_target(path)["folder"] for path in _folders(place))


@contextmanager
def claimed_files(backup_id: str) -> Iterator[tuple[Path, str, Manifest, bytes]]:
    """Yield path, folder in the store, manifest and its bytes of an unsent backup.

    Inside the block no other process sends or removes it.

    Raises:
        Conflict: another process sends it, or has just completed it.
        Corrupt: its files on this computer are damaged.
    """
    path = _root() / backup_id
    with claimed(_lock_of(path)) as free:
        if not free:
            raise Conflict(
                f"The backup {backup_id} cannot be resumed now",
                cause="Another process is sending it, or has just completed it.",
                remedy="List the backups again.",
            )
        try:
            data = (path / MANIFEST).read_bytes()
            target = _read_target(path)
        except (OSError, ValueError, KeyError) as error:
            raise Corrupt(
                f"The files of the backup {backup_id} on this computer cannot be read",
                cause=f"{type(error).__name__}.",
                remedy="Back the table up again.",
                subject=str(path),
            ) from error
        yield path, target["folder"], from_bytes(data), data


def remove_files(path: Path) -> None:
    """Remove the files of an unsent backup, whose lock the caller holds."""
    shutil.rmtree(path, ignore_errors=True)
    _lock_of(path).unlink(missing_ok=True)


def remove_useless_files() -> int:
    """Remove the files of ended processes that cannot be resumed, or not any more.

    Returns:
        The number of backups whose files were removed.
    """
    root, removed = _root(), 0
    for lock in root.glob(f"*{_LOCK}") if root.is_dir() else ():
        with claimed(lock) as free:
            path = lock.with_suffix("")
            if free and not _is_retained(path):
                remove_files(path)
                removed += 1
    return removed


def remove_superseded(place: str, newer: Manifest) -> int:
    """Remove the unsent backups of the same table and database that are older than a new one.

    Returns:
        The number of backups whose files were removed.
    """
    removed = 0
    for path in _folders(place):
        with claimed(_lock_of(path)) as free, suppress(OSError, Corrupt, NotSupported):
            older = _manifest(path)
            same = (older.table, older.origin) == (newer.table, newer.origin)
            # Two encrypted conditions may differ: each backup has other rows.
            same = same and older.filter == newer.filter != HIDDEN_FILTER
            if free and same and older.taken < newer.taken:
                remove_files(path)
                removed += 1
    return removed


def _is_retained(path: Path) -> bool:
    try:
        return utc_now() - _manifest(path).taken < RETAINED
    except (OSError, Corrupt, NotSupported):
        return False


def _described(path: Path, manifest: Manifest) -> UnsentBackup:
    from core.model.backup_listing import UnsentBackup

    size = sum(file.stat().st_size for file in path.glob("part-*"))
    source = str(manifest.origin)
    return UnsentBackup(manifest.id, manifest.table, source, manifest.taken, manifest.rows, size)


def _folders(place: str) -> list[Path]:
    """Return the local folders of complete backups for a store."""
    root, found = _root(), []
    for path in root.iterdir() if root.is_dir() else ():
        with suppress(OSError, ValueError, KeyError):
            if (path / MANIFEST).exists() and _read_target(path)["place"] == place:
                found.append(path)
    return found


def _write_private(path: Path, *pieces: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.writelines(pieces)


def _read_target(path: Path) -> dict[str, str]:
    found = json.loads((path / _TARGET).read_text(encoding="utf-8"))
    return {"place": str(found["place"]), "folder": str(found["folder"])}


def _manifest(path: Path) -> Manifest:
    return from_bytes((path / MANIFEST).read_bytes())


def _root() -> Path:
    return data_dir() / "unsent"


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + _LOCK)

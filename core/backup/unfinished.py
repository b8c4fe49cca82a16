"""A local record of each backup that runs here: what a killed run left in the bucket is known.

One small file for each backup, locked by the process that writes it, from before its first part
is sent until its manifest is stored. `core.backup.orphans` reads them.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from core.backup.store import Store
from core.errors import Cancelled, StorageError
from core.local.atomic import translate_os_errors
from core.local.owned_files import claimed, create_owned
from core.local.unreadable import UNREADABLE
from core.paths import data_dir
from core.work import Work

_SUFFIX = ".backup"
#: How long removing the parts of a failed run may take, in seconds; a cancel must end in 2.
_CLEAN_SECONDS, _CLEAN_SECONDS_CANCELLED = 25.0, 1.5

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class UnfinishedBackup:
    """One backup being written: the keys that were sent, and those the server confirmed.

    `committing` is set before the manifest is sent: from then on the answer may be lost and the
    manifest be stored, so nothing is removed.
    """

    folder: str
    sent: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    committing: bool = False


@contextmanager
def unfinished_backup(store: Store, folder: str) -> Iterator[UnfinishedBackup]:
    """Record a backup while it is written; when the block fails, what it sent is removed.

    What cannot be removed now is removed by the next backup of this machine.

    Raises:
        LocalIOError: The record cannot be written.
    """
    path = _records() / f"{uuid4().hex}{_SUFFIX}"
    with translate_os_errors(path, "written"):
        handle = create_owned(path)
        os.write(handle, json.dumps({"place": store.place, "folder": folder}).encode())
    backup = UnfinishedBackup(folder)
    done = False
    try:
        yield backup
        done = True
    except BaseException as error:
        done = not backup.committing and _removed(store, backup, error)
        raise
    finally:
        if done:
            path.unlink(missing_ok=True)
        os.close(handle)


def _removed(store: Store, backup: UnfinishedBackup, error: BaseException) -> bool:
    """Remove what was sent and return whether nothing can be left of it."""
    if not backup.stored:
        return not backup.sent
    cancelled = isinstance(error, Cancelled | KeyboardInterrupt)
    work = Work()
    timer = threading.Timer(
        _CLEAN_SECONDS_CANCELLED if cancelled else _CLEAN_SECONDS, work.token.cancel
    )
    timer.start()
    try:
        store.delete(backup.sent, work=work)
    except StorageError as failure:
        _log.warning(
            "Parts of an unfinished backup stay in %s until the next backup from here: %s",
            backup.folder,
            failure.summary,
        )
        return False
    finally:
        timer.cancel()
        timer.join()
    return True


def running_folders(store: Store) -> frozenset[str]:
    """Return the folders that running processes of this machine are writing to."""
    found = set()
    for path in _records().glob(f"*{_SUFFIX}"):
        with claimed(path) as dead:
            folder = None if dead else _folder_of(path, store)
        if folder is not None:
            found.add(folder)
    return frozenset(found)


@contextmanager
def dead_records(store: Store) -> Iterator[dict[str, Path]]:
    """Yield folder → record of what ended processes left in this store; locked in the block."""
    found: dict[str, Path] = {}
    with _claims() as paths:
        for path in paths:
            folder = _folder_of(path, store)
            if folder is not None:
                found[folder] = path
        yield found


@contextmanager
def _claims() -> Iterator[list[Path]]:
    with ExitStack() as stack:
        paths = sorted(_records().glob(f"*{_SUFFIX}"))
        yield [path for path in paths if stack.enter_context(claimed(path))]


def forget(path: Path) -> None:
    """Remove a record: nothing of its backup is left to remove."""
    with suppress(OSError):
        path.unlink()


def _records() -> Path:
    folder = data_dir() / "unfinished-backups"
    with translate_os_errors(folder, "created"):
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _folder_of(path: Path, store: Store) -> str | None:
    """The folder a record names, when it lies in this store; None for a torn record."""
    try:
        record = json.loads(path.read_bytes())
        return str(record["folder"]) if record["place"] == store.place else None
    except (OSError, *UNREADABLE):
        return None

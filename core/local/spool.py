"""Private temporary folders for rows, which are removed after a kill by the next start."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from core.errors import LocalIOError
from core.local.atomic import translate_os_errors
from core.local.owned_files import claimed, create_owned
from core.paths import cache_dir

_PREFIX, _LOCK = "rows-", ".lock"

_log = logging.getLogger(__name__)


@contextmanager
def spool() -> Iterator[Path]:
    """Yield a temporary folder that only this user can read.

    A lock file beside it, which this process holds, distinguishes it from leftovers of killed
    processes.

    Raises:
        LocalIOError: The folder cannot be created.
    """
    root = cache_dir()
    remove_dead_spools()
    folder = root / f"{_PREFIX}{uuid4().hex}"
    lock = _lock_of(folder)
    with translate_os_errors(lock, "created"):
        handle = create_owned(lock)
    try:
        with translate_os_errors(folder, "created"):
            folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def private_folder(within: Path) -> Iterator[Path]:
    """Yield another temporary folder inside one of `spool`, which distinguishes it from leftovers.

    Raises:
        LocalIOError: The folder cannot be created.
    """
    folder = within / uuid4().hex
    with translate_os_errors(folder, "created"):
        folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def translate_spool_errors(needed: int) -> Iterator[None]:
    """Translate the errors of a write into a folder of `spool`; they name the folder of them all.

    Args:
        needed: bytes of all files that are to be written.

    Raises:
        LocalIOError: The block failed.
    """
    root = cache_dir()
    try:
        with translate_os_errors(root / _PREFIX, "written", needed=needed):
            yield
    except LocalIOError as error:
        error.summary, error.subject = f"Temporary files could not be written to {root}", str(root)
        raise


def remove_dead_spools() -> int:
    """Remove the folders of ended processes, and return their number."""
    root, removed = cache_dir(), 0
    for folder in root.glob(f"{_PREFIX}*"):
        if not folder.is_dir():
            continue
        if not _lock_of(folder).exists():
            removed += _remove(folder)  # a lock is created before its folder and removed after it
    for lock in root.glob(f"{_PREFIX}*{_LOCK}"):
        with claimed(lock) as ours:
            if ours:
                removed += _remove(lock.with_suffix(""))
                with suppress(OSError):
                    lock.unlink()
    return removed


def private_file(path: Path) -> Path:
    """Create an empty file that only this user can read, and return its path.

    Raises:
        LocalIOError: The file exists or cannot be created.
    """
    with translate_os_errors(path, "created"):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _remove(folder: Path) -> int:
    if not folder.exists():
        return 0
    try:
        shutil.rmtree(folder)
    except OSError as error:
        _log.warning("A folder of an ended process cannot be removed: %s", error)
        return 0
    return 1

"""Owners of records: distinguishes running processes from ended ones.

A process that stores records of work under way holds the lock of a file for as long as it lives;
its records have the name of that file. The operating system releases the lock when the process
ends, however it ends. A record whose file can be locked, or does not exist, has no owner.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from core.errors import local_io_error
from core.local.owned_files import claimed, create_owned

_FOLDER = "processes"
_lock = threading.Lock()
#: By folder: this process's number, its name as an owner, and the descriptor that holds the lock.
_own: dict[Path, tuple[int, str, int]] = {}


def owner_of_this_process(database: Path) -> str:
    """Return the name that this process's records have in a database.

    Raises:
        LocalIOError: the file of the lock cannot be created.
    """
    folder = database.parent / _FOLDER
    with _lock:
        held = _own.get(folder)
        # A forked process has inherited the entry of its parent; a missing file means that another
        # process has taken this one for dead.
        if held is None or held[0] != os.getpid() or not (folder / held[1]).exists():
            held = _own[folder] = _create(folder)
        return held[1]


def is_running(database: Path, owner: str | None) -> bool:
    """Whether the process that has stored a record still runs.

    Args:
        database: where the record is.
        owner: the record's owner; None for work that was given up by a running process.
    """
    if owner is None:
        return False
    path = database.parent / _FOLDER / owner
    if not path.exists():
        return False
    with claimed(path) as dead:
        if dead:  # an owner without a file does not run
            path.unlink(missing_ok=True)
        return not dead


def _create(folder: Path) -> tuple[int, str, int]:
    name = uuid4().hex
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_dead(folder)
        return os.getpid(), name, create_owned(folder / name)
    except OSError as error:
        raise local_io_error(error, f"{folder.name} could not be written", folder) from error


def _remove_dead(folder: Path) -> None:
    for path in folder.iterdir():
        with claimed(path) as dead:
            if dead:
                with suppress(OSError):
                    path.unlink()

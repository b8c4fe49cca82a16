"""Files of downloads: temporary beside their target, moved into place, or left by a killed process."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from core.errors import AlreadyExists, LocalIOError
from core.local.atomic import fsync_folder, refuse_special, replace_file
from core.local.locking import lock
from core.local.owned_files import claimed, create_owned
from core.local.partial_records import is_over, retained_names
from core.local.state.database import Database, state_database
from core.local.state.owners import is_running, owner_of_this_process

_log = logging.getLogger(__name__)

#: How unfinished downloads end: recognisable, and never the final name.
PARTIAL_SUFFIX = ".strongroom-part"
#: Creates a file without a name, which the system removes with the process (Linux, `open(2)`).
_UNNAMED: int = getattr(os, "O_TMPFILE", 0)
#: What systems and file systems answer that have no such files.
_NO_UNNAMED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})
#: Bytes of the name of a file that the name of its temporary file begins with.
_LONGEST_BEGINNING = 100
_lock = threading.Lock()
#: What this process has recorded: its name as an owner, and a folder.
_noted: set[tuple[str, Path]] = set()


def is_partial(path: str) -> bool:
    """Return whether a path has the name of an unfinished download."""
    return path.endswith(PARTIAL_SUFFIX)


def create_partial(target: Path) -> tuple[Path, int]:
    """Create the temporary file of a download beside its target.

    Returns:
        Its path and its descriptor. The file belongs to this process until the descriptor is
        closed; the files of killed processes are removed by `remove_partials`.

    Raises:
        LocalIOError: the target is a device, a pipe or a socket.
        OSError: it cannot be created.
    """
    refuse_special(target)
    note_folder(target.parent.absolute())
    path, handle = create_in_noted_folder(str(target.parent), target.name)
    return Path(path), handle


def create_in_noted_folder(folder: str, name: str) -> tuple[str, int]:
    """Create the temporary file of a download in a folder of `note_folder`; see `create_partial`."""
    path = _partial_name(folder, name)
    return path, create_owned(path)


def create_unnamed(folder: str) -> int | None:
    """Create a file without a name in a folder, or return None if the system has no such files.

    It needs one change of the folder instead of three: creation, link and removal. Nothing of it is
    left if the process is killed.

    Returns:
        Its descriptor, for `link_into_place`.

    Raises:
        OSError: it cannot be created.
    """
    if not _UNNAMED:
        return None
    try:
        return os.open(folder, os.O_RDWR | _UNNAMED, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return None
        raise


def link_into_place(handle: int, path: str, *, overwrite: bool) -> None:
    """Give a file of `create_unnamed` its name; see `rename_into_place`.

    To overwrite files their folder must have been recorded with `note_folder`.

    Raises:
        AlreadyExists: `overwrite` is False and the path exists, even if it was just created.
        LocalIOError: the path is that of a device, a pipe or a socket.
        OSError: the file cannot have this name.
    """
    try:
        _link(handle, path)
    except FileExistsError:
        if not overwrite:
            raise already_exists(Path(path)) from None
    else:
        return
    # A link cannot replace a file, so that the file has another name for a moment.
    folder, _, name = path.rpartition(os.sep)
    temporary = _partial_name(folder, name)
    with suppress(OSError):  # a file system without locks
        lock(handle)
    _link(handle, temporary)
    try:
        replace_file(temporary, path)
    except (OSError, LocalIOError):
        os.unlink(temporary)  # noqa: PTH108 - as above
        raise


def _link(handle: int, path: str) -> None:
    """Link an open file, which `/proc` shows as a symbolic link (`open(2)`, `O_TMPFILE`)."""
    # With a descriptor, which the absolute source makes irrelevant, Python calls `linkat`: only
    # that function follows the symbolic link.
    os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)


def _partial_name(folder: str, name: str) -> str:
    # In bytes, since the longest name of a file is; a name in Chinese has three for each character.
    beginning = os.fsencode(name)[:_LONGEST_BEGINNING].decode(errors="ignore")
    number = f"{_home_mark()}-{os.urandom(6).hex()}"
    return f"{folder}{os.sep}.{beginning}.{number}{PARTIAL_SUFFIX}"


def _home_mark() -> str:
    """Return a text in the names of the files of which this state database has the records."""
    return _mark_of(str(state_database().path))


@cache
def _mark_of(database: str) -> str:
    # Several computers may use the same folder, also with equal paths of their homes.
    text = f"{socket.gethostname()}\n{os.path.realpath(database)}"
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def rename_into_place(temporary: str | Path, path: str | Path, *, overwrite: bool) -> None:
    """Rename a completed file to its final name; `fsync_folder` then makes the name durable.

    Args:
        temporary: the current path of the file.
        path: its final path, in the same folder.
        overwrite: whether to replace an existing file.

    Raises:
        AlreadyExists: `overwrite` is False and the path exists, even if it was just created.
        LocalIOError: the path is that of a device, a pipe or a socket.
        OSError: the file cannot be renamed.
    """
    if overwrite:
        replace_file(temporary, path)
    else:
        _move_if_free(temporary, path)


def move_into_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Rename a completed file to its final name, durably; see `rename_into_place`."""
    rename_into_place(temporary, path, overwrite=overwrite)
    fsync_folder(path.parent)


def set_aside(temporary: Path, path: Path) -> Path:
    """Rename a corrupt file to a free name such as `path.corrupt`, and return the new path.

    Raises:
        OSError: the file cannot be renamed.
    """
    number, aside = 1, path.with_name(f"{path.name}.corrupt")
    while True:
        try:
            _move_if_free(temporary, aside)
        except AlreadyExists:
            number += 1
            aside = path.with_name(f"{path.name}.corrupt-{number}")
        else:
            return aside


def free_path(path: Path) -> Path:
    """Return the path, or one with a number if a file or a link has this name."""

    def numbered(number: int) -> Path:
        return path.with_name(f"{path.stem} ({number}){path.suffix}")

    # A link to a missing file does not exist, but its name is not free.
    if not os.path.lexists(path):
        return path
    # The file without a number is the first. Usually all numbers up to the last are in use, so that
    # halving finds the next one: trying all of them takes minutes for some ten thousand files.
    used, free = 1, 2
    while os.path.lexists(numbered(free)):
        used, free = free, free * 2
    while free - used > 1:
        middle = (used + free) // 2
        if os.path.lexists(numbered(middle)):
            used = middle
        else:
            free = middle
    return numbered(free)


def already_exists(path: Path) -> AlreadyExists:
    """Return the error for a download whose target exists."""
    return AlreadyExists(
        f"{path.name} already exists",
        cause="Downloads only overwrite a file if overwriting is allowed.",
        remedy="Choose another name or folder, or allow overwriting.",
        subject=str(path),
    )


def remove_partials(folders: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Remove the unfinished downloads of dead processes and return their paths.

    Those that a later download can continue remain, see `core.local.partial_downloads`, and those
    of other homes and computers, which may continue them, until their time has ended.

    Args:
        folders: where to search beside the folders that dead processes have recorded.
    """
    removed: list[Path] = []
    try:
        retained = retained_names()
        for folder in {Path(each).absolute() for each in folders}:
            removed += _remove_from(folder, retained)
        for folder in _take_recorded_folders(state_database()):
            removed += _remove_from(folder, retained)
    except LocalIOError as error:
        _log.warning("unfinished downloads could not be searched: %s", error.summary)
    return tuple(removed)


def _take_recorded_folders(database: Database) -> list[Path]:
    """Return the folders that dead processes have recorded, and remove these records."""
    found = database.rows("SELECT DISTINCT owner FROM download_folders")
    folders: set[Path] = set()
    for owner in (owner for (owner,) in found if not is_running(database.path, owner)):
        rows = database.rows("SELECT folder FROM download_folders WHERE owner IS ?", (owner,))
        folders |= {Path(os.fsdecode(folder)) for (folder,) in rows}
        database.execute("DELETE FROM download_folders WHERE owner IS ?", (owner,))
    return sorted(folders)


def _remove_from(folder: Path, retained: frozenset[str]) -> list[Path]:
    removed: list[Path] = []
    mark = _home_mark()
    with suppress(OSError):
        for path in folder.glob(f".*{PARTIAL_SUFFIX}"):
            # Whether another home has a record of its file is not known here.
            own = f".{mark}-" in path.name
            if path.name in retained or not (own or is_over(path)):
                continue
            with claimed(path) as dead:
                if dead:
                    path.unlink()
                    removed.append(path)
    return removed


def note_folder(folder: Path) -> None:
    """Record an absolute folder once in each process, so that a later process can search it."""
    database = state_database()
    try:
        owner = owner_of_this_process(database.path)
        with _lock:
            if (owner, folder) not in _noted:
                database.execute(
                    "INSERT OR IGNORE INTO download_folders (owner, folder) VALUES (?, ?)",
                    (owner, os.fsencode(folder)),
                )
                _noted.add((owner, folder))
    except LocalIOError as error:
        _log.warning("the folder of a download could not be recorded: %s", error.summary)


def _move_if_free(temporary: str | Path, path: str | Path) -> None:
    """Rename without replacing: unlike a rename, a hard link fails if the target exists."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise already_exists(Path(path)) from None
    except OSError:
        _reserve(path)
        os.replace(temporary, path)  # noqa: PTH105 - a Path for each of many files would cost more
    else:
        os.unlink(temporary)  # noqa: PTH108 - as above


def _reserve(path: str | Path) -> None:
    """Reserve the name with an empty file, for file systems without hard links."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise already_exists(Path(path)) from None

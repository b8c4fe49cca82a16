"""Files of small downloads, which are flushed to the disk in groups and then get their names."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from core.errors import StorageError
from core.local.atomic import fsync_files, fsync_folder
from core.local.new_folders import NewFolders
from core.local.partial_files import (
    create_in_noted_folder,
    create_unnamed,
    link_into_place,
    note_folder,
    rename_into_place,
)

#: Files that are flushed together: at least, and at most if the disk is slow. Each has an open
#: descriptor, also while the next group is collected: the usual limit of a process is 1,024.
_TOGETHER, _MOST = 128, 256
#: Maximum time in seconds between the arrival of a file and the flush of its group.
_LATEST = 0.5


class _Arrived(NamedTuple):
    """A verified object in a temporary file; the descriptor marks it as owned by this process.

    `temporary` is empty if the file has no name yet.
    """

    number: int
    temporary: str
    folder: str
    path: str
    handle: int


@dataclass(frozen=True, slots=True)
class Published:
    """Numbers of the files that have their names, and of those that could not be stored."""

    done: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()


class FilePublisher:
    """Stores files; only the flushes to the disk run in another thread."""

    def __init__(self, *, overwrite: bool, folders: NewFolders | None = None) -> None:
        self._overwrite, self._folders = overwrite, folders or NewFolders()
        self._unnamed = True
        self._disk = ThreadPoolExecutor(1, "disk")
        self._checked: set[str] = set()
        self._arrived: list[_Arrived] = []
        self._first_at = 0.0
        self._flushing: tuple[list[_Arrived], Future[None]] | None = None
        self._naming: deque[tuple[list[_Arrived], Future[set[str]]]] = deque()
        self._done: list[int] = []
        self._failed: list[int] = []

    def add(self, number: int, path: str, folder: str, data: bytes) -> bool:
        """Write a temporary file and return whether that succeeded.

        Args:
            number: the number of the file.
            path: its final absolute path.
            folder: the resolved path of its folder, which must not have become a link since.
            data: its content.
        """
        parent, _, name = path.rpartition(os.sep)
        try:
            if parent not in self._checked:
                self._check_folder(parent, folder)
            temporary, handle = self._created(parent, name)
        except OSError:
            return False
        try:
            written = os.write(handle, data)
            while written < len(data):
                written += os.write(handle, data[written:])
        except OSError:
            _discard(temporary, handle)
            return False
        if not self._arrived:
            self._first_at = time.monotonic()
        self._arrived.append(_Arrived(number, temporary, parent, path, handle))
        return True

    def _created(self, parent: str, name: str) -> tuple[str, int]:
        """Create a temporary file; return its path, empty for a file without a name, and descriptor."""
        if self._unnamed:
            handle = create_unnamed(parent)
            if handle is not None:
                return "", handle
            self._use_names()
            note_folder(Path(parent))
        return create_in_noted_folder(parent, name)

    def _use_names(self) -> None:
        """Create named files from now on; their folders are recorded before."""
        self._unnamed = False
        self._checked.clear()

    def _check_folder(self, parent: str, folder: str) -> None:
        """Create a folder and check that it is no link to another place, once for each group.

        Raises:
            OSError: it cannot be created, or is another folder than before.
        """
        self._folders.create(parent)
        if os.path.realpath(parent) != folder:
            raise NotADirectoryError(parent)
        if self._overwrite or not self._unnamed:  # other files leave nothing to search for
            note_folder(Path(parent))
        self._checked.add(parent)

    def published(self) -> Published:
        """Return what was published since the last call, and begin with the next group if it is due."""
        if self._flushing is not None and self._flushing[1].done():
            self._name()
        while self._naming and self._naming[0][1].done():
            self._confirm()
        count = len(self._arrived)
        late = count > 0 and time.monotonic() - self._first_at > _LATEST
        if (self._flushing is None and (late or count >= _TOGETHER)) or count >= _MOST:
            self._name()  # waits for the former group
            self._flush()
        return self._result()

    def finish(self) -> Published:
        """Publish the last groups, and return what was published since the last call."""
        self._name()
        self._flush()
        self._name()
        while self._naming:
            self._confirm()
        return self._result()

    def close(self) -> Published:
        """End the thread, remove the files without a name, and return what was still published."""
        self._disk.shutdown()
        flushing = self._flushing[0] if self._flushing is not None else []
        for one in (*flushing, *self._arrived):
            _discard(one.temporary, one.handle)
        self._flushing, self._arrived = None, []
        while self._naming:
            self._confirm()
        return self._result()

    def _result(self) -> Published:
        found = Published(tuple(self._done), tuple(self._failed))
        self._done, self._failed = [], []
        return found

    def _flush(self) -> None:
        """Begin to write the contents of a group to the disk."""
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self._checked.clear()
            handles = [one.handle for one in arrived]
            self._flushing = arrived, self._disk.submit(fsync_files, handles)

    def _name(self) -> None:
        """Give the files of the flushed group their names, which are then written to the disk."""
        if self._flushing is None:
            return
        (arrived, future), self._flushing = self._flushing, None
        try:
            future.result()
        except OSError:  # for example a full disk, which some file systems report only now
            for one in arrived:
                _discard(one.temporary, one.handle)
                self._failed.append(one.number)
            return
        # Not in the other thread, which would have to wait for the interpreter lock at each call.
        named = [one for one in arrived if self._renamed(one)]
        folders = {one.folder for one in named}
        self._naming.append((named, self._disk.submit(_unflushed, folders)))

    def _confirm(self) -> None:
        """Count the files of a group whose names are on the disk."""
        named, future = self._naming.popleft()
        unflushed = future.result()
        for one in named:
            if one.folder in unflushed:
                self._withdraw(one)
                self._failed.append(one.number)
            else:
                self._done.append(one.number)

    def _withdraw(self, one: _Arrived) -> None:
        """Return an object whose name might be lost with the power to the regular download."""
        if not self._overwrite:
            # Otherwise the regular download would report this file as an existing one.
            with suppress(OSError):
                os.unlink(one.path)  # noqa: PTH108 - thousands of paths: texts cost less

    def _renamed(self, one: _Arrived) -> bool:
        try:
            if one.temporary:
                rename_into_place(one.temporary, one.path, overwrite=self._overwrite)
            else:
                link_into_place(one.handle, one.path, overwrite=self._overwrite)
        except (OSError, StorageError) as error:  # such as a file that was created in the meantime
            if not one.temporary and isinstance(error, OSError):
                self._use_names()  # without /proc files cannot get a name later
            _discard(one.temporary, one.handle)
            self._failed.append(one.number)
            return False
        os.close(one.handle)
        return True


def _unflushed(folders: Iterable[str]) -> set[str]:
    """Write the names in folders to the disk, and return the folders for which that failed."""
    failed = set()
    for folder in folders:
        try:
            fsync_folder(Path(folder))
        except OSError:
            failed.add(folder)
    return failed


def _discard(temporary: str, handle: int) -> None:
    # Removed before the descriptor is closed: then no other process takes it for a leftover.
    if temporary:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 - as above
    os.close(handle)

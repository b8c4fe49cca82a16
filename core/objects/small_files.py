"""Files of small downloads, which are flushed to the disk in groups and then get their names."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import StorageError
from core.local.atomic import fsync_files, fsync_folder
from core.local.partial_files import create_in_noted_folder, note_folder, rename_into_place

#: Files that are flushed together. Each keeps a descriptor open, also while the next group is
#: collected: the usual limit of a process is 1,024.
_TOGETHER = 128
#: Maximum time in seconds between the arrival of a file and the flush of its group.
_LATEST = 0.5


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A verified object in a temporary file; the descriptor marks it as owned by this process."""

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
    """Stores files; only the flush of a group to the disk and the renames run in another thread."""

    def __init__(self, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._disk = ThreadPoolExecutor(1, "disk")
        self._arrived: list[_Arrived] = []
        self._checked: set[str] = set()
        self._first_at = 0.0
        self._running: Future[Published] | None = None

    def add(self, number: int, path: str, folder: str, data: bytes) -> bool:
        """Write a temporary file and return whether that succeeded.

        Args:
            number: the number of the file.
            path: its final absolute path.
            folder: the resolved path of its folder, which must not have become a link since.
            data: its content.
        """
        parent, name = os.path.split(path)
        try:
            if parent not in self._checked:
                self._check_folder(parent, folder)
            temporary, handle = create_in_noted_folder(parent, name)
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

    def _check_folder(self, parent: str, folder: str) -> None:
        """Create a folder and check that it is no link to another place, once for each group.

        Raises:
            OSError: it cannot be created, or is another folder than before.
        """
        os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - thousands of paths: texts cost less
        if os.path.realpath(parent) != folder:
            raise NotADirectoryError(parent)
        note_folder(Path(parent))
        self._checked.add(parent)

    def published(self) -> Published:
        """Return what was published since the last call, and begin with the next group if it is due."""
        due = len(self._arrived) >= _TOGETHER
        if not due and not (self._arrived and time.monotonic() - self._first_at > _LATEST):
            return (
                self._result()
                if self._running is not None and self._running.done()
                else Published()
            )
        # A full group waits for the former one, so that there are never more than two.
        if self._running is not None and not self._running.done() and not due:
            return Published()
        found = self._result()
        self._start()
        return found

    def finish(self) -> list[Published]:
        """Publish the last group, and return what was published since the last call."""
        found = [self._result()]
        self._start()
        return [*found, self._result()]

    def close(self) -> Published:
        """End the thread, remove the files without a name, and return what was still published."""
        self._disk.shutdown()
        for one in self._arrived:
            _discard(one.temporary, one.handle)
        self._arrived = []
        return self._result()

    def _result(self) -> Published:
        """Wait for the running group and return its result."""
        running, self._running = self._running, None
        return running.result() if running is not None else Published()

    def _start(self) -> None:
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self._checked.clear()
            self._running = self._disk.submit(self._publish, arrived)

    def _publish(self, arrived: list[_Arrived]) -> Published:
        """Flush the files and give them their names."""
        try:
            fsync_files([one.handle for one in arrived])
        except OSError:  # for example a full disk, which some file systems report only now
            for one in arrived:
                _discard(one.temporary, one.handle)
            return Published(failed=tuple(one.number for one in arrived))
        named = [one for one in arrived if self._renamed(one)]
        unflushed = {each for each in {one.folder for one in named} if not _flushed(each)}
        done = tuple(one.number for one in named if one.folder not in unflushed)
        for one in named:
            if one.folder in unflushed:
                self._withdraw(one)
        failed = tuple({one.number for one in arrived} - {*done})
        return Published(done, failed)

    def _withdraw(self, one: _Arrived) -> None:
        """Return an object whose name might be lost with the power to the regular download."""
        if not self._overwrite:
            # Otherwise the regular download would report this file as an existing one.
            with suppress(OSError):
                os.unlink(one.path)  # noqa: PTH108 - as above

    def _renamed(self, one: _Arrived) -> bool:
        try:
            rename_into_place(one.temporary, one.path, overwrite=self._overwrite)
        except (OSError, StorageError):  # for example a file that was created in the meantime
            _discard(one.temporary, one.handle)
            return False
        os.close(one.handle)
        return True


def _flushed(folder: str) -> bool:
    """Return whether the names in a folder are on the disk."""
    try:
        fsync_folder(Path(folder))
    except OSError:
        return False
    return True


def _discard(temporary: str, handle: int) -> None:
    # Removed before the descriptor is closed: then no other process takes it for a leftover.
    with suppress(OSError):
        os.unlink(temporary)  # noqa: PTH108 - as above
    os.close(handle)

"""The temporary file of a download, which a later download of the same object may continue.

Its bytes are hashed again before they are used: after a power failure, or a change by another
program, the download starts from its first byte.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from core.local.owned_files import can_be_taken_over, take_over
from core.local.partial_files import create_partial, note_folder
from core.local.partial_records import (
    RETENTION,
    Prefix,
    Source,
    is_missing,
    records,
    remove_record,
    remove_unused,
    write_record,
)
from core.units import format_counted, format_size

#: Minimum number of seconds between two records of one download.
_RECORD_SECONDS = 1.0
#: A record that took so many seconds is slow, such as one in a database that another process has
#: locked; the pause after it is a multiple of that time, since the download waits for it.
_SLOW_SECONDS, _PAUSE_FACTOR = 0.5, 20


class PartialDownload:
    """The temporary file of one download, which this process owns until `handle` is closed.

    Attributes:
        path: the file.
        handle: its descriptor, which the caller closes.
        prefix: the bytes that are complete; None if the file has none that can be continued.
    """

    def __init__(
        self, path: Path, handle: int, target: Path, source: Source | None, prefix: Prefix | None
    ) -> None:
        self.path, self.handle, self.prefix = path, handle, prefix
        self._target, self._source = target, source
        self._is_recorded = prefix is not None
        self._at, self._pause = time.monotonic(), _RECORD_SECONDS

    @classmethod
    def begin(cls, target: Path, source: Source | None) -> Self:
        """Continue the partial file of an earlier download, or create one beside the target.

        Args:
            target: the file that the download creates; its folder exists.
            source: the object; None for a download that is not to be continued.

        Raises:
            OSError: the file cannot be created.
        """
        for path, prefix in records(target, source) if source is not None else ():
            if (handle := take_over(path)) is not None:
                # If its record is removed and this process is killed, the folder is searched.
                note_folder(target.parent.absolute())
                return cls(path, handle, target, source, prefix)
            if is_missing(path):
                remove_record(path)
        path, handle = create_partial(target)
        return cls(path, handle, target, source, None)

    def note(self, prefix: Prefix) -> None:
        """Record the bytes that are complete, at most once a second."""
        self.prefix = prefix
        if time.monotonic() - self._at >= self._pause:
            self._record(prefix)

    def reset(self) -> None:
        """Forget the bytes: the download starts from its first byte."""
        self.prefix = None
        if self._is_recorded:
            remove_record(self.path)
            self._is_recorded = False

    def retain(self) -> bool:
        """Leave the file to the next download, and return whether it has bytes to continue."""
        if self.prefix is None or not self._record(self.prefix):
            return False
        with suppress(OSError):  # the space behind the bytes was only reserved
            os.ftruncate(self.handle, self.prefix.done)
        return True

    def describe(self) -> str:
        """Return a sentence about the file after `retain`."""
        assert self.prefix is not None
        days = format_counted(RETENTION.days, "day")
        return (
            f"The first {format_size(self.prefix.done)} are stored for {days}: the next download to "
            "the same file continues after them."
        )

    def remove(self) -> None:
        """Remove the file, if it still has its temporary name, and its record."""
        self.path.unlink(missing_ok=True)
        self.reset()

    def complete(self) -> None:
        """Forget the file after it has its final name, and remove others that were begun for it."""
        self.remove()
        if self._source is not None:
            for path, _prefix in records(self._target, self._source):
                remove_unused(path)

    def _record(self, prefix: Prefix) -> bool:
        """Write the record, and return whether that was successful."""
        began = self._at = time.monotonic()
        # A file that cannot be continued would only occupy space.
        if self._source is None or not can_be_taken_over(self.handle):
            return False
        written = write_record(self.path, self._target, self._source, prefix)
        self._at = time.monotonic()
        took = self._at - began
        self._pause = _RECORD_SECONDS if took < _SLOW_SECONDS else _PAUSE_FACTOR * took
        self._is_recorded = self._is_recorded or written
        return written

"""Folders that a download creates; those that remain empty are removed if it fails."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType


class NewFolders:
    """Creates folders and remembers which of them are new; thread-safe.

    As a context manager it removes those that are empty at the end of a block that fails.
    """

    def __init__(self) -> None:
        self._created: list[str] = []

    def __enter__(self) -> NewFolders:
        return self

    def __exit__(
        self,
        failed: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Remove the empty folders if the block has failed."""
        if failed is not None:
            self.remove_empty()

    def create(self, folder: str | Path) -> None:
        """Create a folder and its parents, unless they exist.

        Raises:
            OSError: it cannot be created, or is a file.
        """
        path = os.fspath(folder)
        try:
            os.mkdir(path)  # noqa: PTH102 - thousands of paths: texts cost less
        except FileNotFoundError:
            parent = os.path.dirname(path)  # noqa: PTH120 - as above
            if parent in {path, ""}:
                raise
            self.create(parent)
            self.create(path)
        except OSError:  # not only if it exists: a read-only file system answers otherwise
            if not os.path.isdir(path):  # noqa: PTH112 - as above
                raise
        else:
            self._created.append(path)  # atomic

    def remove_empty(self) -> None:
        """Remove the created folders that are empty; those with a file, or of others, remain."""
        # Longer paths first, which are inside the others: a thread may create a folder inside one
        # that another thread has not added to the list yet.
        for path in sorted(self._created, key=len, reverse=True):
            # A folder that was replaced by a link or by another program's files is refused by
            # the system.
            with suppress(OSError):
                os.rmdir(path)  # noqa: PTH106 - as above
        self._created.clear()

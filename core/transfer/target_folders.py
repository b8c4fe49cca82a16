"""Folders of a download with many small files, which are examined once for many files."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import ErrorKind, StorageError
from core.local.new_folders import NewFolders
from core.transfer.local_names import path_inside


class TargetFolders:
    """Folders below the target of a download: which are new, and which are links to other places.

    Folders are handled as texts: a `Path` for each of many files would take more time.

    Attributes:
        root: the target of the download.
        created: creates the folders of the download.
    """

    def __init__(self, root: Path, created: NewFolders) -> None:
        self.root, self.created = root, created
        self._is_new: dict[str, bool] = {}
        self._inside: dict[str, bool] = {}

    def is_new(self, path: str) -> bool:
        """Return whether the folder of a file did not exist when it was first examined."""
        folder = _folder(path)
        if folder not in self._is_new:
            self._is_new[folder] = not os.path.lexists(folder)
        return self._is_new[folder]

    def may_contain(self, path: str, key: str) -> bool:
        """Return whether the folder of a file is below the target; see `path_inside`."""
        folder = _folder(path)
        if folder not in self._inside:
            try:
                path_inside(self.root, Path(path), key)
            except StorageError:
                self._inside[folder] = False
            else:
                self._inside[folder] = True
        return self._inside[folder]

    def check_again(self) -> None:
        """Examine the folders again, which may have become links."""
        self._inside.clear()


def folder_in_the_way(key: str, path: Path, error: StorageError) -> StorageError:
    """Return the error about an object whose file would have the name of a folder."""
    return StorageError(
        f"{key} was not downloaded",
        cause=f"A folder with that name exists: {path}.",
        remedy="Move the folder, or download to another folder.",
        subject=error.subject,
        kind=ErrorKind.ALREADY_EXISTS,
    )


def _folder(path: str) -> str:
    return path.rpartition(os.sep)[0]

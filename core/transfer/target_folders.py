"""Folders of a download with many small files, which are examined once for many files."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import StorageError
from core.transfer.local_names import path_inside


class TargetFolders:
    """Folders below the target of a download: which are new, and which are links to other places.

    Folders are handled as texts: a `Path` for each of many files would take more time.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
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
                path_inside(self._root, Path(path), key)
            except StorageError:
                self._inside[folder] = False
            else:
                self._inside[folder] = True
        return self._inside[folder]

    def check_again(self) -> None:
        """Examine the folders again, which may have become links."""
        self._inside.clear()


def _folder(path: str) -> str:
    return path.rpartition(os.sep)[0]

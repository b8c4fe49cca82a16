"""Moves completed downloads to their final names without unwanted overwriting."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import AlreadyExists
from core.local.atomic import fsync_folder


def move_into_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Rename a completed file to its final name, durably.

    Args:
        temporary: the current path of the file.
        path: its final path, in the same folder.
        overwrite: whether to replace an existing file.

    Raises:
        AlreadyExists: `overwrite` is False and the path exists, even if it was just created.
        OSError: the file cannot be renamed.
    """
    if overwrite:
        temporary.replace(path)
    else:
        _move_if_free(temporary, path)
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


def already_exists(path: Path) -> AlreadyExists:
    """Return the error for a download whose target exists."""
    return AlreadyExists(
        f"{path.name} already exists",
        cause="Downloads only overwrite a file if overwriting is allowed.",
        remedy="Choose another name or folder, or allow overwriting.",
        subject=str(path),
    )


def _move_if_free(temporary: Path, path: Path) -> None:
    """Rename without replacing: unlike a rename, a hard link fails if the target exists."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise already_exists(path) from None
    except OSError:
        _reserve(path)
        temporary.replace(path)
    else:
        temporary.unlink()


def _reserve(path: Path) -> None:
    """Reserve the name with an empty file, for file systems without hard links."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise already_exists(path) from None

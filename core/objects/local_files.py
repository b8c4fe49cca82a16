"""Moves finished downloads to their names, without ever replacing a file that is not to be."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import AlreadyExists
from core.local.atomic import fsync_folder


def move_into_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, durably.

    Args:
        temporary: the file; it is gone afterwards.
        path: its name, in the same folder.
        overwrite: replace a file of that name.

    Raises:
        AlreadyExists: `overwrite` is False and something has the name, also when it appeared a
            moment ago.
        OSError: it cannot be moved.
    """
    if overwrite:
        temporary.replace(path)
    else:
        _move_if_free(temporary, path)
    fsync_folder(path.parent)


def set_aside(temporary: Path, path: Path) -> Path:
    """Move a file whose bytes are wrong to a free name like `path.corrupt` and return that name.

    Raises:
        OSError: it cannot be moved.
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
        cause="Downloads never overwrite silently.",
        remedy="Choose another name or folder, or allow overwriting.",
        subject=str(path),
    )


def _move_if_free(temporary: Path, path: Path) -> None:
    """Rename without replacing: a hard link fails where a file exists, a rename does not."""
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
    """Take the name with an empty file, on file systems without hard links."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise already_exists(path) from None

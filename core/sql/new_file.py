"""An output file that appears when it is complete, and never replaces another one by accident."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import AlreadyExists
from core.hints import Hint
from core.local.atomic import refuse_special, translate_os_errors
from core.local.partial_files import move_into_place


@contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield the path of a temporary file beside `path`, which takes its name at the end.

    The temporary file is private to the user. After an error it is removed.

    Raises:
        AlreadyExists: The file exists and must not be overwritten.
        LocalIOError: It cannot be written.
    """
    check_free(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.strongroom-tmp")
    with translate_os_errors(path, "written"):
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield temporary
        with translate_os_errors(path, "written"):
            _move(temporary, path, overwrite=overwrite)
    finally:
        temporary.unlink(missing_ok=True)


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    handle = os.open(temporary, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        move_into_place(temporary, path, overwrite=overwrite)
    except AlreadyExists:  # another program has created it in the meantime
        raise _already_exists(path) from None


def check_free(path: Path, *, overwrite: bool) -> None:
    """Check that a file may be written.

    Raises:
        AlreadyExists: The file exists and must not be overwritten.
        LocalIOError: It is a device, a pipe or a socket.
    """
    if path.exists() and not overwrite:
        raise _already_exists(path)
    refuse_special(path)


def _already_exists(path: Path) -> AlreadyExists:
    return AlreadyExists(
        f"{path.name} already exists",
        cause="The file was not changed.",
        remedy="Choose another name, or allow the file to be overwritten.",
        hints=Hint.OVERWRITE,
        subject=str(path),
    )

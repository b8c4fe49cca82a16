"""Atomic writes: a file has its old or its new content, even after a crash or a full disk."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from glob import escape
from pathlib import Path

from core.errors import LocalIOError, local_io_error

#: Seconds after which a temporary file counts as the leftover of a crash.
_STALE_SECONDS = 3600
_SUFFIX = ".strongroom-tmp"
#: Up to this number, files are flushed one by one: `syncfs` also writes the files of others.
_FEW_FILES = 4


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, private to the user: temporary file, fsync, rename, fsync.

    Raises:
        LocalIOError: it could not be written; the old content is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(16).hex()}{_SUFFIX}")
    with translate_os_errors(path, "written", needed=len(data)):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_stale(path)
        try:
            _write_durably(temporary, data)
            replace_file(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


def replace_file(temporary: str | Path, path: str | Path) -> None:
    """Rename a completed file to its final name, in the place of a file that has this name.

    Raises:
        LocalIOError: the name is that of a device, a pipe or a socket; see `refuse_special`.
        OSError: the file cannot be renamed.
    """
    refuse_special(path)
    os.replace(temporary, path)  # noqa: PTH105 - a Path for each of many files would cost more


def refuse_special(path: str | Path) -> None:
    """Check that a file may replace what has this name: with root, a rename replaces `/dev/null`.

    Raises:
        LocalIOError: it is a device, a pipe, a socket, or a link to an open file (`/dev/stdout`).
    """
    if is_special(path) or _is_of_process(path):
        raise LocalIOError(
            f"{Path(path).name} is not a regular file",
            cause="It is a device, a pipe or a socket, which no file replaces.",
            remedy="Choose the path of a file.",
            subject=str(path),
        )


def is_special(path: str | Path) -> bool:
    """Return whether a path is that of a device, a pipe or a socket, of which a read may not end."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a Path for each of many files would cost more
    except OSError:  # it does not exist, or the next use reports the error
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_of_process(path: str | Path) -> bool:
    return os.path.islink(path) and str(Path(path).readlink()).startswith("/proc/")  # noqa: PTH114 - as above


def fsync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; on Windows, where folders cannot be opened, it is."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_files(handles: Sequence[int]) -> None:
    """Write the contents of open files to the disk.

    Linux does that for all files of a file system in one call, which takes about as long as
    `fsync` of a single file (`syncfs(2)`; it reports write errors since version 5.8).

    Raises:
        OSError: they could not be written.
    """
    synchronize = _syncfs() if len(handles) > _FEW_FILES else None
    if synchronize is None:
        for handle in handles:
            os.fsync(handle)
        return
    for handle in {os.fstat(each).st_dev: each for each in handles}.values():
        if number := synchronize(handle):
            raise OSError(number, os.strerror(number))


@cache
def _syncfs() -> Callable[[int], int] | None:
    """Return a function that calls `syncfs` and returns the error number; None if it is missing."""
    if os.name != "posix":
        return None
    import ctypes  # not before the first window: it takes 5 ms

    found = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return None if found is None else lambda handle: ctypes.get_errno() if found(handle) else 0


def broken_name(path: Path) -> Path:
    """Return a name, with the present moment, under which a broken file is set aside."""
    moment = f"{time.strftime('%Y%m%dT%H%M%S')}-{os.urandom(2).hex()}"
    return path.with_name(f"{path.name}.broken-{moment}")


@contextmanager
def translate_os_errors(path: Path, verb: str, *, needed: int = 0) -> Iterator[None]:
    """Translate operating system errors of the block; for a full disk with the free space.

    Args:
        path: the file that the user knows.
        verb: what could not be done, for example `written`.
        needed: bytes that were to be written.

    Raises:
        LocalIOError: the block failed.
    """
    try:
        yield
    except OSError as error:
        fault = local_io_error(error, f"{path.name} could not be {verb}", path)
        if error.errno == errno.ENOSPC:
            fault.cause = _no_space(path, needed)
        raise fault from error


def _no_space(path: Path, needed: int) -> str:
    from core.units import format_size

    with contextlib.suppress(OSError):
        left = format_size(shutil.disk_usage(path.parent).free)
        more = f"{format_size(needed)} are needed, " if needed else ""
        return f"The disk is full: {more}{left} are free."
    return "The disk is full."


def _write_durably(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _remove_stale(path: Path) -> None:
    """Remove what an earlier, killed write of this file left behind."""
    for leftover in path.parent.glob(f".{escape(path.name)}.*{_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
                leftover.unlink()

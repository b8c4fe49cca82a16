"""Locks between processes, on every system; the only module that knows how a system locks.

`locked` protects a read and the write that follows from it. Its lock is taken on a file beside the
one that it protects: replacing a file atomically gives it a new inode, and a lock on the old inode
would protect nothing. The operating system releases the lock when its holder ends, however it ends.
It also excludes other threads, since each holder opens the lock file separately; acquiring it twice
in one thread is a deadlock.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.local.atomic import translate_os_errors

_log = logging.getLogger(__name__)

_SUFFIX = ".lock"
#: Seconds between two attempts to take a lock that another process holds.
_PAUSE = 0.02


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Prevent other threads and processes from changing `path` inside the block.

    Args:
        path: the file that is read and written; its folder is created if needed.

    Raises:
        LocalIOError: the lock file cannot be created.
    """
    beside = path.with_name(path.name + _SUFFIX)
    with translate_os_errors(path, "locked"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with translate_os_errors(path, "locked"):
            lock(handle)
        yield
    finally:
        os.close(handle)  # which releases the lock


def remove_lock_file(path: Path) -> None:
    """Remove the lock file of `path`, which is not used any more; the caller holds the lock."""
    with suppress(OSError):  # Windows removes no open file
        path.with_name(path.name + _SUFFIX).unlink()


@contextmanager
def locked_while_waiting(path: Path, wait: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock of the file `path` inside the block; waiting for it can be interrupted.

    Where there are no locks, or the file cannot be created, the block runs without one.

    Args:
        path: the lock's file; it and its folder are created if needed.
        wait: called with a number of seconds between two attempts; what it raises ends the wait.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        _log.warning("%s cannot be locked: %s", path.name, error)
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks
            while not try_lock(handle):
                wait(_PAUSE)
        yield
    finally:
        os.close(handle)


def lock(handle: int) -> None:
    """Wait until this process alone holds the lock of an open file; closing it releases it.

    On a file system without locks (some network drives) there is no lock.

    Raises:
        OSError: the lock cannot be taken for another reason.
    """
    try:
        _lock(handle, wait=True)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def try_lock(handle: int, *, shared: bool = False) -> bool:
    """Take the lock of an open file and return True; False if another holds it.

    Args:
        handle: the open file.
        shared: whether several may hold it like this at the same time, where the system can.

    Raises:
        OSError: the file system has no locks, or the lock cannot be taken for another reason.
    """
    try:
        _lock(handle, wait=False, shared=shared)
    except BlockingIOError:
        return False
    return True


def has_record_locks(path: Path) -> bool:
    """Return whether the file system supports the locks on parts of files that SQLite uses.

    Args:
        path: a file; the lock is tried on the lock file beside it, see `locked`.

    Raises:
        OSError: the lock file cannot be opened.
    """
    handle = os.open(path.with_name(path.name + _SUFFIX), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _try_record_lock(handle)
    except OSError as error:
        # Another error, such as a lock held by another process, proves that there are locks.
        return error.errno not in _NO_LOCKS
    finally:
        os.close(handle)
    return True


#: What file systems without locks answer.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})

if sys.platform == "win32":
    import msvcrt

    #: The byte that is locked: far behind the content, since locks keep others from reading, too.
    _FAR = 2**30

    def _lock(handle: int, *, wait: bool, shared: bool = False) -> None:  # noqa: ARG001 - there are no shared locks
        # `msvcrt.locking` locks from the current position of the file.
        position = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            while True:
                try:
                    msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
                except OSError as error:  # LK_LOCK gives up after ten seconds
                    if not wait:
                        raise BlockingIOError(error.errno, error.strerror) from None
                else:
                    return
        finally:
            os.lseek(handle, position, os.SEEK_SET)

    def _try_record_lock(handle: int) -> None:
        """Do nothing: every file system of Windows has such locks."""

else:
    import fcntl

    def _lock(handle: int, *, wait: bool, shared: bool = False) -> None:
        # `flock`, not `lockf`: the lock belongs to the open file, so it excludes threads, too, and
        # closing another descriptor of the same file does not release it.
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)

    def _try_record_lock(handle: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

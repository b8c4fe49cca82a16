"""Files that belong to a running process, which a lock distinguishes from leftovers.

The operating system releases a `flock` when the process ends, however it ends. A file that can be
locked therefore has no owner any more.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.local.locking import lock, try_lock

#: Refuses a symbolic link; Windows has no such flag, and links there need a special right.
_NO_LINKS: int = getattr(os, "O_NOFOLLOW", 0)


def create_owned(path: str | Path) -> int:
    """Create a file that this process owns until the returned descriptor is closed.

    A process that removes dead files could find this one between its creation and its lock; it
    unlinks while it holds the lock, so a link count of zero means: create it again.

    Raises:
        OSError: the file exists or cannot be created.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # a file system without locks: nothing there is ever taken for dead
            lock(handle)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Yield whether the file belongs to no running process; it stays locked inside the block."""
    try:
        handle = os.open(path, os.O_RDWR | _NO_LINKS)
    except OSError:
        yield False
        return
    try:
        yield _locked(handle, path)
    finally:
        os.close(handle)


def can_be_taken_over(handle: int) -> bool:
    """Return whether a later `take_over` of the file of this descriptor can be successful.

    It cannot on a file system without locks or rights, such as some network drives.
    """
    try:
        try_lock(handle)  # again: it fails only if there are no locks
        return _is_private(os.fstat(handle))
    except OSError:
        return False


def take_over(path: Path) -> int | None:
    """Return a descriptor of a private file that no running process owns; None if it is not one.

    This process owns the file until the descriptor is closed.
    """
    try:
        handle = os.open(path, os.O_RDWR | _NO_LINKS)
    except OSError:
        return None
    if _locked(handle, path) and _is_private(os.fstat(handle)):
        return handle
    os.close(handle)
    return None


def _is_private(found: os.stat_result) -> bool:
    """Return whether a file has one name, and only this user can change it."""
    # With a second name, a completed file would be written again.
    private = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if sys.platform != "win32":  # whose files have no such mode
        private = private and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return private


def _locked(handle: int, path: Path) -> bool:
    try:
        # Its owner may have completed it, under another name, or removed it before it was locked.
        return try_lock(handle) and os.path.samestat(path.lstat(), os.fstat(handle))
    except OSError:  # a file system without locks: whose file it is cannot be known
        return False

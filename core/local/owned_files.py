"""Files that belong to a running process, which a lock distinguishes from leftovers.

The operating system releases a `flock` when the process ends, however it ends. A file that can be
locked therefore has no owner any more.
"""

from __future__ import annotations

import os
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
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        return try_lock(handle) and bool(os.fstat(handle).st_nlink)
    except OSError:  # a file system without locks: whose file it is cannot be known
        return False

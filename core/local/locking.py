"""One lock per file, held across a read and the write that follows from it.

The lock is taken on a file beside the one that it protects: replacing a file atomically gives it a
new inode, and a lock on the old inode would protect nothing. The operating system releases the
lock when its holder ends, however it ends. It holds between threads as well, since each holder
opens the lock file anew; taking it twice in one thread waits for ever.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.local.atomic import told

_SUFFIX = ".lock"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other threads and processes from changing `path` inside the block.

    Args:
        path: the file that is read and written; its folder is created if needed.

    Raises:
        LocalIOError: the lock file cannot be created.
    """
    lock = path.with_name(path.name + _SUFFIX)
    with told(path, "locked"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with told(path, "locked"):
            _acquire(handle)
        yield
    finally:
        os.close(handle)  # which releases the lock


if sys.platform == "win32":  # the same promise where there is no flock
    import msvcrt

    def _acquire(handle: int) -> None:
        """Wait for the lock: one call gives up after ten seconds."""
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError:
                continue
            return

else:
    import fcntl

    #: What file systems without locks answer, for example some network drives.
    _NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})

    def _acquire(handle: int) -> None:
        """Wait for the lock; a file system that has none goes without."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise

"""Reservation of disk space for a file that is written in place."""

from __future__ import annotations

import errno
import os


def reserve_space(handle: int, size: int) -> None:
    """Give an empty file its final size, and reserve the space if the file system can do that.

    Args:
        handle: the descriptor of the file.
        size: bytes.

    Raises:
        OSError: there is not enough space.
    """
    os.truncate(handle, size)
    if os.name != "posix" or not hasattr(os, "posix_fallocate"):
        return
    import ctypes  # only for large files

    # Not `os.posix_fallocate`: where the file system cannot reserve, it writes every block.
    reserve = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if reserve is None:
        return
    reserve.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if reserve(handle, 0, 0, size) and ctypes.get_errno() == errno.ENOSPC:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

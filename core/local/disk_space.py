"""Reservation of disk space for a file that is written in place."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

#: Bytes that are reserved at once; other threads can write to the file in between.
_PIECE = 16 * 1024 * 1024


def reserve_space(handle: int, size: int, wanted: Callable[[], bool] = lambda: True) -> None:
    """Give a file its final size, and reserve the space if the file system can do that.

    Args:
        handle: the descriptor of the file, which may already have a part of its bytes.
        size: bytes.
        wanted: called before each piece; False ends the reservation.

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
    for start in range(0, size, _PIECE):
        if not wanted():
            return
        if reserve(handle, 0, start, min(_PIECE, size - start)):
            if ctypes.get_errno() == errno.ENOSPC:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return  # a file system that cannot reserve

"""Files of objects that are too large for the memory: unpacked while they are read."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from core.collect.rows import (
    GZIP,
    GZIP_WINDOW,
    MOST_WINDOW,
    ZSTANDARD,
    ZSTANDARD_STEP,
    UnreadableError,
)
from core.local.atomic import translate_os_errors
from core.units import format_size

#: Packed bytes of gzip that are unpacked at once: they become 16 MiB at most.
_GZIP_STEP = 16 * 1024


@contextmanager
def opened(path: Path, most: int) -> Iterator[BinaryIO]:
    """Yield the content of a file, unpacked if it is gzip or Zstandard, also of several parts.

    Args:
        path: the file.
        most: the number of bytes that the content may have.

    Raises:
        LocalIOError: the file cannot be read.
        UnreadableError: also while it is read: the compression is damaged, or ends early, or the
            content is too large.
    """
    with translate_os_errors(path, "read"), path.open("rb") as file:
        start = file.read(len(ZSTANDARD))
        file.seek(0)
        if start.startswith(ZSTANDARD):
            yield io.BufferedReader(_Unpacked(file, most, _zstandard, ZSTANDARD_STEP))
        elif start.startswith(GZIP):
            yield io.BufferedReader(_Unpacked(file, most, _gzip, _GZIP_STEP))
        else:
            yield file


def _gzip() -> Any:
    return zlib.decompressobj(GZIP_WINDOW)


def _zstandard() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj()


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a file.

    Args:
        file: the packed file.
        most: the number of unpacked bytes that it may have.
        unpacker: returns the object that unpacks one part.
        step: the packed bytes that are unpacked at once.
    """

    def __init__(self, file: BinaryIO, most: int, unpacker: Callable[[], Any], step: int) -> None:
        super().__init__()
        self._file, self._left, self._new, self._step = file, most, unpacker, step
        self._most = most
        self._unpacker: Any = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: Any) -> int:
        """Read unpacked bytes, and return their number; 0 at the end."""
        while not self._ready:
            if not self._packed:
                self._packed = self._file.read(self._step)
            if not self._packed:
                if self._unpacker is not None:
                    message = "Its compressed data ends early."
                    raise UnreadableError(message)
                return 0
            self._ready = memoryview(self._unpacked())
            self._left -= len(self._ready)
            if self._left < 0:
                message = f"It has more than {format_size(self._most)} when it is unpacked."
                raise UnreadableError(message)
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpacked(self) -> bytes:
        """Unpack what was read of the file."""
        if self._unpacker is None:
            self._unpacker = self._new()
        try:
            found: bytes = self._unpacker.decompress(self._packed)
        except Exception as error:
            # Each library has its own class, and zstandard may not be imported for it.
            if not _is_damage(error):
                raise
            message = "Its compression is damaged."
            raise UnreadableError(message) from None
        self._packed = b""
        if self._unpacker.eof:
            self._packed, self._unpacker = self._unpacker.unused_data, None
        return found


def _is_damage(error: Exception) -> bool:
    import zstandard

    return isinstance(error, zlib.error | zstandard.ZstdError)

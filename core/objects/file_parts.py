"""Parts of a local file, as they are sent: read in blocks, so that a part may be of any size."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.aws.limits import MIB
from core.objects.checksums import hasher
from core.objects.crc import crc32
from core.objects.hashing import changed
from core.work import Work

#: Bytes of one block; limits of the bandwidth are obeyed in smaller pieces.
BLOCK_BYTES = MIB
LIMITED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FileBlock:
    """Bytes of a file that the system sends, without copies in the memory of this process."""

    path: Path
    file: BinaryIO
    offset: int
    size: int

    def __len__(self) -> int:
        """Return the number of bytes."""
        return self.size

    def send_to(self, target: socket.socket) -> None:
        """Send the bytes to a connected socket without encryption.

        Raises:
            SourceChanged: the file has become shorter.
            OSError: the connection broke, or the file cannot be read.
        """
        if target.sendfile(self.file, self.offset, self.size) < self.size:
            raise changed(self.path)


@dataclass(frozen=True, slots=True)
class FilePart:
    """The part `number` (from 1) of a file: `size` bytes from `offset`, with its CRC32."""

    path: Path
    number: int
    offset: int
    size: int
    crc32: int

    def blocks(self, work: Work) -> Iterator[memoryview]:
        """Yield the bytes; each block is only valid until the next one is requested.

        The bandwidth limit of the work delays the blocks.

        Raises:
            SourceChanged: the file has become shorter.
            OSError: the file cannot be read.
            Cancelled: the work was cancelled.
        """
        most = BLOCK_BYTES if work.limits is None else LIMITED_BYTES
        buffer, left = memoryview(bytearray(min(most, self.size))), self.size
        # Opened for each part: threads that share a file object would share its position.
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            while left:
                count = file.readinto(buffer[:left])
                if not count:
                    raise changed(self.path)
                work.check()
                work.take(count)
                yield buffer[:count]
                left -= count

    def file_blocks(self, work: Work) -> Iterator[FileBlock]:
        """Yield the bytes as blocks that the system sends; see `blocks`.

        Raises:
            OSError: the file cannot be read.
            Cancelled: the work was cancelled.
        """
        most = BLOCK_BYTES if work.limits is None else LIMITED_BYTES
        with self.path.open("rb", buffering=0) as file:
            for start in range(0, self.size, most):
                count = min(most, self.size - start)
                work.check()
                work.take(count)
                yield FileBlock(self.path, file, self.offset + start, count)

    def digests(self, algorithms: tuple[str, ...], work: Work) -> dict[str, bytes]:
        """Return hashes of the part by the algorithms of `Expected`.

        Raises:
            SourceChanged: the bytes differ from those of the first reading.
            OSError: the file cannot be read.
            Cancelled: the work was cancelled.
        """
        made, value = [hasher(algorithm) for algorithm in algorithms], 0
        for block in self.blocks(Work(work.token)):
            value = crc32(block, value)
            for each in made:
                each.update(block)
        if value != self.crc32:
            raise changed(self.path)
        found = [each.digest() for each in made]
        return dict(zip(algorithms, found, strict=True))

    def body(self, work: Work) -> io.BufferedIOBase:
        """Return the part as a seekable file, as botocore sends it."""
        return _PartBody(self, work)


class _PartBody(io.BufferedIOBase):
    """The bytes of a part as a separate file; a repeated request reads them again."""

    def __init__(self, part: FilePart, work: Work) -> None:
        self._part, self._work = part, work
        self._file = part.path.open("rb", buffering=0)
        self._at = 0

    def close(self) -> None:
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._part.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._part.size - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        self._file.seek(self._part.offset + self._at)
        data: Any = self._file.read(wanted)
        if len(data) < wanted and not data:
            raise changed(self._part.path)
        self._work.take(len(data))
        self._at += len(data)
        return bytes(data)


def parts_of(path: Path, size: int, part_size: int, crc32: tuple[int, ...]) -> list[FilePart]:
    """Return the parts of a file.

    Args:
        path: the file.
        size: its size in bytes.
        part_size: bytes of each part but the last.
        crc32: the CRC32 of each part.

    Raises:
        SourceChanged: the number of parts that were hashed differs.
    """
    offsets = range(0, size, part_size)
    if len(offsets) != len(crc32):
        raise changed(path)
    return [
        FilePart(path, number, offset, min(part_size, size - offset), value)
        for number, (offset, value) in enumerate(zip(offsets, crc32, strict=True), 1)
    ]

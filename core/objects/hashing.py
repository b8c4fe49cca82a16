"""SHA-256 of files, stored as object metadata: works for every object size and server.

S3's checksums of multipart objects are composites that botocore does not verify on download, so the
hash of the complete file is stored in the object's metadata.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.aws.limits import OBJECT_BYTES
from core.errors import LocalIOError, SourceChanged, local_io_error
from core.objects.crc import crc32
from core.objects.part_sizes import SINGLE_BYTES, part_size
from core.work import CancelToken, Work

#: Name of the metadata entry with the hexadecimal hash of the complete object.
SHA256 = "sha256"
CHUNK = 1024 * 1024
#: Blocks between the thread that reads a file and the one that computes its SHA-256. They are
#: large, because a thread that waits for the interpreter lock after each block may wait for 5 ms.
_BUFFERS, _BLOCK = 2, 8 * CHUNK


@dataclass(frozen=True, slots=True)
class Stamp:
    """Properties by which a change of a local file is detected."""

    size: int
    modified_ns: int
    #: A file that another one of the same size and time replaced has another inode.
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Return the current state of a file.

        Raises:
            LocalIOError: the file does not exist, or is not a regular file.
        """
        try:
            found = path.stat()
        except OSError as error:
            raise unreadable(path, error) from error
        if not path.is_file():
            raise LocalIOError(
                f"{path.name} is not a regular file",
                cause="Folders, pipes and devices have no content to upload.",
                remedy="Choose a file, or upload the folder as a folder.",
                subject=str(path),
            )
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)

    def check(self, path: Path) -> None:
        """Raise `SourceChanged` if the file is no longer in this state."""
        if Stamp.of(path) != self:
            raise changed(path)


def changed(path: Path) -> SourceChanged:
    """Return the error for a file that changed while it was read."""
    return SourceChanged(
        f"{path.name} changed during the upload",
        cause="Its size, modification time or content changed while it was read; nothing was "
        "stored.",
        remedy="Wait until the program that writes it has finished, then try again.",
        subject=str(path),
    )


def unreadable(path: Path, error: OSError) -> LocalIOError:
    """Return the error for a file that cannot be read."""
    return local_io_error(error, f"{path.name} cannot be read", path)


def chunks_of(file: BinaryIO, work: Work) -> Iterator[bytes]:
    """Yield the rest of a file in chunks, and check for a cancel in between."""
    while chunk := file.read(CHUNK):
        work.check()
        yield chunk


def sha256_of(path: Path, work: Work) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for chunk in chunks_of(file, work):
                digest.update(chunk)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class FileHashes:
    """Hashes of a file, of the same bytes: of all of it, and of each part that is sent.

    `sha256` is hexadecimal. `crc32` has the CRC32 of each part as a number.
    """

    sha256: str
    crc32: tuple[int, ...]


def hash_parts(path: Path, part_size: int, work: Work) -> FileHashes:
    """Return the hashes of a file that is sent in parts.

    Args:
        path: the file.
        part_size: bytes of each part but the last.
        work: cancel token.

    Raises:
        LocalIOError: the file cannot be read.
        Cancelled: the work was cancelled.
    """
    try:
        return _PartHasher(path, part_size, work).run()
    except OSError as error:
        raise unreadable(path, error) from error


class HashingAhead:
    """The hashes of one large file, which another thread computes while its upload is prepared."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        self._path, self.stamp = path, stamp
        self._stop = CancelToken()
        self._pool = ThreadPoolExecutor(1, "hash-ahead")
        self._hashes: Future[FileHashes] | None = self._pool.submit(
            hash_parts, path, part_size(stamp.size), Work(self._stop)
        )

    def take(self, path: Path, stamp: Stamp, work: Work) -> FileHashes | None:
        """Return the hashes of a file, once; None if they are not those of this state of it.

        Raises:
            LocalIOError: the file cannot be read.
            Cancelled: the work was cancelled.
        """
        hashes, self._hashes = self._hashes, None
        if hashes is None or (path, stamp) != (self._path, self.stamp):
            return None
        with work.token.on_cancel(self._stop.cancel):
            return hashes.result()

    def end(self) -> None:
        """End the thread."""
        self._stop.cancel()
        self._pool.shutdown()


@contextmanager
def hashing_ahead(path: Path) -> Iterator[HashingAhead | None]:
    """Compute the hashes of a file during the block, if it is one that is sent in parts.

    A file that cannot be read is none: its upload reports the error.
    """
    try:
        stamp = Stamp.of(path)
    except LocalIOError:
        stamp = None
    if stamp is None or not SINGLE_BYTES < stamp.size <= OBJECT_BYTES:
        yield None
        return
    ahead = HashingAhead(path, stamp)
    try:
        yield ahead
    finally:
        ahead.end()


class _PartHasher:
    """Two threads: one reads blocks and computes the CRC32, the other the SHA-256.

    SHA-256 needs most of the time and cannot be divided; both release the interpreter lock.
    """

    def __init__(self, path: Path, part_size: int, work: Work) -> None:
        self._path, self._part_size, self._work = path, part_size, work
        self._read: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[bytearray | None] = queue.SimpleQueue()
        self._crc32: list[int] = []
        self._failure: BaseException | None = None

    def run(self) -> FileHashes:
        for _ in range(_BUFFERS):
            self._free.put(bytearray(min(_BLOCK, self._part_size)))
        digest = hashlib.sha256()
        reader = threading.Thread(target=self._read_all, name="hash-parts")
        reader.start()
        try:
            while (block := self._read.get()) is not None:
                self._work.check()
                digest.update(block)
                self._free.put(block.obj)  # type: ignore[arg-type] # the buffer of the view
        finally:
            self._free.put(None)
            reader.join()
        if self._failure is not None:
            raise self._failure
        return FileHashes(digest.hexdigest(), tuple(self._crc32))

    def _read_all(self) -> None:
        try:
            with self._path.open("rb", buffering=0) as file:
                while self._read_part(file):
                    pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._failure = error
        finally:
            self._read.put(None)

    def _read_part(self, file: BinaryIO) -> bool:
        """Read one part and return whether more may follow."""
        left, value = self._part_size, 0
        while left:
            buffer = self._free.get()
            if buffer is None:
                return False
            count = file.readinto(memoryview(buffer)[:left])  # type: ignore[attr-defined] # unbuffered
            if not count:
                break
            block = memoryview(buffer)[:count]
            value = crc32(block, value)
            self._read.put(block)
            left -= count
        if left < self._part_size:
            self._crc32.append(value)
        return not left

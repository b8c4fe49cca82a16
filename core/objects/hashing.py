"""SHA-256 of files, stored as object metadata: works for every object size and server.

S3's checksums of multipart objects are composites that botocore does not verify on download, so the
hash of the complete file is stored in the object's metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import LocalIOError, SourceChanged, local_io_error
from core.work import Work

#: Name of the metadata entry with the hexadecimal hash of the complete object.
SHA256 = "sha256"
CHUNK = 1024 * 1024


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

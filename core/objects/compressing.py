"""Compression of a file before it is uploaded, into a temporary file.

S3 requires the size of each part before its first byte, so the compressed bytes have to be stored
until they are sent.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import LocalIOError, local_io_error
from core.local.partial_files import create_partial
from core.model.upload_options import Compression
from core.objects.hashing import Stamp, chunks_of, unreadable
from core.objects.options import ORIGINAL_SHA256, ORIGINAL_SIZE
from core.paths import cache_dir
from core.work import Work

#: The default levels of both programs.
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3
#: Window size of zlib that selects the gzip format (zlib manual, `deflateInit2`).
_GZIP_WINDOW = 31


@dataclass(frozen=True, slots=True)
class CompressedFile:
    """A compressed copy of a file; `sha256` and `size` are those of the original."""

    path: Path
    sha256: str
    size: int

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata by which the original can be compared with other files."""
        return {ORIGINAL_SHA256: self.sha256, ORIGINAL_SIZE: str(self.size)}


@contextmanager
def compressed(path: Path, compression: Compression, work: Work) -> Iterator[CompressedFile]:
    """Yield a compressed copy of a file, which is removed at the end of the block.

    Equal files have equal copies, which contain neither a name nor a time.

    Raises:
        SourceChanged: the file changed while it was read.
        LocalIOError: the file cannot be read, or the copy cannot be written.
        Cancelled: the work was cancelled.
    """
    stamp = Stamp.of(path)
    folder = cache_dir() / "compressed"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Removed by the next transfer if this process is killed.
        copy, handle = create_partial(folder / path.name)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as target:
            digest = _write(path, target, _compressor(compression, stamp.size), work)
            stamp.check(path)
            # The descriptor stays open during the upload: the file would count as left by a
            # dead process otherwise.
            yield CompressedFile(copy, digest, stamp.size)
    finally:
        copy.unlink(missing_ok=True)


def _write(path: Path, target: IO[bytes], compressor: Any, work: Work) -> str:
    """Write the compressed bytes, and return the hexadecimal SHA-256 of the original."""
    digest = hashlib.sha256()
    try:
        source = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    with source:
        try:
            for chunk in chunks_of(source, work):
                digest.update(chunk)
                target.write(compressor.compress(chunk))
            target.write(compressor.flush())
            target.flush()
        except OSError as error:
            raise _unwritable(path, error) from error
    return digest.hexdigest()


def _compressor(compression: Compression, size: int) -> Any:
    if compression is Compression.GZIP:
        return zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    import zstandard

    # The size is part of the format: other programs show it and allocate memory by it.
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj(size=size)


def _unwritable(path: Path, error: OSError) -> LocalIOError:
    return local_io_error(error, f"{path.name} cannot be compressed", path)

"""The objects that collections have read, on this computer, by their ETag and with a size limit.

An object whose ETag has not changed needs no second request. The file may be deleted at any time; a
damaged one is replaced. Only this user can read it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.aws.limits import GIB, MIB
from core.objects.bucket import Bucket
from core.paths import cache_dir

if TYPE_CHECKING:
    import apsw

_log = logging.getLogger(__name__)

#: Bytes of the compressed objects. The least recently used ones are removed first.
LIMIT_BYTES = GIB
#: Larger objects are not stored.
_LARGEST_BYTES = 8 * MIB
_NAME = "collected-objects.db"
#: Objects that are written in one transaction.
_TOGETHER = 512
_LEVEL = 1
_DAY_SECONDS = 86_400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    id BLOB PRIMARY KEY, used INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_used ON objects (used, size);
"""


class ObjectCache:
    """The stored objects of one bucket. An error of the file only makes requests necessary."""

    def __init__(
        self, bucket: Bucket, *, limit: int = LIMIT_BYTES, folder: Path | None = None
    ) -> None:
        import zstandard

        self._path = (folder or cache_dir()) / _NAME
        self._limit = limit
        # The same key and ETag of another server may be other bytes.
        self._place = f"{bucket.clients.endpoint_url or 'aws'}\0{bucket.name}\0".encode()
        # The checksum detects damage of the disk.
        self._compress = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress
        self._decompress = zstandard.ZstdDecompressor().decompress
        self._waiting: list[tuple[bytes, int, int, bytes]] = []
        self._connection: apsw.Connection | None = None

    def close(self) -> None:
        """Write what is still in memory, remove what exceeds the limit, and close the file."""
        self._flush()
        self._evict()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def known(self, objects: Iterable[tuple[str, str]]) -> list[bool]:
        """Return for each key and ETag whether the object is stored."""
        stored = {bytes(row[0]) for row in self._rows("SELECT id FROM objects")}
        return [self._id(key, etag) in stored for key, etag in objects]

    def bodies(self, objects: Sequence[tuple[str, str]]) -> Iterator[bytes | None]:
        """Yield the bytes of each key and ETag; None for those that are not stored."""
        today = int(time.time()) // _DAY_SECONDS
        used = []
        for key, etag in objects:
            identifier = self._id(key, etag)
            rows = self._rows("SELECT body, used FROM objects WHERE id = ?", (identifier,))
            body = self._unpacked(rows[0][0]) if rows else None
            if body is not None and rows[0][1] != today:
                used.append((today, identifier))
            yield body
        self._write("UPDATE objects SET used = ? WHERE id = ?", used)

    def add(self, key: str, etag: str, body: bytes) -> None:
        """Store an object."""
        if not etag or len(body) > _LARGEST_BYTES:
            return
        packed = self._compress(body)
        today = int(time.time()) // _DAY_SECONDS
        self._waiting.append((self._id(key, etag), today, len(packed), packed))
        if len(self._waiting) >= _TOGETHER:
            self._flush()

    def _id(self, key: str, etag: str) -> bytes:
        return hashlib.sha256(self._place + f"{key}\0{etag}".encode()).digest()[:16]

    def _unpacked(self, packed: bytes) -> bytes | None:
        import zstandard

        try:
            return self._decompress(packed)
        except zstandard.ZstdError:
            return None

    def _flush(self) -> None:
        rows, self._waiting = self._waiting, []
        self._write("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", rows)

    def _evict(self) -> None:
        rows = self._rows("SELECT sum(size) FROM objects")
        excess = (rows[0][0] or 0) - self._limit if rows else 0
        if excess <= 0:
            return
        removed = []
        for identifier, size in self._rows("SELECT id, size FROM objects ORDER BY used"):
            removed.append((identifier,))
            excess -= size
            if excess <= 0:
                break
        self._write("DELETE FROM objects WHERE id = ?", removed)
        self._rows("PRAGMA incremental_vacuum")

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        from core.local.sqlite import apsw

        try:
            return self._opened().execute(sql, values).fetchall()
        except apsw.Error as error:
            self._discard(error)
            return []

    def _write(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        from core.local.sqlite import apsw

        if not rows:
            return
        try:
            connection = self._opened()
            with connection:
                connection.executemany(sql, rows)
        except apsw.Error as error:
            self._discard(error)

    def _opened(self) -> apsw.Connection:
        from core.local.sqlite import apsw

        if self._connection is None:
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            connection = apsw.Connection(str(self._path))
            connection.set_busy_timeout(5_000)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            # What a power failure loses is read from the bucket again.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_SCHEMA)
            self._connection = connection
        return self._connection

    def _discard(self, error: Exception) -> None:
        """Remove a damaged file; other errors, for example a full disk, only end the caching."""
        from core.local.sqlite import apsw

        _log.info("the cache of objects cannot be used: %s", error)
        if self._connection is not None:
            with suppress(apsw.Error):
                self._connection.close()
            self._connection = None
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


@contextmanager
def opened_cache(bucket: Bucket, *, use: bool) -> Iterator[ObjectCache | None]:
    """Yield the cache of a bucket, or None if it is not to be used."""
    if not use:
        yield None
        return
    with closing(ObjectCache(bucket)) as cache:
        yield cache

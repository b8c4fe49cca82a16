"""The Parquet files of a folder, of which only the bytes are read that a statement needs.

Each object is a file of its size in a private folder, with the bytes that were read at their
places. DuckDB plans the statement with the footers; then the parts of columns that it will read are
requested. A part that is missing by a mistake begins with zeros, which DuckDB refuses: then, as
after any doubt, the objects are read completely.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from core.collect.cache import ObjectCache
from core.collect.folder_table import MOST_IN_ORDER, create_view
from core.collect.keys import ARCHIVES, Found
from core.collect.parquet_chunks import (
    END_BYTES,
    Footer,
    Span,
    footer_length,
    needed_spans,
    read_footers,
)
from core.collect.reading import read_contents
from core.errors import CONNECTION_KINDS, Cancelled, LimitExceeded, StorageError
from core.local.atomic import translate_os_errors
from core.local.spool import private_file
from core.objects.bucket import Bucket
from core.objects.reading import read
from core.objects.small_loop import SMALL_BYTES
from core.sql.plan import Scan
from core.units import format_size
from core.work import Progress, Work

if TYPE_CHECKING:
    import duckdb

_log = logging.getLogger(__name__)

_ENDING = ".parquet"
_THREADS = 8
#: Bytes at the end of an object that are requested first: most footers are shorter.
_TAIL_BYTES = 64 * 1024
_MOST_FOOTER = 64 * 1024 * 1024
#: The share of all bytes from which complete objects are read, which are compared with their
#: hashes.
_MOST_SHARE = 0.75


class ReadCompletelyError(Exception):
    """The objects have to be read completely; the text states why."""


class _Piece(NamedTuple):
    number: int
    span: Span

    @property
    def size(self) -> int:
        return self.span.end - self.span.start


def can_be_ranged(objects: Sequence[Found]) -> bool:
    """Return whether all objects are Parquet files, and some of them large enough for ranges."""
    return (
        0 < len(objects) <= MOST_IN_ORDER
        and all(each.key.lower().endswith(_ENDING) and each.etag for each in objects)
        and all(each.storage_class not in ARCHIVES for each in objects)
        and any(each.size > SMALL_BYTES for each in objects)
    )


class RangedFolder:
    """The objects of one folder.

    Attributes:
        gets: the GET requests that were sent.
        received: the bytes of the objects that are present.
        rows: the number of rows, after `attach`.
        types: DuckDB's types of the columns by their names, after `attach`.
        notes: remarks about columns, after `attach`.
    """

    def __init__(
        self, bucket: Bucket, objects: Sequence[Found], cache: ObjectCache | None, place: Path
    ) -> None:
        """Read nothing yet.

        Args:
            bucket: the bucket.
            objects: the objects; see `can_be_ranged`.
            cache: receives the ranges that are read.
            place: a private folder that this folder has for itself.
        """
        self._bucket, self._objects, self._cache, self._place = bucket, objects, cache, place
        self._files = {number: place / f"{number}{_ENDING}" for number in range(len(objects))}
        self._footers: dict[str, Footer] = {}
        self._present: set[int] = set()
        self.gets = self.received = self.rows = 0
        self.types: dict[str, str] = {}
        self.notes: list[str] = []

    @property
    def paths(self) -> list[Path]:
        """The files that DuckDB has to be allowed to read."""
        return list(self._files.values())

    def read_footers(self, work: Work) -> None:
        """Read the ends of the objects, and small objects completely.

        Raises:
            Cancelled: a cancel was requested.
            ReadCompletelyError: an object is no Parquet file, or has changed.
            StorageError: the server cannot be reached.
        """
        for number, path in self._files.items():
            with translate_os_errors(path, "written"):
                private_file(path)
                with path.open("r+b") as file:
                    file.truncate(self._objects[number].size)
        self._read_small(work)
        tails = [
            _Piece(number, Span(each.size - _TAIL_BYTES, each.size))
            for number, each in enumerate(self._objects)
            if number not in self._present
        ]
        longer, read = [], len(self._present)
        for piece, data in self._read(tails, work):
            length, size = footer_length(data[-END_BYTES:]), self._objects[piece.number].size
            if not length or length > min(size, _MOST_FOOTER):
                self._refuse(f"{self._objects[piece.number].key} has no footer of Parquet")
            if size - length < piece.span.start:
                longer.append(_Piece(piece.number, Span(size - length, piece.span.start)))
            read += 1
            work.report(Progress(read, len(self._objects), "objects", "reading"))
        for _ in self._read(longer, work):
            pass

    def _read_small(self, work: Work) -> None:
        small = [n for n, each in enumerate(self._objects) if each.size <= SMALL_BYTES]

        def received(place: int, data: bytes) -> None:
            self._write(_Piece(small[place], Span(0, len(data))), data)

        objects = [self._objects[number] for number in small]
        contents = read_contents(self._bucket, objects, self._cache, received, work)
        self.gets += contents.gets
        if contents.missing or contents.changed:
            self._refuse("small objects are missing, or have changed")
        self._present.update(small)

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Create the view of the files.

        Raises:
            ReadCompletelyError: a footer is damaged, or columns of the same name cannot be one.
            InvalidInput: no type holds the decimals of a column in all files exactly.
        """
        import duckdb

        # What DuckDB has read of a file is replaced later.
        connection.execute("SET enable_external_file_cache = false")
        # It would read a column of all rows to select the first ones.
        connection.execute("SET disabled_optimizers = 'late_materialization'")
        try:
            keys = [each.key for each in self._objects]
            self.types, self.notes = create_view(connection, name, self._files, keys)
            self._footers = read_footers(connection, self.paths)
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            self._refuse(str(error))
        self.rows = sum(each.rows for each in self._footers.values())

    def needed(
        self, connection: duckdb.DuckDBPyConnection, scans: Sequence[Scan]
    ) -> tuple[int, int]:
        """Return the bytes that a statement reads, and the GET requests that it still needs.

        Raises:
            ReadCompletelyError: they are most of the bytes.
        """
        pieces = self._pieces(connection, scans)
        cached = self._cache.known(map(self._identity, pieces)) if self._cache is not None else []
        size = self.received + sum(piece.size for piece in pieces)
        return size, len(pieces) - sum(cached)

    def read_needed(
        self, connection: duckdb.DuckDBPyConnection, scans: Sequence[Scan], work: Work
    ) -> None:
        """Read the parts of columns that scans need.

        Raises:
            Cancelled: a cancel was requested.
            LimitExceeded: they do not fit on the disk.
            ReadCompletelyError: they are most of the bytes, or an object has changed.
            StorageError: the server cannot be reached.
        """
        pieces = self._pieces(connection, scans)
        needed = sum(piece.size for piece in pieces)
        free = shutil.disk_usage(self._place).free
        if needed > free:
            raise LimitExceeded(
                "The columns are too large for this computer",
                cause=f"They have {format_size(needed)}, and {format_size(free)} are free.",
                remedy="Select fewer columns, or query a smaller folder.",
            )
        done = 0
        for piece, _ in self._read(pieces, work):
            done += piece.size
            work.report(Progress(done, needed, "bytes", "reading"))

    def _pieces(self, connection: duckdb.DuckDBPyConnection, scans: Sequence[Scan]) -> list[_Piece]:
        """Return the parts that scans need, without those of complete files."""
        spans = needed_spans(connection, self._footers, self.types, scans)
        numbers = {str(path): number for number, path in self._files.items()}
        pieces = [
            _Piece(numbers[file], span)
            for file, found in spans.items()
            for span in found
            if numbers[file] not in self._present
        ]
        needed = sum(piece.size for piece in pieces)
        if needed + self.received > _MOST_SHARE * sum(each.size for each in self._objects):
            self._refuse("the statement needs most of the bytes")
        return pieces

    def _read(self, pieces: Iterable[_Piece], work: Work) -> Iterator[tuple[_Piece, bytes]]:
        """Write pieces to the files, and yield them in their order."""
        # A piece would report its bytes as the progress of all.
        silent = Work(work.token, budget=work.budget, limits=work.limits)
        with ThreadPoolExecutor(_THREADS, "ranges") as pool:
            rest = iter(pieces)
            while group := list(islice(rest, _THREADS)):
                work.check()
                known = self._cached(group)
                fetched = pool.map(
                    lambda piece: self._fetched(piece, silent),
                    (piece for piece, data in zip(group, known, strict=True) if data is None),
                )
                for piece, data in zip(group, known, strict=True):
                    body = data if data is not None else self._stored(piece, next(fetched))
                    self._write(piece, body)
                    yield piece, body

    def _cached(self, pieces: Sequence[_Piece]) -> list[bytes | None]:
        if self._cache is None:
            return [None] * len(pieces)
        return list(self._cache.bodies([self._identity(piece) for piece in pieces]))

    def _identity(self, piece: _Piece) -> tuple[str, str]:
        """Return the key and the ETag under which the cache has a piece."""
        found, span = self._objects[piece.number], piece.span
        # A key has no null character.
        return f"{found.key}\0{span.start}-{span.end}", found.etag

    def _fetched(self, piece: _Piece, work: Work) -> bytes | StorageError:
        found, span = self._objects[piece.number], piece.span
        try:
            return read(
                self._bucket, found.key, start=span.start, length=piece.size, etag=found.etag,
                work=work,
            )  # fmt: skip
        except StorageError as error:
            return error

    def _stored(self, piece: _Piece, fetched: bytes | StorageError) -> bytes:
        """Return the bytes of a request, which are then in the cache."""
        self.gets += 1
        found = self._objects[piece.number]
        if isinstance(fetched, StorageError):
            if isinstance(fetched, Cancelled) or fetched.kind in CONNECTION_KINDS:
                raise fetched
            self._refuse(fetched.summary)
        elif len(fetched) != piece.size:
            self._refuse(f"{found.key} is shorter than listed")
        elif self._cache is not None:
            self._cache.add(*self._identity(piece), fetched)
        assert isinstance(fetched, bytes)
        return fetched

    def _write(self, piece: _Piece, data: bytes) -> None:
        self.received += len(data)
        path = self._files[piece.number]
        with translate_os_errors(path, "written"), path.open("r+b") as file:
            file.seek(piece.span.start)
            file.write(data)

    def _refuse(self, reason: str) -> None:
        _log.info("objects are read completely: %s", reason)
        raise ReadCompletelyError(reason)


@contextmanager
def missing_parts() -> Iterator[None]:
    """Translate errors of a statement that a missing or damaged part of a file may have caused.

    Raises:
        ReadCompletelyError: the statement may succeed with complete objects.
    """
    import duckdb

    try:
        yield
    except (
        duckdb.ConversionException,
        duckdb.InterruptException,
        duckdb.IOException,
        duckdb.OutOfMemoryException,
        duckdb.OutOfRangeException,
    ):
        raise
    except duckdb.Error as error:
        _log.info("objects are read completely: %s", error)
        raise ReadCompletelyError(str(error)) from error

"""Rows with long values, which are read in pieces: no value is in memory completely."""

from __future__ import annotations

import binascii
import codecs
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import apsw

from core.backup.databases.base import Rows
from core.backup.databases.long_rows import LONGEST_LINE
from core.backup.databases.sqlite.connection import scalar
from core.backup.databases.sqlite.rows import (
    HEX,
    LONG_BLOB,
    LONG_TEXT,
    TEXT,
    careful_value,
    not_utf16,
    quoted_json,
)
from core.backup.databases.sqlite.tokens import quoted
from core.errors import NotSupported
from core.model.tables import TableSchema
from core.work import Work

#: Bytes of a piece of a value, and of those of a value that SQLite first reads completely.
_PIECE, _LARGE_PIECE = 1 << 20, 8 << 20


@contextmanager
def limited_length(connection: apsw.Connection, longest: int) -> Iterator[None]:
    """Let SQLite refuse longer strings and BLOBs (`TooBigError`) before it builds or reads them."""
    before = connection.limit(apsw.SQLITE_LIMIT_LENGTH, longest)
    try:
        yield
    finally:
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, before)


class LongRows:
    """Yields the JSON lines of rows with long values, with the same bytes as other rows.

    Args:
        connection: The connection, within a transaction.
        schema: The table.
        names: The names of the recorded values.
        rowid: The place of the rowid in them; None if it is not recorded.
        encoding: The encoding of texts in the database.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        schema: TableSchema,
        names: Sequence[str],
        rowid: int | None,
        encoding: str,
    ) -> None:
        self._connection = connection
        self._table = schema.table
        self._names = names
        # SQLite does not open values of a table with generated columns.
        self._rowid = None if any(c.generated for c in schema.columns) else rowid
        self._encoding = encoding

    def pieces(
        self, values: Sequence[Any], source: str, bounds: tuple[int, ...], work: Work
    ) -> Iterator[Rows]:
        """Yield one row in pieces, of which the last has the count 1.

        Args:
            values: The values of `careful_sql`.
            source: FROM and what follows, as SQL, before LIMIT.
            bounds: The bound values of `source`, and the number of the row in its result.
            work: Cancel token.

        Raises:
            NotSupported: The row is longer than a restore accepts.
        """
        pending, size = bytearray(b"{"), 0
        for piece in self._row(values, source, bounds):
            pending += piece
            if len(pending) >= _PIECE:
                work.check()
                size += len(pending)
                self._check_size(size)
                yield 0, bytes(pending)
                pending.clear()
        yield 1, bytes(pending) + b"}\n"

    def _check_size(self, size: int) -> None:
        if size > LONGEST_LINE:
            raise NotSupported(
                f"A row of {self._table} is too long to be backed up",
                cause="The values of a row have more than 1 GB in the form of a backup, in which "
                "each byte of a BLOB has two digits.",
                remedy="Move its longest values out of the table first.",
                subject=self._table,
            )

    def _row(self, values: Sequence[Any], source: str, bounds: tuple[int, ...]) -> Iterator[bytes]:
        separator = ""
        for name, value in zip(self._names, values, strict=True):
            head = f"{separator}{quoted_json(name)}:"
            separator = ","
            if value not in (LONG_TEXT, LONG_BLOB):
                yield (head + careful_value(value, self._encoding)).encode()
                continue
            yield head.encode()
            rowid = None if self._rowid is None else int(values[self._rowid])
            value_of = _Value(self._connection, self._table, name, rowid, source, bounds)
            if value == LONG_BLOB:
                yield from _digits(value_of, HEX)
            elif self._is_valid(value_of):
                yield from _text(value_of, self._encoding)
            elif self._encoding == "utf-8":
                yield from _digits(value_of, TEXT)
            else:
                raise not_utf16()

    def _is_valid(self, value: _Value) -> bool:
        """Return whether a text has the encoding of the database, by reading it once."""
        decoder = codecs.getincrementaldecoder(self._encoding)()
        try:
            for piece in value.pieces():
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True


class _Value:
    """One value of a row, whose bytes can be read several times."""

    def __init__(
        self,
        connection: apsw.Connection,
        table: str,
        column: str,
        rowid: int | None,
        source: str,
        bounds: tuple[int, ...],
    ) -> None:
        self._connection, self._table, self._column = connection, table, column
        self._rowid, self._source, self._bounds = rowid, source, bounds

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes."""
        if self._rowid is None:
            yield from self._cut()
            return
        opened = self._connection.blob_open("main", self._table, self._column, self._rowid, False)  # noqa: FBT003 - as in apsw
        with closing(opened) as blob:
            while piece := blob.read(_PIECE):
                yield piece

    def _cut(self) -> Iterator[bytes]:
        """Yield the bytes of a value that cannot be opened; SQLite reads it for each large piece."""
        sql = f"SELECT substr(CAST({quoted(self._column)} AS BLOB),?,?) {self._source} LIMIT 1 OFFSET ?"
        start = 1
        while True:
            bounds = (start, _LARGE_PIECE, *self._bounds)
            large: bytes = scalar(self._connection, sql, bounds)
            for at in range(0, len(large), _PIECE):
                yield large[at : at + _PIECE]
            if len(large) < _LARGE_PIECE:
                return
            start += len(large)


def _digits(value: _Value, tag: str) -> Iterator[bytes]:
    yield b'{"%s":"' % tag.encode()
    for piece in value.pieces():
        yield binascii.hexlify(piece).upper()
    yield b'"}'


def _text(value: _Value, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    yield b'"'
    for piece in value.pieces():
        yield quoted_json(decoder.decode(piece))[1:-1].encode()
    yield b'"'

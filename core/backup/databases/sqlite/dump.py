"""Reading a table's rows as pieces of JSON lines, fast where SQLite can build them itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from queue import SimpleQueue
from typing import Any

import apsw

from core.backup.databases.base import Rows
from core.backup.databases.condition import clause, enclosed
from core.backup.databases.sqlite.connection import scalar
from core.backup.databases.sqlite.long_values import LongRows, limited_length
from core.backup.databases.sqlite.rows import (
    LONG_BLOB,
    LONG_TEXT,
    careful_line,
    careful_sql,
    row_sql,
)
from core.backup.databases.sqlite.tokens import quoted
from core.backup.prefetch import in_parallel
from core.model.tables import TableSchema
from core.work import Work

#: A piece is about this large, so that memory stays flat however wide the rows are.
PIECE_BYTES = 1 << 20
_FIRST_ROWS = 64
_MOST_ROWS = 4_000
_LAST_ROWID = 2**63 - 1
#: The longest string that SQLite builds for a piece, in bytes: other rows are read value by value.
_LONGEST_PIECE = 8 << 20


class Dump:
    """Yields the rows of one table that meet a condition, in the order of its rowid or key."""

    def __init__(
        self,
        connection: apsw.Connection,
        schema: TableSchema,
        encoding: str,
        where: str = "",
        readers: Sequence[apsw.Connection] = (),
    ) -> None:
        self._connection = connection
        self._readers = readers
        #: The number of rows according to the ranges that were read; None if there are no ranges.
        self.counted: int | None = None
        self._rows = _FIRST_ROWS
        self._columns = schema.stored
        self._encoding = encoding
        self._table = quoted(schema.table)
        self._where = clause(where)
        self._and = f" AND {enclosed(where)}" if where else ""
        strict = "strict" in schema.options
        self._rowid = rowid_name(schema)
        recorded = (schema.rowids, self._rowid) if schema.rowids else None
        self._line = row_sql(self._columns, recorded, strict=strict)
        self._names = recorded_names(schema)
        self._careful = ([self._rowid] if recorded else []) + [careful_sql(self._columns)]
        self._long = LongRows(
            connection, schema, self._names, self._place_of_rowid(schema), encoding
        )
        for reader in readers:
            reader.limit(apsw.SQLITE_LIMIT_LENGTH, _LONGEST_PIECE)

    def _place_of_rowid(self, schema: TableSchema) -> int | None:
        """Return the place of the rowid in a recorded row; None if it is not recorded."""
        name = schema.rowids or rowid_column(schema)
        return self._names.index(name) if name else None

    def pieces(self, work: Work) -> Iterator[Rows]:
        """Yield `(count, lines)`; every line ends with a newline."""
        if self._encoding != "utf-8":
            yield from self._carefully(self._where, (), work)
        elif self._rowid and self._readers and not self._where:
            yield from self._in_ranges(self._rowid, work)
        elif self._rowid:
            yield from self._by_rowid(self._rowid, work)
        else:
            yield from self._in_a_row(work)

    def _in_ranges(self, rowid: str, work: Work) -> Iterator[Rows]:
        """Read ranges of rowids with several connections at the same time."""
        # In the order of the rowids without ORDER BY, which takes 8 % more time: there is no other
        # way to read such a range of a table.
        sql = (
            f"SELECT CAST(group_concat({self._line}, char(10)) || char(10) AS BLOB), count(*) "  # noqa: S608 - names are quoted, values bound
            f"FROM {self._table} NOT INDEXED WHERE {rowid} BETWEEN ? AND ?"
        )
        free = SimpleQueue[apsw.Connection]()
        for reader in self._readers:
            free.put(reader)

        def read(bounds: tuple[int, int]) -> tuple[tuple[int, int], bytes | None, int]:
            reader = free.get()
            try:
                figures: Sequence[Any] = reader.execute(sql, bounds).fetchall()[0]
            except apsw.TooBigError:
                return bounds, None, 1
            finally:
                free.put(reader)
            piece, count = figures
            return bounds, (piece if piece is not None and _is_utf8(piece) else None), count

        # One range waits for a connection, so that none of them waits for its next range.
        with closing(in_parallel(read, self._ranges(rowid), len(self._readers) + 1)) as pieces:
            for bounds, piece, count in pieces:
                work.check()
                if piece is not None:
                    yield count, piece
                    self._rows = _rows_of_a_piece(count, len(piece), _MOST_ROWS)
                elif count:
                    where = f"WHERE {rowid} BETWEEN ? AND ? ORDER BY {rowid}"
                    yield from self._measured(where, bounds, work)

    def _ranges(self, rowid: str) -> Iterator[tuple[int, int]]:
        """Yield the first and last rowid of pieces, whose sizes follow those that were read.

        `counted` is set at the end: the ranges are found by counting, apart from the reading.
        """
        sql = (
            f"SELECT {rowid} FROM {self._table} NOT INDEXED WHERE {rowid} >= ? "  # noqa: S608 - names are quoted, values bound
            f"ORDER BY {rowid} LIMIT 1 OFFSET ?"
        )
        start, counted = self._first(rowid), 0
        while start <= _LAST_ROWID:
            rows = self._rows
            found: list[Any] = self._connection.execute(sql, (start, rows - 1)).fetchall()
            end = int(found[0][0]) if found else _LAST_ROWID
            counted += rows if found else self._rows_from(rowid, start)
            yield start, end
            start = end + 1
        self.counted = counted

    def _rows_from(self, rowid: str, start: int) -> int:
        sql = f"SELECT count(*) FROM {self._table} NOT INDEXED WHERE {rowid} >= ?"  # noqa: S608 - names are quoted, values bound
        return int(scalar(self._connection, sql, (start,)))

    def _pieces_sql(self, rowid: str, where: str, limit: str, figures: str) -> str:
        # SQLite joins the lines too: one fetch a piece leaves the interpreter out of it. A cast
        # to BLOB hands the bytes over as they are, valid UTF-8 or not.
        return (
            f"SELECT CAST(group_concat(line, char(10)) AS BLOB), {figures} FROM "  # noqa: S608 - names are quoted, values bound
            f"(SELECT {rowid} AS r, {self._line} AS line FROM {self._table} NOT INDEXED "
            f"{where}{self._and} ORDER BY {rowid}{limit})"
        )

    def _by_rowid(self, rowid: str, work: Work) -> Iterator[Rows]:
        sql = self._pieces_sql(rowid, f"WHERE {rowid} >= ?", " LIMIT ?", "max(r), count(*)")
        cursor = self._connection.cursor()
        start = self._first(rowid)
        while start <= _LAST_ROWID:
            work.check()
            piece, end, count = self._fetch(cursor, sql, rowid, (start, self._rows))
            if not count:
                return
            if piece is None:
                where = f"WHERE {rowid} BETWEEN ? AND ?{self._and} ORDER BY {rowid}"
                yield from self._measured(where, (start, end), work)
            else:
                yield count, piece + b"\n"
                self._rows = _rows_of_a_piece(count, len(piece), _MOST_ROWS)
            start = end + 1

    def _first(self, rowid: str) -> int:
        sql = f"SELECT min({rowid}) FROM {self._table}"  # noqa: S608 - names are quoted
        return int(scalar(self._connection, sql) or 0)

    def _fetch(
        self, cursor: apsw.Cursor, sql: str, rowid: str, bounds: tuple[int, int]
    ) -> tuple[bytes | None, int, int]:
        """Return the piece, its last rowid, its count; no piece when it needs the careful way."""
        try:
            with limited_length(self._connection, _LONGEST_PIECE):
                figures: Sequence[Any] = cursor.execute(sql, bounds).fetchall()[0]
        except apsw.TooBigError:
            ends = (
                f"SELECT max(r), count(*) FROM (SELECT {rowid} AS r FROM {self._table} "  # noqa: S608 - names are quoted, values bound
                f"WHERE {rowid} >= ?{self._and} ORDER BY {rowid} LIMIT ?)"
            )
            figures = (None, *cursor.execute(ends, bounds).fetchall()[0])
        piece, end, count = figures
        return (piece if piece is not None and _is_utf8(piece) else None), end, count

    def _in_a_row(self, work: Work) -> Iterator[Rows]:
        """Read a table without rowid; from the first odd piece on, the careful way."""
        sql = f"SELECT CAST({self._line} AS BLOB) FROM {self._table} NOT INDEXED{self._where}"  # noqa: S608 - names are quoted
        done, rows = 0, _FIRST_ROWS
        try:
            with limited_length(self._connection, _LONGEST_PIECE):
                cursor = self._connection.execute(sql)
            while batch := self._next(cursor, rows):
                work.check()
                batch.append(b"")
                piece = b"\n".join(batch)
                if not _is_utf8(piece):
                    break
                yield len(batch) - 1, piece
                done += len(batch) - 1
                rows = _rows_of_a_piece(len(batch) - 1, len(piece), _MOST_ROWS)
            else:
                return
        except apsw.TooBigError:
            work.check()
        yield from self._carefully(self._where, (), work, first=done)

    def _next(self, cursor: apsw.Cursor, rows: int) -> list[bytes]:
        """Return up to so many lines; fewer after which one is too long, or they are enough."""
        lines, size = list[bytes](), 0
        with limited_length(self._connection, _LONGEST_PIECE):
            for (line,) in islice(cursor, rows):
                lines.append(line)
                size += len(line)
                if size > _LONGEST_PIECE:
                    break
        return lines

    def _measured(self, where: str, bounds: tuple[int, ...], work: Work) -> Iterator[Rows]:
        """Yield the rows of a range value by value; the size of the next ranges follows from them."""
        rows = size = 0
        for count, lines in self._carefully(where, bounds, work):
            yield count, lines
            rows, size = rows + count, size + len(lines)
        self._rows = _rows_of_a_piece(rows, size, _FIRST_ROWS)

    def _carefully(
        self, where: str, bounds: tuple[int, ...], work: Work, *, first: int = 0
    ) -> Iterator[Rows]:
        """Yield the rows of a statement from the one with the number `first` on."""
        select = ",".join(self._careful)
        source = f"FROM {self._table} NOT INDEXED {where}"
        sql = f"SELECT {select} {source} LIMIT -1 OFFSET ?"
        lines: list[bytes] = []
        size = 0
        for number, values in enumerate(self._connection.execute(sql, (*bounds, first)), first):
            if LONG_TEXT in values or LONG_BLOB in values:
                if lines:
                    yield len(lines), b"".join(lines)
                    lines, size = [], 0
                yield from self._long.pieces(values, source, (*bounds, number), work)
                continue
            lines.append(careful_line(self._names, values, self._encoding))
            size += len(lines[-1])
            if size >= PIECE_BYTES or len(lines) >= _MOST_ROWS:
                work.check()
                yield len(lines), b"".join(lines)
                lines, size = [], 0
        if lines:
            yield len(lines), b"".join(lines)


def recorded_names(schema: TableSchema) -> list[str]:
    """Return the names of a row's values in a backup, in their order."""
    return ([schema.rowids] if schema.rowids else []) + [column.name for column in schema.stored]


def rowids_field(schema: TableSchema) -> str:
    """Return the name under which rows record the implicit rowid, empty if there is none.

    A primary key of the type INTEGER is the rowid itself and recorded as the column it is.
    """
    if rowid_column(schema) or not rowid_name(schema):
        return ""
    names = {column.name.lower() for column in schema.columns}
    return next(name for n in range(len(names) + 1) if (name := "$rowid" + "_" * n) not in names)


def rowid_warning(schema: TableSchema) -> tuple[str, ...]:
    """Return a warning if a backup does not contain the rowids of a table that has them."""
    if schema.rowids or "without rowid" in schema.options or rowids_field(schema) == "":
        return ()
    warning = (
        "The backup does not contain rowids: the rows get new ones, and references by rowid would "
        "find other rows."
    )
    return (warning,)


def rowid_name(schema: TableSchema) -> str:
    """Return the name under which the rowid can be read, or nothing when there is none."""
    if "without rowid" in schema.options:
        return ""
    names = {column.name.lower() for column in schema.columns}
    free = next((name for name in ("rowid", "_rowid_", "oid") if name not in names), "")
    return free or _quoted_if_any(rowid_column(schema))


def rowid_column(schema: TableSchema) -> str:
    """Return the column that is the rowid: a primary key of the very type INTEGER, if any."""
    key = schema.primary
    if key is None or len(key.parts) != 1 or "without rowid" in schema.options:
        return ""
    part = key.parts[0]
    if key.inline and part.descending:  # a quirk: https://sqlite.org/lang_createtable.html#rowid
        return ""
    named = next((c for c in schema.columns if c.name.lower() == part.name.lower()), None)
    return named.name if named and named.type.upper() == "INTEGER" else ""


def _quoted_if_any(name: str) -> str:
    return quoted(name) if name else ""


def _rows_of_a_piece(count: int, size: int, most: int) -> int:
    """Return how many rows have about the size of a piece, if `count` have `size` bytes."""
    return max(1, min(most, PIECE_BYTES * count // max(size, 1)))


def _is_utf8(piece: bytes) -> bool:
    if piece.isascii():
        return True
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True

"""Reading a table's rows as pieces of JSON lines that the server builds."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

from core.backup.databases.base import Rows
from core.backup.databases.mysql.rows import careful_line, careful_sql, row_sql
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import quoted
from core.errors import Corrupt
from core.model.tables import TableSchema
from core.work import Work

#: A piece is about this large, so that memory stays flat however wide the rows are.
PIECE_BYTES = 1 << 20
_ALL = 18446744073709551615


def dump_rows(session: Session, schema: TableSchema, work: Work) -> Generator[Rows, None, None]:
    """Yield the rows of a table in the order of its primary key, or in the stored order."""
    done, missing = 0, False
    statement = f"SELECT {row_sql(schema)} FROM {source(schema)}"  # noqa: S608 - names are quoted
    pieces = _pieces(session, statement, work)
    with closing(pieces):
        for count, lines in pieces:
            if not count:
                missing = True  # the rest is received, but not used: the connection stays open
            elif not missing:
                done += count
                yield count, lines
    if missing:
        yield from _carefully(session, schema, done, work)


def source(schema: TableSchema) -> str:
    """Return the table with the order of its rows, as it follows FROM.

    Without a hint the server may read an index that contains all columns, in its order.
    """
    table = quoted(schema.table)
    if schema.primary is None:
        return f"{table} USE INDEX ()"
    keys = ",".join(
        quoted(part.name) + (" DESC" if part.descending else "") for part in schema.primary.parts
    )
    return f"{table} FORCE INDEX (PRIMARY) ORDER BY {keys}"


def _pieces(session: Session, statement: str, work: Work) -> Generator[Rows, None, None]:
    """Yield pieces of lines, and (0, b"") where a line is NULL since it is too long."""
    count, size = 0, 0
    pieces: list[bytes] = []
    received = session.stream(statement, work)
    with closing(received):
        for values, null in received:
            if values:
                values.append(memoryview(b""))
                pieces.append(b"\n".join(values))
                count += len(values) - 1
                size += len(pieces[-1])
            if count and (size >= PIECE_BYTES or null):
                work.check()
                yield count, _text(pieces)
                pieces, count, size = [], 0, 0
            if null:
                yield 0, b""
    if count:
        yield count, _text(pieces)


def _text(pieces: list[bytes]) -> bytes:
    text = b"".join(pieces)
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise Corrupt(
                "A text of the table is not valid in its character set",
                cause=str(error)[:200],
                remedy="Find it with HEX() and repair it, or convert the column to a binary type.",
            ) from None
    return text


def _carefully(session: Session, schema: TableSchema, done: int, work: Work) -> Iterator[Rows]:
    """Yield the rows after the first `done`; each value is a separate column."""
    statement = f"SELECT {careful_sql(schema)} FROM {source(schema)} LIMIT {_ALL} OFFSET {done}"  # noqa: S608 - names are quoted
    lines: list[bytes] = []
    size = 0
    for values in session.rows(statement, work):
        lines.append(careful_line(schema, values))
        size += len(lines[-1])
        if size >= PIECE_BYTES:
            yield len(lines), b"".join(lines)
            lines, size = [], 0
    if lines:
        yield len(lines), b"".join(lines)

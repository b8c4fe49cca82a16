"""Reading a table's rows as pieces of JSON lines that the server builds."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from core.backup.databases.base import Rows
from core.backup.databases.mysql.fingerprint import Fingerprint
from core.backup.databases.mysql.packets import LongPiece
from core.backup.databases.mysql.rows import careful_line, careful_sql, source
from core.backup.databases.mysql.sampling import sampled_row_sql
from core.backup.databases.mysql.session import Session
from core.errors import Corrupt
from core.model.tables import TableSchema
from core.work import Work

#: A piece is about this large, so that memory stays flat however wide the rows are. Smaller ones
#: cost time: for each piece, the thread that compresses waits for the one that reads.
PIECE_BYTES = 1 << 20
_ALL = 18446744073709551615


def dump_rows(
    session: Session,
    schema: TableSchema,
    work: Work,
    fingerprint: Fingerprint | None = None,
    where: str = "",
    line: str = "",
) -> Generator[Rows, None, int | None]:
    """Yield the rows of a table in the order of its primary key, or in the stored order.

    A line of more than 1 MB is yielded in pieces, which all have the count 0 except for the last.

    Args:
        session: The connection; it is closed if the generator is closed early.
        schema: The table.
        work: Cancel token.
        fingerprint: Receives all lines, if it is wanted.
        where: A condition on the rows.
        line: The SQL expression of a line, if it is known; see `sampled_row_sql`.

    Returns:
        How many rows the server sent, as it counted them; None if it is not known.
    """
    done, missing, text = 0, False, _Text()
    line = line or sampled_row_sql(session, schema)
    statement = f"SELECT {line} FROM {source(schema, where)}"  # noqa: S608 - names are quoted
    with closing(_pieces(session, statement, work)) as pieces:
        for rows in pieces:
            if rows is None:
                missing = True  # the rest is received, but not used: the connection stays open
            elif missing:
                continue
            elif isinstance(rows, LongPiece):
                if fingerprint is not None:
                    fingerprint.omit()
                done += rows.last
                yield int(rows.last), text.checked(rows)
            else:
                done += len(rows)
                yield len(rows), _checked(_joined(rows, fingerprint))
    if not missing:
        return int(session.value("SELECT FOUND_ROWS()"))
    for rows in _carefully(session, schema, done, work, where):
        yield len(rows), _joined(rows, fingerprint)
    return None


def _joined(rows: list[bytes], fingerprint: Fingerprint | None) -> bytes:
    """Return the text of lines, and add them to a fingerprint."""
    if fingerprint is not None:
        fingerprint.add(rows)
    return b"\n".join((*rows, b""))


def _pieces(
    session: Session, statement: str, work: Work
) -> Generator[list[bytes] | LongPiece | None, None, None]:
    """Yield the lines of pieces, long ones in parts, and None where a line is NULL: it is too long."""
    rows: list[bytes] = []
    size = 0
    with closing(session.stream(statement, work)) as received:
        for found in received:
            if isinstance(found, LongPiece):
                if rows:
                    yield rows
                    rows, size = [], 0
                yield found
                continue
            values, null = found
            rows += values
            size += sum(map(len, values))
            if rows and (size >= PIECE_BYTES or null):
                work.check()
                yield rows
                rows, size = [], 0
            if null:
                yield None
    if rows:
        yield rows


def _checked(text: bytes) -> bytes:
    """Return a piece after a check that it is UTF-8."""
    if not text.isascii():
        with _explained():
            text.decode()
    return text


class _Text:
    """The text of a long line, whose pieces may end in a character."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")()

    def checked(self, piece: LongPiece) -> bytes:
        """Return the bytes of a piece, with the end of the line, after a check that they are UTF-8."""
        with _explained():
            self._decoder.decode(piece.data, piece.last)
        return piece.data + b"\n" if piece.last else piece.data


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise Corrupt(
            "A text of the table is not valid in its character set",
            cause=str(error)[:200],
            remedy="Find it with HEX() and repair it, or convert the column to a binary type.",
        ) from None


def _carefully(
    session: Session, schema: TableSchema, done: int, work: Work, where: str
) -> Iterator[list[bytes]]:
    """Yield the lines after the first `done`; each value is a separate column."""
    table = source(schema, where)
    statement = f"SELECT {careful_sql(schema)} FROM {table} LIMIT {_ALL} OFFSET {done}"  # noqa: S608 - names are quoted
    lines: list[bytes] = []
    size = 0
    for values in session.rows(statement, work):
        lines.append(careful_line(schema, values))
        size += len(lines[-1])
        if size >= PIECE_BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines

"""Loading of JSON lines into a table by LOAD DATA, or by INSERT where the server refuses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby
from typing import Any

from core.backup.databases.base import Rows
from core.backup.databases.long_rows import complete_rows
from core.backup.databases.mysql.long_lines import (
    Close,
    Content,
    End,
    Head,
    Literal,
    LongLine,
    Open,
    Token,
)
from core.backup.databases.mysql.rows import (
    HEX,
    TEXT,
    Number,
    base_type,
    charset_of,
    default_collation,
    has_bytes,
    needs_check,
    values_of,
)
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.errors import NOTHING_CHANGED, Corrupt, DatabaseError, NotSupported
from core.model.tables import TableSchema
from core.units import format_size
from core.work import Work

#: Size of an INSERT statement in characters: less than the smallest usual max_allowed_packet.
_STATEMENT = 1 << 20
#: A piece of more bytes has a long row.
_LONG = (4 << 20) + (1 << 18)
#: Bytes of max_allowed_packet that are left for the packet itself.
_MARGIN = 1024
_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\0": "\\0", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1a": "\\Z"}
)


def load_rows(session: Session, schema: TableSchema, rows: Iterable[Rows], work: Work) -> int:
    """Load all rows into `schema.table`, and return their number.

    Raises:
        Corrupt: A row does not match the schema or the format.
        DatabaseError: The server changed a value or refused a row.
    """
    loading = _Loading(work)
    pieces = loading.counted(rows)
    first = next(pieces, None)
    if first is None:
        return 0
    pieces = chain([first], pieces)
    collation = default_collation(schema)
    if any(needs_check(column, collation) for column in schema.stored):
        _insert(session, schema, pieces)
        return loading.done
    text = LoadText(schema)
    segments = groupby(pieces, _LongRows())
    for long, segment in segments:
        try:
            with _checks(session, on=long):
                session.load(text.statement, text.pieces(segment), work)
                _check_warnings(session, schema)
        except NotSupported:  # of the first segment, and nothing was read of it
            rest = chain([segment], (more for _, more in segments))
            _insert(session, schema, chain.from_iterable(rest))
            return loading.done
    return loading.done


class _LongRows:
    """A key of pieces: whether they belong to rows of more than 4 MB."""

    def __init__(self) -> None:
        self._within = False

    def __call__(self, piece: Rows) -> bool:
        count, data = piece
        long = self._within or not count or len(data) > _LONG
        self._within = not count
        return long


@contextmanager
def _checks(session: Session, *, on: bool) -> Iterator[None]:
    """Check unique keys in the block if it loads long rows.

    Without any checks, LOAD DATA holds pages while it writes a value. If this is larger than most
    of the redo log, MariaDB 10.11 waits forever, even after a KILL. With checks it fills an empty
    table in bulk, which ends the server if the disk is full: so short rows are loaded without.
    """
    if on:
        session.run("SET SESSION unique_checks=1")
    yield
    if on:
        session.run("SET SESSION unique_checks=0")


class _Loading:
    def __init__(self, work: Work) -> None:
        self.done = 0
        self._work = work

    def counted(self, rows: Iterable[Rows]) -> Iterator[Rows]:
        for count, lines in rows:
            self._work.check()
            yield count, lines
            self.done += count


def _check_warnings(session: Session, schema: TableSchema) -> None:
    """Refuse values that LOAD DATA LOCAL changed or skipped, which it only warns about.

    An ENUM without a valid label is stored with a warning, as it was in the table.
    """
    if any(base_type(column) == "enum" for column in schema.stored):
        return
    if found := session.warnings():
        raise DatabaseError(
            f"The server does not store the rows of {schema.table} as they are",
            cause=f"{found[0]}.",
            remedy="Restore under a new name, or to a server like the one of the backup.",
            effect=NOTHING_CHANGED,
            subject=schema.table,
        )


class LoadText:
    r"""Conversion of JSON lines to the text of LOAD DATA, for the columns of a schema.

    With REPLACE the server would take half the time, because InnoDB then fills the empty table in
    bulk. But MariaDB 10.11 ends with a segmentation fault if the disk is full during a bulk load,
    which would also end the work of all others.

    Fields end with a tab, which no JSON line contains. LOAD DATA reads JSON strings as they are
    except for `\\u` and `\\f`, so that for most rows only names and braces are removed.
    """

    def __init__(self, schema: TableSchema) -> None:
        self._columns = schema.stored
        names = [json.dumps(column.name, ensure_ascii=False) for column in self._columns]
        # `,"name":` only occurs before the value of that name, unless the name starts with a mark
        # that may follow a string: `"a,","b":1` contains `,","` but not `,"b":` twice.
        self._simple = all(name[1] not in ',}:\\"' for name in names)
        self._heads = [f",{name}:".encode() for name in names[1:]]
        self._first = f"{{{names[0]}:".encode()
        self.statement = self._statement(schema)

    def _statement(self, schema: TableSchema) -> str:
        targets, changes = [], []
        converts = any(has_bytes(column) or base_type(column) == "bit" for column in self._columns)
        for number, column in enumerate(self._columns):
            name = quoted(column.name)
            if has_bytes(column):
                changes.append(f"{name}=UNHEX(@v{number})")
            elif base_type(column) == "bit":
                changes.append(f"{name}=CAST(@v{number} AS UNSIGNED)")
            elif converts and column.numbering == "auto_increment":
                # With SET, a 0 that is read into the column itself would become the next number.
                changes.append(f"{name}=@v{number}")
            else:
                targets.append(name)
                continue
            targets.append(f"@v{number}")
        return (
            f"LOAD DATA LOCAL INFILE 'rows' INTO TABLE {quoted(schema.table)} "
            "CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' OPTIONALLY ENCLOSED BY '\"' "
            f"ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({','.join(targets)})"
            + (f" SET {','.join(changes)}" if changes else "")
        )

    def pieces(self, rows: Iterable[Rows]) -> Iterator[bytes]:
        """Yield rows as the text of LOAD DATA; a long row may be in several pieces.

        Raises:
            Corrupt: A row does not match the schema.
        """
        names = [column.name for column in self._columns]
        line: LongLine | None = None
        for count, data in rows:
            if count and line is None:
                yield self.piece(data)
                continue
            line = line or LongLine(names)
            yield b"".join(map(_load_text, line.add(data)))
            if count:
                line = None

    def piece(self, lines: bytes) -> bytes:
        """Return a piece of complete lines as the text of LOAD DATA.

        Raises:
            Corrupt: A line does not match the schema.
        """
        if self._simple and not (b"\\u" in lines or b"\\f" in lines or b"\\/" in lines):
            text = self._fields(lines)
            rows = lines.count(b"\n")
            # The counts prove that each line has the columns of the schema, and no other bytes.
            if text.count(b"\t") == rows * len(self._heads) and text.count(b"\n") == rows:
                return text
        names = [column.name for column in self._columns]
        rows_ = (_fields_of(row) for row in values_of(lines, names))
        return "".join(rows_).encode()

    def _fields(self, lines: bytes) -> bytes:
        if not lines.startswith(self._first) or not lines.endswith(b"}\n"):
            return b""
        text = lines.replace(b"}\n" + self._first, b"\n")[len(self._first) : -2] + b"\n"
        for head in self._heads:
            text = text.replace(head, b"\t")
        if b"null" in text:
            text = text.replace(b"\tnull", b"\tNULL").replace(b"\nnull", b"\nNULL")
            if text.startswith(b"null"):
                text = b"NULL" + text[4:]
        if b'{"$' in text:
            text = _without_tags(text)
        return text


def _load_text(token: Token) -> bytes:
    """Return the text of LOAD DATA for a token of a row."""
    text = token.data
    match token:
        case Head():
            text = b"" if token.first else b"\t"
        case Literal(b"null"):
            text = b"NULL"
        case Open() | Close():
            text = b'"'
        case End():
            text = b"\n"
        case Content() if b"\\u" in text or b"\\f" in text or b"\\/" in text:
            text = _ESCAPE.sub(_load_escape, text)
        case Literal() | Content():
            pass
    return text


def _load_escape(match: re.Match[bytes]) -> bytes:
    """Return an escape of JSON as one of LOAD DATA."""
    found = match.group()
    if found not in (b"\\f", b"\\/") and not found.startswith(b"\\u"):
        return found
    try:
        return str(json.loads(f'"{found.decode()}"')).translate(_ESCAPES).encode()
    except UnicodeEncodeError:  # one half of a character
        raise Corrupt(
            "A row of the backup contains a character in an unknown form", subject=found.decode()
        ) from None


def _without_tags(text: bytes) -> bytes:
    """Remove the objects around hex digits; a field only starts with `{` if it is one."""
    tag = f'{{"{HEX}":"'.encode()
    text = text.replace(b"\t" + tag, b'\t"').replace(b"\n" + tag, b'\n"')
    if text.startswith(tag):
        text = b'"' + text[len(tag) :]
    return text.replace(b'"}\t', b'"\t').replace(b'"}\n', b'"\n')


def _fields_of(row: list[Any]) -> str:
    return "\t".join(map(_field, row)) + "\n"


def _field(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, tuple):
        return f'"{value[1]}"'
    return f'"{value.translate(_ESCAPES)}"'


def _insert(session: Session, schema: TableSchema, pieces: Iterable[Rows]) -> None:
    """Insert rows with literal values; slower, but possible on every server.

    Raises:
        DatabaseError: The statement of a row exceeds max_allowed_packet.
    """
    largest = int(session.value("SELECT @@max_allowed_packet")) - _MARGIN
    columns = schema.stored
    collation = default_collation(schema)
    names = ",".join(quoted(column.name) for column in columns)
    ignore = "IGNORE " if any(base_type(column) == "enum" for column in columns) else ""
    head = f"INSERT {ignore}INTO {quoted(schema.table)} ({names}) VALUES "  # noqa: S608 - names are quoted
    charsets = [charset_of(column.collation or collation) for column in columns]
    session.run("START TRANSACTION")
    for _, lines in complete_rows(pieces):
        pending: list[str] = []
        size = 0
        for row in values_of(lines, [column.name for column in columns]):
            values = ",".join(map(_literal, row, charsets))
            # In UTF-8 a character has at most 4 bytes.
            if 4 * len(values) > largest and len(values.encode()) > largest - len(head.encode()):
                raise _too_long(schema, len(values.encode()), largest)
            if pending and size + len(values) >= _STATEMENT:
                session.run(head + ",".join(pending))
                pending, size = [], 0
            pending.append(f"({values})")
            size += len(values)
            if size >= _STATEMENT:
                session.run(head + ",".join(pending))
                pending, size = [], 0
        if pending:
            session.run(head + ",".join(pending))
    session.run("COMMIT")


def _too_long(schema: TableSchema, size: int, largest: int) -> DatabaseError:
    return DatabaseError(
        f"A row of {schema.table} is too long for the server",
        cause=f"Its statement has {format_size(size)}, and max_allowed_packet of the server allows "
        f"{format_size(largest)}. LOAD DATA LOCAL has no such limit, but the server does not allow "
        "it, or the character set of the table requires statements.",
        remedy="Raise max_allowed_packet of the server.",
        effect=NOTHING_CHANGED,
        subject=schema.table,
    )


def _literal(value: Any, charset: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, tuple):
        tag, digits = value
        return f"_{charset} x'{digits}'" if tag == TEXT else f"x'{digits}'"
    return literal(value)

"""Loading of JSON lines into a table by LOAD DATA, or by INSERT where the server refuses it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from core.backup.databases.base import Rows
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
from core.errors import DatabaseError, NotSupported
from core.model.tables import TableSchema
from core.work import Progress, Work

#: Size of an INSERT statement in characters: less than the smallest usual max_allowed_packet.
_STATEMENT = 1 << 20
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
    first = list(islice(pieces, 1))
    if not first:
        return 0
    pieces = chain(first, pieces)
    collation = default_collation(schema)
    if any(needs_check(column, collation) for column in schema.stored):
        _insert(session, schema, pieces)
        return loading.done
    text = LoadText(schema)
    try:
        session.load(text.statement, (text.piece(piece) for piece in pieces), work)
    except NotSupported:
        _insert(session, schema, pieces)
        return loading.done
    _check_warnings(session, schema)
    return loading.done


class _Loading:
    def __init__(self, work: Work) -> None:
        self.done = 0
        self._work = work

    def counted(self, rows: Iterable[Rows]) -> Iterator[bytes]:
        for count, lines in rows:
            self._work.check()
            yield lines
            self.done += count
            self._work.report(Progress(self.done, None, "rows", "loading"))


def _check_warnings(session: Session, schema: TableSchema) -> None:
    """Refuse values that LOAD DATA LOCAL changed or skipped, which it only warns about.

    An ENUM without a valid label is stored with a warning, as it was in the table.
    """
    if any(base_type(column) == "enum" for column in schema.stored):
        return
    if found := session.warnings():
        raise DatabaseError(
            "The server does not store the rows as they are",
            cause=f"{found[0]}.",
            remedy="Restore under a new name, or to a server like the one of the backup. "
            "Nothing was changed.",
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
        for number, column in enumerate(self._columns):
            name = quoted(column.name)
            if has_bytes(column):
                changes.append(f"{name}=UNHEX(@v{number})")
            elif base_type(column) == "bit":
                changes.append(f"{name}=CAST(@v{number} AS UNSIGNED)")
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


def _insert(session: Session, schema: TableSchema, pieces: Iterable[bytes]) -> None:
    """Insert rows with literal values; slower, but possible on every server."""
    columns = schema.stored
    collation = default_collation(schema)
    names = ",".join(quoted(column.name) for column in columns)
    ignore = "IGNORE " if any(base_type(column) == "enum" for column in columns) else ""
    head = f"INSERT {ignore}INTO {quoted(schema.table)} ({names}) VALUES "  # noqa: S608 - names are quoted
    charsets = [charset_of(column.collation or collation) for column in columns]
    session.run("START TRANSACTION")
    for lines in pieces:
        pending: list[str] = []
        size = 0
        for row in values_of(lines, [column.name for column in columns]):
            values = ",".join(map(_literal, row, charsets))
            pending.append(f"({values})")
            size += len(values)
            if size >= _STATEMENT:
                session.run(head + ",".join(pending))
                pending, size = [], 0
        if pending:
            session.run(head + ",".join(pending))
    session.run("COMMIT")


def _literal(value: Any, charset: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, tuple):
        tag, digits = value
        return f"_{charset} x'{digits}'" if tag == TEXT else f"x'{digits}'"
    return literal(value)

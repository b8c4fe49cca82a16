"""Rows of a backup as values, and values as rows of another engine, in a stream."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.backup.conversion.type_rules import MARIADB, POSTGRESQL
from core.backup.conversion.values import Conversion, RawText, RefusedError, Value
from core.backup.databases.base import Rows
from core.backup.databases.row_keys import Digits
from core.errors import NOTHING_CHANGED, Corrupt, NotSupported

_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"\n]*))(,|\Z)', re.DOTALL)
_ESCAPED = re.compile(r"\\u[0-9a-f]{4}")
#: MariaDB writes 1e-07 as 1e-7, and 1e+300 as 1e300.
_EXPONENT = re.compile(r"(?:\.0)?e\+?(-?)0*(?=\d)")
#: Rows are returned in pieces of about this many bytes.
_PIECE = 1 << 20
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How the values of one column are converted; `longest` is a number of characters or bytes.

    `real` values are compared as numbers, because each engine writes them with other digits.
    """

    name: str
    convert: Conversion
    required: bool = False
    real: bool = False
    longest: int = 0


def values_of(rows: Iterable[Rows], parts_format: str, names: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the values of each row, in the order of the names.

    Raises:
        Corrupt: A row does not match the columns.
    """
    yield from _csv_rows(rows, len(names)) if parts_format == "csv" else _json_rows(rows, names)


def _json_rows(rows: Iterable[Rows], names: Sequence[str]) -> Iterator[list[Any]]:
    for _, lines in rows:
        for line in lines.rstrip(b"\n").split(b"\n"):
            found = json.loads(line, parse_int=Digits, parse_float=Digits)
            if not isinstance(found, dict) or not found.keys() >= set(names):
                raise Corrupt("A row of the backup does not match its schema")
            yield [_untagged(found[name]) for name in names]


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        tag, digits = next(iter(value.items()), ("", ""))
        if tag in ("$hex", "$text") and isinstance(digits, str):
            return bytes.fromhex(digits) if tag == "$hex" else RawText(bytes.fromhex(digits))
        raise Corrupt("A row of the backup contains a value in an unknown form")
    if isinstance(value, bool):
        return Digits(int(value))
    return value


def _csv_rows(rows: Iterable[Rows], width: int) -> Iterator[list[Any]]:
    for line in _csv_lines(rows):
        found = _fields(line)
        if len(found) != width:
            raise Corrupt("A row of the backup does not match its schema")
        yield found


def _csv_lines(rows: Iterable[Rows]) -> Iterator[str]:
    """Yield the text of each row; a piece may end within a row, and a value may contain lines."""
    pending: list[bytes] = []
    quotes, rest = 0, b""
    for _, piece in rows:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            pending.append(line)
            quotes += line.count(b'"')
            if quotes % 2 == 0:
                yield b"\n".join(pending).decode()
                pending, quotes = [], 0
    if rest or pending:
        raise Corrupt("The last row of the backup is incomplete")


def _fields(line: str) -> list[str | None]:
    """Return the fields of a row; an empty field without quotes is NULL."""
    if '"' not in line:
        return [field or None for field in line.split(",")]
    found: list[str | None] = []
    at, end = 0, ","
    while end:
        match = _FIELD.match(line, at)
        if match is None:
            raise Corrupt("A row of the backup is not valid CSV")
        quoted, bare, end = match.groups()
        found.append(quoted.replace('""', '"') if quoted is not None else bare or None)
        at = match.end()
    return found


@dataclass(frozen=True, slots=True)
class RowConversion:
    """Conversion of rows of a format to those of another engine; call it with pieces of rows.

    Raises:
        NotSupported: A value has no exact equivalent; the error names column, row and value.
    """

    parts_format: str
    plans: tuple[ColumnPlan, ...]
    engine: str
    table: str

    def __call__(self, rows: Iterable[Rows]) -> Iterator[Rows]:
        """Yield the rows in the format of the other engine."""
        plans, engine = self.plans, self.engine
        write = _csv_line if engine == POSTGRESQL else _json_writer(plans, engine)
        names = [plan.name for plan in plans]
        lines: list[bytes] = []
        size = 0
        for number, row in enumerate(values_of(rows, self.parts_format, names), 1):
            values = [
                _converted(plan, value, number, engine, self.table)
                for plan, value in zip(plans, row, strict=True)
            ]
            lines.append(write(values))
            size += len(lines[-1])
            if size >= _PIECE:
                yield len(lines), b"".join(lines)
                lines, size = [], 0
        if lines:
            yield len(lines), b"".join(lines)


def _converted(plan: ColumnPlan, value: Any, number: int, engine: str, table: str) -> Value:
    try:
        found = None if value is None else plan.convert(value)
        _check(plan, found, engine)
    except RefusedError as error:
        raise NotSupported(
            f"A value of the column {plan.name} cannot be restored into {engine}",
            cause=f"Row {number:,}: {_shown(value)}. {error}",
            remedy="Restore it into the engine of the backup, or export it.",
            effect=NOTHING_CHANGED,
            subject=table,
        ) from None
    return found


def _check(plan: ColumnPlan, value: Value, engine: str) -> None:
    if value is None and plan.required:
        raise RefusedError("The column of the other database requires a value.")
    if plan.longest and len(value or "") > plan.longest:
        raise RefusedError(f"It is longer than {plan.longest}, the limit of a key.")
    if engine == POSTGRESQL and isinstance(value, str) and "\0" in value:
        raise RefusedError("PostgreSQL does not store the character NUL.")


def _shown(value: Any) -> str:
    text = f"x'{value.hex()}'" if isinstance(value, bytes) else repr(str(value))
    if value is None:
        text = "NULL"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _csv_line(values: Sequence[Value]) -> bytes:
    return (",".join(map(_csv_field, values)) + "\n").encode()


def _csv_field(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return str(value) if isinstance(value, Digits) else '"' + value.replace('"', '""') + '"'


def _json_writer(plans: Sequence[ColumnPlan], engine: str) -> Callable[[Sequence[Value]], bytes]:
    heads = [json.dumps(plan.name, ensure_ascii=False) + ":" for plan in plans]

    def write(values: Sequence[Value]) -> bytes:
        pairs = (head + _json(value, engine) for head, value in zip(heads, values, strict=True))
        return ("{" + ",".join(pairs) + "}\n").encode()

    return write


def _json(value: Value, engine: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f'{{"$hex":"{value.hex().upper()}"}}'
    if isinstance(value, Digits):
        digits = {"inf": "9.0e+999", "-inf": "-9.0e+999"}.get(value, str(value))
        return _EXPONENT.sub(r"e\1", digits).removesuffix(".0") if engine == MARIADB else digits
    text = json.dumps(value, ensure_ascii=False)
    # As the server writes it, so that equal rows are recognised by their text.
    return _ESCAPED.sub(_upper, text) if engine == MARIADB else text


def _upper(match: re.Match[str]) -> str:
    return "\\u" + match[0][2:].upper()


def digest(rows: Iterable[Rows], parts_format: str, plans: Sequence[ColumnPlan]) -> tuple[int, int]:
    """Return the number of rows and the sum of their hashes, which does not depend on the order.

    The order in which a database returns rows may differ from that in which they were loaded.
    """
    count, total = 0, 0
    names = [plan.name for plan in plans]
    # A sum needs no memory for the rows, and unlike XOR it is not 0 for two equal rows.
    for values in values_of(rows, parts_format, names):
        row = hashlib.sha256()
        for plan, value in zip(plans, values, strict=True):
            kind, data = _exact(value, real=plan.real)
            row.update(b"%c%d:" % (kind, len(data)))
            row.update(data)
        count += 1
        total = (total + int.from_bytes(row.digest())) % (1 << 256)
    return count, total


def _exact(value: Any, *, real: bool) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if real:
        return b"r", repr(float(value)).encode()
    if isinstance(value, Digits):
        return b"d", str(value).encode()
    return (b"b", bytes(value)) if isinstance(value, bytes) else (b"t", value.encode())

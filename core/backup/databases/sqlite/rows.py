"""Rows as JSON lines, exact for every value of SQLite, and built in C if possible.

Most values are plain JSON: null, integer, string, and a number with `.` or `e` for a REAL
(±Infinity is written 9.0e+999). Values that JSON does not support are objects: `{"$hex": "00FF"}`
is a BLOB, `{"$text": "FF61"}` TEXT whose bytes are not UTF-8.

Pitfalls, each with a test: SQLite's JSON functions treat a BLOB as JSONB and silently write null;
they drop the sign of -0.0; they copy invalid UTF-8 to the JSON unchanged.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from core.backup.databases.sqlite.tokens import literal, quoted
from core.errors import Corrupt
from core.model.tables import Column

HEX, TEXT = "$hex", "$text"

#: json_object takes at most 1,000 arguments (SQLITE_MAX_FUNCTION_ARG).
_COLUMNS_A_CALL = 400

#: Declared types of STRICT tables that have no BLOB, and no REAL that could be -0.0.
_CLEAN_TYPES = frozenset(("INT", "INTEGER", "REAL", "TEXT"))

#: An object only starts at a tag: quotes inside strings are escaped.
_TAG = b'{"$'
#: After a colon, since the first column may have this name.
_HEX_TAG = b':{"$hex":"'
#: Placeholder for a BLOB that was removed from a piece larger than this, in bytes.
_PLACE, _CUT_ABOVE = "$cut", 4 << 20


#: Longer values are read in pieces, in bytes, where SQLite does not build the JSON.
LONG_VALUE = 256 << 10
#: What `careful_sql` returns instead of them: it returns no other value as a number with a
#: fraction.
LONG_TEXT, LONG_BLOB = 0.25, 0.75


class RawText(bytes):
    """TEXT whose bytes are not UTF-8, which are loaded unchanged."""

    __slots__ = ()


def row_sql(columns: Sequence[Column], rowid: tuple[str, str] | None, *, strict: bool) -> str:
    """Return the SQL expression of a row's JSON object.

    Args:
        columns: The columns to record.
        rowid: The name under which the implicit rowid is recorded, and the SQL that reads it; None
            if it is not recorded.
        strict: Whether the table is STRICT.
    """
    pairs = [f"{literal(c.name)},{_value_sql(c, strict=strict)}" for c in columns]
    if rowid is not None:
        pairs.insert(0, f"{literal(rowid[0])},{rowid[1]}")
    groups = [pairs[i : i + _COLUMNS_A_CALL] for i in range(0, len(pairs), _COLUMNS_A_CALL)]
    pieces = [f"json_object({','.join(group)})" for group in groups]
    if len(pieces) == 1:
        return pieces[0]
    inner = "||','||".join(f"substr({piece},2,length({piece})-2)" for piece in pieces)
    return "'{'||" + inner + "||'}'"


def _value_sql(column: Column, *, strict: bool) -> str:
    name = quoted(column.name)
    if strict and column.type.upper() in _CLEAN_TYPES:
        return name
    # A BLOB is greater than or equal to the empty one, every other value is less, and the
    # comparison with NULL is not true. This takes less time than typeof. A column may declare a
    # collation that does not exist here, which a comparison must not use.
    cases = f"WHEN {name} COLLATE BINARY>=x'' THEN json_object('{HEX}',hex({name})) "
    if _may_hold_minus_zero(column, strict=strict):
        cases += f"WHEN typeof({name})='real' AND {name} COLLATE BINARY=0.0 AND atan2({name},-1.0)<0 THEN json('-0.0') "
    return f"CASE {cases}ELSE {name} END"


def _may_hold_minus_zero(column: Column, *, strict: bool) -> bool:
    """Return whether a column can contain -0.0, which only columns without affinity store."""
    if strict:
        return column.type.upper() == "ANY"
    kind = column.type.upper()
    if any(word in kind for word in ("INT", "CHAR", "CLOB", "TEXT")):
        return False
    return "BLOB" in kind or not kind


def careful_sql(columns: Sequence[Column]) -> str:
    """Return the select list that `careful_line` reads.

    Integers and NULL are unchanged, TEXT is returned as bytes, a REAL as JSON text, a BLOB as text:
    `b` and its hex digits. A long TEXT or BLOB is replaced by `LONG_TEXT` or `LONG_BLOB`. Each
    value is one result column: SQLite allows 2,000 of either.
    """
    pieces = []
    for column in columns:
        name = quoted(column.name)
        pieces.append(
            f"CASE typeof({name}) WHEN 'blob' THEN "
            f"CASE WHEN octet_length({name})>{LONG_VALUE} THEN {LONG_BLOB} ELSE 'b'||hex({name}) END "
            f"WHEN 'text' THEN "
            f"CASE WHEN octet_length({name})>{LONG_VALUE} THEN {LONG_TEXT} ELSE CAST({name} AS BLOB) END "
            f"WHEN 'real' THEN iif({name} COLLATE BINARY=0.0 AND atan2({name},-1.0)<0,'-0.0',json_quote({name})) "
            f"ELSE {name} END"
        )
    return ",".join(pieces)


def careful_line(names: Sequence[str], values: Sequence[Any], encoding: str) -> bytes:
    """Return the line of a row, with the same bytes as SQLite, but safe for any value."""
    pieces = [
        f"{quoted_json(name)}:{careful_value(value, encoding)}"
        for name, value in zip(names, values, strict=True)
    ]
    return ("{" + ",".join(pieces) + "}\n").encode()


def careful_value(value: Any, encoding: str) -> str:
    """Return the JSON of a value of `careful_sql`."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'{{"{HEX}":"{value[1:]}"}}' if value.startswith("b") else value
    if not isinstance(value, bytes):
        return str(value)
    try:
        return quoted_json(value.decode(encoding))
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise not_utf16() from None
        return f'{{"{TEXT}":"{value.hex().upper()}"}}'


def not_utf16() -> Corrupt:
    """Return the error of a text that is not valid in a database with UTF-16."""
    return Corrupt(
        "A text is not valid UTF-16",
        cause="The database uses UTF-16, and this text cannot be stored exactly.",
        remedy="Find it with `typeof` and `hex` and repair it first.",
    )


def quoted_json(text: str) -> str:
    """Return a text as JSON."""
    return json.dumps(text, ensure_ascii=False)


def values_of(lines: bytes, names: Sequence[str]) -> Iterable[Sequence[Any]]:
    """Return the rows of a piece of lines as SQLite values, in the order of `names`.

    A missing name raises KeyError during the iteration; an additional one changes the hash.

    Raises:
        Corrupt: When the lines are not JSON.
    """
    pick = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    blobs: list[bytes] = []
    try:
        if len(lines) > _CUT_ABOVE and _HEX_TAG in lines:
            lines = _cut(lines, blobs)
        rows = json.loads(b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]")
    except (ValueError, RecursionError) as error:
        raise Corrupt("A row of the backup cannot be read", cause=str(error)) from error
    picked = map(pick, rows)
    if _TAG not in lines:
        return picked
    return (
        [untagged(value, blobs) if type(value) is dict else value for value in row]
        for row in picked
    )


def _cut(lines: bytes, blobs: list[bytes]) -> bytes:
    """Return the lines with the digits of each BLOB replaced by its index in `blobs`.

    A large value is decoded once in place, instead of being copied by the JSON parser three times.
    An unescaped `:{"$hex":"` only occurs before a BLOB.
    """
    view = memoryview(lines)
    pieces: list[bytes | memoryview] = []
    end = 0
    while (start := lines.find(_HEX_TAG, end)) >= 0:
        digits = start + len(_HEX_TAG)
        pieces.append(view[end:start])
        end = lines.index(b'"', digits)
        pieces.append(b':{"%s":%d' % (_PLACE.encode(), len(blobs)))
        blobs.append(binascii.unhexlify(view[digits:end]))
        end += 1
    pieces.append(view[end:])
    return b"".join(pieces)


def untagged(found: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """Return the value of an object.

    Raises:
        Corrupt: Its form is unknown.
    """
    if len(found) == 1:
        if type(value := found.get(HEX)) is str:
            return bytes.fromhex(value)
        if type(value := found.get(TEXT)) is str:
            return RawText(bytes.fromhex(value))
        if type(place := found.get(_PLACE)) is int and 0 <= place < len(blobs):
            return blobs[place]
    raise Corrupt(
        "A row of the backup contains a value in an unknown form", subject=str(found)[:200]
    )

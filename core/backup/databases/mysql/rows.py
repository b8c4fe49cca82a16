"""Rows as JSON lines that the server builds, exact for every value of MariaDB and MySQL.

NULL, integers, BIT and doubles are plain JSON, FLOAT with all digits of its value. Decimals, dates,
times, years and texts are strings. Values that JSON does not support are objects, as for SQLite:
`{"$hex": "00FF"}` is a binary value or a geometry in the server's internal form (SRID and WKB),
`{"$text": "8160"}` the bytes of a text whose characters Unicode does not represent uniquely.

Pitfalls, each with a test: MariaDB writes a FLOAT with 6 digits, a zerofill integer with leading
zeros, and returns NULL instead of a text that exceeds max_allowed_packet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from core.backup.databases.condition import clause
from core.backup.databases.mysql.tokens import literal, quoted
from core.errors import Corrupt, DatabaseError
from core.model.tables import Column, TableSchema

HEX, TEXT = "$hex", "$text"

_INTEGERS = frozenset(
    ["tinyint", "smallint", "mediumint", "int", "integer", "bigint", "bit", "boolean"]
)
_BINARY = frozenset(
    [
        "binary",
        "varbinary",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
    ]
)
_TEXTS = frozenset(
    ["char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"]
)
#: Types whose text has only digits and signs, so that it needs no escaping.
_PLAIN = frozenset(
    [
        "decimal",
        "numeric",
        "date",
        "datetime",
        "timestamp",
        "time",
        "year",
        "uuid",
        "inet4",
        "inet6",
    ]
)
_SIMPLE_CHARSETS = frozenset(("utf8mb4", "utf8mb3", "utf8", "latin1"))
#: A character after a backslash in a JSON string.
_HEX_DIGITS = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_ESCAPED = re.compile(r"\\(?:u[0-9a-f]{4}|.)", re.DOTALL)


def base_type(column: Column) -> str:
    """Return the name of a column's type in lower case, for example `varchar`."""
    return column.type.split("(")[0].split(" ")[0].lower()


def charset_of(collation: str | None) -> str:
    """Return the character set of a collation, which its name starts with."""
    return (collation or "").split("_")[0]


def has_bytes(column: Column) -> bool:
    """Return whether a column's values are recorded as hex digits."""
    return base_type(column) in _BINARY


def needs_check(column: Column, default_collation: str) -> bool:
    """Return whether a text's bytes may not survive a conversion to Unicode and back."""
    charset = charset_of(column.collation or default_collation)
    return base_type(column) in _TEXTS and charset not in _SIMPLE_CHARSETS


def default_collation(schema: TableSchema) -> str:
    """Return the collation of columns that do not declare one."""
    found = [o.partition("=")[2] for o in schema.options if o.upper().startswith("COLLATE=")]
    return found[0] if found else "utf8mb4_general_ci"


def row_sql(schema: TableSchema, filled: Collection[str] = ()) -> str:
    """Return the SQL expression of a row's line without its newline.

    Args:
        schema: The table.
        filled: Columns that are rarely NULL. A row with a value in each of them is built without a
            test of each value, which takes a third less time of the server.
    """
    line = _line_sql(schema, ())
    if all(column.not_null or column.name not in filled for column in schema.stored):
        return line
    # CONCAT is NULL if one value is NULL, and if the line is too long: then `line` is NULL as well.
    return f"COALESCE({_line_sql(schema, filled)},{line})"


def _line_sql(schema: TableSchema, filled: Collection[str]) -> str:
    collation = default_collation(schema)
    pieces: list[str] = []
    text = "{"
    for column in schema.stored:
        if column.name in filled:
            value, before, after = _form(column, collation)
        else:
            before, value, after = _value_sql(column, collation)
        text += json.dumps(column.name, ensure_ascii=False) + ":" + before
        pieces += [literal(text), value]
        text = after + ","
    pieces.append(literal(text.removesuffix(",") + "}"))
    return f"CONCAT({','.join(pieces)})"


def _value_sql(column: Column, collation: str) -> tuple[str, str, str]:
    """Return constant text before a value, the SQL of the value, and constant text after it."""
    sql, before, after = _form(column, collation)
    if column.not_null:
        return before, sql, after
    if before or after:
        sql = f"CONCAT({literal(before)},{sql},{literal(after)})"
    # Not COALESCE: a text that exceeds max_allowed_packet is NULL too, and must not be taken for
    # a value that is NULL.
    return "", f"IF({quoted(column.name)} IS NULL,'null',{sql})", ""


def _form(column: Column, collation: str) -> tuple[str, str, str]:
    name, kind = quoted(column.name), base_type(column)
    if kind in _INTEGERS:
        plain = kind != "bit" and "zerofill" not in column.type.lower()
        return (name if plain else f"{name}+0"), "", ""
    if kind in ("float", "double", "real"):
        # A FLOAT is written with 6 digits only; as a DOUBLE it has all of them.
        return (name if column.type.lower() == "double" else f"CAST({name} AS DOUBLE)"), "", ""
    if kind in _BINARY:
        return f"HEX({name})", '{"' + HEX + '":"', '"}'
    if kind in _PLAIN:
        return name, '"', '"'
    return _text_sql(column, collation), "", ""


def _text_sql(column: Column, collation: str) -> str:
    name, charset = quoted(column.name), charset_of(column.collation or collation)
    if needs_check(column, collation):
        return _checked_text(name, charset)
    plain = charset == "utf8mb4" and base_type(column) != "json"
    return f"JSON_QUOTE({name if plain else f'CONVERT({name} USING utf8mb4)'})"


def _checked_text(name: str, charset: str) -> str:
    """Return the SQL of a text as its bytes if they differ after a conversion to Unicode."""
    unicode = f"CONVERT({name} USING utf8mb4)"
    same = f"CAST(CONVERT({unicode} USING {charset}) AS BINARY)=CAST({name} AS BINARY)"
    bytes_ = f"CONCAT('{{\"{TEXT}\":\"',HEX({name}),'\"}}')"
    return f"IF({same},JSON_QUOTE({unicode}),{bytes_})"


def source(schema: TableSchema, where: str = "", *, ordered: bool = True) -> str:
    """Return the table, the condition, and by default the order of the rows, as it follows FROM.

    Without a hint the server may read an index that contains all columns, in its order.
    """
    table = quoted(schema.table)
    if schema.primary is None:
        return f"{table} USE INDEX (){clause(where)}"
    keys = ",".join(
        quoted(part.name) + (" DESC" if part.descending else "") for part in schema.primary.parts
    )
    order = f" ORDER BY {keys}" if ordered else ""
    return f"{table} FORCE INDEX (PRIMARY){clause(where)}{order}"


def integer_key(schema: TableSchema) -> str:
    """Return the first column of the primary key if its integers ascend; empty otherwise."""
    if schema.primary is None or schema.primary.parts[0].descending:
        return ""
    name = schema.primary.parts[0].name
    column = next(column for column in schema.columns if column.name == name)
    return name if base_type(column) in _INTEGERS - {"bit"} else ""


def careful_sql(schema: TableSchema) -> str:
    """Return the select list that `careful_line` reads, for rows whose line is too long.

    Binary values are returned as they are; every other value as the JSON text of its column. The
    last column has one digit for each column: 1 if its value is NULL.
    """
    collation = default_collation(schema)
    pieces = []
    for column in schema.stored:
        if base_type(column) in _BINARY:
            pieces.append(f"CAST({quoted(column.name)} AS BINARY)")
        elif _is_long_text(column, collation):
            pieces.append(f"CAST(CONVERT({quoted(column.name)} USING utf8mb4) AS BINARY)")
        else:
            before, value, after = _value_sql(column, collation)
            pieces.append(f"CONCAT({literal(before)},{value},{literal(after)})")
    empty = ",".join(f"{quoted(column.name)} IS NULL" for column in schema.stored)
    return ",".join([*pieces, f"CONCAT({empty})"])


def _is_long_text(column: Column, collation: str) -> bool:
    return base_type(column) in _TEXTS and not needs_check(column, collation)


def careful_line(schema: TableSchema, values: Sequence[Any]) -> bytes:
    """Return the line of a row without its newline, with the same bytes as the server writes."""
    collation, pieces = default_collation(schema), []
    empty = bytes(values[-1], "ascii") if isinstance(values[-1], str) else bytes(values[-1])
    for column, value, null in zip(schema.stored, values[:-1], empty, strict=True):
        if null == _ONE:
            text = "null"
        elif value is None:
            raise DatabaseError(
                f"A value of {schema.table} is too long to be read",
                cause=f"In the column {column.name}, it exceeds max_allowed_packet of the server.",
                remedy="Raise max_allowed_packet of the server.",
                subject=schema.table,
            )
        elif base_type(column) in _BINARY:
            text = f'{{"{HEX}":"{bytes(value).hex().upper()}"}}'
        elif _is_long_text(column, collation):
            text = _json_quoted(bytes(value).decode())
        else:
            text = value.decode() if isinstance(value, bytes) else str(value)
        pieces.append(f"{json.dumps(column.name, ensure_ascii=False)}:{text}")
    return ("{" + ",".join(pieces) + "}").encode()


def _json_quoted(text: str) -> str:
    """Return a JSON string as JSON_QUOTE writes it: with digits in upper case."""
    return _ESCAPED.sub(_upper, json.dumps(text, ensure_ascii=False))


def _upper(match: re.Match[str]) -> str:
    found = match.group()
    return "\\u" + found[2:].upper() if found.startswith("\\u") else found


_ONE = ord("1")


class Number(str):
    """A JSON number with its digits."""

    __slots__ = ()


def values_of(lines: bytes, names: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the values of each line in the order of `names`.

    A number is a `Number`, an object with one tag is a tuple of the tag and its digits.

    Raises:
        Corrupt: A line is not JSON, or has other columns.
    """
    try:
        body = b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
        rows = json.loads(body, parse_int=Number, parse_float=Number)
    except (ValueError, RecursionError) as error:
        raise Corrupt("A row of the backup cannot be read", cause=str(error)) from error
    for row in rows:
        if not isinstance(row, dict) or len(row) != len(names):
            raise _mismatch(row)
        try:
            yield [_value(row[name]) for name in names]
        except KeyError:
            raise _mismatch(row) from None


def line_of(names: Sequence[str], values: Sequence[Any]) -> bytes:
    """Return the line of values that `values_of` yields, without its newline."""
    pieces = []
    for name, value in zip(names, values, strict=True):
        text = "null" if value is None else str(value)
        if isinstance(value, tuple):
            text = f'{{"{value[0]}":"{value[1]}"}}'
        elif isinstance(value, str) and not isinstance(value, Number):
            text = _json_quoted(value)
        pieces.append(f"{json.dumps(name, ensure_ascii=False)}:{text}")
    return ("{" + ",".join(pieces) + "}").encode()


def _mismatch(row: object) -> Corrupt:
    return Corrupt("A row of the backup does not match its schema", subject=str(row)[:200])


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return Number(int(value))
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        tag, digits = next(iter(value.items()))
        if tag in (HEX, TEXT) and isinstance(digits, str) and _HEX_DIGITS.fullmatch(digits):
            return tag, digits
    raise Corrupt(
        "A row of the backup contains a value in an unknown form", subject=str(value)[:200]
    )

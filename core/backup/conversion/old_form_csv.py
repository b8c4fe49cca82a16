"""Rows of an old-form backup as CSV for PostgreSQL: any JSON value becomes a field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.backup.databases.base import Rows
from core.errors import Corrupt
from core.model.tables import Column, TableSchema
from core.units import format_counted

#: Declared types of SQLite and their nearest types of PostgreSQL; the first match counts. Source:
#: https://sqlite.org/datatype3.html, "Determination Of Column Affinity".
_TYPES = (
    (re.compile("BOOL"), "boolean"),
    (re.compile("INT"), "bigint"),
    (re.compile("CHAR|CLOB|TEXT|JSON|DATE|TIME|UUID"), "text"),
    (re.compile("BLOB"), "bytea"),
    (re.compile("REAL|FLOA|DOUB"), "double precision"),
    (re.compile("NUM|DEC"), "numeric"),
)


def portable(schema: TableSchema) -> tuple[TableSchema, tuple[str, ...]]:
    """Return columns and primary key with the types of PostgreSQL, and what is omitted."""
    columns = tuple(_column(column) for column in schema.stored)
    keys = tuple(
        replace(key, definition=f"PRIMARY KEY ({_names(key.parts)})", name=f"{schema.table}_pkey")
        for key in schema.keys
        if key.primary and not any(part.expression for part in key.parts)
    )
    omitted = (
        (schema.checks, "check"),
        (schema.foreign_keys, "foreign key"),
        (schema.indexes, "index"),
        (tuple(column for column in schema.columns if column.generated), "generated column"),
    )
    counts = [format_counted(len(items), name) for items, name in omitted if items]
    notes = (f"The other engine does not get: {', '.join(counts)}.",) if counts else ()
    return TableSchema(schema.table, columns, keys=keys), notes


def _names(parts: Iterable[Any]) -> str:
    return ", ".join('"' + part.name.replace('"', '""') + '"' for part in parts)


def _column(column: Column) -> Column:
    declared = column.type.upper()
    kind = next((name for pattern, name in _TYPES if pattern.search(declared)), "text")
    return Column(column.name, kind, not_null=column.not_null)


def csv_rows(schema: TableSchema, rows: Iterable[Rows]) -> Iterator[Rows]:
    """Yield JSON lines as the CSV that PostgreSQL's COPY reads."""
    names = [column.name for column in schema.stored]
    for count, lines in rows:
        text = "".join(_csv_line(line, names) for line in lines.splitlines())
        yield count, text.encode(errors="surrogateescape")


def _csv_line(line: bytes, names: list[str]) -> str:
    values = json.loads(line, parse_float=Decimal)
    if not isinstance(values, dict):
        raise Corrupt("A row of the backup is not an object")
    return ",".join(_field(values.get(name)) for name in names) + "\n"


def _field(value: Any) -> str:
    """Return a value as a CSV field; NULL is an empty field without quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and value.keys() == {"$hex"}:
        return "\\x" + str(value["$hex"])
    if isinstance(value, dict) and value.keys() == {"$text"}:
        value = bytes.fromhex(str(value["$text"])).decode(errors="surrogateescape")
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return '"' + str(value).replace('"', '""') + '"'

"""Restore of a backup into another engine: column types and rows are converted.

Old-form backups, which have no engine, are converted too. Only the conversion to PostgreSQL changes
the rows: the other engines read JSON lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.backup.databases.base import Database, Rows
from core.backup.package import Package
from core.errors import Corrupt, NotSupported
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


def is_convertible(engine: str, target: type[Database]) -> bool:
    """Return whether backups of an engine can be restored into databases of `target`.

    Args:
        engine: The engine of the backup; empty for the old form, which every engine can restore.
        target: The engine of the database.
    """
    return engine in ("", target.engine) or target.parts_format == "csv"


def converted(package: Package, target: Database, today: TableSchema | None) -> Package:
    """Return the package in the format of the target's engine.

    Args:
        package: A verified backup.
        target: The database to restore into.
        today: The present table, whose types are used for an old-form backup.

    Raises:
        NotSupported: The rows cannot be converted to this engine.
    """
    if package.engine == target.engine:
        return package
    if package.parts_format == target.parts_format:
        return package if not package.engine else _other_engine(package, target)
    if target.parts_format != "csv":
        raise NotSupported(
            f"A backup of {package.engine} cannot be restored into {target.engine}",
            cause="The values of its types have no equivalent.",
            remedy=f"Restore it into {package.engine}, or export it.",
        )
    if package.engine or today is None:
        schema, lost = _portable(package.schema)
    else:
        schema, lost = package.schema, ()
    return replace(
        package,
        schema=schema,
        content=None,
        convert=lambda rows: csv_rows(schema, rows),
        problems=(*package.problems, *lost),
    )


def _other_engine(package: Package, target: Database) -> Package:
    raise NotSupported(
        f"A backup of {package.engine} cannot be restored into {target.engine}",
        cause="The definition of its columns has no equivalent.",
        remedy=f"Restore it into {package.engine}, or export it.",
    )


def _portable(schema: TableSchema) -> tuple[TableSchema, tuple[str, ...]]:
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

"""The old form of backups: one JSON object `{"table_name", "timestamp", "records": […]}`.

It may be compressed with gzip, and has no types. They come from the present table if it has the
columns, otherwise they are inferred, and the preview shows the result. Numbers in texts stay texts
unless the type of the column converts them; no number is converted to float.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.backup.databases.base import Rows
from core.errors import Corrupt
from core.model.backup import Backup
from core.model.tables import Column, Key, KeyPart, TableSchema
from core.units import format_counted

_PIECE_ROWS = 2_000
_MOST_BYTES = 1 << 30
_INTEGERS = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class OldForm:
    """An old-form backup, converted to the present format."""

    schema: TableSchema
    rows: int
    lines: tuple[Rows, ...]
    inferred: bool
    problems: tuple[str, ...]


def read_old_form(data: bytes, backup: Backup, today: TableSchema | None) -> OldForm:
    """Read an old-form object.

    Args:
        data: The object's bytes.
        backup: Its entry in the list.
        today: The present table, for its types; None if it does not exist.

    Raises:
        Corrupt: When it contains no list of records.
    """
    records, problems = _records(_inflated(data, backup.key), backup)
    names = _names(records)
    schema, inferred = _schema(names, records, backup.table, today, problems)
    _note_odd_values(records, problems)
    lines = tuple(_pieces(schema, records))
    return OldForm(schema, len(records), lines, inferred, tuple(problems))


def _inflated(data: bytes, key: str) -> bytes:
    if len(data) > _MOST_BYTES:
        raise Corrupt("The old-form backup is larger than 1 GiB", subject=key)
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            found = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Corrupt(
            "The old-form backup cannot be decompressed", cause=str(error), subject=key
        ) from error
    if len(found) > _MOST_BYTES:
        raise Corrupt("The decompressed size of the old-form backup exceeds 1 GiB", subject=key)
    return found


def _records(data: bytes, backup: Backup) -> tuple[list[dict[str, Any]], list[str]]:
    problems: list[str] = []
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt(
            "The old-form backup is not JSON", cause=str(error)[:200], subject=backup.key
        ) from error
    records = body.get("records") if isinstance(body, dict) else body
    if not isinstance(records, list):
        raise Corrupt("The old-form backup has no list of records", subject=backup.key)
    good = [record for record in records if isinstance(record, dict)]
    if len(good) != len(records):
        raise Corrupt(
            f"{format_counted(len(records) - len(good), 'record')} of the old-form backup could not be read as an object",
            remedy="Repair the object, or choose another backup.",
            subject=backup.key,
        )
    if isinstance(body, dict) and body.get("table_name", backup.table) != backup.table:
        problems.append(f"According to its content, it is of table {body['table_name']!r}.")
    return good, problems


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the column names in the order of their first appearance, ignoring case."""
    found: dict[str, str] = {}
    for record in records:
        for name in record:
            found.setdefault(name.lower(), name)
    return list(found.values())


def _schema(
    names: list[str],
    records: Sequence[Mapping[str, Any]],
    table: str,
    today: TableSchema | None,
    problems: list[str],
) -> tuple[TableSchema, bool]:
    if today is not None and _fits(names, today, problems):
        return replace(today, table=table, triggers=(), rowids=""), False
    if not names:
        raise Corrupt(
            "The old-form backup is empty and the table does not exist",
            cause="The columns cannot be inferred without records.",
            remedy="Create the table first, then restore.",
            subject=table,
        )
    columns = tuple(Column(name, _type([r.get(name) for r in records])) for name in names)
    return TableSchema(table, columns, _key(columns, records)), True


def _fits(names: list[str], today: TableSchema, problems: list[str]) -> bool:
    """Return whether the present table can store the records, and record the obstacles."""
    given = {name.lower() for name in names}
    there = {column.name.lower() for column in today.stored}
    key = {part.name.lower() for part in today.primary.parts} if today.primary else set()
    missing = [c for c in today.stored if names and c.name.lower() not in given]
    needed = [c.name for c in missing if c.not_null or c.name.lower() in key]
    extra = [name for name in names if name.lower() not in there]
    if extra:
        problems.append(f"The present table has no column {', '.join(extra)}.")
    if needed:
        problems.append(f"The backup has no {', '.join(needed)}, which the present table requires.")
    if extra or needed:
        return False
    if missing:
        problems.append(
            f"The backup has no {', '.join(c.name for c in missing)}: restored as NULL."
        )
    return True


def _type(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if any(type(value) is int and value not in _INTEGERS for value in values):
        return ""  # a numeric column would round its digits away
    if kinds and kinds <= {int, bool}:
        return "INTEGER"
    if kinds and kinds <= {int, float, bool}:
        return "REAL"
    return "TEXT" if kinds and kinds <= {str, dict, list} else ""


def _key(columns: Sequence[Column], records: Sequence[Mapping[str, Any]]) -> tuple[Key, ...]:
    """Return a column `id` as the key if its values are distinct integers."""
    for column in columns:
        if column.name.lower() == "id" and column.type == "INTEGER":
            values = [record.get(column.name) for record in records]
            if None not in values and len(set(values)) == len(values):
                return (Key((KeyPart(column.name),), primary=True),)
    return ()


def _note_odd_values(records: Sequence[Mapping[str, Any]], problems: list[str]) -> None:
    kinds: dict[str, set[type]] = {}
    for record in records:
        for name, value in record.items():
            kinds.setdefault(name, set()).add(type(value))
    for name, found in kinds.items():
        problems.extend(f"{name}: {problem}" for problem in _odd(name, found, records))


def _odd(name: str, found: set[type], records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if bool in found:
        yield "true and false are restored as 1 and 0."
    if found & {dict, list}:
        yield "nested values are restored as JSON text."
    if any(type(v := r.get(name)) is int and v not in _INTEGERS for r in records):
        yield "numbers beyond 64 bits are restored as text, rounded where the column is numeric."
    if float in found and str in found:
        yield "some numbers are stored as text."
    if float in found and any(record.get(name) != record.get(name) for record in records):
        yield "NaN is restored as NULL."


def _pieces(schema: TableSchema, records: Sequence[Mapping[str, Any]]) -> Iterator[Rows]:
    names = [column.name for column in schema.stored]
    for start in range(0, len(records), _PIECE_ROWS):
        some = records[start : start + _PIECE_ROWS]
        lines = "".join(_line(record, names) for record in some)
        try:
            yield len(some), lines.encode()
        except UnicodeEncodeError as error:
            raise Corrupt(
                "The old-form backup contains an incomplete character", cause=str(error)
            ) from error


def _line(record: Mapping[str, Any], names: Sequence[str]) -> str:
    lowered = {name.lower(): value for name, value in record.items()}
    row = {name: _value(lowered.get(name.lower())) for name in names}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and value not in _INTEGERS:
        return str(value)
    return value

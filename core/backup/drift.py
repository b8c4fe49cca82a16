"""How a table's schema changed since a backup, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from core.model.tables import Column, Index, Key, TableSchema

#: What SQL compares without case or blanks: `integer` and `INTEGER` are one type.
_BLANKS = re.compile(r"\s*([(),])\s*")
_WITHOUT_CASE = frozenset(("type", "collation"))


def drift(backup: TableSchema, today: TableSchema) -> tuple[str, ...]:
    """Return what a restore in place would change in today's schema; nothing when it is equal.

    Triggers are not part of it: a restore keeps today's unless the backup's are asked for.
    """
    return tuple(_change_texts(backup, today))


def _change_texts(backup: TableSchema, today: TableSchema) -> Iterator[str]:
    yield from _columns(backup.columns, today.columns)
    if _keys(backup.keys) != _keys(today.keys):
        yield f"keys: {_joined(_keys(today.keys))} today, {_joined(_keys(backup.keys))} in the backup"
    if set(backup.checks) != set(today.checks):
        yield f"checks: {len(today.checks)} today, {len(backup.checks)} in the backup"
    if set(backup.foreign_keys) != set(today.foreign_keys):
        yield (
            f"foreign keys: {_joined(_pointers(today))} today, {_joined(_pointers(backup))} in the backup"
        )
    yield from _indexes(backup.indexes, today.indexes)
    if set(backup.options) != set(today.options):
        yield f"options: {_joined(today.options)} today, {_joined(backup.options)} in the backup"


def _columns(backup: Sequence[Column], today: Sequence[Column]) -> Iterator[str]:
    before = {column.name.lower(): column for column in backup}
    now = {column.name.lower(): column for column in today}
    for name, column in now.items():
        if name not in before:
            yield f"column {column.name} was added since: its values would go"
    for name, column in before.items():
        if name not in now:
            yield f"column {column.name} was removed since: it comes back"
        elif column != now[name]:
            yield from _column(column, now[name])
    common = [name for name in now if name in before]
    if common != [name for name in before if name in now]:
        yield "the columns stand in another order"


def _column(backup: Column, today: Column) -> Iterator[str]:
    for field, title in (
        ("name", "the name"),
        ("type", "the type"),
        ("not_null", "NOT NULL"),
        ("default", "the default"),
        ("collation", "the collation"),
        ("generated", "the expression"),
    ):
        before, now = getattr(backup, field), getattr(today, field)
        if before != now and not (field in _WITHOUT_CASE and _folded(before) == _folded(now)):
            yield f"column {today.name}: {title} is {_value(now)} today, {_value(before)} in the backup"


def _folded(text: str | None) -> str:
    """Return SQL words as they are compared: case and blanks do not count."""
    folded = " ".join((text or "").upper().split())
    return _BLANKS.sub(r"\1", folded)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, "") else str(value)


def _keys(keys: Iterable[Key]) -> tuple[str, ...]:
    return tuple(
        sorted(
            f"{'primary' if key.primary else 'unique'} ({', '.join(p.name for p in key.parts)})"
            + (" autoincrement" if key.identity else "")
            for key in keys
        )
    )


def _pointers(schema: TableSchema) -> tuple[str, ...]:
    return tuple(f"{', '.join(key.columns)} → {key.table}" for key in schema.foreign_keys)


def _joined(texts: Sequence[str]) -> str:
    return ", ".join(texts) if texts else "none"


def _indexes(backup: Sequence[Index], today: Sequence[Index]) -> Iterator[str]:
    before = {item.name: item for item in backup}
    now = {item.name: item for item in today}
    for name, item in now.items():
        if name not in before:
            yield f"index {name} was added since: it would go"
        elif _index(before[name]) != _index(item):
            yield f"index {name} is defined differently today"
    for name in before:
        if name not in now:
            yield f"index {name} was removed since: it comes back"


def _index(index: Index) -> Index:
    """Return an index as it is compared: the case of its collations does not count."""
    parts = tuple(replace(part, collation=_folded(part.collation) or None) for part in index.parts)
    return replace(index, parts=parts)

"""Descriptions of schema changes since a backup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from core.model.tables import Column, Index, Key, TableSchema

#: Properties that SQL compares without case and spaces: `integer` and `INTEGER` are equal.
_BLANKS = re.compile(r"\s*([(),])\s*")
_WITHOUT_CASE = frozenset(("type", "collation"))


def drift(backup: TableSchema, today: TableSchema) -> tuple[str, ...]:
    """Return descriptions of what an in-place restore would change in the present schema.

    Triggers are not included: a restore retains the present ones unless the backup's are requested.
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
            yield f"column {column.name} was added since the backup: its values would be removed"
    for name, column in before.items():
        if name not in now:
            yield f"column {column.name} was removed since the backup: it would be restored"
        elif column != now[name]:
            yield from _column(column, now[name])
    common = [name for name in now if name in before]
    if common != [name for name in before if name in now]:
        yield "the columns have another order"


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
    """Return a text for comparisons that ignore case and spaces."""
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
            yield f"index {name} was added since the backup: it would be removed"
        elif _index(before[name]) != _index(item):
            yield f"index {name} is defined differently today"
    for name in before:
        if name not in now:
            yield f"index {name} was removed since the backup: it would be restored"


def _index(index: Index) -> Index:
    """Return an index for comparisons that ignore the case of collations."""
    parts = tuple(replace(part, collation=_folded(part.collation) or None) for part in index.parts)
    return replace(index, parts=parts)

"""Descriptions of schema changes since a backup, or between two backups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.model.tables import Column, Index, Key, TableSchema

#: Properties that SQL compares without case and spaces: `integer` and `INTEGER` are equal.
_BLANKS = re.compile(r"\s*([(),])\s*")
_WITHOUT_CASE = frozenset(("type", "collation"))


@dataclass(frozen=True, slots=True)
class _Texts:
    """Complete texts of all changes: `{now}` and `{before}` are the values of both schemas."""

    column_added: str
    column_removed: str
    column_changed: str
    order: str
    keys: str
    checks: str
    foreign_keys: str
    options: str
    index_added: str
    index_changed: str
    index_removed: str


_SINCE_BACKUP = _Texts(
    column_added="column {name} was added since the backup: its values would be removed",
    column_removed="column {name} was removed since the backup: it would be restored",
    column_changed="column {name}: {property} is {now} today, {before} in the backup",
    order="the columns have another order",
    keys="keys: {now} today, {before} in the backup",
    checks="checks: {now} today, {before} in the backup",
    foreign_keys="foreign keys: {now} today, {before} in the backup",
    options="options: {now} today, {before} in the backup",
    index_added="index {name} was added since the backup: it would be removed",
    index_changed="index {name} is defined differently today",
    index_removed="index {name} was removed since the backup: it would be restored",
)
_BETWEEN_BACKUPS = _Texts(
    column_added="column {name} is only in the second backup",
    column_removed="column {name} is only in the first backup",
    column_changed="column {name}: {property} is {before} in the first backup, {now} in the second",
    order="the columns have another order in the second backup",
    keys="keys: {before} in the first backup, {now} in the second",
    checks="checks: {before} in the first backup, {now} in the second",
    foreign_keys="foreign keys: {before} in the first backup, {now} in the second",
    options="options: {before} in the first backup, {now} in the second",
    index_added="index {name} is only in the second backup",
    index_changed="index {name} is defined differently in the second backup",
    index_removed="index {name} is only in the first backup",
)


def changes_between(first: TableSchema, second: TableSchema) -> tuple[str, ...]:
    """Return descriptions of the differences of the schemas of two backups."""
    return tuple(_change_texts(first, second, _BETWEEN_BACKUPS))


def drift(backup: TableSchema, today: TableSchema) -> tuple[str, ...]:
    """Return descriptions of what an in-place restore would change in the present schema.

    Triggers are not included: a restore retains the present ones unless the backup's are requested.
    """
    return tuple(_change_texts(backup, today, _SINCE_BACKUP))


def _change_texts(backup: TableSchema, today: TableSchema, texts: _Texts) -> Iterator[str]:
    yield from _columns(backup.columns, today.columns, texts)
    if _keys(backup.keys) != _keys(today.keys):
        yield texts.keys.format(now=_joined(_keys(today.keys)), before=_joined(_keys(backup.keys)))
    if set(backup.checks) != set(today.checks):
        yield texts.checks.format(now=len(today.checks), before=len(backup.checks))
    if set(backup.foreign_keys) != set(today.foreign_keys):
        yield texts.foreign_keys.format(
            now=_joined(_pointers(today)), before=_joined(_pointers(backup))
        )
    yield from _indexes(backup.indexes, today.indexes, texts)
    if set(backup.options) != set(today.options):
        yield texts.options.format(now=_joined(today.options), before=_joined(backup.options))


def _columns(backup: Sequence[Column], today: Sequence[Column], texts: _Texts) -> Iterator[str]:
    before = {column.name.lower(): column for column in backup}
    now = {column.name.lower(): column for column in today}
    for name, column in now.items():
        if name not in before:
            yield texts.column_added.format(name=column.name)
    for name, column in before.items():
        if name not in now:
            yield texts.column_removed.format(name=column.name)
        elif column != now[name]:
            yield from _column(column, now[name], texts)
    common = [name for name in now if name in before]
    if common != [name for name in before if name in now]:
        yield texts.order


def _column(backup: Column, today: Column, texts: _Texts) -> Iterator[str]:
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
            yield texts.column_changed.format(
                name=today.name, property=title, now=_value(now), before=_value(before)
            )


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


def _indexes(backup: Sequence[Index], today: Sequence[Index], texts: _Texts) -> Iterator[str]:
    before = {item.name: item for item in backup}
    now = {item.name: item for item in today}
    for name, item in now.items():
        if name not in before:
            yield texts.index_added.format(name=name)
        elif _index(before[name]) != _index(item):
            yield texts.index_changed.format(name=name)
    for name in before:
        if name not in now:
            yield texts.index_removed.format(name=name)


def _index(index: Index) -> Index:
    """Return an index for comparisons that ignore the case of collations."""
    parts = tuple(replace(part, collation=_folded(part.collation) or None) for part in index.parts)
    return replace(index, parts=parts)

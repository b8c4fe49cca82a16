"""Descriptions of schema changes since a backup, or between two backups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.model.tables import (
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    KeyPart,
    TableSchema,
    UserType,
    type_text,
)
from core.model.tables import (
    Sequence as NumberSequence,
)

#: Properties that SQL compares without case and spaces: `integer` and `INTEGER` are equal.
_BLANKS = re.compile(r"\s*([(),])\s*")
_WITHOUT_CASE = frozenset(("type", "collation"))
#: A default that is the same as none, for example `NULL::character varying`.
_NULL = re.compile(r"\(?NULL\)?(?:::.+)?", re.IGNORECASE)
#: The sequence of a default in PostgreSQL, in which `public.s` and `"public"."s"` are equal.
_REGCLASS = re.compile(r"'(?:[^']|'')+'::regclass")
_NEEDLESS_QUOTES = re.compile(r'"([a-z_][a-z0-9_]*)"')
#: The collation of SQLite that is the same as none.
_BINARY = "BINARY"
_LONGEST_COMMENT = 80


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
    types: str
    comment: str
    sequences: str
    partitions: str
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
    types="types of columns: {now} today, {before} in the backup",
    comment="the comment of the table: {now} today, {before} in the backup",
    sequences="numbering: {now} today, {before} in the backup",
    partitions="partitions: {now} today, {before} in the backup",
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
    types="types of columns: {before} in the first backup, {now} in the second",
    comment="the comment of the table: {before} in the first backup, {now} in the second",
    sequences="numbering: {before} in the first backup, {now} in the second",
    partitions="partitions: {before} in the first backup, {now} in the second",
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
    yield from _columns(_comparable(backup), _comparable(today), texts)
    for text, now, before in (
        (texts.keys, _keys(today.keys), _keys(backup.keys)),
        (texts.checks, _checks(today.checks), _checks(backup.checks)),
        (texts.foreign_keys, _pointers(today.foreign_keys), _pointers(backup.foreign_keys)),
        (texts.types, _types(today.types), _types(backup.types)),
        (texts.sequences, _sequences(today.sequences), _sequences(backup.sequences)),
        (texts.partitions, _partitions(today), _partitions(backup)),
        (texts.options, _named(_chosen_options(today, backup)), _named(backup.options)),
    ):
        yield from _different(text, now, before)
    if today.comment != backup.comment:
        yield texts.comment.format(now=_quoted(today.comment), before=_quoted(backup.comment))
    yield from _indexes(backup.indexes, today.indexes, texts)


#: The properties of a kind, each with its text: those whose texts are equal have other names.
_Described = dict[object, str]


def _different(text: str, now: _Described, before: _Described) -> Iterator[str]:
    """Yield the text about what only one of the schemas has."""
    only = [
        [key for key in here if key not in there] for here, there in ((now, before), (before, now))
    ]
    if not any(only):
        return
    sides = [
        sorted(here[key] for key in keys) for here, keys in zip((now, before), only, strict=True)
    ]
    if sides[0] == sides[1]:
        sides = [
            sorted(f"{getattr(key, 'name', '')} {here[key]}".strip() for key in keys)
            for here, keys in zip((now, before), only, strict=True)
        ]
    yield text.format(now=_joined(sides[0]), before=_joined(sides[1]))


def _columns(backup: Sequence[Column], today: Sequence[Column], texts: _Texts) -> Iterator[str]:
    named = _names_of(backup, today)
    before = {named(column): column for column in backup}
    now = {named(column): column for column in today}
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


def _names_of(*schemas: Sequence[Column]) -> Callable[[Column], str]:
    """Return a function for the names by which the columns of two schemas correspond.

    SQLite and MariaDB ignore their case. PostgreSQL does not: there a table may have two columns
    whose names differ in nothing else.
    """
    folded = [Counter(column.name.lower() for column in schema) for schema in schemas]
    twice = {name for names in folded for name, number in names.items() if number > 1}
    return lambda column: name if (name := column.name.lower()) not in twice else column.name


def _comparable(schema: TableSchema) -> tuple[Column, ...]:
    """Return the columns for comparisons: `DEFAULT NULL` and `COLLATE BINARY` are like nothing."""
    # For a column of a domain with a default, NULL is another default.
    domains = {one.name for one in schema.types if one.default is not None}
    return tuple(
        replace(
            column,
            default=None
            if _NULL.fullmatch(column.default or "NULL") and column.type not in domains
            else _REGCLASS.sub(_unquoted, column.default or ""),
            collation=None if _folded(column.collation) == _BINARY else column.collation,
        )
        for column in schema.columns
    )


def _unquoted(found: re.Match[str]) -> str:
    return _NEEDLESS_QUOTES.sub(r"\1", found[0])


def _column(backup: Column, today: Column, texts: _Texts) -> Iterator[str]:
    for field, title in (
        ("name", "the name"),
        ("type", "the type"),
        ("not_null", "NOT NULL"),
        ("default", "the default"),
        ("collation", "the collation"),
        ("generated", "the expression"),
        ("stored", "STORED"),
        ("numbering", "the numbering"),
        ("on_conflict", "ON CONFLICT"),
        ("attributes", "the attributes"),
    ):
        before, now = getattr(backup, field), getattr(today, field)
        if before != now and not (field in _WITHOUT_CASE and _folded(before) == _folded(now)):
            yield texts.column_changed.format(
                name=today.name, property=title, now=_value(now), before=_value(before)
            )
    if backup.comment != today.comment:
        yield texts.column_changed.format(
            name=today.name,
            property="the comment",
            now=_quoted(today.comment),
            before=_quoted(backup.comment),
        )


def _folded(text: str | None) -> str:
    """Return a text for comparisons that ignore case and spaces."""
    folded = " ".join((text or "").upper().split())
    return _BLANKS.sub(r"\1", folded)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return _joined(value)
    return "none" if value in (None, "") else str(value)


def _quoted(comment: str) -> str:
    """Return a comment as it is shown, cut when long."""
    if not comment:
        return "none"
    return f"“{comment if len(comment) <= _LONGEST_COMMENT else comment[: _LONGEST_COMMENT - 1] + '…'}”"


def _keys(keys: Iterable[Key]) -> _Described:
    """Return the keys by what they mean: their names, and where they are declared, do not matter."""
    texts = (key.definition or _key(key) for key in keys)
    return {text: text for text in texts}


def _key(key: Key) -> str:
    parts = ", ".join(map(_part, key.parts))
    conflict = f" on conflict {key.on_conflict.lower()}" if key.on_conflict else ""
    identity = " autoincrement" if key.identity else ""
    return f"{'primary' if key.primary else 'unique'} ({parts}){identity}{conflict}"


def _part(part: KeyPart) -> str:
    collation = _folded(part.collation)
    length = f"({part.length})" if part.length else ""
    collated = f" collate {collation.lower()}" if collation not in ("", _BINARY) else ""
    return f"{part.name}{length}{collated}{' desc' if part.descending else ''}"


def _checks(checks: Iterable[Check]) -> _Described:
    return {check: check.definition or check.expression for check in checks}


def _pointers(keys: Iterable[ForeignKey]) -> _Described:
    return {key: key.definition or _pointer(key) for key in keys}


def _pointer(key: ForeignKey) -> str:
    parents = f" ({', '.join(key.references)})" if key.references else ""
    rules = [
        f" on {event} {action.lower()}"
        for event, action in (("delete", key.on_delete), ("update", key.on_update))
        if action
    ]
    late = f" {key.deferrable.lower()}" if key.deferrable else ""
    return f"{', '.join(key.columns)} → {key.table}{parents}{''.join(rules)}{late}"


def _types(types: Iterable[UserType]) -> _Described:
    return {one: type_text(one) for one in types}


def _sequences(sequences: Iterable[NumberSequence]) -> _Described:
    """Return the sequences without their names and positions."""
    texts = (
        f"{one.column} {one.type} by {one.increment} from {one.minimum} to {one.maximum}"
        f"{' cycle' if one.cycle else ''}"
        for one in sequences
    )
    return {text: text for text in texts}


def _partitions(schema: TableSchema) -> _Described:
    texts = [schema.partition_key] if schema.partition_key else []
    texts += [f"{one.name} {one.bound} {one.key}".rstrip() for one in schema.partitions]
    return {text: text for text in texts}


def _chosen_options(today: TableSchema, backup: TableSchema) -> Sequence[str]:
    """Return the options of a table without those that MariaDB has chosen itself.

    It always writes some of them, which the schema of another engine or of an old form has not.
    """
    usual = any(option.startswith("ENGINE=") for option in today.options)
    return () if usual and not backup.options else today.options


def _named(texts: Iterable[str]) -> _Described:
    return {text: text for text in texts}


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

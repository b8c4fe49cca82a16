"""Schema of a table in another engine: columns, keys and simple indexes, and what is omitted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.backup.conversion.numbering import add_numbering, is_numbered
from core.backup.conversion.rows import ColumnPlan
from core.backup.conversion.type_rules import MARIADB, POSTGRESQL, RULES, SQLITE, Rule
from core.backup.conversion.values import conversion, is_real
from core.backup.databases.postgresql.names import TableName, with_suffix
from core.backup.databases.postgresql.names import quoted as quoted_in_postgresql
from core.errors import NotSupported
from core.model.tables import Check, Column, Index, Key, KeyPart, TableSchema, UserType
from core.units import format_counted

#: Largest index of InnoDB is 3,072 bytes; a character has up to 4.
_KEY_CHARACTERS = 768
#: Characters of a long text that an index which is not unique contains.
_PREFIX = 191
_ENUM = re.compile(r"enum\((.*)\)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_INDEX_PART = re.compile(r'("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)( DESC)?(?: NULLS (?:FIRST|LAST))?')
_LONG = ("longtext", "longblob")
_LONGEST_LABEL = 255


@dataclass(frozen=True, slots=True)
class Converted:
    """A schema of another engine, the plans for the values, and the differences as sentences."""

    schema: TableSchema
    plans: tuple[ColumnPlan, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unique:
    """A primary or unique key, or an index, of simple columns."""

    name: str
    parts: tuple[KeyPart, ...]
    unique: bool
    primary: bool = False


def convert_schema(
    schema: TableSchema, source: str, target: str, free_name: Callable[[str], str]
) -> Converted:
    """Return the schema for another engine.

    Args:
        schema: The table of the backup.
        source: The engine of the backup.
        target: The engine of the database.
        free_name: Returns a free name for a key or an index of the new table.

    Raises:
        NotSupported: The other engine cannot have these columns.
    """
    _check_names(schema, target)
    found = tuple(_simple_keys(schema, source))
    widths = _key_widths(found)
    plans, columns, checks = [], [], []
    differences: dict[tuple[str, str], list[str]] = {}
    for column in schema.stored:
        kind, labels = _kind(column, schema.types, source)
        rule = _rule(kind, RULES[source, target])
        if kind == "enum" and target == MARIADB and not _fits_enum(labels):
            rule = Rule("", "longtext", "text", "the labels do not fit into an enum")
        required = column.not_null or any(k.primary and _has(k, column) for k in found)
        type_, longest = _type(rule, kind, labels, widths.get(column.name, 0))
        columns.append(_column(column.name, type_, target, not_null=required))
        form = rule.form.format(*_groups(rule, kind))
        plans.append(ColumnPlan(column.name, conversion(form), required, is_real(form), longest))
        if labels and target != MARIADB:
            checks.append(_label_check(column.name, labels))
        if rule.note:
            name = f"{column.name} ({column.type or 'no type'})"
            differences.setdefault((type_, rule.note), []).append(name)
    keys, indexes = _written_keys(found, schema.table, target, free_name, columns)
    made = TableSchema(
        schema.table, tuple(columns), keys=keys, checks=tuple(checks), indexes=indexes
    )
    made = add_numbering(made, schema, source, free_name)
    texts = [
        f"{', '.join(names)} → {type_}: {note}." for (type_, note), names in differences.items()
    ]
    omitted = _omitted(schema, found, numbered=is_numbered(made, target))
    return Converted(made, tuple(plans), (*texts, *omitted))


def _check_names(schema: TableSchema, target: str) -> None:
    names = [column.name for column in schema.stored]
    problem = ""
    if target != POSTGRESQL and len({name.lower() for name in names}) < len(names):
        problem = "Its columns have names that differ only in upper and lower case."
    elif target == POSTGRESQL and any(len(name.encode()) > 63 for name in names):
        problem = "A column has a name that is longer than 63 bytes."
    if problem or not names:
        raise NotSupported(
            f"The table {schema.table} cannot be restored into {target}",
            cause=problem or "It has no columns with values.",
            remedy="Restore it into the engine of the backup, or export it.",
            subject=schema.table,
        )


def _kind(column: Column, types: Sequence[UserType], source: str) -> tuple[str, tuple[str, ...]]:
    """Return the type for the rules, and the labels of an enum."""
    kind = column.type
    if source == MARIADB:
        if kind.lower() == "longtext" and any("json_valid" in a for a in column.attributes):
            return "json", ()
        match = _ENUM.fullmatch(kind)
        labels = _LABEL.findall(match[1]) if match else []
        return kind.lower(), tuple(label.replace("''", "'") for label in labels)
    if source == SQLITE:
        return kind.lower(), ()
    return _postgresql_kind(kind, types)


def _postgresql_kind(kind: str, types: Sequence[UserType]) -> tuple[str, tuple[str, ...]]:
    """Return the type below a domain; an enum is returned as `enum` with its labels."""
    array = kind[len(kind.rstrip("[]")) :]
    bare = kind.rstrip("[]")
    named = {one.name: one for one in types}
    for _ in range(len(types) + 1):
        found = named.get(bare) or named.get(bare.removeprefix("public."))
        if found is None or found.kind != "domain":
            break
        bare = found.base
    else:
        found = None
    if found is not None and found.kind == "enum" and not array:
        return "enum", found.items
    return bare + array, ()


def _rule(kind: str, rules: Sequence[Rule]) -> Rule:
    matching = (rule for rule in rules if re.fullmatch(rule.pattern, kind, re.DOTALL))
    return next(rule for rule in matching if not _has_too_many_decimals(rule, kind))


def _has_too_many_decimals(rule: Rule, kind: str) -> bool:
    """Return whether a number has more decimals than digits, which only PostgreSQL allows."""
    if rule.type != "decimal({0},{1})":
        return False
    precision, scale = map(int, _groups(rule, kind))
    return scale > precision


def _groups(rule: Rule, kind: str) -> tuple[str, ...]:
    match = re.fullmatch(rule.pattern, kind, re.DOTALL)
    return tuple(group or "" for group in match.groups()) if match else ()


def _type(rule: Rule, kind: str, labels: Sequence[str], width: int) -> tuple[str, int]:
    """Return the type of a column, and the longest value that a key allows; 0 without a limit."""
    if rule.type == "enum":
        return f"enum({', '.join(_literal(label) for label in labels)})", 0
    type_ = rule.type.format(*_groups(rule, kind))
    if width and not rule.keyed and _characters(type_) > width:
        return f"varchar({width})", width
    if not (width and rule.keyed):
        return type_, 0
    longest = width * 4 if "bytes" in rule.keyed else width
    return rule.keyed.format(width=width, bytes=longest), longest


def _characters(type_: str) -> int:
    """Return the number of characters that a VARCHAR of MariaDB may have; 0 for other types."""
    match = re.fullmatch(r"varchar\((\d+)\)", type_)
    return int(match[1]) if match else 0


def _fits_enum(labels: Sequence[str]) -> bool:
    """Return whether MariaDB stores these labels unchanged."""
    return all(
        label and len(label) <= _LONGEST_LABEL and label == label.rstrip(" ") and "\\" not in label
        for label in labels
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _column(name: str, type_: str, target: str, *, not_null: bool) -> Column:
    texts = ("char", "varchar", "longtext", "enum")
    collation = "utf8mb4_bin" if target == MARIADB and type_.startswith(texts) else None
    return Column(name, type_, not_null=not_null, collation=collation)


def _label_check(name: str, labels: Sequence[str]) -> Check:
    text = f"{quoted_in_postgresql(name)} IN ({', '.join(map(_literal, labels))})"
    return Check(text, f"{name[:40]}_labels", definition=f"CHECK ({text})")


def _has(key: _Unique, column: Column) -> bool:
    return any(part.name == column.name for part in key.parts)


def _simple_keys(schema: TableSchema, source: str) -> Iterator[_Unique]:
    """Yield the keys and indexes that every engine can have."""
    stored = {column.name.lower(): column.name for column in schema.stored}
    for found in _candidates(schema, source):
        names = [stored.get(part.name.lower()) for part in found.parts]
        simple = not any(
            part.expression or part.length or (part.collation or "BINARY").upper() != "BINARY"
            for part in found.parts
        )
        if found.parts and simple and all(names):
            parts = tuple(
                KeyPart(name or "", descending=part.descending)
                for name, part in zip(names, found.parts, strict=True)
            )
            yield replace(found, parts=parts)


def _candidates(schema: TableSchema, source: str) -> Iterator[_Unique]:
    for key in schema.keys:
        plain = source != POSTGRESQL or key.primary or key.definition.startswith("UNIQUE (")
        complete = not key.definition or key.primary or key.definition.endswith(")")
        if plain and complete and "INCLUDE (" not in key.definition:
            yield _Unique(key.name, key.parts, unique=True, primary=key.primary)
        elif key.primary:
            yield _Unique(key.name, key.parts, unique=True, primary=True)
    for index in schema.indexes:
        if index.where is None and source != POSTGRESQL and index.definition in ("", "USING BTREE"):
            yield _Unique(index.name, index.parts, index.unique)
        elif source == POSTGRESQL:
            yield _Unique(index.name, _postgresql_parts(index.definition), index.unique)


def _postgresql_parts(definition: str) -> tuple[KeyPart, ...]:
    """Return the columns of a simple index; empty for one with expressions or conditions."""
    head = "USING btree ("
    if not definition.startswith(head) or not definition.endswith(")"):
        return ()
    parts, at, text = [], 0, definition[len(head) : -1]
    while match := _INDEX_PART.match(text, at):
        name = match[1]
        plain = name[1:-1].replace('""', '"') if name.startswith('"') else name
        parts.append(KeyPart(plain, descending=bool(match[2])))
        if match.end() == len(text):
            return tuple(parts)
        if not text.startswith(", ", match.end()):
            return ()
        at = match.end() + 2
    return ()


def _key_widths(found: Sequence[_Unique]) -> dict[str, int]:
    """Return the number of characters that each column of a unique key may have."""
    widths: dict[str, int] = {}
    for key in found:
        for part in key.parts if key.unique else ():
            width = _KEY_CHARACTERS // len(key.parts)
            widths[part.name] = min(width, widths.get(part.name, width))
    return widths


def _written_keys(
    found: Sequence[_Unique],
    table: str,
    target: str,
    free_name: Callable[[str], str],
    columns: Sequence[Column],
) -> tuple[tuple[Key, ...], tuple[Index, ...]]:
    """Return keys and indexes as the engine declares them."""
    types = {column.name: column.type for column in columns}
    keys: list[Key] = []
    indexes: list[Index] = []
    for one in found:
        if target == POSTGRESQL:
            name = free_name(_name(one, table))
            _add_postgresql(one, name, keys, indexes)
        elif one.primary or (one.unique and target == SQLITE and not one.name):
            keys.append(Key(one.parts, one.primary))
        else:
            parts = tuple(_with_prefix(part, types, one, target) for part in one.parts)
            indexes.append(Index(free_name(_name(one, table)), parts, one.unique))
    return tuple(keys), tuple(indexes)


def _name(key: _Unique, table: str) -> str:
    if key.primary:
        return f"{TableName.parse(table).name}_pkey"
    columns = "_".join(part.name for part in key.parts)
    return key.name or f"{table}_{columns}_key"


def _with_prefix(part: KeyPart, types: dict[str, str], key: _Unique, target: str) -> KeyPart:
    """Return a part of an index; in MariaDB an index contains only the first characters of texts."""
    if target != MARIADB:
        return part
    longest = min(_PREFIX, _KEY_CHARACTERS // len(key.parts))
    type_ = types[part.name]
    long = type_ in _LONG or type_.startswith("varbinary") or _characters(type_) > longest
    # Before version 10.8 MariaDB ignores the order of an index.
    return KeyPart(part.name, length=longest if long and not key.unique else 0)


def _add_postgresql(one: _Unique, name: str, keys: list[Key], indexes: list[Index]) -> None:
    columns = ", ".join(
        quoted_in_postgresql(part.name) + (" DESC" if part.descending else "") for part in one.parts
    )
    plain = ", ".join(quoted_in_postgresql(part.name) for part in one.parts)
    name = with_suffix(name, "")
    if one.primary:
        keys.append(Key(one.parts, primary=True, name=name, definition=f"PRIMARY KEY ({plain})"))
    else:
        indexes.append(Index(name, (), one.unique, definition=f"USING btree ({columns})"))


def _omitted(schema: TableSchema, found: Sequence[_Unique], *, numbered: bool) -> Iterator[str]:
    """Yield sentences about what the other engine does not get."""
    columns = {one.column for one in schema.sequences}
    columns |= {column.name for column in schema.columns if column.numbering}
    generated = tuple(column for column in schema.columns if column.generated is not None)
    defaults = tuple(c for c in schema.columns if c.default is not None and c.name not in columns)
    lost = len(schema.keys) + len(schema.indexes) - len(found)
    omitted = (
        (len(schema.checks), "check"),
        (len(schema.foreign_keys), "foreign key"),
        (len(schema.triggers), "trigger"),
        (len(generated), "generated column"),
        (lost, "special index"),
        (len(defaults), "default"),
        (len(columns) - numbered if columns else 0, "numbered column"),
        (len(schema.partitions), "partition"),
    )
    counts = [format_counted(count, name) for count, name in omitted if count]
    if counts:
        yield f"The other engine does not get: {', '.join(counts)}."

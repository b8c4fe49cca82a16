"""Tables as data: columns, keys, indexes and triggers, the same for every database engine.

A backup contains these values, never statements. Fragments that are code (defaults, checks,
generated columns, index expressions, trigger bodies) are small texts that are checked before a
table is built from them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column; `type` may be empty (SQLite), `default` is SQL text or None.

    `generated` is the expression of a computed column, `stored` whether its value is stored.
    `numbering` is `always` or `by default` if the database numbers the column (PostgreSQL), and
    `auto_increment` in MariaDB. `attributes` are further clauses of MariaDB, for example
    `INVISIBLE`.
    """

    name: str
    type: str = ""
    not_null: bool = False
    default: str | None = None
    collation: str | None = None
    generated: str | None = None
    stored: bool = False
    on_conflict: str = ""
    numbering: str = ""
    comment: str = ""
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of a key or index: a column's name, or an expression when `expression` is set.

    `length` limits it to the first characters or bytes of the value (MariaDB); 0 if it does not.
    """

    name: str
    expression: bool = False
    collation: str | None = None
    descending: bool = False
    length: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """A primary or unique key; `inline` means declared at its column, which differs in SQLite.

    `identity` is the source of new values: empty, or `autoincrement`. `definition` is the text of
    the constraint as its database writes it (PostgreSQL); `parts` is empty if it is an exclusion.
    """

    parts: tuple[KeyPart, ...]
    primary: bool = False
    name: str = ""
    inline: bool = False
    identity: str = ""
    on_conflict: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that every row satisfies; `definition` as in `Key`."""

    expression: str
    name: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to another table; empty `references` means its primary key.

    `definition` as in `Key`.
    """

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...] = ()
    name: str = ""
    on_delete: str = ""
    on_update: str = ""
    match: str = ""
    deferrable: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table; `where` limits it to some rows.

    `definition` is what follows the table's name where the database writes it as text, for example
    `USING btree (user_id)`.
    """

    name: str
    parts: tuple[KeyPart, ...]
    unique: bool = False
    where: str | None = None
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """Code that runs on a change of the table; only restored on request."""

    name: str
    timing: str
    event: str
    body: str
    columns: tuple[str, ...] = ()
    condition: str | None = None
    each_row: bool = False
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A counter that numbers `column`; `last` is None as long as it was never used."""

    column: str
    name: str
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int = 1
    cycle: bool = False
    last: int | None = None


@dataclass(frozen=True, slots=True)
class UserType:
    """A type that a column uses and that the database does not define itself.

    `kind` is `enum`, `domain`, `composite` or `range`; `items` are the labels of an enum, the
    checks of a domain, or `name type` of each field of a composite; `base` is the type below a
    domain or range.
    """

    name: str
    kind: str
    items: tuple[str, ...] = ()
    base: str = ""
    not_null: bool = False
    default: str | None = None


def type_text(one: UserType) -> str:
    """Return the definition of a type for reading, for example `price domain numeric DEFAULT 0`."""
    parts = [one.name, one.kind, one.base, *one.items]
    parts += ["NOT NULL"] if one.not_null else []
    parts += [f"DEFAULT {one.default}"] if one.default is not None else []
    return " ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table: its name and bound, for example `FOR VALUES IN ('BTC')`.

    `key` is the key by which the partition itself is partitioned; `parent` is empty if that is the
    table.
    """

    name: str
    bound: str
    parent: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """Schema of a table as data; `options` are engine-specific (`strict`, `without rowid`).

    `sequence` is the last autoincrement value, or None. `rowids` is the name under which a backup's
    rows record SQLite's implicit rowid; empty if the table has none or has a column for it, or if
    the backup is older than the field.

    The fields after `rowids` are of server databases: comment, owner, grants as `role:privileges`,
    sequences, types and extensions that the columns use, and partitions with their key.
    """

    table: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    options: tuple[str, ...] = ()
    sequence: int | None = None
    rowids: str = ""
    comment: str = ""
    owner: str = ""
    grants: tuple[str, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    types: tuple[UserType, ...] = ()
    extensions: tuple[str, ...] = ()
    partition_key: str = ""
    partitions: tuple[Partition, ...] = ()

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns whose values a backup contains: all except computed ones."""
        return tuple(column for column in self.columns if column.generated is None)

    @property
    def primary(self) -> Key | None:
        """The primary key, if the table has one."""
        return next((key for key in self.keys if key.primary), None)

"""A schema for a copy of a table under another name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from core.backup.databases.base import Database
from core.backup.databases.postgresql.names import TableName, with_suffix
from core.model.tables import Column, ForeignKey, Index, Partition, Sequence, TableSchema

_REGCLASS = re.compile(r"'(?P<name>(?:[^']|'')+)'::regclass")


def renamed(schema: TableSchema, name: str, database: Database) -> TableSchema:
    """Return the schema of a new table: indexes, sequences and partitions get free names."""
    target = TableName.parse(name)
    partitions = {
        partition.name: _free(database, target, f"_{TableName.parse(partition.name).name}")
        for partition in schema.partitions
    }
    sequences = tuple(_sequence(one, target, database) for one in schema.sequences)
    return replace(
        schema,
        table=name,
        columns=tuple(_column(column, schema.sequences, sequences) for column in schema.columns),
        foreign_keys=tuple(
            _self_reference(key, schema.table, target) for key in schema.foreign_keys
        ),
        indexes=tuple(_index(index, target, database) for index in schema.indexes),
        sequences=sequences,
        partitions=tuple(_partition(one, partitions) for one in schema.partitions),
        keys=tuple(
            replace(key, name=_free_constraint(database, target, key.name)) for key in schema.keys
        ),
        triggers=(),
    )


def _free(database: Database, table: TableName, suffix: str) -> str:
    return database.free_name(str(table.beside(suffix)))


def _free_constraint(database: Database, table: TableName, name: str) -> str:
    """Return a free name for a key, whose index shares the names of tables."""
    place = TableName(table.schema, name)
    if not database.exists(str(place)):
        return name
    return TableName.parse(_free(database, table, f"_{name}")).name


def _self_reference(key: ForeignKey, own: str, target: TableName) -> ForeignKey:
    if key.table != own:
        return key
    head, _, rest = key.definition.partition(" REFERENCES ")
    columns = rest[rest.index("(") :]
    return replace(key, table=str(target), definition=f"{head} REFERENCES {target.sql}{columns}")


def _index(index: Index, table: TableName, database: Database) -> Index:
    return replace(index, name=_free_constraint(database, table, index.name))


def _sequence(sequence: Sequence, table: TableName, database: Database) -> Sequence:
    suffix = with_suffix(f"_{sequence.column}", "_seq")
    return replace(sequence, name=_free(database, table, suffix))


def _column(column: Column, before: Iterable[Sequence], after: Iterable[Sequence]) -> Column:
    """Return the column whose default uses the new sequences."""
    if column.default is None:
        return column
    names = {
        TableName.parse(old.name): TableName.parse(new.name)
        for old, new in zip(before, after, strict=True)
    }

    def renamed_sequence(found: re.Match[str]) -> str:
        name = names.get(TableName.parse(found["name"].replace("''", "'")))
        return "'" + name.sql.replace("'", "''") + "'::regclass" if name else found[0]

    return replace(column, default=_REGCLASS.sub(renamed_sequence, column.default))


def _partition(partition: Partition, names: dict[str, str]) -> Partition:
    return replace(partition, name=names[partition.name], parent=names.get(partition.parent, ""))

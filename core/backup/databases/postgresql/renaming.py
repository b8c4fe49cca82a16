"""A schema for a copy of a table under another name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from core.backup.databases.base import Database
from core.backup.databases.grants import PARTITION, SEQUENCE, with_names
from core.backup.databases.postgresql.names import TableName, with_suffix
from core.model.tables import Column, ForeignKey, Index, Partition, Sequence, TableSchema

_REGCLASS = re.compile(r"'(?P<name>(?:[^']|'')+)'::regclass")


def renamed(schema: TableSchema, name: str, database: Database) -> TableSchema:
    """Return the schema of a new table: indexes, sequences and partitions get free names."""
    target = TableName.parse(name)
    names = _Names(database)
    partitions = {
        partition.name: _free(names, target, f"_{TableName.parse(partition.name).name}")
        for partition in schema.partitions
    }
    sequences = tuple(_sequence(one, target, names) for one in schema.sequences)
    return replace(
        schema,
        table=name,
        columns=tuple(_column(column, schema.sequences, sequences) for column in schema.columns),
        foreign_keys=tuple(
            _self_reference(key, schema.table, target) for key in schema.foreign_keys
        ),
        indexes=tuple(_index(index, target, names) for index in schema.indexes),
        sequences=sequences,
        partitions=tuple(_partition(one, partitions) for one in schema.partitions),
        keys=tuple(
            replace(key, name=_free_constraint(names, target, key.name)) for key in schema.keys
        ),
        triggers=(),
        grants=_grants(schema, sequences, partitions),
    )


def _grants(
    schema: TableSchema, sequences: Iterable[Sequence], partitions: dict[str, str]
) -> tuple[str, ...]:
    """Return the grants, of which those on sequences and partitions name the new ones."""
    renamed_sequences = {
        old.name: new.name for old, new in zip(schema.sequences, sequences, strict=True)
    }
    grants = with_names(schema.grants, SEQUENCE, renamed_sequences)
    return with_names(grants, PARTITION, partitions)


class _Names:
    """Free names of a database: long names that are shortened must also differ from each other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._taken: set[str] = set()

    def exists(self, name: str) -> bool:
        """Return whether a name is in use or already planned."""
        return name in self._taken or self._database.exists(name)

    def free_name(self, wanted: str) -> str:
        """Return the name, with a number appended if it is in use, and plan it."""
        name, number = wanted, 1
        while self.exists(name):
            number += 1
            name = self._database.related_name(wanted, f"_{number}")
        self._taken.add(name)
        return name


def _free(names: _Names, table: TableName, suffix: str) -> str:
    return names.free_name(str(table.beside(suffix)))


def _free_constraint(names: _Names, table: TableName, name: str) -> str:
    """Return a free name for a key, whose index shares the names of tables."""
    place = TableName(table.schema, name)
    if not names.exists(str(place)):
        return name
    return TableName.parse(_free(names, table, f"_{name}")).name


def _self_reference(key: ForeignKey, own: str, target: TableName) -> ForeignKey:
    if key.table != own:
        return key
    head, _, rest = key.definition.partition(" REFERENCES ")
    columns = rest[rest.index("(") :]
    return replace(key, table=str(target), definition=f"{head} REFERENCES {target.sql}{columns}")


def _index(index: Index, table: TableName, names: _Names) -> Index:
    return replace(index, name=_free_constraint(names, table, index.name))


def _sequence(sequence: Sequence, table: TableName, names: _Names) -> Sequence:
    suffix = with_suffix(f"_{sequence.column}", "_seq")
    return replace(sequence, name=_free(names, table, suffix))


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

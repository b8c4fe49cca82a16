"""Statements that build a table from the data of a backup.

Every fragment is checked first, and each statement is sent alone, so that a forged definition
cannot run another statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from core.backup.databases.postgresql.catalog import NOT_STORED, ROW_SECURITY
from core.backup.databases.postgresql.names import (
    TableName,
    checked_definition,
    checked_fragment,
    checked_name,
    checked_type,
    literal,
    quoted,
    with_suffix,
)
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.user_types import create_types
from core.errors import Corrupt
from core.model.tables import Column, Partition, TableSchema
from core.model.tables import Sequence as NumberSequence

_KEYS = ("PRIMARY KEY ", "UNIQUE ", "EXCLUDE ")
_REGCLASS = re.compile(r"'(?P<name>(?:[^']|'')+)'::regclass")
_NEXT_VALUE = re.compile(rf"nextval\({_REGCLASS.pattern}\)")
_NUMBERING = {"always": "ALWAYS", "by default": "BY DEFAULT"}
_SEQUENCE_TYPES = frozenset(("smallint", "integer", "bigint"))


@dataclass(slots=True)
class Renames:
    """Objects of a new table that were created under other names: (kind, present, final name).

    The names of the former table are in use until the swap.
    """

    pairs: list[tuple[str, str, str]] = field(default_factory=list)

    def temporary(self, kind: str, final: str) -> str:
        """Return a unique name for an object that is renamed to `final` by the swap."""
        present = f"strongroom_{uuid4().hex}"
        self.pairs.append((kind, present, final))
        return present


def create_table(session: Session, schema: TableSchema) -> None:
    """Create the table without keys, checks, foreign keys, indexes and sequences.

    Raises:
        Conflict: A type exists with another definition.
        Corrupt: A definition is invalid.
        NotSupported: An extension is missing.
    """
    create_types(session, schema)
    name = TableName.parse(schema.table)
    partitions = (TableName.parse(partition.name).schema for partition in schema.partitions)
    for place in dict.fromkeys((name.schema, *partitions)):
        if not session.query("SELECT FROM pg_namespace WHERE nspname = $1", (place,)):
            session.query(f"CREATE SCHEMA {quoted(place)}")
    session.query(table_statement(schema, name.sql))
    for partition in schema.partitions:
        session.query(_partition_statement(partition, schema, name))


def build_temporary(session: Session, schema: TableSchema) -> None:
    """Create the table as a temporary one in a new transaction, without its partitions."""
    session.query("BEGIN")
    name = f"pg_temp.{quoted('strongroom_proof')}"
    parents = [key.table for key in schema.foreign_keys]
    # Only checked: a temporary table cannot refer to other tables.
    list(foreign_key_statements(schema, name, parents, ()))
    session.query(table_statement(schema, name, temporary=True))
    if schema.partition_key:
        return  # keys and indexes of a partitioned table need its partitions
    for statement in constraint_statements(schema, name, Renames()):
        session.query(statement)


def table_statement(schema: TableSchema, name: str, *, temporary: bool = False) -> str:
    """Return the statement that creates the bare table.

    Args:
        schema: The table.
        name: Its quoted name.
        temporary: Whether it belongs to the session only.
    """
    # These defaults are set when the sequences exist and have their names.
    numbered = {sequence.column for sequence in schema.sequences}
    columns = ", ".join(
        _column(
            column, default=column.name not in numbered and not _mentions_sequence(column, schema)
        )
        for column in schema.columns
    )
    kind = "TEMPORARY " if temporary else "UNLOGGED " if "unlogged" in schema.options else ""
    statement = f"CREATE {kind}TABLE {name} ({columns})"
    if schema.partition_key and not temporary:
        statement += f" PARTITION BY {_partition_key(schema.partition_key)}"
    storage = [
        option
        for option in schema.options
        if option not in ("unlogged", ROW_SECURITY) and not option.startswith(NOT_STORED)
    ]
    if storage and not temporary and not schema.partition_key:
        statement += f" WITH ({', '.join(checked_fragment(o, 'option') for o in storage)})"
    return statement


def partition_statement(schema: TableSchema, table: str) -> str:
    """Return the statement for a temporary table with the columns and the partition key of another."""
    name = f"pg_temp.{quoted('strongroom_partitioned')}"
    key = _partition_key(schema.partition_key)
    return f"CREATE TEMPORARY TABLE {name} (LIKE {table}) PARTITION BY {key}"


def _column(column: Column, *, default: bool) -> str:
    parts = [quoted(column.name), checked_type(column.type)]
    if column.collation:
        parts.append(f"COLLATE {checked_name(column.collation, 'collation')}")
    if column.generated is not None:
        expression = checked_fragment(column.generated, "generated column")
        kind = "STORED" if column.stored else "VIRTUAL"  # since version 18
        parts.append(f"GENERATED ALWAYS AS ({expression}) {kind}")
    elif column.default is not None and default:
        parts.append(f"DEFAULT ({checked_fragment(column.default, 'default')})")
    if column.not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def _partition_key(text: str) -> str:
    return checked_definition(text, "partition key", "RANGE ", "LIST ", "HASH ")


def _partition_statement(partition: Partition, schema: TableSchema, table: TableName) -> str:
    """Return the statement for a partition; it gets its final name by the swap."""
    shadow = partition_shadow(partition.name, schema, table)
    parent = partition_shadow(partition.parent, schema, table) if partition.parent else table
    bound = checked_definition(partition.bound, "partition bound", "FOR VALUES ", "DEFAULT")
    key = f" PARTITION BY {_partition_key(partition.key)}" if partition.key else ""
    return f"CREATE TABLE {shadow.sql} PARTITION OF {parent.sql} {bound}{key}"


def partition_shadow(partition: str, schema: TableSchema, table: TableName) -> TableName:
    """Return the name of a partition as long as its table is a shadow table, in its own schema."""
    numbers = {one.name: number for number, one in enumerate(schema.partitions)}
    return TableName(
        TableName.parse(partition).schema, table.beside(f"_p{numbers[partition]}").name
    )


def add_constraints(session: Session, schema: TableSchema, shadow: TableName) -> Renames:
    """Add keys, checks, indexes, sequences and comments after the rows were loaded.

    Returns:
        The names that the swap has to change.
    """
    renames = Renames()
    for statement in constraint_statements(schema, shadow.sql, renames):
        session.query(statement)
    for sequence in schema.sequences:
        for statement in _sequence_statements(sequence, schema, shadow, renames):
            session.query(statement)
    for statement in _comments(schema, shadow.sql):
        session.query(statement)
    return renames


def constraint_statements(schema: TableSchema, table: str, renames: Renames) -> Iterator[str]:
    """Yield the statements for keys, checks and indexes, under temporary names."""
    for key in schema.keys:
        name = quoted(renames.temporary("constraint", key.name))
        definition = checked_definition(key.definition, "key", *_KEYS)
        yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    for check in schema.checks:
        name = quoted(renames.temporary("constraint", check.name))
        definition = checked_definition(check.definition, "check", "CHECK ")
        # Rows that violate the check violated it in the backup too: they are restored unchanged.
        valid = "" if definition.endswith(" NOT VALID") else " NOT VALID"
        yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}{valid}"
    for index in schema.indexes:
        name = quoted(renames.temporary("index", index.name))
        unique = "UNIQUE " if index.unique else ""
        definition = checked_definition(index.definition, "index", "USING ")
        yield f"CREATE {unique}INDEX {name} ON {table} {definition}"


def _sequence_statements(
    sequence: NumberSequence, schema: TableSchema, table: TableName, renames: Renames
) -> Iterator[str]:
    final = TableName.parse(sequence.name)
    present = TableName(final.schema, renames.temporary("sequence", sequence.name))
    column = next((one for one in schema.columns if one.name == sequence.column), None)
    numbering = column.numbering if column is not None else ""
    valid = sequence.type in _SEQUENCE_TYPES and (not numbering or numbering in _NUMBERING)
    if column is None or not valid:
        raise Corrupt(f"The backup contains an invalid sequence for {schema.table}")
    options = (
        f"INCREMENT {sequence.increment} MINVALUE {sequence.minimum} MAXVALUE {sequence.maximum} "
        f"START {sequence.start} CACHE {sequence.cache} {'' if sequence.cycle else 'NO '}CYCLE"
    )
    place = f"{table.sql}.{quoted(column.name)}"
    alter = f"ALTER TABLE {table.sql} ALTER COLUMN {quoted(column.name)}"
    if numbering:
        kind = _NUMBERING[numbering]
        yield f"{alter} ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {present.sql} {options})"
    else:
        yield f"CREATE SEQUENCE {present.sql} AS {sequence.type} {options} OWNED BY {place}"
        if uses_sequence(column, sequence):
            yield f"{alter} SET DEFAULT nextval({literal(present.sql)}::regclass)"
    if sequence.last is not None:
        yield f"SELECT setval({literal(present.sql)}::regclass, {sequence.last}, true)"


def uses_sequence(column: Column, sequence: NumberSequence) -> bool:
    """Return whether the default of a column is the next value of the sequence, and nothing else."""
    found = _NEXT_VALUE.fullmatch(column.default or "")
    if not found:
        return False
    name = found["name"].replace("''", "'")
    return TableName.parse(name) == TableName.parse(sequence.name)


def _mentions_sequence(column: Column, schema: TableSchema) -> bool:
    """Return whether the default of a column uses a sequence of the table, also of another column."""
    names = {
        TableName.parse(found["name"].replace("''", "'"))
        for found in _REGCLASS.finditer(column.default or "")
    }
    return not names.isdisjoint(TableName.parse(one.name) for one in schema.sequences)


def other_defaults(schema: TableSchema) -> Iterator[str]:
    """Yield the statements for defaults that use a sequence of the table in an expression.

    They contain the name of the sequence, which it only has after the swap.
    """
    table = TableName.parse(schema.table).sql
    for column in schema.columns:
        owned = [sequence for sequence in schema.sequences if sequence.column == column.name]
        simple = any(uses_sequence(column, sequence) for sequence in owned)
        later = bool(owned) or _mentions_sequence(column, schema)
        if later and column.default is not None and not simple and not column.numbering:
            default = checked_fragment(column.default, "default")
            yield f"ALTER TABLE {table} ALTER COLUMN {quoted(column.name)} SET DEFAULT ({default})"


def _comments(schema: TableSchema, table: str) -> Iterator[str]:
    if schema.comment:
        yield f"COMMENT ON TABLE {table} IS {literal(schema.comment)}"
    for column in schema.columns:
        if column.comment:
            place = f"{table}.{quoted(column.name)}"
            yield f"COMMENT ON COLUMN {place} IS {literal(column.comment)}"


def foreign_key_statements(
    schema: TableSchema, table: str, present: Sequence[str], checked: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield names and statements of the foreign keys of the table, which are not yet checked.

    Args:
        schema: The table.
        table: Its quoted name.
        present: The tables that exist; keys to others are omitted.
        checked: The tables whose keys are checked at once, because they are partitioned.
    """
    for key in schema.foreign_keys:
        if key.table not in present:
            continue
        # PostgreSQL cannot defer the check of a key of or to a partitioned table.
        at_once = schema.partition_key or key.table in checked
        definition = checked_definition(key.definition, "foreign key", "FOREIGN KEY ")
        valid = "" if at_once or definition.endswith(" NOT VALID") else " NOT VALID"
        yield (
            key.name,
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted(key.name)} {definition}{valid}",
        )


_CHILD_KEY = """
SELECT k.conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND (k.conname = $3 AND k.conparentid <> 0
  OR starts_with(k.conname, $3 || '_'))
"""


def free_key_name(session: Session, table: TableName, name: str) -> None:
    """Rename a key to a partition that has the name which another key of the table is to get.

    For a key to a partitioned table the server creates one to each partition, whose names are the
    first free ones of the form that it chooses for keys without a name.
    """
    taken = {row[0] for row in session.query(_CHILD_KEY, (table.schema, table.name, name))}
    if name in taken:
        number = 1
        while (other := with_suffix(name, f"_{number}")) in taken:
            number += 1
        session.query(
            f"ALTER TABLE {table.sql} RENAME CONSTRAINT {quoted(name)} TO {quoted(other)}"
        )


def ddl_text(schema: TableSchema) -> str:
    """Return the definition of a table for reading; it is never executed."""
    name = TableName.parse(schema.table).sql
    renames = Renames()
    lines = [table_statement(schema, name)]
    lines += constraint_statements(schema, name, renames)
    parents = [key.table for key in schema.foreign_keys]
    lines += [text for _, text in foreign_key_statements(schema, name, parents, ())]
    # Only a restore creates checks and foreign keys without checking the rows.
    text = ";\n".join(line.removesuffix(" NOT VALID") for line in lines)
    for _kind, present, final in renames.pairs:
        text = text.replace(quoted(present), quoted(final))
    triggers = [trigger.definition for trigger in schema.triggers]
    return ";\n".join((text, *triggers)) + ";\n"

"""Types of the temporary table for a comparison, if the database has a type otherwise or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.backup.databases.postgresql.names import TableName, checked_type
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.user_types import create_type, type_refusals, used_by
from core.errors import DatabaseError, NotFound
from core.model.tables import Column, TableSchema

_TEXT = "text"


def with_usable_types(session: Session, schema: TableSchema) -> TableSchema:
    """Create the missing types of a table, and replace those that cannot hold the backup's values.

    A domain with another definition is replaced by its base type, every other type by `text`, in
    which the values have the form in which they are compared.

    Args:
        session: A connection in a transaction that is rolled back.
        schema: The schema of a backup.
    """
    refused = {TableName.parse(name) for name in _unusable_types(session, schema)}
    if not refused:
        return schema
    bases = {TableName.parse(one.name): one.base for one in schema.types if one.kind == "domain"}

    def is_usable(used: Sequence[TableName]) -> bool:
        return bool(used) and refused.isdisjoint(used)

    def usable(column: Column) -> Column:
        used = used_by(session, checked_type(column.type))
        if is_usable(used):
            return column
        base = bases.get(used[0]) if used else None
        if base is not None and is_usable(used_by(session, checked_type(base))):
            return replace(column, type=base, default=None)
        return replace(column, type=_TEXT, default=None, collation=None)

    # Computed columns are not compared, and their expressions may need the original types.
    return replace(schema, columns=tuple(map(usable, schema.stored)))


def with_plain_columns(session: Session, schema: TableSchema) -> TableSchema:
    """Return a table without computed columns, defaults, and collations that do not exist."""

    def plain(column: Column) -> Column:
        exists = "SELECT to_regcollation($1)::oid"
        collation = column.collation
        if collation and session.value(exists, (collation,)) is None:
            collation = None
        return replace(column, default=None, collation=collation)

    return replace(schema, columns=tuple(map(plain, schema.stored)))


def _unusable_types(session: Session, schema: TableSchema) -> set[str]:
    """Create the missing types; return those that differ, are missing, or cannot be created."""
    refused = {dependant.name for dependant, _ in type_refusals(session, schema)}
    for wanted in schema.types:
        if not used_by(session, TableName.parse(wanted.name).sql):
            try:
                with savepoint(session):
                    create_type(session, wanted)
            except (DatabaseError, NotFound):  # it uses a type that is missing or differs
                refused.add(wanted.name)
    return refused

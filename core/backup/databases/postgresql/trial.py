"""Trial of the definitions of a table, in a transaction that is rolled back.

A restore is refused if a function, a collation or another object is missing that they use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.backup.databases.postgresql.build import (
    Renames,
    constraint_statements,
    partition_statement,
    table_statement,
)
from core.backup.databases.postgresql.names import TableName
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.user_types import create_type, type_refusals, used_by
from core.errors import Corrupt, DatabaseError, NotFound, StorageError
from core.model.database import Dependant
from core.model.tables import TableSchema

_TRIAL = 'pg_temp."strongroom_trial"'


def refused_definitions(session: Session, schema: TableSchema) -> tuple[Dependant, ...]:
    """Return what prevents a restore of a table, each with the text of the refusal.

    Args:
        session: A connection without a transaction, which may be read-only.
        schema: The schema of a backup.
    """
    found = [dependant for dependant, _ in type_refusals(session, schema)]
    if found:  # columns of these types cannot be tried
        return tuple(found)
    session.query("BEGIN READ WRITE")
    try:
        for wanted in schema.types:
            if not used_by(session, TableName.parse(wanted.name).sql):
                with _listing(session, "type", wanted.name, found):
                    create_type(session, wanted)
        if not found:
            with _listing(session, "table", schema.table, found):
                session.query(table_statement(schema, _TRIAL, temporary=True))
        if not found:
            _try_constraints(session, schema, found)
    finally:
        session.query("ROLLBACK")
    return tuple(found)


def _try_constraints(session: Session, schema: TableSchema, found: list[Dependant]) -> None:
    if schema.partition_key:
        with _listing(session, "partition key of", schema.table, found):
            session.query(partition_statement(schema, _TRIAL))
    renames = Renames()
    for statement in constraint_statements(schema, _TRIAL, renames):
        kind, _, name = renames.pairs[-1]
        with _listing(session, kind, name, found):
            session.query(statement)


@contextmanager
def _listing(session: Session, kind: str, name: str, found: list[Dependant]) -> Iterator[None]:
    """Append an error of the block to a list; the transaction is as it was before."""
    try:
        with savepoint(session):
            yield
    except (Corrupt, DatabaseError, NotFound) as error:
        found.append(Dependant(kind, name, _text(error)))


def _text(error: StorageError) -> str:
    return f"{error.reason} {error.remedy}".strip()

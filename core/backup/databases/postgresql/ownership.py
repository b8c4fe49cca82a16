"""The owner and the grants of a backup, which a restored table gets on request."""

from __future__ import annotations

from collections.abc import Iterator

from core.backup.databases.grants import Grant
from core.backup.databases.postgresql.catalog import require_relation
from core.backup.databases.postgresql.grants import revoke_all, statements_of
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.savepoint import attempted
from core.backup.databases.postgresql.session import Session
from core.model.tables import TableSchema


def apply_ownership(session: Session, schema: TableSchema) -> Iterator[str]:
    """Give a table the owner and the grants of its schema, if it has any; yield what failed.

    Roles and privileges are data: a name is quoted, and never part of a statement as it is.

    Raises:
        Corrupt: A grant is not one of the table or of one of its objects.
    """
    statements = [
        each for text in schema.grants for each in statements_of(Grant.parse(text), schema)
    ]
    if not schema.owner and not statements:
        return
    # The owner first: as another role, the user could not grant anything afterwards.
    if schema.owner and not _owned(session, schema):
        yield f"owner {schema.owner}"
    # Those of the table that was replaced, or of ALTER DEFAULT PRIVILEGES.
    revoke_all(session, require_relation(session, TableName.parse(schema.table)).oid)
    for statement, what in statements:
        if not attempted(session, statement):
            yield f"grant of {what}"


def _owned(session: Session, schema: TableSchema) -> bool:
    """Change the owner of a table and its partitions; return whether that was possible."""
    names = (schema.table, *(partition.name for partition in schema.partitions))
    statements = (
        f"ALTER TABLE {TableName.parse(name).sql} OWNER TO {quoted(schema.owner)}" for name in names
    )
    return all(attempted(session, statement) for statement in statements)

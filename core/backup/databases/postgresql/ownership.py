"""The owner and the grants of a backup, which a restored table gets on request."""

from __future__ import annotations

from collections.abc import Iterator

from core.backup.databases.postgresql.catalog import require_relation
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.takeover import attempted
from core.errors import Corrupt
from core.model.tables import TableSchema

_PRIVILEGES = frozenset(
    (
        "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
    )
)  # fmt: skip
#: Those of the table that was replaced, or of ALTER DEFAULT PRIVILEGES.
_PRESENT = """
SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = $1 AND g.grantee <> c.relowner
"""


def apply_ownership(session: Session, schema: TableSchema) -> Iterator[str]:
    """Give a table the owner and the grants of its schema, if it has any; yield what failed.

    Roles and privileges are data: a name is quoted, and never part of a statement as it is.

    Raises:
        Corrupt: A grant is not one of a table.
    """
    grants = [grant for text in schema.grants for grant in _grants(text)]
    if not schema.owner and not grants:
        return
    table = TableName.parse(schema.table)
    # The owner first: as another role, the user could not grant anything afterwards.
    if schema.owner and not _owned(session, schema):
        yield f"owner {schema.owner}"
    relation = require_relation(session, table)
    for (role,) in session.query(_PRESENT, (relation.oid,)):
        session.query(f"REVOKE ALL ON {table.sql} FROM {role}")
    for privilege, role in grants:
        if not attempted(session, f"GRANT {privilege} ON {table.sql} TO {role}"):
            yield f"grant of {privilege} to {role}"


def _owned(session: Session, schema: TableSchema) -> bool:
    """Change the owner of a table and its partitions; return whether that was possible."""
    names = (schema.table, *(partition.name for partition in schema.partitions))
    statements = (
        f"ALTER TABLE {TableName.parse(name).sql} OWNER TO {quoted(schema.owner)}" for name in names
    )
    return all(attempted(session, statement) for statement in statements)


def _grants(text: str) -> Iterator[tuple[str, str]]:
    """Yield the privileges of a recorded grant, each with its role as SQL."""
    role, _, privileges = text.rpartition(":")
    if role != "PUBLIC":  # a role of this name would be recorded in quotation marks
        if role.startswith('"') and role.endswith('"') and len(role) > 1:
            role = role[1:-1].replace('""', '"')
        role = quoted(role)
    for privilege in privileges.split(","):
        if privilege not in _PRIVILEGES:
            raise Corrupt(
                "The backup contains an invalid grant",
                cause=f"{text[:100]!r} is not a privilege of a table.",
                remedy="Restore without the owner and the grants of the backup.",
            )
        yield privilege, role

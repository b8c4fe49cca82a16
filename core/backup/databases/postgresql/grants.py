"""Privileges on a table, its columns, sequences and partitions: read, revoked and granted."""

from __future__ import annotations

from collections.abc import Iterator

from core.backup.databases.grants import COLUMN, PARTITION, SEQUENCE, Grant
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.session import Session
from core.model.tables import TableSchema

_OF_TABLES = frozenset(
    (
        "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
    )
)  # fmt: skip
_PRIVILEGES = {
    "": _OF_TABLES,
    PARTITION: _OF_TABLES,
    COLUMN: frozenset(("SELECT", "INSERT", "UPDATE", "REFERENCES")),
    SEQUENCE: frozenset(("SELECT", "UPDATE", "USAGE")),
}
_GRANTS = """
WITH objects (kind, schema, name, acl, owner, number) AS (
  SELECT '', ''::text, ''::text, c.relacl, c.relowner, 0 FROM pg_class c WHERE c.oid = $1
  UNION ALL SELECT 'column', '', a.attname::text, a.attacl, c.relowner, a.attnum::int
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.oid = $1 AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'sequence', n.nspname::text, s.relname::text, s.relacl, s.relowner, 0
  FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_namespace n ON n.oid = s.relnamespace
  WHERE d.refobjid = $1 AND d.refclassid = 'pg_class'::regclass
    AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  UNION ALL SELECT 'partition', n.nspname::text, c.relname::text, c.relacl, c.relowner, 0
  FROM pg_partition_tree($1) t JOIN pg_class c ON c.oid = t.relid
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.level > 0
)
SELECT o.kind, o.schema, o.name,
  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
  array_agg(DISTINCT g.privilege_type || CASE WHEN g.is_grantable THEN '*' ELSE '' END)
FROM objects o, aclexplode(o.acl) g WHERE g.grantee <> o.owner
GROUP BY o.kind, o.schema, o.name, o.number, g.grantee
ORDER BY o.kind, o.schema, o.number, o.name, 4
"""
#: For each role that has a privilege on the table or on one of its objects. Those on columns are
#: revoked with the ones on their table. Source: PostgreSQL manual, REVOKE.
_REVOCATIONS = """
WITH objects AS (
  SELECT c.* FROM pg_class c WHERE c.oid = $1
    OR c.oid IN (SELECT relid FROM pg_partition_tree($1))
    OR c.relkind = 'S' AND c.oid IN (
      SELECT objid FROM pg_depend WHERE refobjid = $1 AND refclassid = 'pg_class'::regclass
        AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i'))
), grantees AS (
  SELECT o.oid, o.relkind, g.grantee FROM objects o, aclexplode(o.relacl) g
  WHERE g.grantee <> o.relowner
  UNION SELECT o.oid, o.relkind, g.grantee FROM objects o
  JOIN pg_attribute a ON a.attrelid = o.oid, aclexplode(a.attacl) g WHERE g.grantee <> o.relowner
)
SELECT format('REVOKE ALL ON %s %s FROM %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
  oid::regclass,
  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM grantees ORDER BY 1
"""


def grants_of(session: Session, oid: int) -> tuple[str, ...]:
    """Return the grants on a table, its columns, sequences and partitions, as a backup records them.

    Those of the owner are not included.
    """
    found = []
    for kind, schema, name, role, privileges in session.query(_GRANTS, (oid,)):
        full = str(TableName(schema, name)) if schema else name
        found.append(str(Grant(role, tuple(privileges), kind, full)))
    return tuple(found)


def revoke_all(session: Session, oid: int) -> None:
    """Revoke the privileges of all roles except the owner."""
    for (statement,) in session.query(_REVOCATIONS, (oid,)):
        session.query(statement)


def statements_of(grant: Grant, schema: TableSchema) -> Iterator[tuple[str, str]]:
    """Yield the statement for each privilege of a grant, and what it grants to whom.

    Raises:
        Corrupt: It is not a privilege on the table or on one of its objects.
    """
    names = {
        COLUMN: [column.name for column in schema.columns],
        SEQUENCE: [sequence.name for sequence in schema.sequences],
        PARTITION: [partition.name for partition in schema.partitions],
    }
    role, place = _role(grant.role), f" on {grant.kind} {grant.name}" if grant.kind else ""
    for privilege, grantable in grant.checked(_PRIVILEGES, names):
        option = " WITH GRANT OPTION" if grantable else ""
        what = f"{privilege}{place} to {role}"
        yield f"GRANT {privilege}{_object(grant, schema)} TO {role}{option}", what


def _object(grant: Grant, schema: TableSchema) -> str:
    """Return the end of a privilege and the object to which a grant applies, for a statement."""
    if grant.kind == SEQUENCE:
        return f" ON SEQUENCE {TableName.parse(grant.name).sql}"
    if grant.kind == PARTITION:
        return f" ON {TableName.parse(grant.name).sql}"
    column = f" ({quoted(grant.name)})" if grant.kind == COLUMN else ""
    return f"{column} ON {TableName.parse(schema.table).sql}"


def _role(role: str) -> str:
    """Return a recorded role as SQL."""
    if role == "PUBLIC":  # a role of this name would be recorded in quotation marks
        return role
    if role.startswith('"') and role.endswith('"') and len(role) > 1:
        role = role[1:-1].replace('""', '"')
    return quoted(role)

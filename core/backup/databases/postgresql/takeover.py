"""What a restored table takes over from the table it replaces, and what a backup does not contain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.backup.databases.grants import described_grants
from core.backup.databases.postgresql.catalog import (
    NOT_STORED,
    ROW_SECURITY,
    Relation,
    require_relation,
)
from core.backup.databases.postgresql.grants import revoke_all
from core.backup.databases.postgresql.names import TableName
from core.backup.databases.postgresql.savepoint import attempted
from core.backup.databases.postgresql.session import Session
from core.model.database import Dependant
from core.model.tables import TableSchema

#: Rows (kind and name of the object that must exist, statement). The names are the final ones, so
#: the statements are read before the swap and run after it.
_STATEMENTS = """
WITH t AS (
  SELECT c.oid::regclass::text AS name, c.* FROM pg_class c WHERE c.oid = $1
), s AS (
  SELECT q.oid::regclass::text AS name, q.* FROM pg_depend d
  JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
  WHERE d.refobjid = $1 AND d.refclassid = 'pg_class'::regclass
    AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
)
SELECT '', '', format('ALTER TABLE %s OWNER TO %I', name, pg_get_userbyid(relowner)) FROM t
UNION ALL SELECT '', '', format('GRANT %s ON %s TO %s%s', g.privilege_type, name,
  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
  CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM t, aclexplode(relacl) g WHERE g.grantee <> relowner
UNION ALL SELECT 'column', a.attname::text, format('GRANT %s (%I) ON %s TO %s%s', g.privilege_type,
  a.attname, name,
  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
  CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM t JOIN pg_attribute a ON a.attrelid = t.oid, aclexplode(a.attacl) g
  WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'sequence', relname::text, format('GRANT %s ON SEQUENCE %s TO %s%s', g.privilege_type, name,
  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
  CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM s, aclexplode(relacl) g WHERE g.grantee <> relowner
UNION ALL SELECT 'column', a.attname::text, format('ALTER TABLE %s ALTER COLUMN %I SET %s', name,
  a.attname, x.setting)
  FROM t JOIN pg_attribute a ON a.attrelid = t.oid JOIN pg_type y ON y.oid = a.atttypid,
  LATERAL (
    SELECT 'STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
      WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END WHERE a.attstorage <> y.typstorage
    UNION ALL SELECT 'COMPRESSION ' || CASE to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz'
      ELSE 'lz4' END WHERE to_jsonb(a) ->> 'attcompression' IN ('p', 'l')
    UNION ALL SELECT 'STATISTICS ' || a.attstattarget WHERE a.attstattarget >= 0
    UNION ALL SELECT '(' || array_to_string(a.attoptions, ', ') || ')'
      WHERE a.attoptions IS NOT NULL
  ) x(setting) WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index', c.relname::text, format('ALTER TABLE %s %s %I', t.name,
  x.setting, c.relname)
  FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid,
  LATERAL (SELECT 'CLUSTER ON' WHERE i.indisclustered
    UNION ALL SELECT 'REPLICA IDENTITY USING INDEX' WHERE i.indisreplident) x(setting)
UNION ALL SELECT '', '', format('ALTER TABLE %s REPLICA IDENTITY %s', name,
  CASE relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
  FROM t WHERE relreplident IN ('f', 'n')
UNION ALL SELECT '', '', pg_get_ruledef(r.oid) FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
UNION ALL SELECT '', '', format('ALTER TABLE %s %s RULE %I', name,
  CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
  r.rulename) FROM t JOIN pg_rewrite r ON r.ev_class = t.oid WHERE r.ev_enabled <> 'O'
UNION ALL SELECT '', '', format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', polname, name,
  CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
  CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
    WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
  CASE WHEN polroles = '{0}' THEN 'PUBLIC' ELSE
    (SELECT string_agg(quote_ident(pg_get_userbyid(r)), ', ') FROM unnest(polroles) r) END,
  coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', ''),
  coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', ''))
  FROM t JOIN pg_policy ON polrelid = t.oid
UNION ALL SELECT '', '', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name)
  FROM t WHERE relrowsecurity
UNION ALL SELECT '', '', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name)
  FROM t WHERE relforcerowsecurity
UNION ALL SELECT 'statistics', e.stxname::text, pg_get_statisticsobjdef(e.oid)
  FROM t JOIN pg_statistic_ext e ON e.stxrelid = t.oid
UNION ALL SELECT 'statistics', e.stxname::text, format('ALTER STATISTICS %I.%I SET STATISTICS %s',
  n.nspname, e.stxname, to_jsonb(e) ->> 'stxstattarget') FROM t JOIN pg_statistic_ext e ON e.stxrelid = t.oid
  JOIN pg_namespace n ON n.oid = e.stxnamespace WHERE (to_jsonb(e) ->> 'stxstattarget')::int >= 0
UNION ALL SELECT 'statistics', e.stxname::text, format('COMMENT ON STATISTICS %I.%I IS %L', n.nspname,
  e.stxname, d.description) FROM t JOIN pg_statistic_ext e ON e.stxrelid = t.oid
  JOIN pg_namespace n ON n.oid = e.stxnamespace
  JOIN pg_description d ON d.objoid = e.oid AND d.classoid = 'pg_statistic_ext'::regclass
UNION ALL SELECT '', '', format('COMMENT ON RULE %I ON %s IS %L', r.rulename, name, d.description)
  FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
  JOIN pg_description d ON d.objoid = r.oid AND d.classoid = 'pg_rewrite'::regclass
UNION ALL SELECT '', '', format('COMMENT ON POLICY %I ON %s IS %L', polname, name, d.description)
  FROM t JOIN pg_policy p ON p.polrelid = t.oid
  JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass
UNION ALL SELECT 'sequence', relname::text, format('COMMENT ON SEQUENCE %s IS %L', name, d.description)
  FROM s JOIN pg_description d ON d.objoid = s.oid AND d.classoid = 'pg_class'::regclass
UNION ALL SELECT 'index', c.relname::text, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s',
  i.indexrelid::regclass, a.attnum, a.attstattarget) FROM t JOIN pg_index i ON i.indrelid = t.oid
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attstattarget >= 0
  WHERE i.indkey[a.attnum - 1] = 0
UNION ALL SELECT 'constraint', k.conname::text, format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname,
  name, d.description) FROM t JOIN pg_constraint k ON k.conrelid = t.oid
  JOIN pg_description d ON d.objoid = k.oid AND d.classoid = 'pg_constraint'::regclass
UNION ALL SELECT 'index', c.relname::text, format('COMMENT ON INDEX %s IS %L',
  i.indexrelid::regclass, d.description) FROM t JOIN pg_index i ON i.indrelid = t.oid
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_description d ON d.objoid = i.indexrelid AND d.classoid = 'pg_class'::regclass
UNION ALL SELECT 'trigger', g.tgname::text, format('COMMENT ON TRIGGER %I ON %s IS %L', g.tgname, name,
  d.description) FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
  JOIN pg_description d ON d.objoid = g.oid AND d.classoid = 'pg_trigger'::regclass
"""
_PARTITIONS = """
SELECT c.oid, n.nspname::text, c.relname::text FROM pg_partition_tree($1) p
JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.level > 0
"""
#: Properties that a backup does not contain, and whether a restore in place takes them over.
_MOVED = {
    "rules": True,
    "extended statistics": True,
    "replica identity": True,
    "settings of columns": True,
    "order of CLUSTER": True,
    "states of triggers": True,
    "comments of constraints and indexes": True,
    "inheritance": False,
    "tablespace": False,
    "type of the table": False,
    "invalid indexes": False,
    "separate definitions of partitions": False,
}
_LOST = "It is not part of the backup: define it again after the restore."


@dataclass(slots=True)
class Takeover:
    """Statements that give a new table what the present one has besides its schema."""

    statements: list[tuple[str, str, str]]

    @classmethod
    def read(cls, session: Session, today: Relation) -> Takeover:
        """Return the statements for a table and its partitions, under their present names."""
        rows = [(kind, name, text) for kind, name, text in session.query(_STATEMENTS, (today.oid,))]
        partitions = session.query(_PARTITIONS, (today.oid,)) if today.kind == "p" else []
        for oid, schema, partition in partitions:
            name = str(TableName(schema, partition))
            # Indexes and constraints of a partition are created from those of the table.
            rows += [
                ("partition", name, text)
                for kind, _, text in session.query(_STATEMENTS, (oid,))
                if not kind
            ]
        return cls(rows)

    def apply(self, session: Session, schema: TableSchema) -> Iterator[str]:
        """Run the statements whose objects exist; yield what could not be taken over."""
        table = require_relation(session, TableName.parse(schema.table))
        revoke_all(session, table.oid)  # those by ALTER DEFAULT PRIVILEGES
        present = _names(schema)
        failed: dict[str, None] = {}  # statistics that fail have more statements, which fail too
        for kind, name, statement in self.statements:
            if kind == "statistics":
                if not attempted(session, statement):
                    failed[f"{kind} {name}"] = None
            elif not kind or (kind, name) in present:
                session.query(statement)
        yield from failed


def _names(schema: TableSchema) -> set[tuple[str, str]]:
    names = {("column", column.name) for column in schema.columns}
    names |= {("partition", partition.name) for partition in schema.partitions}
    names |= {("trigger", trigger.name) for trigger in schema.triggers}
    for named in (schema.keys, schema.checks, schema.foreign_keys):
        names |= {("constraint", constraint.name) for constraint in named}
    names |= {("index", index.name) for index in schema.indexes}
    names |= {("index", key.name) for key in schema.keys}
    return names | {("sequence", TableName.parse(one.name).name) for one in schema.sequences}


def losses(session: Session, schema: TableSchema, *, in_place: bool) -> Iterator[Dependant]:
    """Yield what a restore of the schema does not create, although the source had it."""
    for key in schema.foreign_keys:
        parent = TableName.parse(key.table).sql
        if session.value("SELECT to_regclass($1)::oid", (parent,)) is None:
            problem = f"It is not created, because there is no table {key.table}."
            yield Dependant("foreign key", key.name, problem)
    for option in schema.options:
        name = option.removeprefix(NOT_STORED)
        if option.startswith(NOT_STORED) and not (in_place and _MOVED.get(name)):
            yield Dependant("property", name, _LOST)
    if not in_place:
        yield from _lost_by_new_tables(session, schema)


def _lost_by_new_tables(session: Session, schema: TableSchema) -> Iterator[Dependant]:
    if ROW_SECURITY in schema.options:
        yield Dependant("property", ROW_SECURITY, _LOST)
    for role, privileges in described_grants(schema.grants):
        yield Dependant("grant", role, f"It is only restored on request: {privileges}.")
    user = session.value("SELECT current_user::text")
    if schema.owner and schema.owner != user:
        problem = f"The restored table belongs to {user}, unless the owner is requested."
        yield Dependant("owner", schema.owner, problem)

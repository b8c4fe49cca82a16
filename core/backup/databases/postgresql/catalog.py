"""Tables of a PostgreSQL database as data, from its system catalogs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.backup.databases.postgresql import user_types
from core.backup.databases.postgresql.grants import grants_of
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.session import Session
from core.errors import NotFound, NotSupported
from core.model.tables import (
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    KeyPart,
    Partition,
    Sequence,
    TableSchema,
    Trigger,
)

_RELATION = """
SELECT c.oid, c.relkind::text, c.relpersistence::text, c.relispartition, c.relrowsecurity,
  array_cat(c.reloptions, ARRAY(SELECT 'toast.' || o FROM pg_class x, unnest(x.reloptions) o
    WHERE x.oid = c.reltoastrelid)::text[])::text[], pg_get_userbyid(c.relowner)::text, obj_description(c.oid, 'pg_class'),
  pg_get_partkeydef(c.oid),
  EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
"""
#: A default refers to no column, so its text is written without the table: with it the server
#: compares all names of columns with each other for each default, up to version 17. Of 1,500 that
#: took 33 s.
_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE d.adrelid END),
  a.attidentity::text, a.attgenerated::text,
  CASE WHEN a.attcollation <> t.typcollation
    THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END,
  col_description(a.attrelid, a.attnum)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
#: The constraints of tables, without an order; a caller adds conditions.
CONSTRAINTS = """
SELECT c.conname::text, c.contype::text, pg_get_constraintdef(c.oid),
  ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, i)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i),
  ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, i)
    JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i),
  fn.nspname::text, f.relname::text, c.confdeltype::text, n.nspname::text, r.relname::text
FROM pg_constraint c
JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
LEFT JOIN pg_class f ON f.oid = c.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE c.contype IN ('p', 'u', 'x', 'c', 'f') AND c.conparentid = 0
"""
#: The actions of foreign keys by their letter in `pg_constraint`.
ACTIONS = {"a": "", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", " ": ""}
_INDEXES = """
SELECT c.relname::text, i.indisunique, pg_get_indexdef(i.indexrelid),
  format('CREATE %sINDEX %I ON %s%I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
    c.relname, CASE WHEN t.relkind = 'p' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE i.indrelid = $1 AND (i.indisvalid OR t.relkind = 'p') AND NOT EXISTS (
  SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 1
"""
_TRIGGERS = """
SELECT tgname::text, pg_get_triggerdef(oid), tgtype FROM pg_trigger
WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY 1
"""
_SEQUENCES = """
SELECT a.attname::text, n.nspname::text, s.relname::text, format_type(q.seqtypid, NULL),
  q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace n ON n.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refobjid = $1 AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass
  AND d.deptype IN ('a', 'i')
ORDER BY a.attnum
"""
_PARTITIONS = """
SELECT n.nspname::text, c.relname::text, pn.nspname::text, p.relname::text,
  pg_get_expr(c.relpartbound, c.oid), coalesce(pg_get_partkeydef(c.oid), '')
FROM pg_partition_tree($1) t JOIN pg_class c ON c.oid = t.relid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = t.parentrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE t.level > 0 ORDER BY t.level, 1, 2
"""
#: Properties of a table that a backup only mentions, so that a restore can report them.
_NOT_STORED = """
WITH t AS (SELECT * FROM pg_class WHERE oid = $1)
SELECT 'rules' FROM t WHERE EXISTS (SELECT FROM pg_rewrite WHERE ev_class = t.oid)
UNION ALL SELECT 'extended statistics' FROM t
  WHERE EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = t.oid)
UNION ALL SELECT 'replica identity' FROM t WHERE relreplident <> 'd'
UNION ALL SELECT 'settings of columns' FROM t WHERE EXISTS (
  SELECT FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = t.oid
    AND a.attnum > 0 AND (a.attstorage <> y.typstorage OR a.attstattarget > 0
    OR a.attoptions IS NOT NULL OR to_jsonb(a) ->> 'attcompression' IN ('p', 'l')))
UNION ALL SELECT 'order of CLUSTER' FROM t
  WHERE EXISTS (SELECT FROM pg_index WHERE indrelid = t.oid AND indisclustered)
UNION ALL SELECT 'states of triggers' FROM t WHERE EXISTS (
  SELECT FROM pg_trigger WHERE tgrelid = t.oid AND NOT tgisinternal AND tgenabled <> 'O')
UNION ALL SELECT 'comments of constraints and indexes' FROM t WHERE EXISTS (
  SELECT FROM (
    SELECT oid FROM pg_constraint WHERE conrelid = t.oid UNION ALL
    SELECT indexrelid FROM pg_index WHERE indrelid = t.oid UNION ALL
    SELECT oid FROM pg_trigger WHERE tgrelid = t.oid) o
  JOIN pg_description d ON d.objoid = o.oid)
UNION ALL SELECT 'inheritance' FROM t
  WHERE relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = t.oid)
UNION ALL SELECT 'tablespace' FROM t WHERE reltablespace <> 0
UNION ALL SELECT 'type of the table' FROM t WHERE reloftype <> 0
UNION ALL SELECT 'invalid indexes' FROM t
  WHERE relkind = 'r' AND EXISTS (SELECT FROM pg_index WHERE indrelid = t.oid AND NOT indisvalid)
"""
#: What a partition has that its parent does not have.
_OF_PARTITIONS = """
SELECT 'separate definitions of partitions' WHERE EXISTS (
  SELECT FROM pg_partition_tree($1) p JOIN pg_class c ON c.oid = p.relid WHERE p.level > 0 AND (
    c.reloptions IS NOT NULL OR c.relpersistence = 'u'
    OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
      AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid))
    OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid
      AND k.contype IN ('c', 'f') AND k.conparentid = 0 AND k.coninhcount = 0)
    OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
      AND coalesce((to_jsonb(g) ->> 'tgparentid')::oid, 1) = 0)))
"""
_PARENTS = """
SELECT n.nspname::text, c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.inhrelid = $1 ORDER BY i.inhseqno
"""
_FOREIGN_PARTITION = """
SELECT p.relid::regclass::text FROM pg_partition_tree($1) p JOIN pg_class c ON c.oid = p.relid
WHERE c.relkind = 'f' LIMIT 1
"""
#: Meaning of the bits of pg_trigger.tgtype. Source: PostgreSQL, catalog/pg_trigger.h.
_EACH_ROW, _BEFORE, _INSTEAD = 1, 2, 64
_EVENTS = {4: "INSERT", 8: "DELETE", 16: "UPDATE", 32: "TRUNCATE"}
_UNSUPPORTED = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "i": "an index",
    "c": "a composite type",
}
ROW_SECURITY = "row level security"
#: Beginning of an option that names a property which the backup does not contain.
NOT_STORED = "not stored: "


@dataclass(frozen=True, slots=True)
class Relation:
    """A table in the catalog; `oid` identifies it as long as it exists."""

    oid: int
    name: TableName
    kind: str
    persistence: str
    is_partition: bool
    row_security: bool
    storage: tuple[str, ...]
    owner: str
    comment: str
    partition_key: str
    inherits: bool


def find_relation(session: Session, name: TableName) -> Relation | None:
    """Return the table, view or other relation of a name; None if there is none."""
    rows = session.query(_RELATION, (name.schema, name.name))
    if not rows:
        return None
    oid, kind, persistence, partition, security, storage, owner, comment, key, inherits = rows[0]
    return Relation(
        oid, name, kind, persistence, partition, security, tuple(storage or ()), owner,
        comment or "", key or "", inherits,
    )  # fmt: skip


def require_relation(session: Session, name: TableName) -> Relation:
    """Return the table of a name.

    Raises:
        NotFound: When it does not exist.
        NotSupported: When it is no table that can be backed up as one.
    """
    relation = find_relation(session, name)
    if relation is None:
        raise NotFound(
            f"There is no table {name}",
            remedy="Check the name; names are case-sensitive.",
            subject=str(session.address),
        )
    if relation.kind in _UNSUPPORTED:
        raise NotSupported(
            f"{name} is {_UNSUPPORTED[relation.kind]}, not a table",
            remedy="Back up the tables that contain the rows.",
        )
    if relation.is_partition:
        shown = session.value("SELECT pg_partition_root($1)::regclass::text", (relation.oid,))
        root = TableName.parse(shown)
        raise NotSupported(
            f"{name} is a partition of {root}",
            cause="Its rows are in the backup of the partitioned table.",
            remedy=f"Back up the table {root}.",
        )
    return relation


def parents_of(session: Session, relation: Relation) -> tuple[str, ...]:
    """Return the tables from which a table inherits (INHERITS), for a message."""
    if not relation.inherits or relation.kind != "r":
        return ()
    rows = session.query(_PARENTS, (relation.oid,))
    return tuple(str(TableName(schema, name)) for schema, name in rows)


def own_rows(schema: TableSchema) -> str:
    """Return what to select from for the rows of a table, without those of inheriting tables."""
    name = TableName.parse(schema.table).sql
    return name if schema.partition_key else f"ONLY {name}"


def read_schema(session: Session, name: TableName) -> TableSchema:
    """Return a table as data.

    Raises:
        NotFound: When it does not exist.
        NotSupported: When it cannot be backed up; the error names the cause.
    """
    relation = require_relation(session, name)
    oid = relation.oid
    columns = tuple(map(_column, session.query(_COLUMNS, (oid,))))
    _require_supported(session, relation, columns)
    keys, checks, foreign_keys = _constraints(session, oid)
    types, extensions = user_types.used_types(session, oid)
    return TableSchema(
        str(name),
        columns,
        keys=keys,
        checks=checks,
        foreign_keys=foreign_keys,
        indexes=tuple(_indexes(session, oid)),
        triggers=tuple(map(_trigger, session.query(_TRIGGERS, (oid,)))),
        options=(*_options(relation), *_not_stored(session, relation)),
        comment=relation.comment,
        owner=relation.owner,
        grants=grants_of(session, oid),
        sequences=tuple(_sequences(session, oid)),
        types=types,
        extensions=extensions,
        partition_key=relation.partition_key,
        partitions=tuple(_partitions(session, name, oid)) if relation.kind == "p" else (),
    )


def _column(row: list[Any]) -> Column:
    name, kind, not_null, expression, identity, generated, collation, comment = row
    return Column(
        name,
        kind,
        not_null=not_null,
        default=None if generated else expression,
        collation=collation,
        generated=expression if generated else None,
        stored=generated == "s",
        numbering={"a": "always", "d": "by default"}.get(identity, ""),
        comment=comment or "",
    )


def _constraints(
    session: Session, oid: int
) -> tuple[tuple[Key, ...], tuple[Check, ...], tuple[ForeignKey, ...]]:
    keys: list[Key] = []
    checks: list[Check] = []
    foreign: list[ForeignKey] = []
    statement = CONSTRAINTS + " AND c.conrelid = $1 ORDER BY c.contype DESC, 1"
    for name, kind, text, columns, parents, schema, table, action, *_ in session.query(
        statement, (oid,)
    ):
        if kind == "c":
            checks.append(Check(text.removeprefix("CHECK "), name, definition=text))
        elif kind == "f":
            parent = str(TableName(schema, table))
            foreign.append(
                ForeignKey(
                    tuple(columns), parent, tuple(parents), name, ACTIONS[action], definition=text
                )
            )
        else:
            parts = tuple(map(KeyPart, columns)) if kind != "x" else ()
            keys.append(Key(parts, kind == "p", name, definition=text))
    return tuple(keys), tuple(checks), tuple(foreign)


def _indexes(session: Session, oid: int) -> Iterator[Index]:
    for name, unique, text, prefix in session.query(_INDEXES, (oid,)):
        if not text.startswith(prefix):
            raise NotSupported(
                f"The definition of the index {name} cannot be read",
                cause=text[:200],
                remedy="Drop the index, or report this definition.",
            )
        yield Index(name, (), unique, definition=text.removeprefix(prefix))


def _trigger(row: list[Any]) -> Trigger:
    name, text, bits = row
    timing = "BEFORE" if bits & _BEFORE else "INSTEAD OF" if bits & _INSTEAD else "AFTER"
    event = " OR ".join(word for bit, word in _EVENTS.items() if bits & bit)
    body = text[text.rfind(" EXECUTE ") + 1 :]
    return Trigger(name, timing, event, body, each_row=bool(bits & _EACH_ROW), definition=text)


def _require_supported(session: Session, relation: Relation, columns: tuple[Column, ...]) -> None:
    if all(column.generated is not None for column in columns):
        raise NotSupported(
            f"The table {relation.name} has no columns with values",
            cause="COPY cannot read the number of its rows.",
            remedy="Add a column, for example one with numbers.",
        )
    if relation.persistence == "u" and session.value("SELECT pg_is_in_recovery()"):
        raise NotSupported(
            f"{relation.name} is an unlogged table, which has no rows on a standby server",
            cause="The primary server does not send the changes of unlogged tables.",
            remedy="Back it up from the primary server.",
        )
    foreign = session.value(_FOREIGN_PARTITION, (relation.oid,)) if relation.kind == "p" else None
    if foreign:
        raise NotSupported(
            f"{relation.name} has a partition on another server",
            cause=f"{foreign} is a foreign table.",
            remedy="Detach the partition, and back up its table on the other server.",
        )


def _not_stored(session: Session, relation: Relation) -> Iterator[str]:
    for (name,) in session.query(_NOT_STORED, (relation.oid,)):
        yield NOT_STORED + name
    if relation.kind == "p":
        for (name,) in session.query(_OF_PARTITIONS, (relation.oid,)):
            yield NOT_STORED + name


def _options(relation: Relation) -> Iterator[str]:
    if relation.persistence == "u":
        yield "unlogged"
    if relation.row_security:
        yield ROW_SECURITY
    yield from relation.storage


def _sequences(session: Session, oid: int) -> Iterator[Sequence]:
    for column, schema, name, kind, *numbers in session.query(_SEQUENCES, (oid,)):
        full = TableName(schema, name)
        last, called = session.query(f"SELECT last_value, is_called FROM {full.sql}")[0]  # noqa: S608 - quoted
        start, increment, low, high, cache, cycle = numbers
        recorded = last if called else None
        if not called:
            # The next value is `last`. A value before it may be outside the limits, so that the
            # sequence starts there instead.
            start = last
        yield Sequence(column, str(full), kind, start, increment, low, high, cache, cycle, recorded)


def _partitions(session: Session, table: TableName, oid: int) -> Iterator[Partition]:
    for schema, name, parent_schema, parent, bound, key in session.query(_PARTITIONS, (oid,)):
        above = TableName(parent_schema, parent)
        yield Partition(
            str(TableName(schema, name)), bound, "" if above == table else str(above), key
        )


def column_list(schema: TableSchema) -> str:
    """Return the names of the columns whose values a backup contains, for a statement."""
    return ", ".join(quoted(column.name) for column in schema.stored)

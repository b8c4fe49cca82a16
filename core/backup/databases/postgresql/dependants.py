"""Objects of a PostgreSQL database that are bound to a table, and how they move to another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.backup.databases.postgresql.build import free_key_name
from core.backup.databases.postgresql.catalog import ACTIONS, CONSTRAINTS, Relation, parents_of
from core.backup.databases.postgresql.names import TableName, literal, quoted
from core.backup.databases.postgresql.session import Session
from core.errors import NOTHING_CHANGED, Conflict, DatabaseError, NotFound, NotSupported
from core.model.database import Dependant, Reference
from core.model.tables import TableSchema

_FOREIGN_KEYS = """
SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid),
  c.relkind = 'p', coalesce(obj_description(k.oid, 'pg_constraint'), '')
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.confrelid = $1 AND k.contype = 'f' AND k.conrelid <> $1 AND k.conparentid = 0 ORDER BY 1, 2, 3
"""
_VIEWS = """
SELECT n.nspname::text, v.relname::text, v.relkind::text,
  CASE WHEN v.relkind IN ('v', 'm') THEN pg_get_viewdef(v.oid) ELSE r.rulename::text END,
  v.reloptions::text[],
  ARRAY(SELECT DISTINCT a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod)
    FROM pg_depend u JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = u.refobjsubid
    WHERE u.classid = 'pg_rewrite'::regclass AND u.objid = r.oid AND u.refobjid = $1
      AND u.refclassid = 'pg_class'::regclass AND u.refobjsubid > 0)
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
JOIN pg_namespace n ON n.oid = v.relnamespace
LEFT JOIN pg_type t ON t.typrelid = $1
WHERE ((d.refclassid = 'pg_class'::regclass AND d.refobjid = $1)
    OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)))
  AND d.classid = 'pg_rewrite'::regclass AND v.oid <> $1
GROUP BY n.nspname, v.relname, v.relkind, v.oid, v.reloptions, r.oid, r.rulename ORDER BY 1, 2
"""
#: Other objects that are bound to the table or to its row type, and cannot be moved.
_OTHERS = """
SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
LEFT JOIN pg_type t ON t.typrelid = $1
WHERE d.deptype = 'n' AND (
  (d.refclassid = 'pg_class'::regclass AND d.refobjid = $1)
  OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)))
AND d.classid <> 'pg_rewrite'::regclass
AND NOT (d.classid = 'pg_class'::regclass AND d.objid = $1)
AND NOT (d.classid = 'pg_constraint'::regclass)
AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (
  SELECT FROM pg_attrdef a WHERE a.oid = d.objid AND a.adrelid = $1))
AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (
  SELECT FROM pg_trigger g WHERE g.oid = d.objid AND (g.tgrelid = $1 OR g.tgisinternal)))
AND NOT (d.classid = 'pg_policy'::regclass AND EXISTS (
  SELECT FROM pg_policy p WHERE p.oid = d.objid AND p.polrelid = $1))
AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (
  SELECT FROM pg_index i WHERE i.indexrelid = d.objid AND i.indrelid = $1)) ORDER BY 1
"""
#: Defaults, functions and views outside of the table and its partitions that use its sequences.
_SEQUENCE_USERS = """
SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend s
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.objid
JOIN pg_class q ON q.oid = s.objid AND q.relkind = 'S'
WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = $1 AND s.deptype IN ('a', 'i')
  AND s.classid = 'pg_class'::regclass AND d.deptype = 'n'
  AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (
    SELECT FROM pg_attrdef a WHERE a.oid = d.objid AND (a.adrelid = $1
      OR a.adrelid IN (SELECT relid FROM pg_partition_tree($1))))) ORDER BY 1
"""
_PARTITIONS = "SELECT relid::oid FROM pg_partition_tree($1) WHERE level > 0"
_TRIGGERS = """
SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY 1
"""
#: Names of the publications that contain the table with an object id.
PUBLICATIONS = """
SELECT p.pubname::text FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prrelid = $1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class View:
    """A view and its definition; a materialized view cannot be replaced."""

    name: TableName
    definition: str
    options: tuple[str, ...] = ()
    materialized: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncomingKey:
    """A foreign key of another table."""

    table: TableName
    name: str
    definition: str
    partitioned: bool = False
    comment: str = ""


@dataclass(slots=True)
class Bindings:
    """Everything that is bound to a table; `others` are objects that cannot be moved."""

    foreign_keys: list[IncomingKey] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def require_movable(self, table: TableName) -> None:
        """Check that everything can be moved to another table.

        Raises:
            NotSupported: Something cannot; the error names it.
        """
        names = [*self.others]
        names += [f"materialized view {view.name}" for view in self.views if view.materialized]
        if names:
            raise NotSupported(
                f"Other objects of the database are bound to the present table {table}",
                cause=f"They would continue to use the former one: {', '.join(names[:10])}.",
                remedy="Drop these objects and create them again afterwards; a restore can also use a "
                "new name.",
                effect=NOTHING_CHANGED,
                subject=str(table),
            )

    @property
    def not_valid(self) -> set[tuple[str, str]]:
        """The foreign keys of other tables, as (table, name), that are NOT VALID."""
        return {
            (str(key.table), key.name)
            for key in self.foreign_keys
            if key.definition.endswith(" NOT VALID")
        }

    def detach(self, session: Session) -> None:
        """Drop the foreign keys of other tables, which would follow the former table."""
        for key in self.foreign_keys:
            session.query(f"ALTER TABLE {key.table.sql} DROP CONSTRAINT {quoted(key.name)}")

    def replace_views(self, session: Session) -> None:
        """Bind the views to the table that now has the name."""
        for view in self.views:
            options = f" WITH ({', '.join(view.options)})" if view.options else ""
            statement = (
                f"CREATE OR REPLACE VIEW {view.name.sql}{options} AS {view.definition.rstrip(';')}"
            )
            with _naming(f"The view {view.name} cannot use the restored table"):
                session.query(statement)

    def attach_foreign_keys(self, session: Session, *, partitioned: bool) -> None:
        """Create the foreign keys of other tables again, without a check of their rows.

        Args:
            session: A connection inside the transaction of the restore.
            partitioned: Whether the table is partitioned: then the rows are checked at once.
        """
        for key in self.foreign_keys:
            at_once = partitioned or key.partitioned
            valid = "" if at_once or key.definition.endswith(" NOT VALID") else " NOT VALID"
            name = quoted(key.name)
            free_key_name(session, key.table, key.name)
            with _naming(
                f"The foreign key {key.name} of {key.table} cannot use the restored table"
            ):
                session.query(
                    f"ALTER TABLE {key.table.sql} ADD CONSTRAINT {name} {key.definition}{valid}"
                )
            if key.comment:
                place = f"{name} ON {key.table.sql}"
                session.query(f"COMMENT ON CONSTRAINT {place} IS {literal(key.comment)}")


@contextmanager
def _naming(summary: str) -> Iterator[None]:
    """Name the object that cannot be bound to the restored table."""
    try:
        yield
    except (DatabaseError, NotFound) as error:
        raise Conflict(
            summary,
            cause=error.cause,
            remedy="Restore under a new name, or change the object first.",
            effect=NOTHING_CHANGED,
        ) from None


def read_bindings(session: Session, relation: Relation) -> Bindings:
    """Return everything that is bound to a table."""
    oid = relation.oid
    bindings = _bindings_of(session, oid)
    bindings.others += [row[0] for row in session.query(_SEQUENCE_USERS, (oid,))]
    bindings.others += [f"inheritance from {parent}" for parent in parents_of(session, relation)]
    for (partition,) in session.query(_PARTITIONS, (oid,)) if relation.kind == "p" else ():
        # The partitions of the restored table are others, to which nothing is moved.
        found = _bindings_of(session, partition)
        bindings.others += found.others
        bindings.others += [f"view {view.name}" for view in found.views]
        bindings.others += [f"foreign key {key.name} of {key.table}" for key in found.foreign_keys]
    return bindings


def _bindings_of(session: Session, oid: int) -> Bindings:
    keys = session.query(_FOREIGN_KEYS, (oid,))
    views = session.query(_VIEWS, (oid,))
    others = [row[0] for row in session.query(_OTHERS, (oid,))]
    others += [
        f"rule {row[3]} of {TableName(row[0], row[1])}" for row in views if row[2] not in "vm"
    ]
    return Bindings(
        [IncomingKey(TableName(row[0], row[1]), *row[2:]) for row in keys],
        [_view(row) for row in views if row[2] in "vm"],
        others,
    )


def _view(row: list[Any]) -> View:
    schema, name, kind, definition, options, columns = row
    return View(
        TableName(schema, name), definition, tuple(options or ()), kind == "m", tuple(columns)
    )


def dependants_of(
    session: Session, relation: Relation, restored: TableSchema | None = None
) -> Iterator[Dependant]:
    """Yield the dependants of a table; `problem` names what a restore in place cannot move.

    Args:
        session: An open connection.
        relation: The table.
        restored: The schema that a restore would give it; None if it does not change.
    """
    bindings = read_bindings(session, relation)
    blocked = "It is bound to the table, so that the table cannot be replaced."
    for key in bindings.foreign_keys:
        yield Dependant("foreign key", f"{key.name} of {key.table}")
    for view in bindings.views:
        if view.materialized:
            yield Dependant("materialized view", str(view.name), blocked, blocks=True)
        else:
            missing = _missing_columns(view, restored)
            yield Dependant("view", str(view.name), missing, blocks=bool(missing))
    for other in bindings.others:
        kind, _, name = other.partition(" ")
        yield Dependant(kind, name, blocked, blocks=True)
    for row in session.query(_TRIGGERS, (relation.oid,)):
        yield Dependant("trigger", row[0])
    for row in session.query(PUBLICATIONS, (relation.oid,)):
        problem = "Add the table to the publication again after the restore."
        yield Dependant("publication", row[0], problem)


def _missing_columns(view: View, restored: TableSchema | None) -> str:
    """Return why a view could not be replaced, which would prevent the restore; empty if it can."""
    if restored is None:
        return ""
    present = {f"{column.name} {column.type}" for column in restored.columns}
    missing = [column for column in view.columns if column not in present]
    if not missing:
        return ""
    columns = ", ".join(missing)
    return f"It uses columns that the table of the backup does not have: {columns}."


def references_to(session: Session, name: TableName) -> tuple[Reference, ...]:
    """Return the foreign keys of other tables to a table."""
    statement = CONSTRAINTS + " AND fn.nspname = $1 AND f.relname = $2 ORDER BY 1"
    rows = session.query(statement, (name.schema, name.name))
    return tuple(
        Reference(str(TableName(row[8], row[9])), tuple(row[3]), tuple(row[4]), ACTIONS[row[7]])
        for row in rows
        if (row[8], row[9]) != (name.schema, name.name)
    )

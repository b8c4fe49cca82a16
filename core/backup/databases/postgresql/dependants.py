"""Objects of a PostgreSQL database that are bound to a table, and how they move to another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.backup.databases.postgresql.catalog import Relation
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.session import Session
from core.errors import NotSupported
from core.model.tables import Dependant

_FOREIGN_KEYS = """
SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.confrelid = $1 AND k.contype = 'f' AND k.conrelid <> $1 AND k.conparentid = 0 ORDER BY 1, 2, 3
"""
_VIEWS = """
SELECT DISTINCT n.nspname::text, v.relname::text, v.relkind::text,
  pg_get_viewdef(v.oid), v.reloptions::text[]
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
JOIN pg_namespace n ON n.oid = v.relnamespace
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1
  AND d.classid = 'pg_rewrite'::regclass AND v.oid <> $1 ORDER BY 1, 2
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
_TRIGGERS = """
SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY 1
"""
_PUBLICATIONS = """
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


@dataclass(frozen=True, slots=True)
class IncomingKey:
    """A foreign key of another table."""

    table: TableName
    name: str
    definition: str


@dataclass(slots=True)
class Bindings:
    """Everything that is bound to a table; `others` are objects that cannot be moved."""

    foreign_keys: list[IncomingKey] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def require_movable(self) -> None:
        """Check that everything can be moved to another table.

        Raises:
            NotSupported: Something cannot; the error names it.
        """
        names = [*self.others]
        names += [f"materialized view {view.name}" for view in self.views if view.materialized]
        if names:
            raise NotSupported(
                "Other objects of the database are bound to the present table",
                cause=f"They would continue to use the former one: {', '.join(names[:10])}.",
                remedy="Restore under a new name, or drop these objects and create them again "
                "afterwards. Nothing was changed.",
            )

    def detach(self, session: Session) -> None:
        """Drop the foreign keys of other tables, which would follow the former table."""
        for key in self.foreign_keys:
            session.query(f"ALTER TABLE {key.table.sql} DROP CONSTRAINT {quoted(key.name)}")

    def replace_views(self, session: Session) -> None:
        """Bind the views to the table that now has the name."""
        for view in self.views:
            options = f" WITH ({', '.join(view.options)})" if view.options else ""
            session.query(
                f"CREATE OR REPLACE VIEW {view.name.sql}{options} AS {view.definition.rstrip(';')}"
            )

    def attach_foreign_keys(self, session: Session) -> None:
        """Create the foreign keys of other tables again, without a check of their rows."""
        for key in self.foreign_keys:
            valid = "" if key.definition.endswith(" NOT VALID") else " NOT VALID"
            name = quoted(key.name)
            session.query(
                f"ALTER TABLE {key.table.sql} ADD CONSTRAINT {name} {key.definition}{valid}"
            )


def read_bindings(session: Session, relation: Relation) -> Bindings:
    """Return everything that is bound to a table."""
    oid = relation.oid
    keys = session.query(_FOREIGN_KEYS, (oid,))
    views = session.query(_VIEWS, (oid,))
    return Bindings(
        [IncomingKey(TableName(row[0], row[1]), row[2], row[3]) for row in keys],
        [View(TableName(r[0], r[1]), r[3], tuple(r[4] or ()), r[2] == "m") for r in views],
        [row[0] for row in session.query(_OTHERS, (oid,))],
    )


def dependants_of(session: Session, relation: Relation) -> Iterator[Dependant]:
    """Yield the dependants of a table; `problem` names what a restore in place cannot move."""
    bindings = read_bindings(session, relation)
    blocked = "It is bound to the table, so that the table cannot be replaced."
    for key in bindings.foreign_keys:
        yield Dependant("foreign key", f"{key.name} of {key.table}")
    for view in bindings.views:
        if view.materialized:
            yield Dependant("materialized view", str(view.name), blocked)
        else:
            yield Dependant("view", str(view.name))
    for other in bindings.others:
        kind, _, name = other.partition(" ")
        yield Dependant(kind, name, blocked)
    for row in session.query(_TRIGGERS, (relation.oid,)):
        yield Dependant("trigger", row[0])
    for row in session.query(_PUBLICATIONS, (relation.oid,)):
        problem = "Add the table to the publication again after the restore."
        yield Dependant("publication", row[0], problem)

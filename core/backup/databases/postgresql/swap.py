"""Replacement of a table by a loaded one in one transaction.

PostgreSQL binds views, foreign keys and triggers to the table itself, not to its name. So foreign
keys of other tables are created again, and views are replaced by their own definition, after the
new table has the name. The comment of the former table records what `undo` needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from core.backup.databases.postgresql.build import (
    Renames,
    add_constraints,
    foreign_key_statements,
    free_key_name,
    other_defaults,
    partition_shadow,
)
from core.backup.databases.postgresql.catalog import Relation, find_relation, require_relation
from core.backup.databases.postgresql.dependants import Bindings, read_bindings
from core.backup.databases.postgresql.former import Former, outgoing_keys
from core.backup.databases.postgresql.key_triggers import (
    STATES,
    KeyTrigger,
    apply_states,
    changed_states,
)
from core.backup.databases.postgresql.names import (
    TableName,
    checked_definition,
    literal,
    quoted,
    with_suffix,
)
from core.backup.databases.postgresql.ownership import apply_ownership
from core.backup.databases.postgresql.partition_indexes import (
    IndexNames,
    index_names,
    name_indexes,
)
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.takeover import Takeover
from core.model.database import Dependant
from core.model.tables import TableSchema

_OBJECTS = """
SELECT 'constraint', conname::text, '' FROM pg_constraint
  WHERE conrelid = $1 AND (contype IN ('p', 'u', 'x', 'c') OR contype = 'f' AND confrelid = $1)
UNION ALL SELECT 'index', c.relname::text, n.nspname::text FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid
    AND k.contype IN ('p', 'u', 'x'))
UNION ALL SELECT 'sequence', c.relname::text, n.nspname::text FROM pg_depend d
  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE d.refobjid = $1 AND d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass
UNION ALL SELECT 'statistics', e.stxname::text, n.nspname::text FROM pg_statistic_ext e
  JOIN pg_namespace n ON n.oid = e.stxnamespace WHERE e.stxrelid = $1
UNION ALL SELECT 'table', c.relname::text, n.nspname::text FROM pg_partition_tree($1) t
  JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE t.level > 0
UNION ALL SELECT 'index', c.relname::text, n.nspname::text FROM pg_partition_tree($1) t
  JOIN pg_index i ON i.indrelid = t.relid JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.level > 0
"""
_KEY_NAMES = "SELECT conname::text FROM pg_constraint WHERE conrelid = $1 AND contype = 'f'"
_NOT_VALID = """
SELECT n.nspname::text, c.relname::text, k.conname::text FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE $1 IN (k.conrelid, k.confrelid) AND k.contype = 'f' AND NOT k.convalidated ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Published:
    """Result of a swap: what could not be taken over, and the constraints that remain NOT VALID.

    `not_valid` contains (table, constraint) of those that were not valid before. `enabled` are the
    foreign keys whose triggers were disabled before, which only a superuser may repeat. `former` is
    the former table, whose foreign keys are still to be dropped by `release_former`.
    """

    problems: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    not_valid: frozenset[tuple[str, str]] = frozenset()
    former: TableName | None = None

    @property
    def lost(self) -> Iterator[Dependant]:
        """What the restored table does not have, although the former one had it."""
        for name in self.problems:
            yield Dependant("property", name, "It could not be created for the restored table.")
        for key in self.enabled:
            yield Dependant("foreign key", key, "Its triggers were disabled. They are enabled now.")


def publish(
    session: Session, schema: TableSchema, shadow: TableName, former: TableName | None
) -> Published:
    """Give the loaded shadow table the name of the schema; see `Database.publish`.

    Raises:
        NotSupported: Another object uses the present table in a way that cannot be changed.
    """
    final = TableName.parse(schema.table)
    renames = add_constraints(session, schema, shadow)
    today = None
    bindings, takeover = Bindings(), Takeover([])
    states: dict[KeyTrigger, str] = {}
    indexes: IndexNames = {}
    if former is not None:
        session.query(f"LOCK TABLE {final.sql} IN ACCESS EXCLUSIVE MODE")
        # Read after the lock: another restore may have replaced the table before.
        today = require_relation(session, final)
        bindings, takeover = read_bindings(session, today), Takeover.read(session, today)
        bindings.require_movable(final)
        states = changed_states(session, today)
        record = _record(session, today, states)
        indexes = index_names(session, today.oid)
        bindings.detach(session)
        _set_aside(session, today, former, record)
    _rename_shadow(session, schema, shadow, final, renames)
    if schema.partitions:
        shadows = {
            TableName.parse(one.name): partition_shadow(one.name, schema, shadow)
            for one in schema.partitions
        }
        name_indexes(session, require_relation(session, final).oid, shadows, indexes)
    _add_foreign_keys(session, schema, final)
    for statement in other_defaults(schema):
        session.query(statement)
    _create_triggers(session, schema, today)
    problems = tuple(takeover.apply(session, schema)) if today is not None else ()
    problems += tuple(apply_ownership(session, schema))
    bindings.replace_views(session)
    bindings.attach_foreign_keys(session, partitioned=bool(schema.partition_key))
    enabled = tuple(apply_states(session, require_relation(session, final).oid, states))
    not_valid = frozenset(not_valid_of(schema) | bindings.not_valid)
    return Published(problems, enabled, not_valid, former)


def not_valid_of(schema: TableSchema) -> set[tuple[str, str]]:
    """Return the checks and foreign keys of a table, as (table, name), that are NOT VALID."""
    definitions = [(check.name, check.definition) for check in schema.checks]
    definitions += [(key.name, key.definition) for key in schema.foreign_keys]
    return {(schema.table, name) for name, text in definitions if text.endswith(" NOT VALID")}


def _add_foreign_keys(session: Session, schema: TableSchema, final: TableName) -> None:
    parents = {
        key.table: find_relation(session, TableName.parse(key.table)) for key in schema.foreign_keys
    }
    present = [name for name, parent in parents.items() if parent]
    partitioned = [name for name, parent in parents.items() if parent and parent.kind == "p"]
    for name, statement in foreign_key_statements(schema, final.sql, present, partitioned):
        free_key_name(session, final, name)
        session.query(statement)


def add_missing_foreign_keys(session: Session, schema: TableSchema) -> tuple[str, ...]:
    """Create the foreign keys of a restored table that it does not have; return their names.

    A key is not created by the restore of its table while the other table does not exist.
    """
    name = TableName.parse(schema.table)
    relation = require_relation(session, name)
    before = {row[0] for row in session.query(_KEY_NAMES, (relation.oid,))}
    missing = tuple(key for key in schema.foreign_keys if key.name not in before)
    if missing:
        _add_foreign_keys(session, replace(schema, foreign_keys=missing), name)
    after = {row[0] for row in session.query(_KEY_NAMES, (relation.oid,))}
    return tuple(key.name for key in missing if key.name in after)


def _rename_shadow(
    session: Session, schema: TableSchema, shadow: TableName, final: TableName, renames: Renames
) -> None:
    for partition in schema.partitions:
        present = partition_shadow(partition.name, schema, shadow)
        name = TableName.parse(partition.name)
        session.query(f"ALTER TABLE {present.sql} RENAME TO {quoted(name.name)}")
    session.query(f"ALTER TABLE {shadow.sql} RENAME TO {quoted(final.name)}")
    _apply(session, final, renames.pairs)


def _apply(session: Session, table: TableName, pairs: list[tuple[str, str, str]]) -> None:
    """Rename constraints, indexes and sequences of a table to their final names."""
    for kind, present, final in pairs:
        if kind == "constraint":
            names = f"{quoted(present)} TO {quoted(final)}"
            session.query(f"ALTER TABLE {table.sql} RENAME CONSTRAINT {names}")
        elif kind == "index":
            place = TableName(table.schema, present)
            session.query(f"ALTER INDEX {place.sql} RENAME TO {quoted(final)}")
        else:
            name = TableName.parse(final)
            place = TableName(name.schema, present)
            session.query(f"ALTER SEQUENCE {place.sql} RENAME TO {quoted(name.name)}")


def _record(session: Session, today: Relation, states: dict[KeyTrigger, str]) -> Former:
    """Return the record of a table that is about to be replaced, without the new names."""
    rows = session.query(_NOT_VALID, (today.oid,))
    return Former(
        str(today.name),
        today.comment,
        (),
        tuple((str(TableName(schema, table)), name) for schema, table, name in rows),
        outgoing_keys(session, today),
        tuple(
            (trigger.key, trigger.checks, trigger.event, state)
            for trigger, state in states.items()
            if trigger.table == today.name
        ),
    )


def _set_aside(session: Session, today: Relation, former: TableName, record: Former) -> None:
    """Rename the present table and its objects, and record how to reverse it."""
    suffix = former.name[former.name.rfind("__before_") :]
    renames: list[tuple[str, str, str]] = []
    taken = "SELECT relname::text FROM pg_class WHERE position($1 IN relname) > 0"
    used = {former.name, *(row[0] for row in session.query(taken, (suffix,)))}
    for kind, name, schema in session.query(_OBJECTS, (today.oid,)):
        other = _aside_name(name, suffix, used)
        rename_object(session, kind, today.name, schema, name, other)
        renames.append((kind, f"{schema}\0{other}" if schema else other, name))
    session.query(f"ALTER TABLE {today.name.sql} RENAME TO {quoted(former.name)}")
    record = replace(record, renames=tuple(renames))
    session.query(f"COMMENT ON TABLE {former.sql} IS {literal(record.to_comment())}")


def _aside_name(name: str, suffix: str, used: set[str]) -> str:
    """Return a free name; long names that differ at the end only would be shortened to one."""
    number, other = 1, with_suffix(name, suffix)
    while other in used:
        number += 1
        other = with_suffix(name, f"{suffix}_{number}")
    used.add(other)
    return other


def rename_object(
    session: Session, kind: str, table: TableName, schema: str, present: str, final: str
) -> None:
    """Rename a constraint of a table, or another object in a schema."""
    if kind == "constraint":
        names = f"{quoted(present)} TO {quoted(final)}"
        session.query(f"ALTER TABLE {table.sql} RENAME CONSTRAINT {names}")
        return
    place = TableName(schema, present).sql
    session.query(f"ALTER {kind.upper()} {place} RENAME TO {quoted(final)}")


_TRIGGER_STATES = "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE tgrelid = $1"


def _create_triggers(session: Session, schema: TableSchema, former: Relation | None) -> None:
    states: dict[Any, Any] = (
        {} if former is None else dict(map(tuple, session.query(_TRIGGER_STATES, (former.oid,))))
    )
    table = TableName.parse(schema.table).sql
    for trigger in schema.triggers:
        session.query(
            checked_definition(
                trigger.definition, "trigger", "CREATE TRIGGER ", "CREATE CONSTRAINT TRIGGER "
            )
        )
        state = STATES.get(states.get(trigger.name, "O"))
        if state:
            session.query(f"ALTER TABLE {table} {state} TRIGGER {quoted(trigger.name)}")

"""Replacement of a table by a loaded one in one transaction, and its undo.

PostgreSQL binds views, foreign keys and triggers to the table itself, not to its name. So foreign
keys of other tables are created again, and views are replaced by their own definition, after the
new table has the name. The comment of the former table records what `undo` needs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.backup.databases.postgresql.build import (
    Renames,
    add_constraints,
    foreign_key_statements,
    other_defaults,
    partition_shadow,
)
from core.backup.databases.postgresql.catalog import Relation, find_relation, require_relation
from core.backup.databases.postgresql.dependants import PUBLICATIONS, Bindings, read_bindings
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
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.takeover import Takeover, savepoint
from core.errors import DatabaseError, InvalidInput, NotFound
from core.model.tables import Dependant, TableSchema

_log = logging.getLogger(__name__)

MARK = "Former table, replaced by a restore of Strongroom: "
_OBJECTS = """
SELECT 'constraint', conname::text, '' FROM pg_constraint
  WHERE conrelid = $1 AND contype IN ('p', 'u', 'x', 'c', 'f')
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
"""
_KEY_NAMES = "SELECT conname::text FROM pg_constraint WHERE conrelid = $1 AND contype = 'f'"
_NOT_VALID = """
SELECT n.nspname::text, c.relname::text, k.conname::text FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE $1 IN (k.conrelid, k.confrelid) AND k.contype = 'f' AND NOT k.convalidated ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Former:
    """Record in the comment of a former table: its name, its comment, and its objects' names.

    `renames` contains (kind, present, original) with quoted names for sequences and tables,
    `not_valid` the foreign keys of and to the table, as (table, name), that were not valid.
    """

    table: str
    comment: str
    renames: tuple[tuple[str, str, str], ...]
    not_valid: tuple[tuple[str, str], ...] = ()

    def to_comment(self) -> str:
        """Return the text of the comment."""
        return MARK + json.dumps(asdict(self))

    @classmethod
    def from_comment(cls, text: str) -> Former | None:
        """Return the record in a comment; None if it is another comment."""
        if not text.startswith(MARK):
            return None
        try:
            body = json.loads(text.removeprefix(MARK))
            renames = tuple((str(a), str(b), str(c)) for a, b, c in body["renames"])
            not_valid = tuple((str(a), str(b)) for a, b in body.get("not_valid", ()))
            return cls(str(body["table"]), str(body["comment"]), renames, not_valid)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Published:
    """Result of a swap: what could not be taken over, and the constraints that remain NOT VALID.

    `not_valid` contains (table, constraint) of those that were not valid before. `enabled` are the
    foreign keys whose triggers were disabled before, which only a superuser may repeat.
    """

    problems: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    not_valid: frozenset[tuple[str, str]] = frozenset()

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
    if former is not None:
        session.query(f"LOCK TABLE {final.sql} IN ACCESS EXCLUSIVE MODE")
        # Read after the lock: another restore may have replaced the table before.
        today = require_relation(session, final)
        bindings, takeover = read_bindings(session, today), Takeover.read(session, today)
        bindings.require_movable()
        states = changed_states(session, today)
        not_valid = _keys_not_valid(session, today)
        bindings.detach(session)
        _set_aside(session, today, former, not_valid)
    _rename_shadow(session, schema, shadow, final, renames)
    _add_foreign_keys(session, schema, final)
    for statement in other_defaults(schema):
        session.query(statement)
    _create_triggers(session, schema, today)
    problems = tuple(takeover.apply(session, schema)) if today is not None else ()
    problems += tuple(apply_ownership(session, schema))
    bindings.replace_views(session)
    bindings.attach_foreign_keys(session, partitioned=bool(schema.partition_key))
    enabled = tuple(apply_states(session, require_relation(session, final).oid, states))
    return Published(problems, enabled, frozenset(not_valid_of(schema) | bindings.not_valid))


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
    added = Renames()
    for statement in foreign_key_statements(schema, final.sql, added, present, partitioned):
        session.query(statement)
    _apply(session, final, added.pairs)


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


def _keys_not_valid(session: Session, today: Relation) -> tuple[tuple[str, str], ...]:
    rows = session.query(_NOT_VALID, (today.oid,))
    return tuple((str(TableName(schema, table)), name) for schema, table, name in rows)


def _set_aside(
    session: Session,
    today: Relation,
    former: TableName,
    not_valid: tuple[tuple[str, str], ...],
) -> None:
    """Rename the present table and its objects, and record how to reverse it."""
    suffix = former.name[former.name.rfind("__before_") :]
    renames: list[tuple[str, str, str]] = []
    taken = "SELECT relname::text FROM pg_class WHERE position($1 IN relname) > 0"
    used = {row[0] for row in session.query(taken, (suffix,))}
    for kind, name, schema in session.query(_OBJECTS, (today.oid,)):
        other = _aside_name(name, suffix, used)
        _rename_object(session, kind, today.name, schema, name, other)
        renames.append((kind, f"{schema}\0{other}" if schema else other, name))
    session.query(f"ALTER TABLE {today.name.sql} RENAME TO {quoted(former.name)}")
    record = Former(str(today.name), today.comment, tuple(renames), not_valid)
    session.query(f"COMMENT ON TABLE {former.sql} IS {literal(record.to_comment())}")


def _aside_name(name: str, suffix: str, used: set[str]) -> str:
    """Return a free name; long names that differ at the end only would be shortened to one."""
    number, other = 1, with_suffix(name, suffix)
    while other in used:
        number += 1
        other = with_suffix(name, f"{suffix}_{number}")
    used.add(other)
    return other


def _rename_object(
    session: Session, kind: str, table: TableName, schema: str, present: str, final: str
) -> None:
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


def former_record(session: Session, former: TableName) -> tuple[Relation, Former]:
    """Return a former table and its record.

    Raises:
        InvalidInput: The name is not that of a former table.
        NotFound: There is no such table.
    """
    relation = require_relation(session, former)
    record = Former.from_comment(relation.comment)
    if record is None:
        raise InvalidInput(
            f"{former} is not a former table",
            cause="Its comment does not contain the record of a restore.",
            remedy="Choose a name with __before_ from the list of tables.",
        )
    return relation, record


def undo(session: Session, former: TableName) -> tuple[str, set[tuple[str, str]]]:
    """Restore a former table under its name, and drop the restored one.

    Returns:
        The name of the table, and the foreign keys of and to it that are to remain NOT VALID, as
        (table, name).
    """
    relation, record = former_record(session, former)
    table = TableName.parse(record.table)
    session.query(f"LOCK TABLE {former.sql} IN ACCESS EXCLUSIVE MODE")
    present = find_relation(session, table)
    replaced = table.beside("__replaced")
    bindings = Bindings()
    states: dict[KeyTrigger, str] = {}
    published: set[str] = set()
    if present is not None:
        session.query(f"LOCK TABLE {table.sql} IN ACCESS EXCLUSIVE MODE")
        bindings = read_bindings(session, present)
        bindings.require_movable()
        # The former table has its own keys, of which the present table has copies.
        states = changed_states(session, present, own=False)
        published = {row[0] for row in session.query(PUBLICATIONS, (present.oid,))}
        bindings.detach(session)
        session.query(f"ALTER TABLE {table.sql} RENAME TO {quoted(replaced.name)}")
    session.query(f"ALTER TABLE {former.sql} RENAME TO {quoted(table.name)}")
    bindings.replace_views(session)
    if present is not None:
        session.query(f"DROP TABLE {replaced.sql}")
    _rename_back(session, table, record)
    comment = literal(record.comment) if record.comment else "NULL"
    session.query(f"COMMENT ON TABLE {table.sql} IS {comment}")
    bindings.attach_foreign_keys(session, partitioned=relation.kind == "p")
    for name in sorted(
        published - {row[0] for row in session.query(PUBLICATIONS, (relation.oid,))}
    ):
        _log.warning("After the undo, %s is not part of the publication %s any more", table, name)
    for key in apply_states(session, relation.oid, states):
        _log.warning("The triggers of the foreign key %s, which were disabled, are enabled", key)
    name = str(TableName(relation.name.schema, table.name))
    return name, set(record.not_valid)


def _rename_back(session: Session, table: TableName, record: Former) -> None:
    """Give the objects of a former table their original names."""
    for kind, place, original in record.renames:
        schema, _, name = place.rpartition("\0")
        try:
            with savepoint(session):
                _rename_object(session, kind, table, schema, name, original)
        except (NotFound, DatabaseError) as error:
            # An object that was dropped since the restore, for example with CASCADE, has no name.
            if not isinstance(error, NotFound) and "(42704)" not in error.cause:
                raise


def former_names(session: Session) -> Iterator[tuple[str, str]]:
    """Yield (former table, its original name) of every former table."""
    statement = """SELECT n.nspname::text, c.relname::text, obj_description(c.oid, 'pg_class')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND obj_description(c.oid, 'pg_class') LIKE $1"""
    for schema, name, comment in session.query(statement, (MARK + "%",)):
        record = Former.from_comment(comment)
        if record is not None:
            yield str(TableName(schema, name)), record.table

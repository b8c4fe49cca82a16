"""Rows that refer to missing rows: counted before the foreign keys are declared valid again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence, Set

from core.backup.databases.base import CompletedKeys
from core.backup.databases.postgresql.catalog import require_relation
from core.backup.databases.postgresql.compare import LOADED
from core.backup.databases.postgresql.dependants import read_bindings
from core.backup.databases.postgresql.former import former_names
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.swap import (
    add_missing_foreign_keys,
    not_valid_of,
)
from core.errors import DatabaseError
from core.model.database import Reference
from core.model.tables import ForeignKey, TableSchema

_KEYS = """
SELECT k.conname::text, n.nspname::text, c.relname::text, fn.nspname::text, f.relname::text,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class f ON f.oid = k.confrelid
JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype = 'f' AND NOT k.convalidated AND $1 IN (k.conrelid, k.confrelid) ORDER BY 1
"""
_UNCHECKED = """
SELECT conname::text FROM pg_constraint
WHERE conrelid = $1 AND contype = 'c' AND NOT convalidated ORDER BY 1
"""

_log = logging.getLogger(__name__)


def validate_or_count(
    session: Session, oid: int, not_valid: Set[tuple[str, str]] = frozenset()
) -> Iterator[tuple[str, int]]:
    """Declare the foreign keys of and to a table valid; yield (table, rows) of those that are not.

    A row counts once, by however many keys it refers to missing rows.

    Args:
        session: A connection inside the transaction of the restore.
        oid: The object id of the restored table.
        not_valid: The (table, constraint) that were not valid before, and remain so.
    """
    former = {name for name, _ in former_names(session)}
    broken: dict[TableName, list[str]] = {}
    for name, schema, table, parent_schema, parent, columns, parents in session.query(
        _KEYS, (oid,)
    ):
        child = TableName(schema, table)
        if (str(child), name) in not_valid or str(child) in former:
            continue  # its rows may refer to missing ones; an undo validates a former table
        test = orphan_condition(columns, TableName(parent_schema, parent).sql, parents)
        if _count(session, child.sql, [test]):
            broken.setdefault(child, []).append(test)
        else:
            session.query(f"ALTER TABLE {child.sql} VALIDATE CONSTRAINT {quoted(name)}")
    for child, tests in broken.items():
        yield str(child), _count(session, child.sql, tests)


def validate(
    session: Session, name: TableName, not_valid: Set[tuple[str, str]]
) -> tuple[tuple[str, int], ...]:
    """Validate the checks and foreign keys of a restored table; see `validate_or_count`.

    A check that rows violate is only logged: it was violated when they were backed up.
    """
    oid = require_relation(session, name).oid
    for check in validate_checks(session, oid, name, not_valid):
        _log.warning("Rows of %s violate the check %s, as in the backup", name, check)
    return tuple(validate_or_count(session, oid, not_valid))


def complete_keys(session: Session, schema: TableSchema) -> CompletedKeys:
    """Create the foreign keys that a table does not have; see `Database.complete_foreign_keys`."""
    relation = require_relation(session, TableName.parse(schema.table))
    added = add_missing_foreign_keys(session, schema)
    # Keys of other tables are not valid if they were not before, or if their rows violate them.
    not_valid = not_valid_of(schema) | read_bindings(session, relation).not_valid
    return added, tuple(validate_or_count(session, relation.oid, not_valid))


def validate_checks(
    session: Session, oid: int, table: TableName, not_valid: Set[tuple[str, str]] = frozenset()
) -> Iterator[str]:
    """Declare the checks valid whose condition every row satisfies; yield the names of the others."""
    for (name,) in session.query(_UNCHECKED, (oid,)):
        if (str(table), name) in not_valid:
            continue
        try:
            with savepoint(session):
                session.query(f"ALTER TABLE {table.sql} VALIDATE CONSTRAINT {quoted(name)}")
        except DatabaseError:  # a row violates it
            yield name


def _count(session: Session, child: str, tests: Sequence[str]) -> int:
    """Return how many rows satisfy any of the conditions of `orphan_condition`."""
    met = " OR ".join(f"({test})" for test in tests)
    return int(session.value(f"SELECT count(*) FROM {child} c WHERE {met}"))  # noqa: S608 - names are quoted


def orphan_condition(
    columns: Sequence[str], parent: str, parents: Sequence[str], *, as_text: bool = False
) -> str:
    """Return the condition that the row `c` refers to a row that `parent` does not have.

    Args:
        columns: The columns of the referring table.
        parent: The quoted name of the referenced table.
        parents: The referenced columns, in the same order.
        as_text: Whether the texts of the values are compared, since the types differ.
    """
    cast = "::text" if as_text else ""
    present = " AND ".join(f"c.{quoted(column)} IS NOT NULL" for column in columns)
    equal = " AND ".join(
        f"p.{quoted(theirs)}{cast} = c.{quoted(mine)}{cast}"
        for mine, theirs in zip(columns, parents, strict=True)
    )
    return f"{present} AND NOT EXISTS (SELECT FROM {parent} p WHERE {equal})"


def future_orphans(
    session: Session, backup: TableSchema, loaded: TableSchema, references: tuple[Reference, ...]
) -> Iterator[tuple[str, int]]:
    """Yield (table, rows) that would refer to missing rows if the loaded rows replaced the table.

    Args:
        session: A connection with the temporary table of `compare.loaded`.
        backup: The schema of the backup.
        loaded: The schema of that table.
        references: The foreign keys of other tables to the present one.
    """
    types = {column.name: column.type for column in loaded.columns}
    texts = {c.name for c in backup.columns if types.get(c.name) == "text" != c.type}
    lost: dict[str, list[str]] = {}
    # Computed columns may be left out of it.
    for reference in (one for one in references if types.keys() >= set(one.parents)):
        as_text = not texts.isdisjoint(reference.parents)
        lost.setdefault(reference.table, []).append(
            orphan_condition(reference.columns, LOADED, reference.parents, as_text=as_text)
        )
    own = [
        test
        for key in loaded.foreign_keys
        if types.keys() >= set(key.columns)
        for test in _outgoing(session, loaded, key, as_text=not texts.isdisjoint(key.columns))
    ]
    for table, tests in lost.items():
        if count := _count(session, TableName.parse(table).sql, tests):
            yield table, count
    if own and (count := _count(session, LOADED, own)):
        yield loaded.table, count


def _outgoing(
    session: Session, schema: TableSchema, key: ForeignKey, *, as_text: bool
) -> Iterator[str]:
    """Yield the condition for rows that refer by `key` to missing rows, if the table exists."""
    name = TableName.parse(key.table)
    if key.table == schema.table:
        parent = LOADED
    elif session.query(
        "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = $2",
        (name.schema, name.name),
    ):
        parent = name.sql
    else:
        return
    yield orphan_condition(key.columns, parent, key.references, as_text=as_text)

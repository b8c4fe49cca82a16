"""Rows that refer to missing rows: counted before the foreign keys are declared valid again."""

from __future__ import annotations

from collections.abc import Iterator, Set

from core.backup.databases.base import CompletedKeys
from core.backup.databases.postgresql.catalog import require_relation
from core.backup.databases.postgresql.compare import LOADED
from core.backup.databases.postgresql.dependants import read_bindings
from core.backup.databases.postgresql.former import former_names
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.swap import (
    add_missing_foreign_keys,
    not_valid_of,
)
from core.backup.databases.postgresql.takeover import savepoint
from core.errors import DatabaseError
from core.model.tables import ForeignKey, Reference, TableSchema

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


def validate_or_count(
    session: Session, oid: int, not_valid: Set[tuple[str, str]] = frozenset()
) -> Iterator[tuple[str, int]]:
    """Declare the foreign keys of and to a table valid; yield (table, rows) of those that are not.

    Args:
        session: A connection inside the transaction of the restore.
        oid: The object id of the restored table.
        not_valid: The (table, constraint) that were not valid before, and remain so.
    """
    former = {name for name, _ in former_names(session)}
    for name, schema, table, parent_schema, parent, columns, parents in session.query(
        _KEYS, (oid,)
    ):
        child = TableName(schema, table)
        if (str(child), name) in not_valid or str(child) in former:
            continue  # its rows may refer to missing ones; an undo validates a former table
        count = count_orphans(
            session, child.sql, tuple(columns), TableName(parent_schema, parent).sql, tuple(parents)
        )
        if count:
            yield str(child), count
        else:
            session.query(f"ALTER TABLE {child.sql} VALIDATE CONSTRAINT {quoted(name)}")


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


def count_orphans(
    session: Session,
    child: str,
    columns: tuple[str, ...],
    parent: str,
    parents: tuple[str, ...],
    as_text: bool = False,
) -> int:
    """Return how many rows of `child` refer to a row that `parent` does not have.

    Args:
        session: An open connection.
        child: The quoted name of the referring table.
        columns: Its columns.
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
    statement = (
        f"SELECT count(*) FROM {child} c WHERE {present} "  # noqa: S608 - names are quoted
        f"AND NOT EXISTS (SELECT FROM {parent} p WHERE {equal})"
    )
    return int(session.value(statement))


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
    # Computed columns may be left out of it.
    for reference in (one for one in references if types.keys() >= set(one.parents)):
        child = TableName.parse(reference.table).sql
        as_text = not texts.isdisjoint(reference.parents)
        count = count_orphans(
            session, child, reference.columns, LOADED, reference.parents, as_text=as_text
        )
        if count:
            yield reference.table, count
    for key in (one for one in loaded.foreign_keys if types.keys() >= set(one.columns)):
        yield from _outgoing(session, loaded, key, as_text=not texts.isdisjoint(key.columns))


def _outgoing(
    session: Session, schema: TableSchema, key: ForeignKey, *, as_text: bool
) -> Iterator[tuple[str, int]]:
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
    count = count_orphans(session, LOADED, key.columns, parent, key.references, as_text=as_text)
    if count:
        yield schema.table, count

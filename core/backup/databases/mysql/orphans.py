"""Orphaned rows, which refer to missing rows: counted for a table and the one that replaces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.backup.databases.mysql.inspect import exists, read_schema
from core.backup.databases.mysql.referring import incoming
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import quoted
from core.model.tables import ForeignKey, Reference, TableSchema
from core.units import format_counted


def newly_orphaned(
    session: Session,
    schema: TableSchema,
    references: Sequence[Reference],
    new: str,
    today: TableSchema | None,
) -> tuple[tuple[str, int], ...]:
    """Count rows whose referenced rows disappear when the table `new` replaces `today`.

    Args:
        session: The connection.
        schema: The schema of `new`, with the name of the replaced table.
        references: Foreign keys of other tables to the replaced table.
        new: The name of the loaded table.
        today: The replaced table; None if there is none.

    Returns:
        Tables with their counts, including the table itself for its foreign keys.
    """
    found: dict[str, int] = {}
    for reference in references if today else ():
        assert today is not None
        count = _lost(session, reference, new, schema, today)
        found[reference.table] = found.get(reference.table, 0) + count
    own = sum(_more(session, key, schema, new, today) for key in schema.foreign_keys)
    found[schema.table] = found.get(schema.table, 0) + own
    return tuple((table, count) for table, count in found.items() if count > 0)


def orphaned_during_swap(
    session: Session, schema: TableSchema, former: str, before: Sequence[tuple[str, int]]
) -> tuple[str, ...]:
    """Return texts about rows that became orphans after they were counted, until the swap.

    Foreign keys of other tables refer to `former` until they are changed, and the server does not
    check their rows then: other sessions may have written such rows until the tables were locked,
    and in a cycle of foreign keys, whose tables cannot be locked, until the swap ended.

    Args:
        session: The connection.
        schema: The restored table, which has replaced `former`.
        former: The former table; empty if there was none.
        before: Tables with the counts before the swap.
    """
    if not former:
        return ()
    alone = replace(schema, foreign_keys=())
    references = incoming(session, schema.table)
    found = newly_orphaned(session, alone, references, schema.table, read_schema(session, former))
    known = dict(before)
    return tuple(
        f"{format_counted(more, 'row')} of {table}, written during the restore, "
        f"{'refers' if more == 1 else 'refer'} to missing rows. The former table has them."
        for table, count in found
        if (more := count - known.get(table, 0)) > 0
    )


def _lost(
    session: Session, reference: Reference, new: str, schema: TableSchema, today: TableSchema
) -> int:
    if not _has(schema, reference.parents) or not _has(today, reference.parents):
        return 0
    columns, parents = reference.columns, reference.parents
    gone = _unmatched(reference.table, columns, new, parents)
    gone += f" AND EXISTS ({_match(today.table, parents, columns)})"
    return int(session.value(gone))


def _more(
    session: Session, key: ForeignKey, schema: TableSchema, new: str, today: TableSchema | None
) -> int:
    """Return how many more rows are orphans by this key in `new` than today."""
    parent = new if key.table == schema.table else key.table
    if not exists(session, parent):
        return int(session.value(referring_rows(replace(schema, table=new), key.columns)))
    count = int(session.value(_unmatched(new, key.columns, parent, key.references)))
    if count and today is not None and _has(today, key.columns):
        count -= int(session.value(_unmatched(today.table, key.columns, parent, key.references)))
    return max(count, 0)


def referring_rows(schema: TableSchema, columns: Sequence[str]) -> str:
    """Return the statement that counts the rows of a table in which no column of a key is NULL."""
    if not _has(schema, columns):
        return "SELECT 0"
    return f"SELECT COUNT(*) FROM {quoted(schema.table)} AS c WHERE {_filled(columns)}"  # noqa: S608 - names are quoted


def _filled(columns: Sequence[str]) -> str:
    return " AND ".join(f"c.{quoted(column)} IS NOT NULL" for column in columns)


def _has(schema: TableSchema, columns: Sequence[str]) -> bool:
    names = {column.name.lower() for column in schema.columns}
    return names.issuperset(name.lower() for name in columns)


def _unmatched(child: str, columns: Sequence[str], parent: str, parents: Sequence[str]) -> str:
    match = _match(parent, parents, columns)
    return f"SELECT COUNT(*) FROM {quoted(child)} AS c WHERE {_filled(columns)} AND NOT EXISTS ({match})"  # noqa: S608 - names are quoted


def _match(parent: str, parents: Sequence[str], columns: Sequence[str]) -> str:
    pairs = zip(parents, columns, strict=True)
    same = " AND ".join(f"p.{quoted(up)} = c.{quoted(column)}" for up, column in pairs)
    return f"SELECT 1 FROM {quoted(parent)} AS p WHERE {same}"  # noqa: S608 - names are quoted

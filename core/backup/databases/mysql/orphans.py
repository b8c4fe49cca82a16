"""Orphaned rows, which refer to missing rows: counted for a table and the one that replaces it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from core.backup.databases.mysql.inspect import exists, read_schema
from core.backup.databases.mysql.referring import incoming
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import quoted
from core.backup.databases.orphan_counts import more_orphans
from core.model.database import Reference
from core.model.tables import TableSchema
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
        Tables with their counts, including the table itself for its foreign keys. A row counts
        once, by however many keys it refers to missing rows.
    """
    lost: dict[str, list[str]] = {}
    for reference in references if today else ():
        assert today is not None
        lost.setdefault(reference.table, []).extend(_lost(reference, new, schema, today))
    found = {table: count_rows(session, table, tests) for table, tests in lost.items()}
    present = today.table if today is not None else ""
    own = more_orphans(
        _own(session, schema, new, today),
        partial(count_rows, session, new),
        partial(count_rows, session, present),
    )
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


def _lost(reference: Reference, new: str, schema: TableSchema, today: TableSchema) -> Iterator[str]:
    """Yield the condition for rows whose referenced row only `today` has, if there is one."""
    columns, parents = reference.columns, reference.parents
    if has(schema, parents) and has(today, parents):
        gone = unmatched(columns, new, parents)
        yield f"{gone} AND EXISTS ({_match(today.table, parents, columns)})"


def _own(
    session: Session, schema: TableSchema, new: str, today: TableSchema | None
) -> Iterator[tuple[str, bool]]:
    """Yield the foreign keys of a table as `more_orphans` takes them.

    Of a referenced table that does not exist, the rows of today are not subtracted.
    """
    for key in schema.foreign_keys:
        parent = new if key.table == schema.table else key.table
        if exists(session, parent):
            existed = today is not None and has(today, key.columns)
            yield unmatched(key.columns, parent, key.references), existed
        elif has(schema, key.columns):
            yield filled(key.columns), False


def count_rows(
    session: Session, table: str, tests: Sequence[str], without: Sequence[str] = ()
) -> int:
    """Return how many rows satisfy any of these conditions, and none of the others.

    Args:
        session: The connection.
        table: The table, which the conditions name `c`.
        tests: The conditions.
        without: The conditions that exclude a row.
    """
    if not tests:
        return 0
    met = " OR ".join(f"({test})" for test in tests)
    met = f"({met})" + "".join(f" AND NOT ({test})" for test in without)
    return int(session.value(f"SELECT COUNT(*) FROM {quoted(table)} AS c WHERE {met}"))  # noqa: S608 - names are quoted


def referring_rows(schema: TableSchema, columns: Sequence[str]) -> str:
    """Return the statement that counts the rows of a table in which no column of a key is NULL."""
    if not has(schema, columns):
        return "SELECT 0"
    return f"SELECT COUNT(*) FROM {quoted(schema.table)} AS c WHERE {filled(columns)}"  # noqa: S608 - names are quoted


def filled(columns: Sequence[str]) -> str:
    """Return the condition that no column of a key of the row `c` is NULL."""
    return " AND ".join(f"c.{quoted(column)} IS NOT NULL" for column in columns)


def has(schema: TableSchema, columns: Sequence[str]) -> bool:
    """Return whether a table has all of these columns."""
    names = {column.name.lower() for column in schema.columns}
    return names.issuperset(name.lower() for name in columns)


def unmatched(columns: Sequence[str], parent: str, parents: Sequence[str]) -> str:
    """Return the condition that the row `c` refers to a row that `parent` does not have."""
    match = _match(parent, parents, columns)
    return f"{filled(columns)} AND NOT EXISTS ({match})"


def _match(parent: str, parents: Sequence[str], columns: Sequence[str]) -> str:
    pairs = zip(parents, columns, strict=True)
    same = " AND ".join(f"p.{quoted(up)} = c.{quoted(column)}" for up, column in pairs)
    return f"SELECT 1 FROM {quoted(parent)} AS p WHERE {same}"  # noqa: S608 - names are quoted

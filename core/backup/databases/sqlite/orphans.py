"""Orphaned rows, which refer to missing rows: counted before and after a restore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import apsw

from core.backup.databases.orphan_counts import more_orphans
from core.backup.databases.sqlite.connection import scalar
from core.backup.databases.sqlite.tokens import quoted
from core.model.database import Reference
from core.model.tables import TableSchema


@dataclass(frozen=True, slots=True)
class Place:
    """A table in an attached database: the name of the database and of the table."""

    database: str
    table: str

    @property
    def sql(self) -> str:
        """The quoted name."""
        return f"{self.database}.{quoted(self.table)}"


def newly_orphaned(
    connection: apsw.Connection,
    schema: TableSchema,
    references: Sequence[Reference],
    now: Place,
    before: Place | None,
) -> tuple[tuple[str, int], ...]:
    """Count rows whose referenced rows disappear when `now` replaces `before`.

    Args:
        connection: A connection to both tables, and to the other tables beside `before` or `now`.
        schema: The schema of `now`.
        references: Foreign keys of other tables to this table.
        now: The restored table.
        before: The former table; None if it did not exist.

    Returns:
        Tables with their counts, including the table itself for its foreign keys. A row counts
        once, by however many keys it refers to missing rows.
    """
    others = before.database if before else now.database
    lost: dict[str, list[str]] = {}
    for reference in references if before else ():
        assert before is not None
        lost.setdefault(reference.table, []).extend(_lost(connection, reference, now, before))
    found = {
        table: _count(connection, Place(others, table), tests) for table, tests in lost.items()
    }
    own = more_orphans(
        _own(connection, schema, now, before, others),
        partial(_count, connection, now),
        partial(_count, connection, before),
    )
    found[schema.table] = found.get(schema.table, 0) + own
    return tuple((table, count) for table, count in found.items() if count > 0)


def _lost(
    connection: apsw.Connection, reference: Reference, now: Place, before: Place
) -> Iterator[str]:
    """Yield the condition for rows whose referenced row only `before` has, if there is one."""
    parents = reference.parents or _primary(connection, now)
    if len(parents) == len(reference.columns) and _has(connection, now, parents):
        gone = _unmatched(reference.columns, now, parents)
        if _has(connection, before, parents):
            gone += f" AND EXISTS ({_match(before, parents, reference.columns)})"
        yield gone


def _own(
    connection: apsw.Connection,
    schema: TableSchema,
    now: Place,
    before: Place | None,
    others: str,
) -> Iterator[tuple[str, bool]]:
    """Yield the foreign keys of a table as `more_orphans` takes them."""
    for key in schema.foreign_keys:
        parent = Place(others, key.table)
        if key.table.lower() == now.table.lower() or key.table.lower() == _name(before):
            parent = now
        parents = key.references or _primary(connection, parent)
        if not _has(connection, parent, parents) or len(parents) != len(key.columns):
            continue
        existed = before is not None and _has(connection, before, key.columns)
        yield _unmatched(key.columns, parent, parents), existed


def _count(connection: apsw.Connection, child: Place | None, tests: Sequence[str]) -> int:
    """Return how many rows satisfy any of these conditions."""
    if child is None or not tests:
        return 0
    met = " OR ".join(f"({test})" for test in tests)
    return int(scalar(connection, f"SELECT count(*) FROM {child.sql} AS c WHERE {met}"))  # noqa: S608 - names are quoted


def _name(place: Place | None) -> str:
    return place.table.lower() if place else ""


def _unmatched(columns: Sequence[str], parent: Place, parents: Sequence[str]) -> str:
    filled = " AND ".join(f"c.{quoted(column)} IS NOT NULL" for column in columns)
    match = _match(parent, parents, columns)
    return f"{filled} AND NOT EXISTS ({match})"


def _match(parent: Place, parents: Sequence[str], columns: Sequence[str]) -> str:
    pairs = zip(parents, columns, strict=True)
    same = " AND ".join(f"p.{quoted(up)} = c.{quoted(column)}" for up, column in pairs)
    return f"SELECT 1 FROM {parent.sql} AS p WHERE {same}"  # noqa: S608 - names are quoted


def _primary(connection: apsw.Connection, place: Place) -> tuple[str, ...]:
    sql = "SELECT name FROM pragma_table_info(?, ?) WHERE pk ORDER BY pk"
    rows = connection.execute(sql, (place.table, place.database)).fetchall()
    return tuple(str(row[0]) for row in rows)


def _has(connection: apsw.Connection, place: Place, columns: Sequence[str]) -> bool:
    sql = "SELECT lower(name) FROM pragma_table_xinfo(?, ?)"
    rows = connection.execute(sql, (place.table, place.database)).fetchall()
    return bool(columns) and {str(row[0]) for row in rows}.issuperset(map(str.lower, columns))

"""Checks of keys before single rows change: engines do not name the row, and cascade deletions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.backup.databases.row_statements import DELETE, INSERT, UPDATE, RowStatements
from core.errors import NOTHING_CHANGED, Conflict
from core.model.database import Reference
from core.model.tables import ForeignKey, KeyPart


def check_keys(rows: RowStatements) -> None:
    """Check unique keys, and the foreign keys of and to the table, before anything changes.

    Engines do not name the row, and would cascade a deletion to other tables, which an undo
    could not restore.

    Raises:
        Conflict: A key prevents a row; the error names it.
    """
    # Deferred keys would be checked at the commit only, when the error no longer names a row.
    for parts in (*(k.parts for k in rows.today.keys), *_unique_indexes(rows)):
        _check_unique(rows, parts)
    for key in rows.today.foreign_keys:
        _check_parent(rows, key)
    own = [
        Reference(rows.today.table, key.columns, key.references or rows.key)
        for key in rows.today.foreign_keys
        if key.table == rows.today.table
    ]
    for reference in (*rows.incoming, *own):
        _check_children(rows, reference)


def _unique_indexes(rows: RowStatements) -> Iterator[tuple[KeyPart, ...]]:
    for index in rows.today.indexes:
        if index.unique and index.where is None and index.parts:
            yield index.parts


def _check_unique(rows: RowStatements, parts: Sequence[KeyPart]) -> None:
    """Check that no other row of the table has the same value of a unique key."""
    columns = {column.name: column for column in rows.columns}
    names = [part.name for part in parts if not part.expression and not part.length]
    if tuple(names) == rows.key or len(names) < len(parts) or not columns.keys() >= set(names):
        return
    same = " AND ".join(
        f"t.{rows.quoted(name)} = {rows.stored_value(columns[name])}" for name in names
    )
    source = (
        f"FROM {rows.changes} k JOIN {rows.selected} b ON {rows.joined('b', 'k')} "  # noqa: S608 - names are quoted
        f"JOIN {rows.table} t ON {same} WHERE {rows.marked_any((INSERT, UPDATE), 'k')} "
        f"AND NOT EXISTS (SELECT 1 FROM {rows.changes} o WHERE {rows.joined('t', 'o')})"
    )
    if row := rows.first_key(source):
        raise Conflict(
            f"Another row of {rows.today.table} has a unique value of the row {row}",
            cause=f"The unique key consists of {', '.join(names)}.",
            remedy="Select the other row too, or change its value first.",
            effect=NOTHING_CHANGED,
            subject=rows.today.table,
        )


def _check_parent(rows: RowStatements, key: ForeignKey) -> None:
    columns = {column.name: column for column in rows.columns}
    parents = key.references or rows.parent_key(key.table)
    if not parents or not all(name in columns for name in key.columns):
        return
    values = [rows.stored_value(columns[name]) for name in key.columns]
    pairs = list(zip(parents, values, strict=True))
    same = " AND ".join(f"p.{rows.quoted(parent)} = {value}" for parent, value in pairs)
    filled = " AND ".join(f"{value} IS NOT NULL" for value in values)
    source = (
        f"FROM {rows.changes} k JOIN {rows.selected} b ON {rows.joined('b', 'k')} "  # noqa: S608 - names are quoted
        f"WHERE {rows.marked_any((INSERT, UPDATE), 'k')} AND {filled} AND NOT EXISTS "
        f"(SELECT 1 FROM {rows.other_table(key.table)} p WHERE {same})"
    )
    if key.table == rows.today.table:
        source += f" AND NOT EXISTS (SELECT 1 FROM {rows.selected} p WHERE {same})"  # noqa: S608 - names are quoted
    if row := rows.first_key(source):
        raise Conflict(
            f"The row {row} of {rows.today.table} would refer to a missing row",
            cause=f"Its foreign key ({', '.join(key.columns)}) refers to {key.table}.",
            remedy=f"Restore that row of {key.table} first.",
            effect=NOTHING_CHANGED,
            subject=rows.today.table,
        )


def _check_children(rows: RowStatements, reference: Reference) -> None:
    columns = {column.name: column for column in rows.columns}
    parents = reference.parents or rows.key
    changed = [rows.differs(columns[name]) for name in parents if name in columns]
    # Whatever the rule of the key is: CASCADE and SET NULL would change rows that no undo restores.
    gone = rows.marked(DELETE, "k")
    if changed:
        gone = f"({gone} OR ({rows.marked(UPDATE, 'k')} AND ({' OR '.join(changed)})))"
    pairs = zip(reference.columns, parents, strict=True)
    same = " AND ".join(f"x.{rows.quoted(c)} = t.{rows.quoted(p)}" for c, p in pairs)
    source = (
        f"FROM {rows.changes} k JOIN {rows.table} t ON {rows.joined('t', 'k')} "
        f"LEFT JOIN {rows.selected} b ON {rows.joined('b', 'k')} "
        f"JOIN {rows.referring_table(reference)} x ON {same} WHERE {gone}"
    )
    if not reference.database and reference.table == rows.today.table:
        source += (
            f" AND NOT EXISTS (SELECT 1 FROM {rows.changes} d WHERE {rows.marked(DELETE, 'd')} "  # noqa: S608 - names are quoted
            f"AND {rows.joined('d', 'x')})"
        )
    if row := rows.first_key(source):
        raise Conflict(
            f"Rows of {reference.table} refer to the row {row} of {rows.today.table}",
            cause=f"The foreign key ({', '.join(reference.columns)}) would refer to a missing "
            "row, or its rule would change the rows of that table too.",
            remedy=f"Change or remove those rows of {reference.table} first.",
            effect=NOTHING_CHANGED,
            subject=rows.today.table,
        )

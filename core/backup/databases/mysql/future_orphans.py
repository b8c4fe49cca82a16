"""Rows that would refer to missing rows after a restore, found without a table on the server.

The values of the columns of foreign keys are counted while a backup is compared with the present
table: those that only one of them has are looked up on the server, which decides by its collations.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any, TypeVar

from core.backup.databases.mysql.inspect import exists
from core.backup.databases.mysql.orphans import count_rows, filled, has, referring_rows, unmatched
from core.backup.databases.mysql.rows import HEX, Number
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.model.database import Reference
from core.model.tables import ForeignKey, TableSchema
from core.work import Work

_BATCH = 200
_WRITTEN = 5_000
#: Characters of a statement with all lost values; servers accept 16 MB by default.
_STATEMENT = 2_000_000
_T = TypeVar("_T")


class KeyValues:
    """Values of foreign keys of and to a table: how many rows of a backup, less those of today.

    Keys of the table to itself are not examined: a backup is one consistent view of its rows.
    """

    def __init__(
        self, connection: Any, schema: TableSchema, references: Sequence[Reference]
    ) -> None:
        self._connection = connection
        self._table = schema.table
        self._own = [key for key in schema.foreign_keys if key.table != schema.table]
        self._incoming = [one for one in references if not one.database]
        self._keys = [key.columns for key in self._own] + [one.parents for one in self._incoming]
        self._pending: list[tuple[int, str, int]] = []
        self._rows = 0
        connection.execute("CREATE TABLE key_values (key INT, value TEXT, n INT)")

    @property
    def needed(self) -> bool:
        """Whether the table has such keys."""
        return bool(self._keys)

    def add(self, line: bytes, number: int) -> None:
        """Count a line of the backup (`number` 1) or of the present table (-1)."""
        row = json.loads(line, parse_int=Number, parse_float=Number)
        folded = {name.lower(): value for name, value in row.items()}
        for key, columns in enumerate(self._keys):
            values = [folded.get(column.lower()) for column in columns]
            if all(_is_known(value) for value in values):
                self._pending.append((key, _dumped(values), number))
        if len(self._own) > 1:
            self._pending.append((len(self._keys), self._combined(folded), number))
        if len(self._pending) >= _WRITTEN:
            self._write()

    def _combined(self, row: Mapping[str, Any]) -> str:
        """Return the values of all foreign keys of a row; null where one is not known."""
        keys = ([row.get(column.lower()) for column in key.columns] for key in self._own)
        known = (values if all(map(_is_known, values)) else None for values in keys)
        return json.dumps([values and json.loads(_dumped(values)) for values in known])

    def _write(self) -> None:
        with self._connection:
            self._connection.executemany("INSERT INTO key_values VALUES (?, ?, ?)", self._pending)
        self._pending.clear()

    def orphans(
        self, session: Session, today: TableSchema | None, work: Work
    ) -> tuple[tuple[str, int], ...]:
        """Return tables with the number of their rows that would refer to missing rows.

        Args:
            session: A connection, which may be read-only.
            today: The present table; None if there is none.
            work: Cancel token.
        """
        self._write()
        lost: dict[str, list[tuple[Reference, list[list[Any]]]]] = {}
        for place, reference in enumerate(self._incoming, len(self._own)):
            if today is not None:
                values = list(self._lost(session, place, reference, today, work))
                lost.setdefault(reference.table, []).append((reference, values))
        found = {table: _referring(session, table, some, work) for table, some in lost.items()}
        own = self._orphaned(session, today, work)
        found[self._table] = found.get(self._table, 0) + own
        return tuple((table, count) for table, count in found.items() if count > 0)

    def _changed(self, key: int, condition: str) -> Iterator[tuple[list[Any], int]]:
        statement = (
            "SELECT value, sum(n) FROM key_values WHERE key = ? GROUP BY value "  # noqa: S608 - a constant
            f"HAVING sum(n) {condition}"
        )
        for value, number in self._connection.execute(statement, (key,)):
            yield json.loads(value), int(number)

    def _lost(
        self, session: Session, key: int, reference: Reference, today: TableSchema, work: Work
    ) -> Iterator[list[Any]]:
        """Return the values of referenced rows that only the present table has."""
        gained: dict[str, list[list[Any]]] = {}
        for value, _ in self._changed(key, "> 0"):
            gained.setdefault(_normalized(value), []).append(value)
        fewer = (
            (value, -net)
            for value, net in self._changed(key, "< 0")
            if not _is_equal_to_one(session, today.table, reference.parents, value, gained)
        )
        if _is_unique(today, reference.parents):
            return (value for value, _ in fewer)
        return _completely_removed(session, today.table, reference.parents, fewer, work)

    def _orphaned(self, session: Session, today: TableSchema | None, work: Work) -> int:
        """Count how many more rows of the backup than today refer to rows that do not exist."""
        counts = [self._missing(session, at, key, today, work) for at, key in enumerate(self._own)]
        broken = [at for at, count in enumerate(counts) if count > 0]
        if len(broken) < 2:
            return sum(counts)
        total, absent = 0, {at for at in broken if not exists(session, self._own[at].table)}
        for changed in _batches(self._changed(len(self._keys), "<> 0")):
            work.check()
            tests = ", ".join(self._is_orphan_sql(values, broken, absent) for values, _ in changed)
            (orphans,) = session.query(f"SELECT {tests}")
            total += sum(
                number for (_, number), yes in zip(changed, orphans, strict=True) if int(yes)
            )
        if today is not None and absent:
            # Rows of today are not subtracted for a referenced table that does not exist.
            keys = [
                self._own[at]
                for at in broken
                if at not in absent and has(today, self._own[at].columns)
            ]
            any_absent = [
                filled(self._own[at].columns)
                for at in sorted(absent)
                if has(today, self._own[at].columns)
            ]
            other = [unmatched(key.columns, key.table, key.references) for key in keys]
            if any_absent:
                total += count_rows(session, today.table, any_absent, without=other)
        return max(*counts, total)

    def _is_orphan_sql(
        self, values: Sequence[list[Any] | None], broken: Sequence[int], absent: Set[int]
    ) -> str:
        """Return the expression whether a row with these values of its keys refers to a missing row."""
        tests = (
            "1" if at in absent else f"NOT EXISTS({_row_of(self._own[at], value)})"
            for at in broken
            if (value := values[at]) is not None
        )
        return f"({' OR '.join(tests) or '0'})"

    def _missing(
        self, session: Session, place: int, key: ForeignKey, today: TableSchema | None, work: Work
    ) -> int:
        """Count how many more rows of the backup than today refer to rows that do not exist.

        If the referenced table does not exist, these are all rows that refer to one of it.
        """
        if not exists(session, key.table):
            before = 0 if today is None else int(session.value(referring_rows(today, key.columns)))
            return before + sum(net for _, net in self._changed(place, "<> 0"))
        total = 0
        for changed in _batches(self._changed(place, "<> 0")):
            work.check()
            tests = ", ".join(f"EXISTS({_row_of(key, value)})" for value, _ in changed)
            (present,) = session.query(f"SELECT {tests}")
            total += sum(
                number
                for (_, number), there in zip(changed, present, strict=True)
                if not int(there)
            )
        return max(total, 0)


def _row_of(key: ForeignKey, value: Sequence[Any]) -> str:
    return f"SELECT 1 FROM {quoted(key.table)} WHERE {_equal(key.references, value)}"  # noqa: S608 - names are quoted, values literals


def _referring(
    session: Session,
    table: str,
    lost: Sequence[tuple[Reference, Sequence[list[Any]]]],
    work: Work,
) -> int:
    """Count the rows of a table that refer by any of its keys to one of the lost values.

    A row counts once, unless the lost values of several keys do not fit into one statement.
    """
    some = [(reference, values) for reference, values in lost if values]
    if len(some) > 1:
        tests = [_is_one_of_sql(reference.columns, values) for reference, values in some]
        if sum(map(len, tests)) <= _STATEMENT:
            work.check()
            return count_rows(session, table, tests)
    total = 0
    for reference, values in some:
        for batch in _batches(values):
            work.check()
            total += count_rows(session, table, [_is_one_of_sql(reference.columns, batch)])
    return total


def _is_one_of_sql(columns: Sequence[str], values: Iterable[Sequence[Any]]) -> str:
    names = ", ".join(map(quoted, columns))
    tuples = ", ".join(f"({', '.join(map(_sql, value))})" for value in values)
    return f"({names}) IN ({tuples})"


def _is_unique(schema: TableSchema, columns: Sequence[str]) -> bool:
    """Return whether no two rows of a table have the same values in these columns."""
    names = {column.lower() for column in columns}
    keys = [key.parts for key in schema.keys]
    keys += [index.parts for index in schema.indexes if index.unique]
    return any(
        {part.name.lower() for part in parts} <= names
        for parts in keys
        if not any(part.expression or part.length for part in parts)
    )


def _completely_removed(
    session: Session,
    table: str,
    columns: Sequence[str],
    fewer: Iterable[tuple[list[Any], int]],
    work: Work,
) -> Iterator[list[Any]]:
    """Yield one of each group of equal values of which a restore would leave no row.

    Args:
        session: A connection.
        table: The present table.
        columns: The referenced columns, whose values several rows may have.
        fewer: Values with the number of rows by which the backup has fewer than the present table.
        work: Cancel token.
    """
    groups: dict[str, list[tuple[list[Any], int]]] = {}
    for value, number in fewer:
        equal_ones = groups.setdefault(_normalized(value), [])
        for place, (other, before) in enumerate(equal_ones):
            if _are_equal(session, table, columns, value, other):
                equal_ones[place] = (other, before + number)
                break
        else:
            equal_ones.append((value, number))
    for some in _batches(one for group in groups.values() for one in group):
        work.check()
        counts = ", ".join(
            f"(SELECT COUNT(*) FROM {quoted(table)} WHERE {_equal(columns, value)})"  # noqa: S608 - names are quoted, values literals
            for value, _ in some
        )
        (present,) = session.query(f"SELECT {counts}")
        yield from (
            value
            for (value, number), rows in zip(some, present, strict=True)
            if int(rows) <= number
        )


def _is_equal_to_one(
    session: Session,
    table: str,
    columns: Sequence[str],
    value: list[Any],
    gained: dict[str, list[list[Any]]],
) -> bool:
    """Return whether the backup has a value that is the same by the collation of the columns."""
    return any(
        _are_equal(session, table, columns, value, other)
        for other in gained.get(_normalized(value), ())
    )


def _are_equal(
    session: Session, table: str, columns: Sequence[str], value: list[Any], other: list[Any]
) -> bool:
    """Return whether a value of the table is the same as another one by the collation."""
    return bool(
        int(
            session.value(
                f"SELECT EXISTS(SELECT 1 FROM {quoted(table)} WHERE {_equal(columns, value)} "  # noqa: S608 - names are quoted, values literals
                f"AND {_equal(columns, other)})"
            )
        )
    )


def _equal(columns: Iterable[str], values: Iterable[Any]) -> str:
    pairs = zip(columns, values, strict=True)
    return " AND ".join(f"{quoted(column)} = {_sql(value)}" for column, value in pairs)


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while some := list(islice(iterator, _BATCH)):
        yield some


def _is_known(value: Any) -> bool:
    """Return whether a value is a number, a text or bytes: not NULL, nor of unknown characters."""
    if isinstance(value, dict):
        return list(value) == [HEX] and isinstance(value[HEX], str)
    return isinstance(value, str)


def _dumped(values: Iterable[Any]) -> str:
    return json.dumps([{"n": v} if isinstance(v, Number) else v for v in values])


def _sql(value: Any) -> str:
    """Return a value of `_dumped` as a literal of the server."""
    if not isinstance(value, dict):
        return literal(value)
    # Digits of a JSON number; the digits of bytes may be forged.
    return str(value["n"]) if "n" in value else f"x'{bytes.fromhex(value[HEX]).hex()}'"


def _normalized(values: Iterable[Any]) -> str:
    """Return a text that is the same for values which a collation may consider equal."""
    texts = (value if isinstance(value, str) else json.dumps(value) for value in values)
    parts = (unicodedata.normalize("NFKD", one.rstrip(" ").casefold()) for one in texts)
    return "\0".join("".join(c for c in one if not unicodedata.combining(c)) for one in parts)

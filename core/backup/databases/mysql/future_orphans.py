"""Rows that would refer to missing rows after a restore, found without a table on the server.

The values of the columns of foreign keys are counted while a backup is compared with the present
table: those that only one of them has are looked up on the server, which decides by its collations.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from core.backup.databases.mysql.inspect import exists
from core.backup.databases.mysql.orphans import referring_rows
from core.backup.databases.mysql.rows import HEX, Number
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.model.tables import ForeignKey, Reference, TableSchema
from core.work import Work

_BATCH = 200
_WRITTEN = 5_000
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
        if len(self._pending) >= _WRITTEN:
            self._write()

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
        found: dict[str, int] = {}
        for place, reference in enumerate(self._incoming, len(self._own)):
            if today is not None:
                count = self._lost(session, place, reference, today, work)
                found[reference.table] = found.get(reference.table, 0) + count
        own = sum(self._missing(session, at, key, today, work) for at, key in enumerate(self._own))
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
    ) -> int:
        """Count rows of another table whose referenced rows only the present table has."""
        gained: dict[str, list[list[Any]]] = {}
        for value, _ in self._changed(key, "> 0"):
            gained.setdefault(_normalized(value), []).append(value)
        total = 0
        fewer = (
            (value, -net)
            for value, net in self._changed(key, "< 0")
            if not _is_equal_to_one(session, today.table, reference.parents, value, gained)
        )
        lost = (
            (value for value, _ in fewer)
            if _is_unique(today, reference.parents)
            else _completely_removed(session, today.table, reference.parents, fewer, work)
        )
        columns = ", ".join(map(quoted, reference.columns))
        for values in _batches(lost):
            work.check()
            tuples = ", ".join(f"({', '.join(map(_sql, value))})" for value in values)
            total += int(
                session.value(
                    f"SELECT COUNT(*) FROM {quoted(reference.table)} WHERE ({columns}) IN ({tuples})"  # noqa: S608 - names are quoted, values literals
                )
            )
        return total

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
            tests = ", ".join(
                f"EXISTS(SELECT 1 FROM {quoted(key.table)} WHERE {_equal(key.references, value)})"  # noqa: S608 - names are quoted, values literals
                for value, _ in changed
            )
            (present,) = session.query(f"SELECT {tests}")
            total += sum(
                number
                for (_, number), there in zip(changed, present, strict=True)
                if not int(there)
            )
        return max(total, 0)


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

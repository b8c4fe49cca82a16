"""What a restore would add, change and remove, found in a scratch file of this machine.

A read-only user of the server cannot create tables there. Equal lines at the same place are
skipped; the others are joined by their key in SQLite, in a private temporary file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from core.backup.databases.base import Rows
from core.backup.databases.mysql.dump import dump_rows
from core.backup.databases.mysql.future_orphans import KeyValues
from core.backup.databases.mysql.long_lines import shortened, without_hash
from core.backup.databases.mysql.rows import HEX, Number
from core.backup.databases.mysql.session import Session
from core.backup.databases.row_keys import Digits, KeyValue, key_text
from core.backup.databases.shown_values import cut, cut_pair
from core.model.database import Reference
from core.model.restore import ChangedCell, Difference
from core.model.tables import TableSchema
from core.work import Work

_LONGEST_VALUE = 120
_BATCH = 5_000
#: Lines between two checks for a cancel.
_CHECKED = 500
#: Tables with the number of their rows that would refer to missing rows.
Orphans = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Server:
    """The server of the present table: a connection, the keys of other tables to it, and the work."""

    session: Session
    references: tuple[Reference, ...]
    work: Work


def compared(
    backup: TableSchema,
    rows: Iterable[Rows],
    today: TableSchema | None,
    samples: int,
    server: Server,
) -> tuple[Difference, Orphans]:
    """Compare rows of a backup with those of the present table.

    A long row may be in several pieces; values above 256 KB of such rows are compared by their
    hash.

    Returns:
        The difference, and the number of rows in each table that would become orphans.
    """
    counted = _Counted(rows)
    if today is None and not backup.foreign_keys:
        return Difference(sum(count for count, _ in counted), 0, 0), ()
    # Imported here: a backup compares nothing, and SQLite takes 30 ms.
    from core.backup.databases.sqlite.private import private_database

    with private_database() as connection:
        values = KeyValues(connection, backup, server.references)
        if today is None:
            names = [column.name for column in backup.stored]
            for line in _checked(shortened(counted, names), server.work):
                values.add(line, 1)
            found = Difference(counted.rows, 0, 0)
        else:
            comparison = _Comparison(connection, backup, today, samples)
            with closing(dump_rows(server.session, today, server.work)) as present:
                comparison.fill(counted, present, values, server.work)
            found = comparison.result()
        return found, values.orphans(server.session, today, server.work)


class _Counted:
    """Pieces of rows, whose number is `rows` afterwards."""

    def __init__(self, pieces: Iterable[Rows]) -> None:
        self._pieces = pieces
        self.rows = 0

    def __iter__(self) -> Iterator[Rows]:
        for count, lines in self._pieces:
            self.rows += count
            yield count, lines


def key_of(backup: TableSchema, today: TableSchema) -> tuple[str, ...]:
    """Return the columns that identify a row in both: the primary or a unique key without NULL."""
    there = {column.name for column in today.stored} & {column.name for column in backup.stored}
    filled = {column.name for column in backup.columns if column.not_null}
    keys = [key.parts for key in backup.keys]
    keys += [index.parts for index in backup.indexes if index.unique]
    for parts in keys:
        names = tuple(part.name for part in parts if not part.expression and not part.length)
        if len(names) == len(parts) and filled.issuperset(names) and there.issuperset(names):
            return names
    return ()


class _Comparison:
    def __init__(
        self, connection: Any, backup: TableSchema, today: TableSchema, samples: int
    ) -> None:
        self._connection = connection
        self._samples = samples
        self._key = key_of(backup, today)
        present = {column.name for column in today.stored}
        self._columns = [c.name for c in backup.stored if c.name in present]
        self._names = [[column.name for column in schema.stored] for schema in (backup, today)]
        self._same_form = self._names[0] == self._names[1]

    def fill(
        self, rows: Iterable[Rows], present: Iterable[Rows], values: KeyValues, work: Work
    ) -> None:
        """Write all lines that are not equal at the same place into the file."""
        for side in "bt":
            self._connection.execute(f"CREATE TABLE {side} (key TEXT, line TEXT)")
        with self._connection:
            pairs = self._unequal(rows, present, work)
            while some := list(islice(pairs, _BATCH)):
                for place, side in enumerate("bt"):
                    lines = [line for pair in some if (line := pair[place]) is not None]
                    self._connection.executemany(
                        f"INSERT INTO {side} VALUES (?, ?)",  # noqa: S608 - one letter
                        [self._keyed(line) for line in lines],
                    )
                    for line in lines if values.needed else ():
                        values.add(line, 1 if side == "b" else -1)
        for side in "bt":
            self._connection.execute(f"CREATE INDEX {side}_key ON {side} (key)")

    def _unequal(
        self, rows: Iterable[Rows], present: Iterable[Rows], work: Work
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        mine = _checked(shortened(rows, self._names[0]), work)
        theirs = _checked(shortened(present, self._names[1]), work)
        for left, right in zip_longest(mine, theirs):
            if not (self._same_form and left == right):
                yield left, right

    def _keyed(self, line: bytes) -> tuple[str, str]:
        """Return key and text of a line; without a key the text is the key."""
        if self._same_form and not self._key:
            text = line.decode()
            return text, text
        row = json.loads(line, parse_int=Number, parse_float=Number)
        text = line.decode() if self._same_form else _dumped([row[n] for n in self._columns])
        return (_dumped([row[name] for name in self._key]) if self._key else text), text

    def result(self) -> Difference:
        """Return counts and samples."""
        if not self._key:
            return self._by_row()
        both = "FROM b JOIN t ON b.key = t.key WHERE b.line <> t.line"
        lost = "FROM b WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.key = b.key)"
        extra = "FROM t WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.key = t.key)"
        return Difference(
            self._count(lost),
            self._count(both),
            self._count(extra),
            self._key,
            tuple(islice(self._cells(both), self._samples)),
            self._keys(lost),
            self._keys(extra),
            self._exact_keys(lost),
            self._exact_keys(extra),
        )

    def _by_row(self) -> Difference:
        if not self._columns:  # no row can be the same
            return Difference(self._count("FROM b"), 0, self._count("FROM t"))
        groups = (
            "SELECT sum(side) AS more FROM (SELECT key, 1 AS side FROM b "
            "UNION ALL SELECT key, -1 FROM t) GROUP BY key"
        )
        sums = f"SELECT total(max(more,0)), total(max(-more,0)) FROM ({groups})"  # noqa: S608 - no names
        counts: Any = self._connection.execute(sums).fetchall()[0]
        return Difference(int(counts[0]), 0, int(counts[1]))

    def _count(self, source: str) -> int:
        rows: Any = self._connection.execute(f"SELECT count(*) {source}").fetchall()
        return int(rows[0][0])

    def _keys(self, source: str) -> tuple[str, ...]:
        rows = self._connection.execute(f"SELECT key {source} LIMIT ?", (self._samples,))
        return tuple(_key_text(str(row[0])) for row in rows)

    def _exact_keys(self, source: str) -> tuple[str, ...]:
        rows = self._connection.execute(f"SELECT key {source} LIMIT ?", (self._samples,))
        return tuple(_exact_key(str(row[0])) for row in rows)

    def _cells(self, source: str) -> Iterator[ChangedCell]:
        sql = f"SELECT b.key, b.line, t.line {source} LIMIT ?"
        for key, left, right in self._connection.execute(sql, (self._samples,)):
            backup, today = self._values(str(left)), self._values(str(right))
            for name, old, new in zip(self._columns, today, backup, strict=True):
                if old != new:
                    exact = _exact_key(str(key))
                    pair = cut_pair(_beginning(old), _beginning(new), _LONGEST_VALUE)
                    yield ChangedCell(_key_text(str(key)), name, *pair, exact)

    def _values(self, line: str) -> Sequence[Any]:
        row = json.loads(line, parse_int=Number, parse_float=Number)
        return [row[name] for name in self._columns] if isinstance(row, dict) else row


def _checked(lines: Iterator[bytes], work: Work) -> Iterator[bytes]:
    """Yield lines, and check between some of them whether the work is cancelled."""
    while some := list(islice(lines, _CHECKED)):
        work.check()
        yield from some


def _dumped(values: Sequence[Any]) -> str:
    """Return values as JSON with the digits of numbers, which differ from equal texts."""
    return json.dumps([{"n": v} if isinstance(v, Number) else v for v in values])


def _key_text(key: str) -> str:
    return ", ".join(_shown(value) for value in json.loads(key))


def _exact_key(key: str) -> str:
    """Return a key as the restore of single rows reads it; empty if it contains raw bytes."""
    values: list[KeyValue] = []
    for value in json.loads(key):
        tag, inner = next(iter(value.items())) if isinstance(value, dict) else ("", value)
        if tag not in ("", "n", HEX) or not isinstance(inner, str):
            return ""
        values.append(bytes.fromhex(inner) if tag == HEX else Digits(inner) if tag else inner)
    return key_text(values)


def _text(value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        tag, inner = next(iter(value.items()))
        return str(inner) if tag == "n" else f"x'{inner}'"
    return str(value)


def _beginning(value: Any) -> str:
    """Return a value as text; of a very long one only its beginning."""
    return without_hash(_text(value))


def _shown(value: Any) -> str:
    return cut(_text(value), _LONGEST_VALUE)

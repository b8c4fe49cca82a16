"""What a restore would add, change and remove, found by SQLite itself beside the database.

The backup's rows are loaded into a scratch file that only this user can read; today's database is
attached to it read-only, and joins by key do the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import apsw

from core.backup.databases.base import Rows
from core.backup.databases.row_keys import Digits, KeyValue, key_text
from core.backup.databases.shown_values import cut, cut_pair
from core.backup.databases.sqlite.connection import (
    BUSY_MILLISECONDS,
    cancellable,
    encoding_of,
    scalar,
)
from core.backup.databases.sqlite.ddl.writer import create_table
from core.backup.databases.sqlite.failures import translate_sqlite_errors
from core.backup.databases.sqlite.guarded_create import create_guarded
from core.backup.databases.sqlite.load import load_rows
from core.backup.databases.sqlite.tokens import quoted
from core.local.spool import private_file, spool
from core.model.restore import ChangedCell, Difference
from core.model.tables import Column, TableSchema
from core.work import Work

_LONGEST_VALUE = 120
#: Characters of long values in which the first difference is searched: more would need memory of
#: several times the size of the value.
_SEARCHED = 250_000

#: Three result columns for each, and SQLite's limit is 2,000.
_WIDEST = 600


@contextmanager
def scratch(
    schema: TableSchema, rows: Iterable[Rows], encoding: str, work: Work
) -> Iterator[apsw.Connection]:
    """Load rows into a table of the same name in a scratch database that ends with the block.

    `encoding` is that of the other database: SQLite only attaches databases with the same encoding.
    """
    with spool() as folder:
        path = private_file(folder / "scratch.db")
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        with translate_sqlite_errors(str(path)):
            connection = apsw.Connection(str(path), flags=flags)
        try:
            with translate_sqlite_errors(str(path)):
                connection.set_busy_timeout(BUSY_MILLISECONDS)
                for pragma in (f"encoding='{encoding}'", "journal_mode=OFF", "synchronous=OFF"):
                    connection.execute(f"PRAGMA {pragma}")
                for pragma in ("trusted_schema=OFF", "ignore_check_constraints=ON"):
                    connection.execute(f"PRAGMA {pragma}")
            with cancellable(connection, work, str(path)), connection:
                bare = replace(schema, indexes=(), triggers=(), foreign_keys=())
                create_guarded(connection, create_table(bare, schema.table))
                load_rows(connection, bare, rows, work)
            yield connection
        finally:
            connection.close()


class Comparison:
    """Compares `main.table` (the backup) with `today.table`."""

    def __init__(
        self, connection: apsw.Connection, backup: TableSchema, today: TableSchema, samples: int
    ) -> None:
        self._connection = connection
        self._samples = samples
        self._encoding = encoding_of(connection)
        self._ours = f"main.{quoted(backup.table)} AS b"
        self._theirs = f"today.{quoted(today.table)} AS t"
        there = {column.name.lower() for column in today.stored}
        self._columns = [c.name for c in backup.stored if c.name.lower() in there]
        self.key = key_of(backup, today)
        collations = [
            {c.name.lower(): _collation(c) for c in one.columns} for one in (backup, today)
        ]
        #: Columns of the key with other collations in both, which one of them would decide.
        self._recollated = {
            name for name in self.key if len({found.get(name.lower()) for found in collations}) > 1
        }

    def difference(self) -> Difference:
        """Return counts and samples."""
        return self._by_key() if self.key else self._by_row()

    def _by_key(self) -> Difference:
        same = " AND ".join(map(self._same, self.key))
        lost = f"FROM {self._ours} WHERE NOT EXISTS (SELECT 1 FROM {self._theirs} WHERE {same})"  # noqa: S608 - names are quoted
        extra = f"FROM {self._theirs} WHERE NOT EXISTS (SELECT 1 FROM {self._ours} WHERE {same})"  # noqa: S608 - names are quoted
        unlike = " OR ".join(_unlike(name) for name in self._columns)
        both = f"FROM {self._ours} JOIN {self._theirs} ON {same} WHERE {unlike}"
        return Difference(
            self._count(lost),
            self._count(both),
            self._count(extra),
            self.key,
            tuple(islice(self._cells(both), self._samples)),
            self._keys("b", lost),
            self._keys("t", extra),
            self._exact_keys("b", lost),
            self._exact_keys("t", extra),
        )

    def _same(self, name: str) -> str:
        if name in self._recollated:
            return f"b.{quoted(name)} IS (t.{quoted(name)} COLLATE BINARY)"
        return f"b.{quoted(name)} IS t.{quoted(name)}"

    def _by_row(self) -> Difference:
        if not self._columns:  # no row can be the same
            ours, theirs = (self._count(f"FROM {each}") for each in (self._ours, self._theirs))
            return Difference(ours, 0, theirs)
        names = ",".join(quoted(name) for name in self._columns)
        groups = ",".join(
            f"{quoted(name)} COLLATE BINARY,typeof({quoted(name)})" for name in self._columns
        )
        rows = (
            f"FROM (SELECT sum(side) AS more FROM (SELECT {names},1 AS side FROM {self._ours} "  # noqa: S608 - names are quoted
            f"UNION ALL SELECT {names},-1 FROM {self._theirs}) GROUP BY {groups})"
        )
        sums = f"SELECT total(max(more,0)),total(max(-more,0)) {rows}"
        counts: Any = self._connection.execute(sums).fetchall()[0]
        return Difference(int(counts[0]), 0, int(counts[1]))

    def _count(self, source: str) -> int:
        return int(scalar(self._connection, f"SELECT count(*) {source}"))

    def _keys(self, side: str, source: str) -> tuple[str, ...]:
        names = ",".join(_safe(f"{side}.{quoted(name)}") for name in self.key)
        rows = self._connection.execute(f"SELECT {names} {source} LIMIT ?", (self._samples,))
        return tuple(self._cell_text(row) for row in rows)

    def _exact_keys(self, side: str, source: str) -> tuple[str, ...]:
        names = ",".join(_safe(f"{side}.{quoted(name)}") for name in self.key)
        rows = self._connection.execute(f"SELECT {names} {source} LIMIT ?", (self._samples,))
        return tuple(_exact_key(row, self._encoding) for row in rows)

    def _cell_text(self, values: Sequence[Any]) -> str:
        return ", ".join(shown_value(value, self._encoding) for value in values)

    def _cells(self, source: str) -> Iterator[ChangedCell]:
        names = self._columns[:_WIDEST]
        picked = [_safe(f"b.{quoted(name)}") for name in self.key]
        for name in names:
            picked += [_unlike(name), *(_from_difference(name, side) for side in "tb")]
        sql = f"SELECT {','.join(picked)} {source} LIMIT ?"
        width = len(self.key)
        for row in self._connection.execute(sql, (self._samples,)):
            parts = (row[width + each :: 3] for each in range(3))
            for name, unlike, today, backup in zip(names, *parts, strict=True):
                if unlike:
                    left, right = (_text(value, self._encoding) for value in (today, backup))
                    pair = cut_pair(left, right, _LONGEST_VALUE)
                    exact = _exact_key(row[:width], self._encoding)
                    yield ChangedCell(self._cell_text(row[:width]), name, *pair, exact)


def _collation(column: Column) -> str:
    return (column.collation or "BINARY").upper()


def _unlike(name: str) -> str:
    ours, theirs = f"b.{quoted(name)}", f"t.{quoted(name)}"
    return f"{ours} IS NOT ({theirs} COLLATE BINARY) OR typeof({ours})<>typeof({theirs})"


def key_of(backup: TableSchema, today: TableSchema) -> tuple[str, ...]:
    """Return the columns that name a row in both: the primary key, or a unique one without NULL."""
    there = {column.name.lower() for column in today.stored}
    filled = {column.name for column in backup.columns if column.not_null}
    for key in sorted(backup.keys, key=lambda key: not key.primary):
        names = tuple(part.name for part in key.parts if not part.expression)
        usable = len(names) == len(key.parts) and (key.primary or filled.issuperset(names))
        if usable and all(name.lower() in there for name in names):
            return names
    return ()


def _safe(value: str) -> str:
    """SQL that fetches TEXT as its bytes (they need not be UTF-8) and a BLOB as a text."""
    blob = f"WHEN 'blob' THEN 'x'''||hex({value})||''''"
    return f"CASE typeof({value}) {blob} WHEN 'text' THEN CAST({value} AS BLOB) ELSE {value} END"


def _beginning(value: str, characters: int = _LONGEST_VALUE) -> str:
    """SQL like that of `_safe` for the beginning of a value, by default what `shown_value` shows.

    A character has four bytes at most. `substr` of a text would end at its first NUL.
    """
    hexed = f"hex(substr({value},1,{characters // 2 + 1}))"
    text = f"substr(CAST({value} AS BLOB),1,{(characters + 1) * 4})"
    blob = f"WHEN 'blob' THEN 'x'''||{hexed}||''''"
    return f"CASE typeof({value}) {blob} WHEN 'text' THEN {text} ELSE {value} END"


def _from_difference(name: str, side: str) -> str:
    """SQL for the beginning of a value; a longer one if the shown ones of both sides are the same."""
    value = f"{side}.{quoted(name)}"
    ours, theirs = (_beginning(f"{each}.{quoted(name)}") for each in "bt")
    same = f"({_unlike(name)}) AND ({ours}) IS ({theirs})"
    return f"CASE WHEN {same} THEN {_beginning(value, _SEARCHED)} ELSE {_beginning(value)} END"


def _exact_key(values: Sequence[Any], encoding: str) -> str:
    """Return a key as the restore of single rows reads it; empty if it cannot be written.

    Args:
        values: The values of `_safe`.
        encoding: The encoding of texts.
    """
    found: list[KeyValue] = []
    for value in values:
        if isinstance(value, bytes):
            try:
                found.append(value.decode(encoding))
            except UnicodeDecodeError:
                return ""
        elif isinstance(value, str):
            found.append(bytes.fromhex(value[2:-1]))
        elif value is None:
            return ""
        else:
            found.append(Digits(repr(value)))
    return key_text(found)


def _text(value: Any, encoding: str) -> str:
    if value is None:
        return "NULL"
    return value.decode(encoding, "replace") if isinstance(value, bytes) else str(value)


def shown_value(value: Any, encoding: str) -> str:
    """Return one value as a person reads it, cut when long."""
    return cut(_text(value, encoding), _LONGEST_VALUE)

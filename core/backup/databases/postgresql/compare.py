"""Comparison of a table with the rows of a backup, in a temporary table of the same server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from core.backup.databases.base import Rows
from core.backup.databases.postgresql.build import table_statement
from core.backup.databases.postgresql.catalog import column_list, own_rows
from core.backup.databases.postgresql.comparable_types import with_plain_columns, with_usable_types
from core.backup.databases.postgresql.loading import copy_rows
from core.backup.databases.postgresql.names import quoted
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.backup.databases.row_keys import key_text
from core.backup.databases.shown_values import cut, cut_pair
from core.errors import DatabaseError, NotFound
from core.model.restore import ChangedCell, Difference
from core.model.tables import TableSchema
from core.work import Work

LOADED = 'pg_temp."strongroom_backup"'
_LONGEST_SHOWN = 200
#: A row has at most 1,664 columns, also within a join of two tables.
_MOST_JOINED = 800
#: Types of which equal values have the same text.
_EXACT = frozenset(("smallint", "integer", "bigint", "oid", "uuid", "date", "boolean"))


@contextmanager
def loaded(
    session: Session, schema: TableSchema, rows: Iterable[Rows], work: Work
) -> Iterator[TableSchema]:
    """Load the rows into the temporary table `LOADED`, yield its schema, and roll everything back.

    Columns whose types the database has otherwise, or not at all, have other types in it, and
    what else is missing is left out.

    Raises:
        DatabaseError: The user may not create temporary tables, among other errors.
    """
    session.query("BEGIN READ WRITE")
    try:
        schema = with_usable_types(session, schema)
        try:
            with savepoint(session):
                session.query(table_statement(schema, LOADED, temporary=True))
        except (DatabaseError, NotFound):  # a function, collation or sequence is missing
            schema = with_plain_columns(session, schema)
            session.query(table_statement(schema, LOADED, temporary=True))
        copy_rows(session, f"{LOADED} ({column_list(schema)})", rows, work)
        session.query(f"ANALYZE {LOADED}")
        yield schema
    finally:
        session.query("ROLLBACK")


class Comparison:
    """Compares the loaded rows with the present table, by its key if it has one."""

    def __init__(
        self, session: Session, backup: TableSchema, today: TableSchema, samples: int
    ) -> None:
        self._session = session
        self._today = own_rows(today)
        self._samples = samples
        present = {column.name: column for column in today.columns}
        names = present.keys()
        self._same_type = {
            column.name
            for column in backup.stored
            if column.name in present
            and (column.type, column.collation)
            == (present[column.name].type, present[column.name].collation)
        }
        self._columns = [column.name for column in backup.stored if column.name in names]
        primary = backup.primary
        key = [part.name for part in primary.parts] if primary else []
        by_key = len(self._columns) <= _MOST_JOINED and all(name in names for name in key)
        self._key = key if by_key else []
        exact = {c.name for c in backup.columns if c.type in _EXACT}
        #: Columns whose values may differ in rows of the same key: `Ada` and `ada` are equal as
        #: citext, 1.0 and 1.00 as numbers.
        self._compared = [n for n in self._columns if n not in self._key or n not in exact]

    def difference(self) -> Difference:
        """Return what a restore would add, change and remove."""
        return self._by_key() if self._key else self._by_rows()

    def _by_key(self) -> Difference:
        joined = " AND ".join(map(self._equal, self._key))
        first = quoted(self._key[0])
        both = f"FROM {LOADED} b FULL JOIN {self._today} t ON {joined}"
        added = f"t.{first} IS NULL"
        removed = f"b.{first} IS NULL"
        changed = f"NOT ({added}) AND NOT ({removed}) AND {self._differs()}"
        counts = self._session.query(
            f"SELECT count(*) FILTER (WHERE {added}), count(*) FILTER (WHERE {changed}), "
            f"count(*) FILTER (WHERE {removed}) {both}"
        )[0]
        added_rows, added_keys = self._rows("b", f"{both} WHERE {added}")
        removed_rows, removed_keys = self._rows("t", f"{both} WHERE {removed}")
        return Difference(
            int(counts[0]),
            int(counts[1]),
            int(counts[2]),
            by_key=tuple(self._key),
            cells=tuple(self._cells(f"{both} WHERE {changed}")),
            added_rows=added_rows,
            removed_rows=removed_rows,
            added_keys=added_keys,
            removed_keys=removed_keys,
        )

    def _equal(self, name: str) -> str:
        column = quoted(name)
        if name in self._same_type:
            return f"b.{column} = t.{column}"
        # Values of two types or collations may have no operator in common.
        return f'b.{column}::text COLLATE "C" = t.{column}::text COLLATE "C"'

    def _differs(self) -> str:
        """Return the condition for different values, which compares texts: 1.0 is not 1.00."""
        pairs = (
            f'b.{quoted(name)}::text COLLATE "C" IS DISTINCT FROM '
            f't.{quoted(name)}::text COLLATE "C"'
            for name in self._compared
        )
        return f"({' OR '.join(pairs) or 'false'})"

    def _cells(self, where: str) -> Iterator[ChangedCell]:
        columns = self._compared
        if not columns:
            return
        # Arrays, because a result has at most 1,664 columns.
        arrays = ", ".join((_texts("b", self._key), _texts("t", columns), _texts("b", columns)))
        statement = f"SELECT {arrays} {where} LIMIT {self._samples}"
        count = 0
        for key, today_values, backup_values in self._session.query(statement):
            name = ", ".join(key)
            for column, today, backup in zip(columns, today_values, backup_values, strict=True):
                if today != backup and count < self._samples:
                    count += 1
                    pair = cut_pair(_text(today), _text(backup), _LONGEST_SHOWN)
                    yield ChangedCell(name, column, *pair, key_text(key))

    def _rows(self, alias: str, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return sample rows as text, and their keys."""
        columns = ", ".join(f"{alias}.{quoted(name)}" for name in self._columns)
        key = _texts(alias, self._key)
        statement = f"SELECT ROW({columns})::text, {key} {where} LIMIT {self._samples}"
        rows = self._session.query(statement)
        return tuple(_shown(row) for row, _ in rows), tuple(key_text(key) for _, key in rows)

    def _by_rows(self) -> Difference:
        """Compare complete rows and their number, for tables without a key."""
        if not self._columns:  # no row can be the same
            loaded, present = (
                int(self._session.value(f"SELECT count(*) FROM {each}"))  # noqa: S608 - names are quoted
                for each in (LOADED, self._today)
            )
            return Difference(loaded, 0, present)
        row = ", ".join(map(quoted, self._columns))
        mine = f"SELECT ROW({row})::text AS line FROM {LOADED}"  # noqa: S608 - names are quoted
        theirs = f"SELECT ROW({row})::text AS line FROM {self._today}"  # noqa: S608 - names are quoted
        added = f"FROM ({mine} EXCEPT ALL {theirs}) x"
        removed = f"FROM ({theirs} EXCEPT ALL {mine}) x"
        return Difference(
            int(self._session.value(f"SELECT count(*) {added}")),
            0,
            int(self._session.value(f"SELECT count(*) {removed}")),
            added_rows=self._lines(added),
            removed_rows=self._lines(removed),
        )

    def _lines(self, source: str) -> tuple[str, ...]:
        rows = self._session.query(f"SELECT line {source} LIMIT {self._samples}")
        return tuple(_shown(row[0]) for row in rows)


def _texts(alias: str, columns: list[str]) -> str:
    return f"ARRAY[{', '.join(f'{alias}.{quoted(name)}::text' for name in columns)}]"


def _text(value: str | None) -> str:
    return "NULL" if value is None else value


def _shown(value: str | None) -> str:
    return cut(_text(value), _LONGEST_SHOWN)

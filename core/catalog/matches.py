"""The keys in memory, and the results of a search in them, which are read page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from core.catalog.database import connect
from core.catalog.narrowing import Narrowing
from core.catalog.query import Query
from core.catalog.segments import search_table_sql
from core.errors import InvalidInput
from core.model.catalog import CatalogRow
from core.sql.literals import text_literal
from core.sql.session import run
from core.work import Work

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt

#: Number of keys from which they are compressed in memory; a million keys take 250 MB otherwise.
COMPRESSED = 2_000_000
#: Keys that are read before they are compressed, and keys by which they are divided.
_AT_ONCE, _SAMPLE = 500_000, 2_000
_ROW = "key, size, modified, storage_class, kind, symbol, timeframe, moment"


class Table:
    """All keys of a catalogue in the memory of this process; never changed.

    Attributes:
        damaged: the names of the segments that could not be read.
    """

    def __init__(
        self,
        prepare: Callable[[duckdb.DuckDBPyConnection], tuple[str, ...]],
        count: int = 0,
    ) -> None:
        """Read all keys.

        Args:
            prepare: creates the view `stored` in a database, and returns what could not be read.
            count: about how many keys there are; many are compressed.
        """
        compressed = count > COMPRESSED
        self._connection = connect(compressed=compressed)
        self.damaged = prepare(self._connection)
        if compressed:
            self._fill(count)
        else:
            self._connection.execute(search_table_sql())
        found = self._connection.execute("SELECT count(*) FROM keys").fetchone()
        self._count = int(found[0]) if found else 0
        self._narrowing = Narrowing()

    def _fill(self, count: int) -> None:
        """Create the table in steps: before they are compressed, 5,000,000 keys take 2.5 GB."""
        begin = "CREATE TABLE keys AS"
        for where in _divided(self._connection, count):
            self._connection.execute(search_table_sql(begin, where))
            self._connection.execute("CHECKPOINT")  # which compresses the rows
            begin = "INSERT INTO keys"

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor, with which another thread can run statements at the same time."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("USE catalog")
            yield cursor
        finally:
            cursor.close()

    @staticmethod
    def count(cursor: duckdb.DuckDBPyConnection, query: Query) -> int:
        """Return the number of keys that meet the conditions of a query."""
        where, values = query.where()
        found = cursor.execute(f"SELECT count(*) FROM keys WHERE {where}", values).fetchone()  # noqa: S608 - values are parameters
        return int(found[0]) if found else 0

    def search(self, query: Query, order: str, work: Work) -> Matches:
        """Return the keys that meet the conditions of a query.

        Args:
            query: the conditions.
            order: an ORDER BY clause.
            work: a cancel interrupts the search.

        Raises:
            InvalidInput: a regular expression of the query is not valid.
            Cancelled: the token of `work` was cancelled.
        """
        where, values = query.where()
        narrowed, numbers = self._narrowing.condition(query.conditions, self._count)
        sql = f"SELECT rowid::INTEGER, size FROM keys WHERE ({narrowed}) AND {where} {order}"  # noqa: S608 - values are parameters
        with self.cursor() as cursor, _translate_regex_errors(), run(cursor, work):
            rows, sizes = cursor.execute(sql, [*numbers, *values]).fetchnumpy().values()
        self._narrowing.remember(query.conditions, rows)
        return Matches(self, rows, int(sizes.sum()))

    def rows(self, numbers: npt.NDArray[Any]) -> tuple[CatalogRow, ...]:
        """Return some rows by their numbers, in the given order."""
        if not len(numbers):
            return ()
        sql = (
            f"SELECT {_ROW} FROM (SELECT unnest(?) AS wanted, unnest(?) AS place) "  # noqa: S608 - names of this module
            "JOIN keys ON keys.rowid = wanted ORDER BY place"
        )
        with self.cursor() as cursor:
            found = cursor.execute(sql, [numbers.tolist(), list(range(len(numbers)))])
            return tuple(_row(each) for each in found.fetchall())


class Matches:
    """The keys that a search has found, in the order of the search. Nothing is left out.

    Attributes:
        size: bytes of all objects.
    """

    def __init__(self, table: Table, rows: npt.NDArray[Any], size: int) -> None:
        self._table, self._rows = table, rows
        self.size = size

    def __len__(self) -> int:
        return len(self._rows)

    def page(self, begin: int, count: int) -> tuple[CatalogRow, ...]:
        """Return up to `count` rows from the position `begin` on."""
        return self._table.rows(self._rows[begin : begin + count])

    def rows(self, positions: Sequence[int]) -> tuple[CatalogRow, ...]:
        """Return the rows at some positions."""
        return self._table.rows(self._rows[list(positions)])


def _divided(connection: duckdb.DuckDBPyConnection, count: int) -> Iterator[str]:
    """Yield conditions in SQL that divide the keys of `stored` into ranges, in their order."""
    sample = connection.execute(
        f"SELECT key FROM (SELECT key FROM stored USING SAMPLE reservoir({_SAMPLE} ROWS)) ORDER BY 1"  # noqa: S608 - a number
    ).fetchall()
    step = max(1, _SAMPLE * _AT_ONCE // count)
    begin = ""
    for (key,) in sample[step::step]:
        if key > begin:
            yield f"key >= {text_literal(begin)} AND key < {text_literal(key)}"
            begin = key
    yield f"key >= {text_literal(begin)}"


def _row(values: Sequence[Any]) -> CatalogRow:
    key, size, modified, storage_class, kind, symbol, timeframe, moment = values
    return CatalogRow(
        key,
        size,
        modified.replace(tzinfo=UTC),
        storage_class,
        kind,
        symbol,
        timeframe,
        moment and moment.replace(tzinfo=UTC),
    )


@contextmanager
def _translate_regex_errors() -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(
            "The regular expression is not valid",
            cause=error.cause,
            remedy="Correct the expression; the syntax is that of RE2, without lookaround.",
        ) from error

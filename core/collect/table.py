"""The table of a collection in DuckDB: typed, within the range, without repetitions, in order.

Rules for rows that several objects have:

- candles: of several rows with the same symbol and time, that of the later object counts. Files
  that are written regularly contain the last candles again, and complete the last one.
- trades: a trade with an id counts once, as the later object has it, whatever name each object has
  for ids; they are unique for a symbol, so rows that name their symbols are one trade only if these
  are equal, too, apart from separators (`BTC-USD`, `BTC/USD`). Trades without ids count
  as often as in the object that has the most equal ones: two trades may be equal, but the same
  trade in two objects is one.
- order books, portfolios and reports: a moment counts once, as the latest object has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.collect.request import Request
from core.collect.staging import BAD, FILE, MOST_ROW_BYTES, NTH, RANK, ROW, WRITTEN, Form, Staging
from core.collect.times import Precision, precision_sql, time_sql, within_sql, written_sql
from core.collect.types import Digits, digits_sql, number_type
from core.layout.kinds import kind
from core.preview.trades import IDS, MARKET
from core.sql.literals import quoted, text_literal

if TYPE_CHECKING:
    import duckdb

#: The name of the table, in queries too.
TABLE = "data"
TIME = "timestamp"
#: Kinds of which an object is the state at a moment.
_STATES = frozenset({"orderbook", "portfolio", "analytics"})
_TRADES = frozenset({"trades", "user_trades"})
#: Columns that are numbers even if they are written as texts, as Python writes decimals.
_NUMERIC = frozenset(
    ["open", "high", "low", "close", "volume", "price", "quantity", "qty", "amount", "size", "fee",
     "cost", "value_usd", "total_value_usd", "avg_price", "current_price"]
)  # fmt: skip
_ROW_BYTES = 1 << 20
_CSV_BUFFER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Repetitions:
    """Rows that do not count: equal ones, those that a later object and that the same one replaces."""

    repeated: int = 0
    revised: int = 0
    conflicting: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The finished table `data`; see `CollectReport` for the counts.

    Attributes:
        columns: names and types of the columns.
        bad_times: for each object with rows that have no readable time, their number.
        bad_numbers: for each object with values that should be numbers, the number of such rows.
    """

    columns: tuple[tuple[str, str], ...]
    rows: int
    repetitions: Repetitions
    outside: int
    bad_times: dict[int, int]
    bad_numbers: dict[int, int]
    notes: tuple[str, ...]


def head_of(request: Request) -> list[str]:
    """Return the names of the columns that come from the keys of the objects."""
    return list(kind(request.kind).names)


def build_table(
    connection: duckdb.DuckDBPyConnection, request: Request, objects: Path, staging: Staging
) -> Table:
    """Create the table `data` from the files of `staging`.

    Args:
        connection: an empty database whose time zone is UTC.
        request: the range.
        objects: a CSV file with the number, name and rank of each object; a later object has a
            higher rank.
        staging: the rows.
    """
    return _Builder(connection, request, staging).build(objects)


class _Builder:
    """Creates one table in steps; `raw` has texts, `typed` all rows of the range."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, request: Request, staging: Staging
    ) -> None:
        self._connection, self._request, self._staging = connection, request, staging
        self._notes: list[str] = []
        self._head = head_of(request)
        self._precision = Precision()

    def build(self, objects: Path) -> Table:
        """Run all steps."""
        members = self._load(objects)
        values = self._create_typed(members)
        bad_times = self._objects_where(f"{quoted(TIME)} IS NULL")
        bad_numbers = self._objects_where(f"{quoted(BAD)} > 0")
        self._delete(f"{quoted(TIME)} IS NULL")
        request = self._request
        within = within_sql(quoted(TIME), request.start, request.end, self._precision)
        outside = self._delete(f"NOT ({within})")
        repetitions = self._deduplicate([*self._head, TIME, *values])
        columns = tuple((row[0], row[1]) for row in self._rows(f"DESCRIBE {TABLE}"))
        return Table(
            columns, self._count(TABLE), repetitions, outside, bad_times, bad_numbers,
            tuple(self._notes),
        )  # fmt: skip

    def _load(self, objects: Path) -> list[str]:
        """Create the tables `objects` and `raw`, and return the columns of the latter."""
        self._connection.execute(
            f"CREATE TABLE objects AS SELECT * FROM read_csv({text_literal(str(objects))}, "  # noqa: S608 - the program's path
            f"columns = {{'{FILE}': 'INTEGER', 'name': 'VARCHAR', '{RANK}': 'INTEGER'}}, {STAGED_CSV})"
        )
        forms = self._staging.forms.values()
        members = list(dict.fromkeys(name for form in forms for name in form.names))
        if TIME not in members:
            members.append(TIME)
        parts = [
            f"SELECT * FROM {staged_source(form)}"  # noqa: S608 - all names are quoted
            for form in forms
        ]
        # A part without rows, so that there is always a column of times.
        empty = f"SELECT 0::INTEGER AS {quoted(FILE)}, 0::INTEGER AS {quoted(ROW)}, ''::VARCHAR AS {quoted(TIME)} WHERE false"
        self._connection.execute(
            f"CREATE VIEW raw AS {' UNION ALL BY NAME '.join([*parts, empty])}"
        )
        return members

    def _create_typed(self, members: Sequence[str]) -> list[str]:
        """Create the table of typed rows, and return its columns of values."""
        names = [name for name in members if name != TIME]
        types = self._types(names)
        values = [_number_sql(_raw(name), types[name]) for name in names]
        bad = [
            f"CASE WHEN {_raw(name)} IS NOT NULL AND {value} IS NULL THEN 1 ELSE 0 END"
            for name, value in zip(names, values, strict=True)
            if types[name] != "VARCHAR"
        ]
        head = [f"objects.name AS {quoted(self._head[0])}"]
        if len(self._head) > 1:
            head.append(f"{text_literal(self._request.timeframe)} AS timeframe")
        columns = [
            *head,
            f"{time_sql(_raw(TIME), self._precision)} AS {quoted(TIME)}",
            *(f"{value} AS {quoted(name)}" for name, value in zip(names, values, strict=True)),
            f"{' + '.join(bad) or '0'} AS {quoted(BAD)}",
            f"objects.{quoted(RANK)} AS {quoted(RANK)}, raw.{quoted(ROW)} AS {quoted(ROW)}",
            f"raw.{quoted(FILE)} AS {quoted(FILE)}",
            *(
                [f"{written_sql(_raw(TIME))} AS {quoted(WRITTEN)}"]
                if self._precision.beyond
                else []
            ),
        ]
        self._connection.execute(
            f"CREATE TABLE typed AS SELECT {', '.join(columns)} FROM raw JOIN objects "  # noqa: S608 - all names are quoted
            f"ON raw.{quoted(FILE)} = objects.{quoted(FILE)}"
        )
        return [name for name in names if not self._repeats_head(name)]

    def _types(self, names: Sequence[str]) -> dict[str, str]:
        """Return the types of the columns, and measure the times.

        Numbers that no type holds stay text, with a note.
        """
        kinds = self._staging.kinds
        numeric = [name for name in names if kinds[name] <= {"number"} or name.lower() in _NUMERIC]
        types = {name: "BOOLEAN" if kinds[name] == {"boolean"} else "VARCHAR" for name in names}
        measures = ", ".join([precision_sql(quoted(TIME)), *map(digits_sql, numeric)])
        (found,) = self._rows(f"SELECT {measures} FROM raw")  # noqa: S608 - all names are quoted
        self._precision = Precision.of(found[:2])
        if self._precision.beyond:
            self._notes.append("Digits of times below nanoseconds are omitted.")
        for number, name in enumerate(numeric, 1):
            digits = Digits(*found[2 * number : 2 * number + 2])
            exact = number_type(digits)
            if exact is None and digits.before is not None:
                self._notes.append(
                    f"The column {name} is text, because its numbers have more than 38 digits."
                )
            types[name] = exact or "VARCHAR"
        return types

    def _repeats_head(self, name: str) -> bool:
        """Return whether a column of the rows only repeats the symbol or timeframe of the key."""
        original = self._staging.renamed.get(name)
        if original not in self._head:
            return False
        differing = self._rows(
            f"SELECT 1 FROM typed WHERE {quoted(name)} <> {quoted(original)} LIMIT 1"  # noqa: S608 - all names are quoted
        )
        return not differing

    def _objects_where(self, condition: str) -> dict[int, int]:
        """Return how many typed rows of each object meet a condition."""
        return dict(
            self._rows(f"SELECT {quoted(FILE)}, count(*) FROM typed WHERE {condition} GROUP BY 1")  # noqa: S608 - of this module
        )

    def _delete(self, condition: str) -> int:
        return int(self._rows(f"DELETE FROM typed WHERE {condition}")[0][0])  # noqa: S608 - of this module

    def _deduplicate(self, columns: Sequence[str]) -> Repetitions:
        """Create the table, and return the numbers of rows that do not count."""
        names = ", ".join(map(quoted, columns))
        source = self._unique_rows(columns)
        order = ", ".join([*self._moment, *map(quoted, (self._head[0], RANK, ROW))])
        self._connection.execute(
            f"CREATE TABLE {TABLE} AS SELECT {names} FROM ({source}) ORDER BY {order}"  # noqa: S608 - all names are quoted
        )
        before, after = self._count("typed"), self._count(TABLE)
        if before == after:
            return Repetitions()
        # A row that differs from all rows of the table was replaced; the others were repeated.
        replaced = self._count(self._lacking(names, "typed"))
        if not replaced:
            return Repetitions(before - after)
        key = ", ".join(self._key(columns))
        # Its place was taken by another row of its object if no later object has one.
        latest = (
            f"(FROM typed QUALIFY {quoted(RANK)} = max({quoted(RANK)}) OVER (PARTITION BY {key}))"
        )
        conflicting = self._count(self._lacking(names, latest))
        return Repetitions(before - after - replaced, replaced - conflicting, conflicting)

    @staticmethod
    def _lacking(names: str, source: str) -> str:
        """Return the rows of a source that the table does not have."""
        return f"(SELECT {names} FROM {source} EXCEPT SELECT {names} FROM {TABLE})"  # noqa: S608 - all names are quoted

    @property
    def _moment(self) -> list[str]:
        """The columns of the time: that of its text, too, if some are finer than the type."""
        return [quoted(TIME), *([quoted(WRITTEN)] if self._precision.beyond else [])]

    def _key(self, columns: Sequence[str]) -> list[str]:
        """Return the columns of which each combination is one row or, for states, one moment."""
        identifier = _identifier(columns) if self._request.kind in _TRADES else None
        if identifier is None:
            return [quoted(self._head[0]), *self._moment]
        return [quoted(self._head[0]), *self._markets(columns), identifier]

    def _markets(self, columns: Sequence[str]) -> list[str]:
        """Return the symbols that the rows name without separators, if they name any."""
        renamed = self._staging.renamed
        own = [name for name in columns[len(self._head) :] if renamed.get(name, name) in MARKET]
        if not own:
            return []
        # Some objects may only have the symbol in their keys.
        keys = self._head[:1] if self._request.kind == "trades" else []
        symbol = f"coalesce({', '.join(map(quoted, (own[0], *keys)))})"
        return [f"upper(regexp_replace({symbol}, '[^A-Za-z0-9]', '', 'g'))"]

    def _unique_rows(self, columns: Sequence[str]) -> str:
        """Return the query of the rows that count; see the rules of this module."""
        key = ", ".join(self._key(columns))
        latest = f"ORDER BY {quoted(RANK)} DESC, {quoted(ROW)} DESC"
        if self._request.kind == "ohlcv":
            if not self._has_repeats(key):
                return "FROM typed"
            return f"FROM typed QUALIFY row_number() OVER (PARTITION BY {key} {latest}) = 1"
        if self._request.kind in _STATES:
            return (
                f"FROM typed QUALIFY {quoted(RANK)} = max({quoted(RANK)}) OVER (PARTITION BY {key})"
            )
        identifier = _identifier(columns)
        names = ", ".join([*map(quoted, columns), *self._moment[1:]])
        # Equal rows of one object are counted first, then each number of repetitions once.
        window = f"PARTITION BY {names}, {quoted(RANK)} ORDER BY {quoted(ROW)}"
        numbered = f"SELECT *, row_number() OVER ({window}) AS {quoted(NTH)} FROM typed"  # noqa: S608 - all names are quoted
        equal = f"PARTITION BY {names}, {quoted(NTH)}"
        if identifier is None:
            return f"FROM ({numbered}) QUALIFY row_number() OVER ({equal} {latest}) = 1"
        same = f"PARTITION BY {key}"
        return (
            f"SELECT * EXCLUDE ({quoted(NTH)}) FROM ({numbered}) WHERE {identifier} IS NULL "  # noqa: S608 - all names are quoted
            f"QUALIFY row_number() OVER ({equal} {latest}) = 1 UNION ALL "
            f"SELECT * FROM typed WHERE {identifier} IS NOT NULL "
            f"QUALIFY row_number() OVER ({same} {latest}) = 1"
        )

    def _has_repeats(self, key: str) -> bool:
        return bool(self._rows(f"SELECT 1 FROM typed GROUP BY {key} HAVING count(*) > 1 LIMIT 1"))  # noqa: S608 - all names are quoted

    def _count(self, source: str) -> int:
        return int(self._rows(f"SELECT count(*) FROM {source}")[0][0])  # noqa: S608 - of this module

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


#: Options of DuckDB for the files of `core.collect.staging`.
STAGED_CSV = (
    "header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
    "allow_quoted_nulls = false, new_line = '\\n'"
)


def staged_source(form: Form) -> str:
    """Return the SQL of the rows of a staged file, all of whose values are text."""
    types = [(FILE, "INTEGER"), (ROW, "INTEGER"), *((name, "VARCHAR") for name in form.names)]
    columns = ", ".join(f"{text_literal(name)}: '{of}'" for name, of in types)
    # The buffers of DuckDB have many times the length of the longest line that it allows.
    longest = min(max(form.longest, _ROW_BYTES), MOST_ROW_BYTES)
    return (
        f"read_csv({text_literal(str(form.path))}, columns = {{{columns}}}, {STAGED_CSV}, "
        f"max_line_size = {longest}, buffer_size = {max(_CSV_BUFFER_BYTES, 2 * longest)})"
    )


def _raw(name: str) -> str:
    return f"raw.{quoted(name)}"


def _number_sql(text: str, of: str) -> str:
    """Return the SQL of a value with a type; NULL if it has none."""
    # As an integer `0x10` would be 16; a decimal has no such spellings.
    value = f"TRY_CAST({text} AS DECIMAL(18,0))" if of == "BIGINT" else text
    return f"TRY_CAST({value} AS {of})"


def _identifier(columns: Sequence[str]) -> str | None:
    """Return the SQL of the ids of trades, whose column has another name in some objects."""
    found = [name for each in IDS for name in columns if name.lower() == each]
    if len(found) < 2:
        return quoted(found[0]) if found else None
    return f"coalesce({', '.join(f'CAST({quoted(name)} AS VARCHAR)' for name in found)})"

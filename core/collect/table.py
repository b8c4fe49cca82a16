"""The table of a collection in DuckDB: typed, within the range, without repetitions, in order.

Rules for rows that several objects have:

- candles: of several rows with the same symbol and time, that of the later object counts. Files
  that are written regularly contain the last candles again, and complete the last one.
- trades: a trade with an id counts once, as the later object has it. Trades without ids count as
  often as in the object that has the most equal ones: two trades may be equal, but the same trade
  in two objects is one.
- order books, portfolios and reports: a moment counts once, as the latest object has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.collect.request import Request
from core.collect.staging import BAD, FILE, NTH, RANK, ROW, Form, Staging
from core.collect.types import Digits, digits_sql, number_type
from core.layout import kind
from core.sql.literals import quoted, text_literal
from core.units import iso_utc

if TYPE_CHECKING:
    import duckdb

#: The name of the table, in queries too.
TABLE = "data"
TIME = "timestamp"
#: Kinds of which an object is the state at a moment.
_STATES = frozenset({"orderbook", "portfolio", "analytics"})
_IDS = ("id", "trade_id", "tid")
#: Columns that are numbers even if they are written as texts, as Python writes decimals.
_NUMERIC = frozenset(
    ["open", "high", "low", "close", "volume", "price", "quantity", "qty", "amount", "size", "fee",
     "cost", "value_usd", "total_value_usd", "avg_price", "current_price"]
)  # fmt: skip
_ROW_BYTES, _MOST_ROW_BYTES = 1 << 20, 64 << 20
_CSV_BUFFER_BYTES = 4 << 20
#: Epoch numbers below the bound are seconds, then milli- and microseconds, at last nanoseconds;
#: see `core.preview.exact`. The factor converts them to microseconds.
_EPOCH_UNITS = (("1e11", "1000000"), ("1e14", "1000"), ("1e17", "1"))
_NUMBER = r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?"


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
    repeated: int
    revised: int
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

    def build(self, objects: Path) -> Table:
        """Run all steps."""
        members = self._load(objects)
        values = self._create_typed(members)
        bad_times = self._objects_where(f"{quoted(TIME)} IS NULL")
        bad_numbers = self._objects_where(f"{quoted(BAD)} > 0")
        self._delete(f"{quoted(TIME)} IS NULL")
        start, end = _moment(self._request.start), _moment(self._request.end)
        outside = self._delete(f"{quoted(TIME)} < {start} OR {quoted(TIME)} >= {end}")
        repeated, revised = self._deduplicate([*self._head, TIME, *values])
        columns = tuple((row[0], row[1]) for row in self._rows(f"DESCRIBE {TABLE}"))
        return Table(
            columns, self._count(TABLE), repeated, revised, outside, bad_times, bad_numbers,
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
        values = [f"TRY_CAST({_raw(name)} AS {types[name]})" for name in names]
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
            f"{_time_sql(_raw(TIME))} AS {quoted(TIME)}",
            *(f"{value} AS {quoted(name)}" for name, value in zip(names, values, strict=True)),
            f"{' + '.join(bad) or '0'} AS {quoted(BAD)}",
            f"objects.{quoted(RANK)} AS {quoted(RANK)}, raw.{quoted(ROW)} AS {quoted(ROW)}",
            f"raw.{quoted(FILE)} AS {quoted(FILE)}",
        ]
        self._connection.execute(
            f"CREATE TABLE typed AS SELECT {', '.join(columns)} FROM raw JOIN objects "  # noqa: S608 - all names are quoted
            f"ON raw.{quoted(FILE)} = objects.{quoted(FILE)}"
        )
        return [name for name in names if not self._repeats_head(name)]

    def _types(self, names: Sequence[str]) -> dict[str, str]:
        """Return the types of the columns; numbers that no type holds stay text, with a note."""
        kinds = self._staging.kinds
        numeric = [name for name in names if kinds[name] <= {"number"} or name.lower() in _NUMERIC]
        types = {name: "BOOLEAN" if kinds[name] == {"boolean"} else "VARCHAR" for name in names}
        if not numeric:
            return types
        measures = ", ".join(map(digits_sql, numeric))
        (found,) = self._rows(f"SELECT {measures} FROM raw")  # noqa: S608 - all names are quoted
        for number, name in enumerate(numeric):
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

    def _deduplicate(self, columns: Sequence[str]) -> tuple[int, int]:
        """Create the table, and return the numbers of repeated and of revised rows."""
        names = ", ".join(map(quoted, columns))
        source = self._unique_rows(columns)
        order = f"{quoted(TIME)}, {quoted(self._head[0])}, {quoted(RANK)}, {quoted(ROW)}"
        self._connection.execute(
            f"CREATE TABLE {TABLE} AS SELECT {names} FROM ({source}) ORDER BY {order}"  # noqa: S608 - all names are quoted
        )
        before, after = self._count("typed"), self._count(TABLE)
        if before == after:
            return 0, 0
        # A row that differs from all rows of the table was replaced; the others were repeated.
        replaced = f"SELECT {names} FROM typed EXCEPT SELECT {names} FROM {TABLE}"  # noqa: S608 - all names are quoted
        revised = self._count(f"({replaced})")
        return before - after - revised, revised

    def _unique_rows(self, columns: Sequence[str]) -> str:
        """Return the query of the rows that count; see the rules of this module."""
        key = f"{quoted(self._head[0])}, {quoted(TIME)}"
        latest = f"ORDER BY {quoted(RANK)} DESC, {quoted(ROW)} DESC"
        if self._request.kind == "ohlcv":
            if not self._has_repeats(key):
                return "FROM typed"
            return f"FROM typed QUALIFY row_number() OVER (PARTITION BY {key} {latest}) = 1"
        if self._request.kind in _STATES:
            return (
                f"FROM typed QUALIFY {quoted(RANK)} = max({quoted(RANK)}) OVER (PARTITION BY {key})"
            )
        identifier = next((name for name in columns if name.lower() in _IDS), None)
        names = ", ".join(map(quoted, columns))
        # Equal rows of one object are counted first, then each number of repetitions once.
        window = f"PARTITION BY {names}, {quoted(RANK)} ORDER BY {quoted(ROW)}"
        numbered = f"SELECT *, row_number() OVER ({window}) AS {quoted(NTH)} FROM typed"  # noqa: S608 - all names are quoted
        equal = f"PARTITION BY {names}, {quoted(NTH)}"
        if identifier is None:
            return f"FROM ({numbered}) QUALIFY row_number() OVER ({equal} {latest}) = 1"
        same = f"PARTITION BY {quoted(self._head[0])}, {quoted(identifier)}"
        return (
            f"SELECT * EXCLUDE ({quoted(NTH)}) FROM ({numbered}) WHERE {quoted(identifier)} IS NULL "  # noqa: S608 - all names are quoted
            f"QUALIFY row_number() OVER ({equal} {latest}) = 1 UNION ALL "
            f"SELECT * FROM typed WHERE {quoted(identifier)} IS NOT NULL "
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
    longest = min(max(form.longest, _ROW_BYTES), _MOST_ROW_BYTES)
    return (
        f"read_csv({text_literal(str(form.path))}, columns = {{{columns}}}, {STAGED_CSV}, "
        f"max_line_size = {longest}, buffer_size = {max(_CSV_BUFFER_BYTES, 2 * longest)})"
    )


def _raw(name: str) -> str:
    return f"raw.{quoted(name)}"


def _time_sql(text: str) -> str:
    """Return the SQL of a time that is ISO 8601 (without zone: UTC) or an epoch number."""
    number = f"TRY_CAST({text} AS DECIMAL(38, 9))"
    micros = "".join(
        f"WHEN abs({number}) < {bound}::DECIMAL(38, 9) THEN {number} * {factor} "
        for bound, factor in _EPOCH_UNITS
    )
    epoch = f"TRY_CAST(CASE {micros}ELSE {number} / 1000 END AS BIGINT)"
    written = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    return (
        f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') "
        f"THEN make_timestamp({epoch}) AT TIME ZONE 'UTC' "
        f"WHEN isfinite({written}) THEN {written} END"
    )


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ {text_literal(iso_utc(moment))}"

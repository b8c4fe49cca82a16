"""The table and the query of a range for Amazon Athena, which outgrows one machine.

The documents are indented, which Athena's JSON libraries refuse. Amazon Ion is a superset of JSON:
its library reads indented documents. Source: Athena user guide, "Amazon Ion Hive SerDe". All values
are text, since a column of that type shows any value as it is written in Ion (source: amazon-ion/
ion-hive-serde, IonValueToStringObjectInspector), while a decimal of 38 digits rounds longer ones.
Times are compared as moments, exact to the nanosecond. Partitions are projected from the layout of
the keys, so that no crawler is needed ("Partition projection with Amazon Athena").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.collect.request import Request, is_pattern, prefix_of
from core.errors import InvalidInput, NotSupported
from core.layout.kinds import kind
from core.sql.literals import quoted, text_literal
from core.units import iso_utc

#: US dollars for a terabyte that a query scans, and the bytes that each query costs at least.
#: Source: https://aws.amazon.com/athena/pricing, us-east-1, 2025.
PRICE_PER_TB, LEAST_BYTES = 5.0, 10_000_000
_TB = 10**12
#: The database of the tables, and the ending of their names: tables without it have decimals.
DATABASE, _TEXTS = "strongroom", "_texts"
#: Columns of numbers, which are text in Athena.
NUMBERS = frozenset({"open", "high", "low", "close", "volume", "price", "quantity", "fee"})
#: The moment of a row. A time without a zone is in UTC, which is the zone of Athena's sessions.
_MOMENT = "from_iso8601_timestamp_nanos(replace(\"timestamp\", ' ', 'T'))"
_LEVELS = "array<array<string>>"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Form:
    """The members of a kind's documents in Hive's types, and how they become rows.

    Attributes:
        columns: the columns of the table.
        rows: what is unnested, with the names of its columns; empty if there is no list.
        fields: the names of the unnested columns.
    """

    columns: str
    rows: str
    fields: tuple[str, ...]


def _struct(fields: Sequence[str]) -> str:
    types = (f"`{name}`:string" for name in fields)
    return f"array<struct<{','.join(types)}>>"


_CANDLE = ("timestamp", "open", "high", "low", "close", "volume")
_TRADE = ("id", "timestamp", "price", "quantity", "side")
_USER_TRADE = ("id", "timestamp", "symbol", "side", "quantity", "price", "fee", "status")
_FORMS = {
    "ohlcv": _Form(f"data {_struct(_CANDLE)}", "data", _CANDLE),
    "trades": _Form(f"trades {_struct(_TRADE)}", "trades", _TRADE),
    "user_trades": _Form(f"trades {_struct(_USER_TRADE)}", "trades", _USER_TRADE),
    "orderbook": _Form(
        f"`timestamp` string,\n  orderbook struct<bids:{_LEVELS},asks:{_LEVELS}>", "", ()
    ),
}


@dataclass(frozen=True, slots=True)
class AthenaTexts:
    """The statements that create the table and that read the range.

    Attributes:
        database: the statement that creates the database.
        table: the statement that creates the table.
        query: the SELECT statement.
    """

    database: str
    table: str
    query: str

    @property
    def text(self) -> str:
        """All statements, to be copied."""
        return f"{self.database};\n\n{self.table};\n\n{self.query};\n"


def scan_cost(size: int) -> float:
    """Return the price of a query that scans `size` bytes, in US dollars."""
    return max(size, LEAST_BYTES) / _TB * PRICE_PER_TB


def athena_texts(bucket: str, request: Request) -> AthenaTexts:
    """Return the statements for a range.

    Args:
        bucket: the name of the bucket.
        request: the range; its names are no patterns.

    Raises:
        InvalidInput: a name is a pattern.
        NotSupported: the documents of the kind have no common columns.
    """
    if patterns := [name for name in request.names if is_pattern(name)]:
        raise InvalidInput(
            f"Athena needs names instead of the pattern {patterns[0]}",
            cause="Its partitions are computed from the names in the query.",
            remedy="Enter each name.",
        )
    form = _FORMS.get(request.kind)
    if form is None:
        raise NotSupported(
            f"{kind(request.kind).title} cannot be described as a table of Athena",
            cause="Their documents have no common columns.",
            remedy="Collect them on this computer.",
        )
    return AthenaTexts(
        f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
        _table(bucket, request.kind, form),
        _query(request, form),
    )


def _table(bucket: str, kind_id: str, form: _Form) -> str:
    found = kind(kind_id)
    part, unit, pattern = _period(kind_id)
    root = f"s3://{bucket}/{found.prefix}"
    names = {name: f"${{{name}}}" for name in found.names}
    place = prefix_of(found, names[found.names[0]], names.get("timeframe", ""))
    # A query names the symbol, so that Athena need not know all of them.
    injected = "".join(f"  'projection.{name}.type' = 'injected',\n" for name in found.names)
    partitions = ", ".join(f"{name} string" for name in (*found.names, part))
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {DATABASE}.{kind_id}{_TEXTS} (\n  {form.columns}\n)\n"
        f"PARTITIONED BY ({partitions})\n"
        "STORED AS ION\n"
        f"LOCATION {text_literal(root)}\n"
        "TBLPROPERTIES (\n"
        "  'projection.enabled' = 'true',\n"
        f"{injected}"
        f"  'projection.{part}.type' = 'date',\n"
        f"  'projection.{part}.format' = '{pattern}',\n"
        f"  'projection.{part}.range' = '{'2010/01/01' if part == 'day' else '2010/01'},NOW',\n"
        f"  'projection.{part}.interval' = '1',\n"
        f"  'projection.{part}.interval.unit' = '{unit}',\n"
        f"  'storage.location.template' = {text_literal(f's3://{bucket}/{place}${{{part}}}/')}\n"
        ")"
    )


def _period(kind_id: str) -> tuple[str, str, str]:
    """Return the column, unit and format of the partitions by time."""
    if "{D}" in kind(kind_id).template:
        return "day", "DAYS", "yyyy/MM/dd"
    return "month", "MONTHS", "yyyy/MM"


def _query(request: Request, form: _Form) -> str:
    """Return the query with the rule for repeated rows of `core.collect.table`."""
    found = kind(request.kind)
    name = found.names[0]
    part, _, pattern = _period(request.kind)
    names = ", ".join(map(text_literal, request.names))
    first, last = (
        _folder(moment, len(pattern)) for moment in (request.first, request.last - _SECOND)
    )
    where = [f"{name} IN ({names})"]
    if request.timeframe:
        where.append(f"timeframe = {text_literal(request.timeframe)}")
    where.append(f"{part} BETWEEN '{first}' AND '{last}'")
    head = [name, *(["timeframe"] if request.timeframe else [])]
    source = f"{DATABASE}.{request.kind}{_TEXTS}"
    if not form.fields:
        return _book_query(request, source, " AND ".join(where))
    columns = [name for name in form.fields if name not in head]
    # Trades without an id are all different: repeated ones are only found on this computer.
    single = "coalesce(id, concat(\"$path\", '#', cast(place AS varchar)))"
    # Ids are unique for a symbol, and a user trades several.
    market = "symbol, " if "symbol" in columns else ""
    key = _MOMENT if request.kind == "ohlcv" else f"{market}{single}"
    fields = ", ".join(map(quoted, form.fields))
    chosen = ", ".join([*head, *map(quoted, columns)])
    return (
        f"SELECT {chosen}\nFROM (\n"  # noqa: S608 - a text to be copied; values are literals
        f"  SELECT {chosen}, row_number() OVER (\n"
        f'    PARTITION BY {name}, {key} ORDER BY "$path" DESC, place DESC) AS repetition\n'
        f"  FROM {source} \n"
        f"  CROSS JOIN UNNEST({form.rows}) WITH ORDINALITY AS t({fields}, place)\n"
        f"  WHERE {' AND '.join(where)}\n)\n"
        f"WHERE repetition = 1 AND {_within(request)}\n"
        f"ORDER BY {_MOMENT}, {name}"
    )


def _book_query(request: Request, source: str, where: str) -> str:
    sides = "\n  UNION ALL\n".join(
        f"  SELECT symbol, \"timestamp\", '{side}' AS side, level, l[1] AS price, l[2] AS quantity,\n"  # noqa: S608 - as above
        f'    "$path" AS path\n'
        f"  FROM {source} CROSS JOIN UNNEST(orderbook.{side}s) WITH ORDINALITY AS t(l, level)\n"
        f"  WHERE {where}"
        for side in ("bid", "ask")
    )
    return (
        'SELECT symbol, "timestamp", side, level, price, quantity\nFROM (\n'  # noqa: S608 - as above
        f"  SELECT *, rank() OVER (PARTITION BY symbol, {_MOMENT} ORDER BY path DESC) AS repetition\n"
        f"  FROM (\n{sides}\n)\n)\nWHERE repetition = 1 AND {_within(request)}\n"
        f"ORDER BY {_MOMENT}, symbol, side, level"
    )


def _within(request: Request) -> str:
    start, end = (
        f"from_iso8601_timestamp_nanos({text_literal(iso_utc(each))})"
        for each in (request.start, request.end)
    )
    return f"{_MOMENT} >= {start} AND {_MOMENT} < {end}"


def _folder(moment: datetime, length: int) -> str:
    return iso_utc(moment)[:length].replace("-", "/")

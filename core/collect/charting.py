"""Candles of a table of the window, for the chart: exact values as scaled integers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from core.collect.tables import path_of
from core.local.spool import spool
from core.objects.bucket import HasBucket
from core.preview.candles import step_of, usual_step
from core.preview.series import CandleSeries
from core.preview.values import Candles
from core.sql.literals import quoted, text_literal
from core.sql.session import open_session, run
from core.work import Work, default_work

if TYPE_CHECKING:
    import duckdb

    from core.preview.series import Floats, Moments

_TIME = "timestamp"
_PRICES = ("open", "high", "low", "close")
_VOLUME = "volume"
#: Digits of a decimal that fit in an integer of numpy.
_MOST_DIGITS = 18
_BINARY = frozenset({"DOUBLE", "FLOAT"})
_WIDE = frozenset({"HUGEINT", "UHUGEINT", "UBIGINT"})
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def has_candles(columns: Sequence[str]) -> bool:
    """Return whether a table with these columns can be shown as candles."""
    return {_TIME, *_PRICES} <= set(columns)


def read_candles(
    _workspace: HasBucket, work: Work | None = None, *, table: str
) -> tuple[Candles, ...]:
    """Return the candles of a table, those of each symbol separately, in order of time.

    Rows without a time or a price are omitted.

    Raises:
        NotFound: The table was removed.
        InvalidInput: Its columns are no candles.
    """
    path = path_of(table)
    with (
        spool() as folder,
        open_session(folder) as connection,
        run(connection, default_work(work)),
    ):
        connection.execute(
            f"CREATE VIEW data AS FROM read_parquet({text_literal(str(path))})"  # a path of this program
        )
        types = dict(
            connection.execute("SELECT name, type FROM pragma_table_info('data')").fetchall()
        )
        names = _distinct(connection, "symbol") if "symbol" in types else [""]
        frame = (_distinct(connection, "timeframe") if "timeframe" in types else []) or [""]
        return tuple(_candles(connection, types, name, frame[0]) for name in names)


def _distinct(connection: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    rows = connection.execute(f"SELECT DISTINCT {column} FROM data ORDER BY 1").fetchall()  # noqa: S608 - of this module
    return [str(row[0]) for row in rows if row[0] is not None]


def _candles(
    connection: duckdb.DuckDBPyConnection, types: dict[str, str], symbol: str, timeframe: str
) -> Candles:
    import numpy as np

    names = [*_PRICES, *([_VOLUME] if _VOLUME in types else [])]
    present = " AND ".join(
        [f"{quoted(_TIME)} IS NOT NULL", *(_known_sql(name, types[name]) for name in _PRICES)]
    )
    one = " AND symbol = ?" if symbol else ""
    values = ", ".join(_value_sql(name, types[name]) for name in names)
    found = connection.execute(
        f"SELECT epoch_us({quoted(_TIME)}::TIMESTAMPTZ) AS t, {values} FROM data "  # noqa: S608 - names of this module
        f"WHERE {present}{one} ORDER BY {quoted(_TIME)}",
        [symbol] if symbol else [],
    ).fetchnumpy()
    times: Moments = np.asarray(found["t"], np.int64)
    cells: list[Sequence[Any]] = []
    floats = np.zeros((5, len(times)))
    for number, name in enumerate(names):
        column = np.ma.asarray(found[name])
        if types[name] in _BINARY:
            floats[number] = np.ma.filled(column, 0)
            cells.append(_Doubles(column))
        elif (scale := _scale(types[name])) is None:
            floats[number] = [float(text or 0) for text in column]
            cells.append(column.tolist())
        else:
            scaled = _Scaled(column, scale)
            floats[number] = scaled.floats
            cells.append(scaled)
    if _VOLUME not in types:
        cells.append([None] * len(times))
    series = CandleSeries(times, floats, cells)
    return Candles(symbol, timeframe, series, (), step_of(timeframe) or usual_step(times))


def _scale(kind: str) -> int | None:
    """Return the digits after the point of a type whose values are integers of numpy without it."""
    if found := _DECIMAL.fullmatch(kind):
        return int(found[2]) if int(found[1]) <= _MOST_DIGITS else None
    return 0 if kind.endswith(("INT", "INTEGER")) and kind not in _WIDE else None


def _known_sql(name: str, kind: str) -> str:
    """Return the condition that a value is a finite number."""
    if kind.startswith("DECIMAL") or kind.endswith(("INT", "INTEGER")):
        return f"{quoted(name)} IS NOT NULL"
    return f"coalesce(isfinite(TRY_CAST({quoted(name)} AS DOUBLE)), false)"


def _value_sql(name: str, kind: str) -> str:
    """Return the SQL of a double, of a value without its decimal point, or of its text."""
    if kind in _BINARY:
        value = quoted(name)
    elif _scale(kind) is None:
        value = f"CAST({quoted(name)} AS VARCHAR)"
    else:
        value = f"CAST(replace(CAST({quoted(name)} AS VARCHAR), '.', '') AS BIGINT)"
    return f"CASE WHEN {_known_sql(name, kind)} THEN {value} END AS {quoted(name)}"


class _Column(Sequence[Decimal | None], ABC):
    """A column of an array, whose values become decimals when they are read."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Decimal | None]:
        return (self[at] for at in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Decimal | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Decimal | None]: ...
    def __getitem__(self, index: int | slice) -> Decimal | Sequence[Decimal | None] | None:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        import numpy as np

        value = self.values[index]
        return None if value is np.ma.masked else self.exact(value)

    @abstractmethod
    def exact(self, value: Any) -> Decimal:
        """Return a value of the array as a decimal."""


class _Doubles(_Column):
    """Doubles with the fewest digits that identify them, as DuckDB writes them."""

    def exact(self, value: Any) -> Decimal:
        """Return a double as a decimal."""
        return Decimal(str(value))


class _Scaled(_Column):
    """Decimals as integers, without their points."""

    def __init__(self, values: Any, scale: int) -> None:
        super().__init__(values)
        self.scale = scale

    @property
    def floats(self) -> Floats:
        """The values as doubles for drawing; a missing value is 0."""
        import numpy as np

        found: Floats = np.ma.filled(self.values, 0).astype(float) / 10**self.scale
        return found

    def exact(self, value: Any) -> Decimal:
        """Return an integer with its decimal point."""
        return Decimal(int(value)).scaleb(-self.scale)

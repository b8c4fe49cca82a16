"""Candles of a table of the window, for the chart: exact values as scaled integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from core.collect.tables import path_of
from core.local.spool import spool
from core.objects.bucket import HasBucket
from core.preview.candles import step_of
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
#: Digits after the decimal point of prices that are no decimals, for example averages.
_DIGITS = 9
_MICROS = 1_000_000


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
    present = " AND ".join(f"{name} IS NOT NULL" for name in (_TIME, *_PRICES))
    one = " AND symbol = ?" if symbol else ""
    values = ", ".join(_integer_sql(name, types[name]) for name in names)
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
        if _is_wide(types[name]):
            floats[number] = [float(text or 0) for text in column]
            cells.append(column.tolist())
        else:
            scaled = _Scaled(column, _scale(types[name]))
            floats[number] = scaled.floats
            cells.append(scaled)
    if _VOLUME not in types:
        cells.append([None] * len(times))
    series = CandleSeries(times, floats, cells)
    return Candles(symbol, timeframe, series, (), step_of(timeframe) or _usual_step(times))


def _is_wide(kind: str) -> bool:
    """Return whether values of a type may have more digits than an integer of numpy."""
    return kind.startswith("DECIMAL(38") or kind == "HUGEINT"


def _integer_sql(name: str, kind: str) -> str:
    """Return the SQL of a value without its decimal point; of a wide one its text."""
    if _is_wide(kind):
        return f"CAST({name} AS VARCHAR) AS {name}"
    exact = (
        name
        if kind.startswith("DECIMAL") or "INT" in kind
        else f"CAST({name} AS DECIMAL(18,{_DIGITS}))"
    )
    return f"CAST(replace(CAST({exact} AS VARCHAR), '.', '') AS BIGINT) AS {name}"


def _usual_step(times: Moments) -> int:
    """Return the most frequent distance of the times in seconds; 0 if there is none."""
    import numpy as np

    steps, counts = np.unique(np.diff(times) // _MICROS, return_counts=True)
    return int(steps[counts.argmax()]) if len(steps) else 0


def _scale(kind: str) -> int:
    """Return the digits after the decimal point in a type of DuckDB."""
    if kind.startswith("DECIMAL("):
        return int(kind.rpartition(",")[2].rstrip(")"))
    return 0 if "INT" in kind else _DIGITS


@dataclass(frozen=True, slots=True)
class _Scaled(Sequence[Decimal | None]):
    """A column of decimals as integers, which become decimals when they are read."""

    integers: Any
    scale: int

    @property
    def floats(self) -> Floats:
        """The values as doubles for drawing; a missing value is 0."""
        import numpy as np

        found: Floats = np.ma.filled(self.integers, 0).astype(float) / 10**self.scale
        return found

    def __len__(self) -> int:
        return len(self.integers)

    def __iter__(self) -> Iterator[Decimal | None]:
        return (self[at] for at in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Decimal | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Decimal | None]: ...
    def __getitem__(self, index: int | slice) -> Decimal | Sequence[Decimal | None] | None:
        if isinstance(index, slice):
            return _Scaled(self.integers[index], self.scale)
        import numpy as np

        value = self.integers[index]
        return None if value is np.ma.masked else Decimal(int(value)).scaleb(-self.scale)

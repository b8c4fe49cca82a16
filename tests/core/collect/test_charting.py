"""Candles of tables have the values of the table, whatever the types of its columns are."""

from decimal import Decimal

import pytest

from core.collect.charting import read_candles
from core.collect.querying import run_query

_TIME = "TIMESTAMPTZ '2024-01-15 00:00:00+00' AS timestamp"


def _candle(collected, values):
    """Return the only candle of a query of open, high, low, close and volume."""
    names = ("open", "high", "low", "close", "volume")
    columns = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    report = run_query(collected, sql=f"SELECT {_TIME}, {columns}", tables={})
    (candles,) = read_candles(collected, table=report.table)
    floats = [float(each or 0) for each in candles.series[0].values]
    assert candles.series.floats[:, 0].tolist() == floats
    return [None if each is None else str(each) for each in candles.series[0].values]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        # Averages are doubles: prices below 10^-9 and amounts above 10^9 are ordinary.
        (
            ("1.5e-10::DOUBLE", "2e-10::DOUBLE", "1e-10::DOUBLE", "1.1e-10::DOUBLE", "3e15::DOUBLE"),
            ["1.5E-10", "2E-10", "1E-10", "1.1E-10", "3000000000000000.0"],
        ),
        # Products of decimals have more digits than an integer of 64 bits.
        (
            ("123456789012345678.25::DECIMAL(25,2)", "2", "1", "1.10", "18446744073709551615::UBIGINT"),
            ["123456789012345678.25", "2", "1", "1.10", "18446744073709551615"],
        ),
        # Numbers of more than 38 digits are text in collected tables.
        (("'1.5e-30'", "2", "1", "'0.3'", "NULL::DOUBLE"), ["1.5E-30", "2", "1", "0.3", None]),
        (("1.5", "2", "1", "1", "'nan'::DOUBLE"), ["1.5", "2", "1", "1", None]),
    ],
)  # fmt: skip
def test_values_of_every_type_are_those_of_the_table(collected, values, shown):
    assert _candle(collected, values) == shown


def test_rows_without_a_finite_price_are_omitted(collected):
    rows = ", ".join(
        f"(TIMESTAMPTZ '2024-01-15 0{hour}:00:00+00', {price})"
        for hour, price in enumerate(("'1.5'", "'nan'", "NULL", "'inf'", "'2.5'"))
    )
    sql = f"SELECT t AS timestamp, p::DOUBLE AS open, p::DOUBLE AS high, p::DOUBLE AS low, p::DOUBLE AS close FROM (VALUES {rows}) v(t, p)"
    (candles,) = read_candles(collected, table=run_query(collected, sql=sql, tables={}).table)
    assert [each.open for each in candles.series] == [Decimal("1.5"), Decimal("2.5")]

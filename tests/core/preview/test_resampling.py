"""Candles of a coarser timeframe have the exact values of their candles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.preview import Candle, Candles, CandleSeries
from core.preview.resampling import coarser_timeframes, resample

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


def minutes(values, step=1):
    candles = [
        Candle(START + timedelta(minutes=at * step), *(Decimal(part) for part in parts))
        for at, parts in values
    ]
    return Candles("X", f"{step}m", CandleSeries.of(candles), (), 60 * step)


def test_an_interval_has_first_open_extremes_last_close_and_all_volume():
    fine = minutes(
        [
            (0, ("10.10", "12", "9.5", "11", "1.1")),
            (4, ("11", "13.000", "8", "9", "2.2")),
            (5, ("9", "9", "9", "9", "0")),
        ]
    )
    coarse = resample(fine, "5m")
    assert coarse.timeframe == "5m"
    assert coarse.step == 300
    assert coarse.candles[0] == Candle(
        START, Decimal("10.10"), Decimal("13.000"), Decimal(8), Decimal(9), Decimal("3.3")
    )
    assert str(coarse.candles[0].high) == "13.000"
    assert coarse.candles[1].when == START + timedelta(minutes=5)


def test_missing_intervals_are_gaps():
    coarse = resample(minutes([(0, ["1"] * 5), (16, ["1"] * 5)]), "5m")
    assert [(gap.after, gap.before, gap.missing) for gap in coarse.gaps] == [(0, 1, 2)]


def test_weeks_begin_on_monday_and_days_at_midnight():
    days = minutes([(n, ["1"] * 5) for n in range(10)], step=1440)
    assert [one.when for one in resample(days, "1w").candles] == [
        START, START + timedelta(days=7),
    ]  # fmt: skip
    hours = minutes([(n, ["1"] * 5) for n in range(30)], step=60)
    assert resample(hours, "1d").candles[1].when == START + timedelta(days=1)


def test_only_timeframes_into_which_the_intervals_fit_are_offered():
    assert coarser_timeframes(minutes([(0, ["1"] * 5), (1, ["1"] * 5)], step=60)) == (
        "4h", "12h", "1d", "1w",
    )  # fmt: skip
    assert coarser_timeframes(minutes([(0, ["1"] * 5), (1, ["1"] * 5)], step=7)) == ("1w",)
    assert coarser_timeframes(Candles("X", "1M", ())) == ()


def test_candles_without_volume_have_none():
    fine = Candles("X", "1m", [Candle(START, *[Decimal(1)] * 4)] * 2, (), 60)
    assert resample(fine, "5m").candles[0].volume is None


prices = st.decimals(min_value="0.00000001", max_value=10**9, places=8, allow_nan=False)


@given(st.lists(st.tuples(prices, prices, prices, prices, prices), min_size=1, max_size=40))
def test_every_interval_equals_a_loop_over_its_candles(rows):
    fine = minutes(list(enumerate(rows)))
    for number, candle in enumerate(resample(fine, "5m").candles):
        part = rows[number * 5 : number * 5 + 5]
        assert candle.open == part[0][0]
        assert candle.high == max(row[1] for row in part)
        assert candle.low == min(row[2] for row in part)
        assert candle.close == part[-1][3]
        assert candle.volume == sum(row[4] for row in part)

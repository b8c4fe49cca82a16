"""The ticks of the price and time axes are calculated correctly."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.preview import Candle, Candles, CandleSeries, Gap
from core.units import TimeStyle, use_time_style
from gui.views.candle_bars import CandleBars
from gui.views.scale import (
    Scale,
    axis_number,
    nice_step,
    short_number,
    ticks,
    time_label,
    time_step,
    time_ticks,
)
from gui.views.time_axis import TimeAxis, VisibleRange

D = Decimal(1)
EARLY, LATE = (datetime(year, 1, 1) for year in (1971, 2200))  # noqa: DTZ001 - hypothesis adds it
NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


@given(low=st.floats(-1e9, 1e9), span=st.floats(1e-6, 1e9), count=st.integers(1, 20))
def test_ticks_are_round_and_inside(low, span, count):
    high = low + span
    values, decimals = ticks(low, high, count)
    slack = nice_step(high - low, count) * 0.01 + abs(high) * 1e-12  # floats have their limits
    assert all(low - slack <= value <= high + slack for value in values)
    assert len(values) <= 51
    assert 0 <= decimals <= 12


@pytest.mark.parametrize("span", [0.0, -1.0, math.inf, math.nan])
def test_a_senseless_span_gives_some_step(span):
    assert nice_step(span, 5) == 1.0


def test_labels_of_a_price_axis():
    values, decimals = ticks(49_929, 50_969, 5)
    assert [f"{value:,.{decimals}f}" for value in values] == [
        "50,000", "50,200", "50,400", "50,600", "50,800",
    ]  # fmt: skip
    assert ticks(0.10, 0.12, 4)[1] == 3
    numbers = (3.2, 1234, 2.5e6, 1.5e12, 3e15, 2e-7)
    assert [short_number(value) for value in numbers] == [
        "3.2", "1.23k", "2.5M", "1.5T", "3e15", "2e-7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (50_200, 2, "50,200.00"),
        # Cut off at the right it would read as 125 million.
        (125_000_000_000_000, 0, "1.25e14"),
        (-1.5e-10, 11, "-1.5e-10"),
        (3e-13, 12, "3e-13"),
        (0.0, 12, "0"),
        (123_456_789_012, 0, "…6,789,012"),
    ],
)
def test_a_number_without_room_never_looks_like_another_one(value, decimals, text):
    assert axis_number(value, decimals, lambda made: len(made) <= 10) == text


def test_scale_goes_there_and_back():
    scale = Scale(10, 20, 100, 0)
    assert (scale.at(10), scale.at(20), scale.value(50)) == (100, 0, 15)
    assert Scale(5, 5, 0, 0).at(5) == 0


def ticks_of(first, hours, count):
    last = first + timedelta(hours=hours)
    step = time_step(hours * 3600, count)
    return [time_label(tick, step) for tick in time_ticks(first, last, step)]


def test_time_ticks_are_round_times():
    assert ticks_of(NOON, 24, 4) == ["12:00", "18:00", "16 Jan", "06:00", "12:00"]
    assert ticks_of(NOON + timedelta(minutes=7), 1, 4) == ["12:15", "12:30", "12:45", "13:00"]
    assert ticks_of(NOON, 0.005, 4) == ["12:00:00", "12:00:05", "12:00:10", "12:00:15"]
    assert ticks_of(NOON, 24 * 30, 5) == ["22 Jan", "29 Jan", "5 Feb", "12 Feb"]  # Mondays
    assert ticks_of(NOON, 24 * 150, 5) == ["Apr 2024"]
    assert ticks_of(NOON, 24 * 90, 4) == ["Feb 2024", "Mar 2024", "Apr 2024"]
    assert ticks_of(NOON, 24 * 365 * 40, 5) == ["Jan 2030", "Jan 2040", "Jan 2050", "Jan 2060"]


def test_time_ticks_are_round_on_the_clock_in_use(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    former = use_time_style(TimeStyle.LOCAL)
    try:
        assert ticks_of(NOON, 24, 4) == ["18:00", "16 Jan", "06:00", "12:00"]
    finally:
        use_time_style(former)
        monkeypatch.undo()
        time.tzset()


@given(
    first=st.datetimes(EARLY, LATE, timezones=st.just(UTC)),
    hours=st.floats(0.001, 24 * 365 * 30),
    count=st.integers(1, 30),
)
def test_time_ticks_rise_within_the_span(first, hours, count):
    last = first + timedelta(hours=hours)
    found = time_ticks(first, last, time_step(hours * 3600, count))
    assert found == sorted(set(found))
    assert all(first <= tick <= last for tick in found)


def candles(*hours, step=3600, gaps=()):
    made = [Candle(NOON + timedelta(hours=hour), D, D, D, D) for hour in hours]
    return Candles("S", "1h", made, tuple(gaps), step)


def test_the_axis_is_linear_and_gaps_have_their_length():
    axis = TimeAxis(candles(0, 3, 9, gaps=(Gap(0, 1, 2), Gap(1, 2, 5))))
    assert (axis.starts / 3600).tolist() == [0, 3, 9]
    assert axis.total == 10 * 3600
    assert (axis.gap_starts / 3600).tolist() == [1, 4]
    assert (axis.gap_ends / 3600).tolist() == [3, 9]
    assert [axis.nearest(hour * 3600) for hour in (-5, 0.4, 2.4, 6, 7, 99)] == [0, 0, 1, 1, 2, 2]
    bars = CandleBars(axis.starts, axis.step, [np.ones((5, 3))])
    assert (bars.visible_bars(axis_part(axis, 1.5, 3.5), 60).middles / 3600).tolist() == [3.5]
    assert (bars.visible_bars(axis_part(axis, 0.5, 9.5), 60).middles / 3600).tolist() == [
        0.5,
        3.5,
        9.5,
    ]
    assert axis.moment(axis.second(NOON + timedelta(hours=2))) == NOON + timedelta(hours=2)


def test_an_axis_without_candles_and_one_of_unknown_step():
    assert TimeAxis(candles()).nearest(3) == -1
    assert TimeAxis(candles(5)).total == 3600
    assert TimeAxis(candles(0, 2, 4, 9, step=0)).step == 2 * 3600
    assert TimeAxis(candles(5, step=0)).total > 0


@given(
    total=st.floats(1, 1e9), factor=st.floats(0.01, 100), around=st.floats(0, 1),
    move=st.floats(-1e9, 1e9),
)  # fmt: skip
def test_a_sight_never_leaves_the_axis(total, factor, around, move):
    visible = VisibleRange(0, total, total, total / 50).zoomed(factor, around * total).moved(move)
    assert visible.left >= -1e-6
    assert visible.right <= total * (1 + 1e-9) + 1e-6
    assert total / 50 <= visible.width <= total


@given(around=st.floats(0, 1), factors=st.lists(st.floats(0.5, 0.99), max_size=8))
def test_the_place_under_the_pointer_stays_while_zooming_in(around, factors):
    visible = VisibleRange(0, 1000, 1000, 1)
    place = around * 1000
    for factor in factors:
        before = (place - visible.left) / visible.width
        visible = visible.zoomed(factor, place)
        assert (place - visible.left) / visible.width == pytest.approx(before, abs=1e-6)


def test_a_sight_follows_the_crosshair():
    visible = VisibleRange(0, 10, 100, 1)
    assert visible.showing(5, 6) == visible
    assert visible.showing(50, 51).left == 42
    assert visible.moved(60).showing(20, 21).left == 19


def axis_part(axis, first, last):
    return VisibleRange(first * 3600, (last - first) * 3600, axis.total, axis.step)


@pytest.mark.parametrize("count", [40, 30_000])
@given(
    seed=st.integers(0, 9),
    left=st.floats(0, 0.7),
    part=st.floats(0.05, 1),
    pixels=st.integers(5, 300),
)
@settings(max_examples=25, deadline=None)
def test_joined_bars_have_all_that_is_in_their_pixels(count, seed, left, part, pixels):
    chance = np.random.default_rng(seed)
    hours = np.cumsum(chance.integers(1, 3, count))
    values = np.sort(chance.random((5, count)) * 100, axis=0)[[1, 3, 0, 2, 4]]
    series = CandleSeries(hours * 3_600_000_000, values, [[D] * count] * 5)
    axis = TimeAxis(Candles("S", "1h", series, (), 3600))
    visible = VisibleRange(left * axis.total, min(part, 1 - left) * axis.total, axis.total, 1)
    bars = CandleBars(axis.starts, axis.step, series.blocks).visible_bars(
        visible, visible.width / pixels
    )
    seen = (axis.starts > visible.left - 3600) & (axis.starts < visible.right)
    if not bars.joined:
        assert bars.values.tolist() == values[:, seen].tolist()
        return
    assert len(bars.middles) <= pixels + 1
    wide = 3600 * 512  # blocks at the ends may begin outside the visible range
    around = (axis.starts > visible.left - wide) & (axis.starts < visible.right + wide)
    for low, found, high in (
        (values[1, seen].max(), bars.values[1].max(), values[1, around].max()),
        (values[4, seen].sum(), bars.values[4].sum(), values[4, around].sum()),
        (-values[2, seen].min(), -bars.values[2].min(), -values[2, around].min()),
    ):
        assert low - 1e-6 <= found <= high + 1e-6
    assert (bars.values[1] >= np.maximum(bars.values[0], bars.values[3])).all()
    assert (bars.values[2] <= np.minimum(bars.values[0], bars.values[3])).all()

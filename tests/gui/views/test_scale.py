"""Ticks and slots: plain arithmetic."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.preview import Candle, Candles, Gap
from gui.views.candle_slots import Sight, Slots
from gui.views.scale import Scale, nice_step, short_number, ticks, time_label, time_step, time_ticks

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
    assert [short_number(value) for value in (3.2, 1234, 2.5e6)] == ["3.2", "1.23k", "2.5M"]


def test_scale_goes_there_and_back():
    scale = Scale(10, 20, 100, 0)
    assert (scale.at(10), scale.at(20), scale.value(50)) == (100, 0, 15)
    assert Scale(5, 5, 0, 0).at(5) == 0


def test_time_ticks():
    moments = [NOON + timedelta(minutes=30 * n) for n in range(48)]
    step = time_step(24 * 3600, 4)
    assert step == 6 * 3600
    found = time_ticks(moments, step)
    assert [time_label(moments[at], step) for at in found] == ["12:00", "18:00", "16 Jan", "06:00"]
    assert time_label(NOON, 28 * 86_400) == "Jan 2024"


def candles(count, gaps=()):
    one = Candle(NOON, 1, 1, 1, 1)
    return Candles("S", "1h", (one,) * count, gaps)


def test_gaps_take_room_but_not_all_of_it():
    slots = Slots(candles(3, (Gap(0, 1, 2), Gap(1, 2, 9999))))
    assert slots.places == [0, 3, 8]
    assert [(shade.left, shade.right) for shade in slots.shades] == [(1, 3), (4, 8)]
    assert [slots.nearest(slot) for slot in (-5, 0.4, 2.4, 3.5, 99)] == [0, 0, 1, 1, 2]
    assert Slots(candles(0)).nearest(3) == -1


@given(
    total=st.floats(1, 1e5), factor=st.floats(0.01, 100), around=st.floats(0, 1),
    move=st.floats(-1e6, 1e6),
)  # fmt: skip
def test_a_sight_never_leaves_the_axis(total, factor, around, move):
    sight = Sight(0, total, total).zoomed(factor, around * total).moved(move)
    assert sight.left >= -1e-6
    assert sight.left + sight.width <= total * (1 + 1e-9) + 1e-6
    assert sight.width <= total


def test_a_sight_follows_the_crosshair():
    sight = Sight(0, 10, 100)
    assert sight.showing(5) == sight
    assert sight.showing(50).left == 42
    assert sight.moved(60).showing(20).left == 19

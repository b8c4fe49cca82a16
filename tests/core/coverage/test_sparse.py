"""Pairs with few trades raise no alarm, and a lost day, half a day or a stop of them still does."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from helpers.coverage_keys import candle, report, trade

from core.coverage.calendars import State, calendar_of
from core.coverage.cells import cells_of
from core.coverage.freshness import Freshness, freshness_of
from core.coverage.gaps import gaps_of

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 42
END = START + timedelta(days=DAYS)
HOUR = timedelta(hours=1)


def sparse(share, key_of=candle, *, every=HOUR, lost=(), seed=7, end=END):
    """Return the calendar of a stream in which each file exists with the same probability."""
    drawn = random.Random(seed)
    count = DAYS * timedelta(days=1) // every
    moments = [START + number * every for number in range(count) if drawn.random() < share]
    used = [
        moment for moment in moments if moment < end and not any(a <= moment < b for a, b in lost)
    ]
    (cells,) = cells_of([(key_of(moment), 1000) for moment in used], END)
    return calendar_of(cells, END)


def alarms(found):
    """Return the days that are not complete."""
    return {
        str(found.first + timedelta(days=place))
        for place, state in enumerate(found.days.tolist())
        if state >= State.THIN
    }


@pytest.mark.parametrize("key_of", [candle, trade])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8, 0.95])
@pytest.mark.parametrize("every", [HOUR, HOUR / 2], ids=str)
def test_the_quiet_hours_of_a_sparse_pair_are_no_gaps(key_of, share, every):
    found = sparse(share, key_of, every=every)
    assert alarms(found) == set()
    assert list(gaps_of(found)) == []


def test_few_files_a_day_at_random_hours_are_no_gaps():
    assert alarms(sparse(0.06)) == set()


@pytest.mark.parametrize("share", [0.6, 0.8, 0.95])
def test_a_lost_day_of_a_sparse_pair_is_missing(share):
    lost = START + timedelta(days=20)
    found = sparse(share, lost=[(lost, lost + timedelta(days=1))])
    assert found.state_of(lost.date()) is State.MISSING
    assert alarms(found) <= {"2024-01-20", "2024-01-21", "2024-01-22"}


def test_a_lost_half_day_of_a_sparse_pair_is_a_gap():
    lost = START + timedelta(days=20, hours=6)
    found = sparse(0.8, lost=[(lost, lost + 12 * HOUR)])
    assert alarms(found) == {"2024-01-21"}
    (gap,) = gaps_of(found)
    assert (gap.state, gap.hours >= 12) == (State.MISSING, True)


def test_a_day_with_far_fewer_files_than_usual_is_thin_even_if_no_pause_is_long():
    hours = [START + timedelta(days=20, hours=hour) for hour in range(24) if hour % 3]
    found = sparse(0.95, lost=[(hour, hour + HOUR) for hour in hours])
    assert found.state_of(date(2024, 1, 21)) is State.THIN
    assert alarms(found) == {"2024-01-21"}


def test_reports_do_not_depend_on_trades():
    assert alarms(sparse(0.95, report)) != set()


def test_a_sparse_pair_has_stopped_only_after_an_unusual_pause():
    for seed in range(20):
        assert freshness_of(sparse(0.6, seed=seed), END).state is Freshness.CURRENT
    stopped = sparse(0.6, end=END - timedelta(days=1))
    assert freshness_of(stopped, END).state is Freshness.STOPPED

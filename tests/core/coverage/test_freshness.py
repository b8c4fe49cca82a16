"""Freshness of streams: current, stopped and ended ones."""

from datetime import UTC, datetime, timedelta

import pytest
from helpers.coverage_keys import book, candle, report, stream_keys, trade, user_trade

from core.coverage.calendars import calendar_of
from core.coverage.cells import cells_of
from core.coverage.freshness import Freshness, freshness_of

START = datetime(2024, 1, 1, tzinfo=UTC)
HOURLY = timedelta(hours=1)


def state(key_of, moments, now):
    """Return the freshness of the stream that has these files, at a time."""
    (cells,) = cells_of([(key_of(moment), 9) for moment in moments], now)
    return freshness_of(calendar_of(cells, now), now)


@pytest.mark.parametrize(
    ("key_of", "every", "interval"),
    [
        (candle, timedelta(minutes=15), timedelta(minutes=15)),
        (candle, HOURLY, HOURLY),
        (book, timedelta(hours=4), timedelta(hours=4)),
        (report, timedelta(days=1), timedelta(days=1)),
        (report, timedelta(days=7), timedelta(days=7)),
        (report, timedelta(days=30), timedelta(days=30)),
    ],
)
def test_a_stream_is_stopped_two_intervals_after_a_file_is_missed(key_of, every, interval):
    moments = stream_keys(START, 150, every)
    current = state(key_of, moments, moments[-1] + every)
    assert (current.state, current.interval) == (Freshness.CURRENT, interval)
    later = state(key_of, moments, moments[-1] + max(every * 4, timedelta(hours=4)))
    expected = Freshness.ENDED if every > timedelta(days=14) else Freshness.STOPPED
    assert later.state is expected
    assert later.missed >= 2
    assert later.latest == moments[-1]
    assert later.newest == key_of(moments[-1])


def test_a_pair_without_files_for_a_month_has_ended():
    moments = stream_keys(START, 60, HOURLY)
    assert state(candle, moments, moments[-1] + timedelta(days=29)).state is Freshness.STOPPED
    assert state(candle, moments, moments[-1] + timedelta(days=31)).state is Freshness.ENDED


@pytest.mark.parametrize(
    ("key_of", "every"),
    [(candle, HOURLY), (report, timedelta(days=7)), (report, timedelta(days=30))],
)
def test_a_stream_that_has_ended_is_overdue_without_limit(key_of, every):
    moments = stream_keys(START, 150, every)
    for days in (76, 400, 4000):
        found = state(key_of, moments, moments[-1] + timedelta(days=days))
        assert (found.state, found.overdue) == (Freshness.ENDED, True)


def test_a_user_without_trades_is_never_overdue():
    moments = stream_keys(START, 60, timedelta(days=1))
    found = state(user_trade, moments, moments[-1] + timedelta(days=400))
    assert (found.state, found.overdue) == (Freshness.ENDED, False)


def test_nights_and_weekends_in_which_a_stream_pauses_do_not_count():
    moments = [m for m in stream_keys(START, 61, HOURLY) if m.weekday() < 5 and 9 <= m.hour < 17]
    friday = [m for m in moments if m.weekday() == 4][-1]
    until = [m for m in moments if m <= friday]
    assert state(candle, until, friday + timedelta(days=2, hours=12)).state is Freshness.CURRENT
    monday = friday.replace(hour=13) + timedelta(days=3)
    assert state(candle, until, monday).state is Freshness.STOPPED


def test_the_running_day_does_not_change_the_rhythm():
    now = START + timedelta(days=30, hours=2, minutes=10)
    moments = [m for m in stream_keys(START, 31, HOURLY) if m <= now]
    assert state(candle, moments, now).state is Freshness.CURRENT
    assert state(candle, moments, now + timedelta(hours=5)).state is Freshness.STOPPED


def test_a_user_without_trades_has_not_stopped():
    moments = stream_keys(START, 60, timedelta(days=1))
    assert state(user_trade, moments, moments[-1] + timedelta(days=20)).state is Freshness.CURRENT


def test_a_single_file_has_no_interval():
    found = state(trade, [START], START + timedelta(hours=1))
    assert (found.state, found.missed) == (Freshness.CURRENT, 0)

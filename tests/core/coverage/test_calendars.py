"""Calendars of streams: what is complete, thin, missing and not expected, from keys alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from helpers.coverage_keys import book, candle, report, stream_keys, trade, user_trade
from hypothesis import given, settings
from hypothesis import strategies as st

from core.coverage.calendars import State, calendar_of
from core.coverage.cells import cells_of

START = datetime(2024, 1, 1, tzinfo=UTC)
LATER = datetime(2025, 1, 1, tzinfo=UTC)
HOURLY = timedelta(hours=1)


def calendar(key_of, moments, *, now=LATER, size=1000):
    """Return the calendar of one stream with a file at each moment."""
    (cells,) = cells_of([(key_of(moment), size) for moment in moments], now)
    return calendar_of(cells, now)


def states(found):
    """Return the number of days by the name of their state."""
    names = [State(value).name for value in found.days.tolist()]
    return {name: names.count(name) for name in set(names)}


def missing_hours(found):
    """Return day and hour of each missing hour."""
    return [
        (found.first + timedelta(days=day), hour)
        for day, row in enumerate(found.hours.tolist())
        for hour, value in enumerate(row)
        if value == State.MISSING
    ]


@pytest.mark.parametrize(
    ("key_of", "every"),
    [
        (candle, timedelta(minutes=1)),
        (candle, timedelta(hours=1)),
        (candle, timedelta(hours=4)),
        (candle, timedelta(days=1)),
        (report, timedelta(days=7)),
        (book, timedelta(minutes=15)),
        (trade, timedelta(hours=1)),
    ],
)
def test_a_regular_stream_is_complete_at_any_rhythm(key_of, every):
    found = calendar(key_of, stream_keys(START, 14 if every < HOURLY else 60, every))
    assert set(states(found)) <= {"COMPLETE", "IDLE"}
    assert missing_hours(found) == []
    assert (found.files.sum(axis=1) > 0).sum() == states(found)["COMPLETE"]


def test_a_lost_hour_makes_a_thin_day_and_a_lost_day_a_missing_one():
    lost = {START + timedelta(days=9, hours=5)} | {
        START + timedelta(days=20, hours=hour) for hour in range(24)
    }
    found = calendar(candle, [m for m in stream_keys(START, 60, HOURLY) if m not in lost])
    assert states(found) == {"COMPLETE": 58, "THIN": 1, "MISSING": 1}
    assert found.state_of(date(2024, 1, 10)) is State.THIN
    assert found.state_of(date(2024, 1, 10), 5) is State.MISSING
    assert found.state_of(date(2024, 1, 10), 6) is State.COMPLETE
    assert found.state_of(date(2024, 1, 21)) is State.MISSING
    assert found.state_of(date(2023, 12, 31)) is State.OUTSIDE


@pytest.mark.parametrize("days", [3, 5, 10, 20])
def test_a_lost_day_of_a_short_stream_is_missing(days):
    lost = START.date() + timedelta(days=days // 2)
    found = calendar(candle, [m for m in stream_keys(START, days, HOURLY) if m.date() != lost])
    assert found.state_of(lost) is State.MISSING
    assert states(found) == {"COMPLETE": days - 1, "MISSING": 1}


def test_an_outage_of_weeks_does_not_become_usual():
    lost = range(30, 75)
    moments = [m for m in stream_keys(START, 120, HOURLY) if (m - START).days not in lost]
    found = calendar(candle, moments)
    assert states(found) == {"COMPLETE": 75, "MISSING": 45}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(20, 90).flatmap(
        lambda days: st.tuples(
            st.just(days), st.sets(st.integers(24, days * 24 - 1), min_size=1, max_size=days // 3)
        )
    )
)
def test_exactly_the_lost_hours_are_missing(drawn):
    days, lost = drawn
    moments = [START + timedelta(hours=hour) for hour in range(days * 24) if hour not in lost]
    found = calendar(candle, moments)
    missing = {(day - START.date()).days * 24 + hour for day, hour in missing_hours(found)}
    # Hours after the latest file: those of its day are missing too, later days are not known.
    known = {hour for hour in lost if START + timedelta(hours=hour) < moments[-1]}
    assert known <= missing <= lost


def test_fewer_files_than_usual_in_an_hour_are_thin():
    every = timedelta(minutes=1)
    lost = {START + timedelta(days=9, hours=5, minutes=minute) for minute in (3, 4)}
    found = calendar(candle, [m for m in stream_keys(START, 30, every) if m not in lost])
    assert found.state_of(date(2024, 1, 10), 5) is State.THIN
    assert states(found) == {"COMPLETE": 29, "THIN": 1}


def test_a_stream_without_a_rhythm_within_the_hour_has_no_thin_hours():
    # Between 30 and 59 files an hour, as the batches of trades are on exchanges.
    moments = [
        hour + timedelta(seconds=index)
        for number, hour in enumerate(stream_keys(START, 30, HOURLY))
        for index in range(30 + number * 7 % 30)
    ]
    assert set(states(calendar(trade, moments))) == {"COMPLETE"}


def test_files_at_random_hours_are_compared_by_day():
    # Every day two files at other hours: no hour is expected to have one.
    lost = 15
    moments = [
        START + timedelta(days=day, hours=hour)
        for day in range(60)
        if day != lost
        for hour in (day * 7 % 20, day * 7 % 20 + 3)
    ]
    found = calendar(trade, moments)
    assert found.state_of(date(2024, 1, 16)) is State.MISSING
    assert states(found)["MISSING"] == 1
    assert "THIN" not in states(found)


def test_weekends_without_files_are_not_expected():
    workdays = [m for m in stream_keys(START, 90, HOURLY) if m.weekday() < 5 and 9 <= m.hour < 17]
    lost = {date(2024, 2, 7)}
    found = calendar(candle, [m for m in workdays if m.date() not in lost])
    assert found.state_of(date(2024, 2, 3)) is State.IDLE
    assert found.state_of(date(2024, 2, 5), 3) is State.IDLE
    assert found.state_of(date(2024, 2, 7)) is State.MISSING
    assert states(found)["MISSING"] == 1


def test_another_rhythm_is_no_gap():
    change = START + timedelta(days=63)
    before = stream_keys(START, 63, HOURLY)
    after = stream_keys(change, 63, timedelta(hours=4))
    found = calendar(candle, [*before, *after])
    wrong = [day for day, _ in missing_hours(found)]
    assert all(abs((day - change.date()).days) <= 7 for day in wrong)


def test_a_job_that_drifts_over_the_hour_leaves_no_gap():
    found = calendar(candle, stream_keys(START, 60, timedelta(hours=1, seconds=40)))
    assert missing_hours(found) == []


def test_a_monthly_report_is_missed_when_its_month_is_left_out():
    months = [datetime(2024, month, 1, 4, tzinfo=UTC) for month in range(1, 13) if month != 7]
    found = calendar(report, months)
    assert states(found)["MISSING"] == 1
    place = found.days.tolist().index(State.MISSING)
    assert abs((found.first + timedelta(days=place) - date(2024, 7, 1)).days) <= 1


def test_days_without_trades_of_a_user_are_no_gaps():
    found = calendar(
        user_trade, [m for m in stream_keys(START, 60, timedelta(days=1)) if m.day % 3]
    )
    assert set(states(found)) == {"COMPLETE", "IDLE"}


def test_future_hours_of_today_are_not_missing():
    now = START + timedelta(days=30, hours=10, minutes=20)
    moments = [m for m in stream_keys(START, 31, HOURLY) if m <= now - timedelta(hours=1)]
    found = calendar(candle, moments, now=now)
    assert found.state_of(now.date()) is State.COMPLETE
    assert found.state_of(now.date(), 9) is State.COMPLETE
    assert found.state_of(now.date(), 11) is State.OUTSIDE
    late = calendar(candle, moments[:-4], now=now)
    assert late.state_of(now.date(), 7) is State.MISSING
    assert late.state_of(now.date(), 10) is State.OUTSIDE


def test_hours_before_the_first_file_are_not_missing():
    found = calendar(candle, stream_keys(START + timedelta(hours=13), 30, HOURLY))
    assert found.state_of(START.date(), 12) is State.OUTSIDE
    assert found.state_of(START.date()) is State.COMPLETE


def test_small_and_empty_files_are_thin():
    moments = stream_keys(START, 30, HOURLY)
    rows = [(candle(moment), 1000) for moment in moments]
    rows[100] = (rows[100][0], 200)
    rows[200] = (rows[200][0], 0)
    (cells,) = cells_of(rows, LATER)
    found = calendar_of(cells, LATER)
    assert states(found) == {"COMPLETE": 28, "THIN": 2}
    # Trades have as many rows as the market has trades, so only empty files are suspicious.
    rows = [(trade(moment), 1000) for moment in moments]
    rows[100] = (rows[100][0], 200)
    (cells,) = cells_of(rows, LATER)
    assert states(calendar_of(cells, LATER)) == {"COMPLETE": 30}


def test_times_in_the_future_and_of_other_centuries_are_ignored_and_counted():
    moments = stream_keys(START, 30, HOURLY)
    strange = [datetime(2099, 1, 1, tzinfo=UTC), datetime(1901, 1, 1, tzinfo=UTC)]
    found = calendar(candle, [*moments, *strange])
    assert found.ignored == 2
    assert found.last == date(2024, 1, 30)
    assert len(found.days) <= 60 * 366


def test_a_single_file_is_a_complete_day():
    found = calendar(candle, [START + timedelta(hours=4)])
    assert states(found) == {"COMPLETE": 1}
    assert missing_hours(found) == []


def test_a_part_of_a_calendar():
    found = calendar(candle, stream_keys(START, 30, HOURLY))
    part = found.between(date(2024, 1, 10), date(2024, 1, 12))
    assert (part.first, part.last) == (date(2024, 1, 10), date(2024, 1, 12))
    assert found.between(date(2025, 1, 1), None) is None

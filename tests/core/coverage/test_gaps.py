"""Gaps of streams, and their export."""

from datetime import UTC, datetime, timedelta

from helpers.coverage_keys import candle, stream_keys, trade

from core.coverage.calendars import State, calendar_of
from core.coverage.cells import Stream, cells_of
from core.coverage.gaps import COLUMNS, gaps_of, sorted_gaps

START = datetime(2024, 1, 1, tzinfo=UTC)
LATER = datetime(2025, 1, 1, tzinfo=UTC)


def calendars(rows):
    return [calendar_of(cells, LATER) for cells in cells_of(rows, LATER)]


def test_consecutive_hours_are_one_gap():
    lost = {START + timedelta(days=9, hours=hour) for hour in range(22, 27)}
    moments = [m for m in stream_keys(START, 30, timedelta(hours=1)) if m not in lost]
    (calendar,) = calendars([(candle(m, timeframe="1h"), 9) for m in moments])
    (gap,) = gaps_of(calendar)
    assert gap.state is State.MISSING
    assert (gap.begin, gap.end) == (min(lost), max(lost) + timedelta(hours=1))
    assert (gap.hours, gap.files, gap.expected) == (5, 0, 5)
    assert gap.folder == "market-data/ohlcv/BTC-USD/1h/2024/01/10/"


def test_hours_that_are_not_expected_do_not_divide_a_gap():
    lost = {START + timedelta(days=9, hours=hour) for hour in (16, 20, 24)}
    moments = [m for m in stream_keys(START, 30, timedelta(hours=4)) if m not in lost]
    (calendar,) = calendars([(candle(m), 9) for m in moments])
    (gap,) = gaps_of(calendar)
    assert (gap.begin, gap.end) == (min(lost), max(lost) + timedelta(hours=1))
    assert (gap.hours, gap.expected) == (3, 3)


def test_a_thin_hour_is_a_gap_with_its_numbers():
    every = timedelta(minutes=15)
    lost = START + timedelta(days=9, hours=5, minutes=30)
    moments = [m for m in stream_keys(START, 30, every) if m != lost]
    (calendar,) = calendars([(trade(m), 9) for m in moments])
    (gap,) = gaps_of(calendar)
    assert (gap.state, gap.files, gap.expected, gap.hours) == (State.THIN, 3, 4, 1)


def test_a_thin_day_of_a_stream_without_usual_hours_is_a_gap():
    moments = [
        START + timedelta(days=day, hours=(day * 7 + number * 5) % 24)
        for day in range(60)
        for number in range(1 if day == 15 else 4)
    ]
    (calendar,) = calendars([(trade(m), 9) for m in moments])
    (gap,) = gaps_of(calendar)
    assert (gap.state, gap.begin, gap.files) == (State.THIN, START + timedelta(days=15), 1)
    assert gap.expected == 4


def test_a_row_of_the_export_has_all_columns():
    moments = [m for m in stream_keys(START, 30, timedelta(hours=1)) if m.day != 10]
    rows = [(candle(m, symbol), 9) for symbol in ("B", "A") for m in moments]
    first, second = sorted_gaps(calendars(rows))
    assert (first.stream, second.stream) == (Stream("ohlcv", "A", "1m"), Stream("ohlcv", "B", "1m"))
    assert tuple(first.row()) == COLUMNS
    assert first.row() == {
        "kind": "ohlcv",
        "name": "A",
        "timeframe": "1m",
        "state": "missing",
        "from": "2024-01-10T00:00:00Z",
        "to": "2024-01-11T00:00:00Z",
        "hours": 24,
        "files": 0,
        "expected_files": 24,
        "prefix": "market-data/ohlcv/A/1m/2024/01/10/",
    }

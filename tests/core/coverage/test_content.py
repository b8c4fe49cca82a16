"""Intervals without candles: no file, rows missing in a file, or a quiet market."""

import json
from datetime import UTC, date, datetime, timedelta
from random import Random

import numpy as np
import pytest
from helpers.coverage_keys import candle, trade

from core.catalog.refresh import refresh
from core.coverage.cells import Stream
from core.coverage.content import ContentState, FileTimes, Grid, candles_of, gaps_in_content
from core.coverage.content_check import check_content
from core.errors import InvalidInput
from core.work import Work
from core.workspace import Workspace

START = 1_704_067_200  # 1 January 2024
MINUTE, HOUR, DAY = 60, 3600, 86_400
STREAM = Stream("ohlcv", "BTC-USD", "1m")
NO_FILE, MISSING, QUIET = ContentState.NO_FILE, ContentState.ROWS_MISSING, ContentState.QUIET


def hourly(times, *, without=()):
    """Return a file of minutes for each hour of three days, without those that are left out."""
    times = np.array(times, dtype=np.int64)
    for hour in range(72):
        begin = START + hour * HOUR
        if hour not in without:
            yield FileTimes(begin, times[(times >= begin) & (times < begin + HOUR)])


def minutes(lost=()):
    """Return all minutes of three days but these."""
    return [START + at * MINUTE for at in range(3 * 1440) if at not in set(lost)]


def gaps(files, **evidence):
    files = list(files)
    grid = Grid.of(START, START + 3 * DAY, MINUTE, files)
    return gaps_in_content(STREAM, grid, candles_of(grid, files), **evidence)


def found(files, **evidence):
    """Return state, first minute and number of minutes of each gap."""
    return [
        (gap.state, int(gap.begin.timestamp() - START) // MINUTE, gap.intervals)
        for gap in gaps(files, **evidence)
    ]


def test_complete_files_have_no_gap():
    assert found(hourly(minutes())) == []


def test_a_missing_file_is_not_missing_rows():
    assert found(hourly(minutes(), without={30})) == [(NO_FILE, 1800, 60)]


@pytest.mark.parametrize(
    ("minutes_later", "lost"),
    [(0, []), (59, []), (60, [(NO_FILE, 4260, 1)]), (90, [(NO_FILE, 4260, 31)])],
)
def test_intervals_whose_file_may_still_be_on_its_way_are_not_missing(minutes_later, lost):
    """Hourly files, the last one of 70:00: its successor is complete at 72:00."""
    files = list(hourly(minutes(), without={71}))
    grid = Grid.of(START, START + 3 * DAY, MINUTE, files)
    now = START + 71 * HOUR + (minutes_later + 1) * MINUTE
    candles = candles_of(grid, files, now)
    found = gaps_in_content(STREAM, grid, candles)
    assert [
        (gap.state, int(gap.begin.timestamp() - START) // MINUTE, gap.intervals) for gap in found
    ] == lost


def test_a_candle_that_is_not_over_is_not_missing():
    days = [START + day * DAY for day in range(10)]
    files = [FileTimes(day, np.array([day])) for day in days]
    grid = Grid.of(START, START + 10 * DAY + 5 * HOUR, DAY, files)
    assert grid.count == 11
    for hours, count in ((5, 0), (23, 0), (24, 1)):
        candles = candles_of(grid, files, START + 10 * DAY + (hours + 24) * HOUR)
        assert len(gaps_in_content(STREAM, grid, candles)) == count, hours


def test_rows_missing_inside_and_at_the_end_of_a_file():
    lost = [*range(100, 103), *range(590, 600)]
    assert found(hourly(minutes(lost))) == [(MISSING, 100, 3), (MISSING, 590, 10)]


def test_an_empty_file_lacks_its_rows():
    assert found(hourly(minutes(range(600, 660)))) == [(MISSING, 600, 60)]


def test_a_file_that_cannot_be_read_is_named_as_the_reason():
    files = list(hourly(minutes(), without={10}))
    files.append(FileTimes(START + 10 * HOUR, np.empty(0, dtype=np.int64), readable=False))
    (gap,) = gaps(files)
    assert (gap.state, gap.intervals) == (MISSING, 60)
    assert gap.reason == "A file of this time cannot be read."


def test_trades_prove_a_lost_candle_and_a_quiet_minute():
    files = list(hourly(minutes([100, 101, 200, 300])))
    traded = [START + 90 * MINUTE, START + 101 * MINUTE + 7, START + 250 * MINUTE]
    trades = [FileTimes(START, np.array(traded, dtype=np.int64))]
    reasons = {gap.begin.hour * 60 + gap.begin.minute: gap for gap in gaps(files, trades=trades)}
    assert reasons[100].state is MISSING
    assert reasons[100].reason == "There were trades at this time."
    assert reasons[200].state is QUIET
    assert reasons[200].reason == "The stored trades have none at this time."
    assert reasons[300].state is MISSING, "the trades of this minute are not stored"


def test_a_sparse_pair_raises_no_alarm():
    random = Random(4)
    lost = [at for at in range(3 * 1440) if random.random() < 0.895]
    states = {gap.state for gap in gaps(hourly(minutes(lost)))}
    assert states == {QUIET}


def test_a_night_without_candles_of_a_sparse_pair_is_an_alarm():
    random = Random(4)
    lost = {at for at in range(3 * 1440) if random.random() < 0.3} | set(range(2000, 2400))
    bad = [gap for gap in gaps(hourly(minutes(lost))) if gap.state is not QUIET]
    assert [(gap.state, gap.intervals >= 400) for gap in bad] == [(MISSING, True)]
    assert bad[0].reason == "This gap is longer than the usual ones of this pair."


def test_files_without_any_candle_are_no_quiet_market():
    (gap,) = gaps(hourly([]))
    assert (gap.state, gap.intervals) == (MISSING, 3 * 1440)
    assert gap.reason == "The files of the days around have hardly any candle."


def test_quiet_nights_are_usual_if_each_day_has_one():
    lost = [day * 1440 + at for day in range(3) for at in range(120, 300)]
    assert {state for state, _, _ in found(hourly(minutes(lost)))} == {QUIET}


def test_an_outage_of_all_symbols_is_no_quiet_market():
    random = Random(4)
    lost = {at for at in range(3 * 1440) if random.random() < 0.6} | {700, 701, 702}
    lost -= {699, 703}
    files = list(hourly(minutes(lost)))
    grid = Grid.of(START, START + 3 * DAY, MINUTE, files)
    others = [candles_of(grid, list(hourly(minutes([700, 701, 702])))) for _ in range(2)]
    bad = [gap for gap in gaps(files, others=others) if gap.state is not QUIET]
    assert [(gap.reason, gap.intervals) for gap in bad] == [
        ("Other symbols have no candle at this time either.", 3)
    ]
    alone = gaps(files)
    assert {gap.state for gap in alone} == {QUIET}


def test_candles_of_weeks_begin_on_their_own_day():
    monday = START + 7 * DAY
    times = np.array([monday + week * 7 * DAY for week in range(10) if week != 4], dtype=np.int64)
    files = [FileTimes(int(at), times[: place + 1]) for place, at in enumerate(times)]
    grid = Grid.of(START + 3 * DAY, START + 77 * DAY, 7 * DAY, files)
    (gap,) = gaps_in_content(STREAM, grid, candles_of(grid, files))
    assert gap.begin == datetime.fromtimestamp(monday + 28 * DAY, UTC)


@pytest.fixture
def workspace(s3_server, s3_bucket, monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    made = Workspace.open(s3_server.connection(s3_bucket))
    yield made
    made.close()


def test_the_content_of_a_bucket_is_checked(workspace, s3_client, s3_bucket):
    start = datetime.fromtimestamp(START, UTC)

    def put(key, body):
        s3_client.put_object(Bucket=s3_bucket, Key=key, Body=body)

    def rows(hour, lost=()):
        at = [start + timedelta(hours=hour, minutes=m) for m in range(60) if m not in lost]
        return json.dumps({"data": [{"timestamp": f"{m:%Y-%m-%dT%H:%M:%SZ}"} for m in at]}).encode()

    for hour in range(24):
        moment = start + timedelta(hours=hour)
        if hour == 20:
            put(candle(moment), b'{"data": [')
        elif hour != 7:
            put(candle(moment), rows(hour, {5, 6} if hour == 3 else {9} if hour == 4 else ()))
    traded = [{"timestamp": START + 3 * HOUR + at, "price": 1} for at in (0, 200, 500)]
    put(trade(start + timedelta(hours=3)), json.dumps({"trades": traded}).encode())
    days = {
        "names": ("BTC-*",),
        "timeframe": "1m",
        "first": date(2024, 1, 1),
        "last": date(2024, 1, 1),
    }
    report = check_content(workspace, **days)
    assert [(gap.state, f"{gap.begin:%H:%M}", gap.intervals) for gap in report.gaps] == [
        (QUIET, "03:05", 2),
        (MISSING, "04:09", 1),
        (NO_FILE, "07:00", 60),
        (MISSING, "20:00", 60),
    ]
    assert (report.intervals, report.present) == ({"BTC-USD": 1440}, {"BTC-USD": 1440 - 123})
    assert [key for key, _reason in report.unread] == [candle(start + timedelta(hours=20))]
    assert report.objects == 24
    # Again from the cache; only what is not a readable object is requested again.
    assert check_content(workspace, **days).gets < report.gets
    with pytest.raises(InvalidInput, match="no fixed length"):
        check_content(workspace, **{**days, "timeframe": "1M"})


def _workspace_files(s3_client, s3_bucket, moments):
    """Store a file with one candle of an hour at each moment."""
    for moment in moments:
        body = json.dumps({"data": [{"timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}]}).encode()
        s3_client.put_object(Bucket=s3_bucket, Key=candle(moment, timeframe="1h"), Body=body)


def test_nights_outside_of_opening_hours_are_no_missing_files(workspace, s3_client, s3_bucket):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    lost = start + timedelta(days=16, hours=11)
    days = [start + timedelta(days=day) for day in range(26)]
    hours = [day + timedelta(hours=hour) for day in days for hour in range(9, 17)]
    _workspace_files(s3_client, s3_bucket, [m for m in hours if m.weekday() < 5 and m != lost])
    report = check_content(
        workspace, names=("BTC-USD",), timeframe="1h", first=date(2024, 1, 17),
        last=date(2024, 1, 29),
    )  # fmt: skip
    assert [gap.begin for gap in report.gaps if gap.state is NO_FILE] == [
        lost,
        # The Monday after the latest file.
        datetime(2024, 1, 29, 9, tzinfo=UTC),
    ]
    assert {gap.state for gap in report.gaps} == {NO_FILE, QUIET}
    assert sum(gap.intervals for gap in report.gaps) + report.present["BTC-USD"] == 13 * 24


def test_quiet_hours_of_a_sparse_pair_without_a_file_are_no_alarm(workspace, s3_client, s3_bucket):
    start, drawn = datetime(2024, 1, 1, tzinfo=UTC), Random(3)
    hours = [start + timedelta(hours=at) for at in range(20 * 24)]
    _workspace_files(s3_client, s3_bucket, [hour for hour in hours if drawn.random() < 0.7])
    report = check_content(
        workspace, names=("BTC-USD",), timeframe="1h", first=date(2024, 1, 10),
        last=date(2024, 1, 12),
    )  # fmt: skip
    assert report.gaps
    assert {gap.state for gap in report.gaps} == {QUIET}


def test_files_that_are_newer_than_the_catalogue_are_not_missing(workspace, s3_client, s3_bucket):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=at) for at in range(48)]
    _workspace_files(s3_client, s3_bucket, hours[:24])
    refresh(workspace, Work())
    _workspace_files(s3_client, s3_bucket, hours[24:])
    report = check_content(
        workspace, names=("BTC-USD",), timeframe="1h", first=date(2024, 1, 1),
        last=date(2024, 1, 2),
    )  # fmt: skip
    assert report.gaps == ()

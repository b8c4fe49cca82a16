"""The coverage of a bucket from a listing and from the catalogue, on each S3 server."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from helpers.coverage_keys import candle, report, stream_keys, trade

from core.catalog.catalog import open_catalog
from core.coverage.freshness import Freshness
from core.coverage.report import Source, coverage
from core.coverage.selection import Selection
from core.errors import InvalidInput, NotFound
from core.workspace import Workspace

START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=12, hours=4)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def workspace(s3_server, s3_bucket):
    found = Workspace.open(s3_server.connection(s3_bucket))
    yield found
    found.close()


@pytest.fixture
def keys(s3_client, s3_bucket):
    """Two symbols, one of which lacks a day, trades, and objects that are no streams."""

    def put(*keys):
        for key in keys:
            s3_client.put_object(Bucket=s3_bucket, Key=key, Body=b"[]" * (len(key) % 5))

    moments = stream_keys(START, 12, timedelta(hours=8))
    put(*(candle(m, timeframe="4h") for m in moments))
    put(*(candle(m, "ETH-USD", "4h") for m in moments if m.day != 5))
    put(candle(START, "ETH-USD", "1d"), trade(START), trade(START) + ".gz", report(START))
    put(
        "market-data/ohlcv/README",
        "notes.txt",
        candle(datetime(2199, 1, 1, tzinfo=UTC), timeframe="4h"),
    )
    put("market-data/ohlcv/BTC-USD/4h/2024/01/01/2024-02-30T00:00:00Z.json")
    put("market-data/ohlcv/BTC-USD/4h/2024/01/01/2024-01-01T02:00:00+02:00.json")
    return put


def rows(found):
    """Return the contents of a report as comparable values."""
    calendars = [
        (c.stream, c.first, c.hours.tolist(), c.days.tolist(), c.files.tolist(), c.total_size, c.newest, c.ignored)
        for c in found.calendars
    ]  # fmt: skip
    return calendars, found.states


def test_the_catalogue_and_a_listing_have_the_same_coverage(workspace, keys):
    listed = coverage(workspace, source=Source.LISTING, now=NOW)
    refreshed = coverage(workspace, source=Source.REFRESH, now=NOW)
    assert rows(refreshed) == rows(listed)
    assert [str(each.stream) for each in listed.calendars] == [
        "risk", "BTC-USD 4h", "ETH-USD 1d", "ETH-USD 4h", "BTC-USD",
    ]  # fmt: skip
    cached = coverage(workspace, source=Source.CATALOG, now=NOW)
    assert (rows(cached), cached.list_calls) == (rows(listed), 0)
    assert listed.list_calls > 0
    assert listed.calendars[1].ignored == 1
    assert np.sum(listed.calendars[1].files) == 12 * 3 + 1


def test_new_keys_are_added_to_the_catalogue(workspace, keys):
    selection = Selection("ohlcv", ("BTC-USD",), "4h")
    with pytest.raises(NotFound, match="does not contain these streams"):
        coverage(workspace, source=Source.CATALOG, selection=selection)
    coverage(workspace, source=Source.REFRESH, selection=selection)
    keys(candle(NOW, timeframe="4h"))
    (before,) = coverage(workspace, source=Source.CATALOG, selection=selection).calendars
    (after,) = coverage(workspace, selection=selection).calendars
    assert (before.last, after.last) == (date(2024, 1, 12), date(2024, 1, 13))
    # The other streams are not in the catalogue, so that all selected keys are listed instead.
    assert open_catalog(workspace).age("analytics/") is None
    assert coverage(workspace, selection=Selection("analytics")).calendars


def test_an_old_catalogue_is_judged_at_the_time_of_its_listing(workspace, keys):
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    keys(*(candle(now - timedelta(hours=n), "SOL-USD", "1h") for n in range(48)))
    selection = Selection("ohlcv", ("SOL-USD",))
    coverage(workspace, source=Source.REFRESH, selection=selection)
    (state,) = coverage(workspace, source=Source.CATALOG, selection=selection).states
    assert state.state is Freshness.CURRENT
    later = coverage(
        workspace, source=Source.CATALOG, selection=selection, now=now + timedelta(hours=9)
    )
    assert [each.stream.name for each in later.stopped] == ["SOL-USD"]


def test_only_selected_streams_and_days_are_reported(workspace, keys):
    found = coverage(workspace, selection=Selection("ohlcv", ("E*",), "4h"), now=NOW)
    assert [each.stream.name for each in found.calendars] == ["ETH-USD"]
    part = Selection("ohlcv", ("ETH-USD",), "", date(2024, 1, 5), date(2024, 1, 6))
    found = coverage(workspace, selection=part, now=NOW)
    assert [len(each.days) for each in found.calendars] == [2]
    assert len(found.states) == 2  # the freshness of a stream does not depend on the days


def test_a_selection_must_be_possible(workspace):
    with pytest.raises(InvalidInput, match="no kind of data"):
        coverage(workspace, selection=Selection("candles"))
    with pytest.raises(InvalidInput, match="before the first"):
        coverage(workspace, selection=Selection("", (), "", date(2024, 2, 1), date(2024, 1, 1)))

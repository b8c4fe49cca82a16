"""A refresh finds what a listing finds: everything if it is complete, and what is new otherwise."""

from datetime import UTC, datetime, timedelta

import pytest
from helpers.doses import generated
from helpers.listed_bucket import ListedBucket
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import planning
from core.catalog.catalog import open_catalog
from core.catalog.query import Query
from core.catalog.refresh import refresh
from core.errors import AccessDenied, Cancelled, InvalidInput
from core.objects.listing import Listing
from core.work import Work

EVERYTHING = Query()


def stored(bucket):
    """Return keys and sizes of the catalogue."""
    rows = open_catalog(bucket).search(EVERYTHING).page(0, 10_000)
    return {row.key: row.size for row in rows}


def candles(symbol, day, hours=24, timeframe="1h"):
    begin = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
    for hour in range(hours):
        moment = begin + timedelta(hours=hour)
        yield (
            f"market-data/ohlcv/{symbol}/{timeframe}/{moment:%Y/%m/%d}/"
            f"{moment:%Y-%m-%dT%H:%M:%SZ}.json"
        )


@pytest.fixture
def bucket(monkeypatch):
    # Small pages, so that few keys need many requests.
    monkeypatch.setattr(planning, "LIST_KEYS", 20)
    found = ListedBucket(page_size=20)
    for symbol in ("BTC-USD", "ETH-USD"):
        for day in range(10):
            found.keys |= dict.fromkeys(candles(symbol, day), 5)
    found.keys |= {"README": 1, "exports/a.csv": 2, "exports/deep/b.csv": 3}
    return found.use(monkeypatch)


def test_the_first_refresh_stores_everything(bucket):
    report = refresh(bucket, Work())
    assert stored(bucket) == bucket.keys
    assert (report.complete, report.objects, report.added) == (True, 483, 483)
    assert (report.changed, report.removed, report.shared) == (0, 0, False)


def test_a_later_refresh_lists_the_last_day_and_what_is_not_ordered_by_date(bucket):
    refresh(bucket, Work())
    estimate = open_catalog(bucket).estimate()
    bucket.requests.clear()
    bucket.keys |= dict.fromkeys(candles("BTC-USD", 10, 3), 7)
    bucket.keys["exports/c.csv"] = 9
    del bucket.keys["exports/a.csv"]
    report = refresh(bucket, Work())
    assert stored(bucket) == bucket.keys
    assert (report.added, report.changed, report.removed) == (4, 0, 1)
    before_last_day = list(candles("BTC-USD", 8))[-1]
    assert ("market-data/ohlcv/BTC-USD/1h/", before_last_day, None) in bucket.requests
    assert report.requests == len(bucket.requests) < 12
    assert abs(report.requests - estimate.requests) <= 2
    assert open_catalog(bucket).estimate(complete=True).requests == 25


def test_a_new_symbol_and_a_new_timeframe_are_found(bucket):
    refresh(bucket, Work())
    bucket.keys |= dict.fromkeys(candles("SOL-USD", 3), 7)
    bucket.keys |= dict.fromkeys(candles("BTC-USD", 3, timeframe="1d", hours=1), 7)
    assert refresh(bucket, Work()).added == 25
    assert stored(bucket) == bucket.keys


def test_changes_of_former_days_are_found_by_a_complete_refresh(bucket):
    refresh(bucket, Work())
    first, *rest = candles("BTC-USD", 1)
    del bucket.keys[first]
    bucket.keys[rest[0]] = 99
    before = refresh(bucket, Work())
    assert (before.changed, before.removed) == (0, 0)
    report = refresh(bucket, Work(), complete=True)
    assert (report.added, report.changed, report.removed) == (0, 1, 1)
    assert stored(bucket) == bucket.keys


def test_one_prefix_is_refreshed_alone(bucket):
    refresh(bucket, Work(), prefix="exports/")
    assert set(stored(bucket)) == {"exports/a.csv", "exports/deep/b.csv"}
    catalog = open_catalog(bucket)
    assert catalog.age("exports/deep/") is not None
    assert catalog.age("market-data/") is None
    assert catalog.estimate("market-data/").requests is None
    refresh(bucket, Work(), prefix="market-data/")
    assert len(stored(bucket)) == 482
    with pytest.raises(InvalidInput):
        refresh(bucket, Work(), prefix="exports")


def test_the_age_counts_from_the_beginning_of_the_listing(bucket):
    report = refresh(bucket, Work())
    later = refresh(bucket, Work())
    listed = open_catalog(bucket).state.listed_for("exports/")
    assert (listed.complete, listed.recent) == (report.began, later.began)


def test_an_error_or_a_cancel_changes_nothing(bucket, monkeypatch):
    refresh(bucket, Work())
    before = dict(bucket.keys)
    bucket.keys |= dict.fromkeys(candles("BTC-USD", 10), 7)

    def denied(*arguments, **named):
        raise AccessDenied("no")

    with monkeypatch.context() as patch:
        patch.setattr("core.catalog.listed_keys.page_of", denied)
        with pytest.raises(AccessDenied):
            refresh(bucket, Work())
    work = Work()
    work.token.cancel()
    with pytest.raises(Cancelled):
        refresh(bucket, work)
    assert stored(bucket) == before


NAMES = st.sampled_from(
    ["a", "b", "é", "x y", "A", "2024", "1h", "\U0001f600", "0", "~", "%2F", "'"]
)
FREE = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
DATED = st.builds(
    lambda symbol, day, hour: list(candles(symbol, day))[hour],
    st.sampled_from(["A", "B"]), st.integers(0, 6), st.integers(0, 23),
)  # fmt: skip
KEYS = st.one_of(FREE, DATED, FREE.map("{}/".format), FREE.map("market-data/ohlcv/A/{}".format))


@generated(suite=5, demand=300)
@given(
    first=st.dictionaries(KEYS, st.integers(0, 9), max_size=30),
    later=st.lists(st.dictionaries(KEYS, st.integers(0, 9), max_size=10), max_size=2),
    removed=st.lists(st.integers(0, 29), max_size=5),
    page=st.integers(1, 6),
)
def test_a_complete_refresh_equals_a_listing_and_others_find_all_that_is_newer(
    monkeypatch, tmp_path_factory, first, later, removed, page
):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setattr(planning, "LIST_KEYS", page)
    bucket = ListedBucket(dict(first), page_size=page).use(monkeypatch)
    refresh(bucket, Work())
    assert stored(bucket) == bucket.keys
    for new in later:
        known = stored(bucket)
        bucket.keys |= new
        refresh(bucket, Work())
        found = stored(bucket)
        # What is not found at once are objects of former days only.
        missing = {key for key, size in bucket.keys.items() if found.get(key) != size}
        assert all("market-data/ohlcv/" in key for key in missing)
        assert set(found) <= set(known) | set(bucket.keys)
    for position in removed:
        bucket.keys.pop(list(bucket.keys)[position % len(bucket.keys)] if bucket.keys else "", None)
    refresh(bucket, Work(), complete=True)
    pages = list(Listing(bucket, "").pages())
    listed = {key: size for each in pages for key, size in zip(each.keys, each.sizes, strict=True)}
    assert stored(bucket) == bucket.keys == listed

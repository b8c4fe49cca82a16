"""Plans use the catalogue if it is not old, name its age, and find what has changed since."""

from datetime import timedelta

import pytest
from helpers.folders import load_folder

from core.catalog.catalog import Catalog
from core.catalog.manifest import CatalogFolder
from core.catalog.refresh import refresh
from core.collect import catalogued
from core.collect.folder import plan_folder
from core.errors import AccessDenied, NotFound
from core.units import utc_now
from core.work import Work

MOMENT = "2024-01-15T1{}:00:00Z"


@pytest.fixture
def keys(collected):
    """Two candle files that the catalogue knows."""
    keys = [
        collected.candles("BTC-USD", MOMENT.format(hour), [(MOMENT.format(hour), "1.0")])
        for hour in range(2)
    ]
    refresh(collected, Work())
    yield keys
    Catalog(collected.bucket).remove()


def test_a_plan_needs_no_list_request_and_names_the_age(collected, keys):
    planned = collected.plan()
    assert (planned.objects, planned.lists) == (2, 0)
    assert utc_now() - planned.listed < timedelta(minutes=1)
    assert collected.plan(names=("BTC-*",)).names == ("BTC-USD",)
    assert collected.plan(names=("BTC-USD", "ETH-USD")).without == ("ETH-USD",)
    again = collected.plan(list_again=True)
    assert again.lists > 0
    assert (again.objects, again.size, again.listed) == (planned.objects, planned.size, None)
    folder = plan_folder(collected, folder="market-data/")
    assert (folder.objects, folder.lists) == (2, 0)
    assert folder.listed == planned.listed


def test_keys_of_other_timeframes_and_kinds_are_left_out(collected, keys):
    assert collected.plan(timeframe="1h").objects == 0
    assert collected.plan(kind="trades").objects == 0


def test_vanished_and_changed_objects_are_reported(collected, keys):
    collected.bucket.client.delete_object(Bucket=collected.bucket.name, Key=keys[0])
    collected.candles("BTC-USD", MOMENT.format(1), [(MOMENT.format(1), "7.5")])
    report, rows = collected.collect()
    assert report.plan.listed is not None
    assert [problem.key for problem in report.problems] == [keys[0]]
    assert "1 object changed after the keys were listed" in report.notes[0]
    assert [row["close"] for row in rows] == ["7.5"]
    loaded = load_folder(collected, folder="market-data/")
    assert [problem.key for problem in loaded.problems] == [keys[0]]
    _, rows = collected.collect(list_again=True)
    assert [row["close"] for row in rows] == ["7.5"]


@pytest.mark.parametrize("limit", ["NEW_KEYS", "ALL_KEYS"])
def test_an_old_catalogue_is_not_used(collected, keys, monkeypatch, limit):
    monkeypatch.setattr(catalogued, limit, timedelta())
    planned = collected.plan()
    assert planned.lists > 0
    assert planned.listed is None


def test_a_damaged_catalogue_is_not_used(collected, keys):
    for path in CatalogFolder(collected.bucket).path.glob("*.parquet"):
        path.write_bytes(b"")
    assert collected.plan().lists > 0


def test_objects_that_are_newer_than_the_catalogue_are_no_empty_range(collected, keys):
    for symbol in ("ETH-USD", "SOL-USD"):
        collected.candles(symbol, MOMENT.format(0), [(MOMENT.format(0), "3.0")])
    planned = collected.plan(names=("ETH-USD",))
    assert (planned.objects, planned.listed) == (1, None)
    assert planned.lists > 0
    report, rows = collected.collect(names=("BTC-USD", "ETH-USD"))
    assert {row["symbol"] for row in rows} == {"BTC-USD", "ETH-USD"}
    assert report.plan.without == ()
    assert collected.plan(names=("S*-USD",)).names == ("SOL-USD",)
    assert collected.plan(names=("BTC-*", "S*-USD")).names == ("BTC-USD", "SOL-USD")
    with pytest.raises(NotFound, match="no objects of XRP-USD") as caught:
        collected.collect(names=("XRP-USD",))
    assert "1 listing found none" in caught.value.cause


def test_a_folder_that_is_newer_than_the_catalogue_is_not_empty(collected, keys):
    collected.put("exports/t/a.json", [{"a": 1}])
    planned = plan_folder(collected, folder="exports/t/")
    assert (planned.objects, planned.lists, planned.listed) == (1, 1, None)
    assert load_folder(collected, folder="exports/t/").rows == 1


def test_an_empty_catalogue_is_named_if_the_bucket_cannot_be_listed(collected, keys, monkeypatch):
    def refuse(*_args, **_more):
        message = "You may not list the bucket"
        raise AccessDenied(message)

    monkeypatch.setattr("core.collect.keys.page_of", refuse)
    monkeypatch.setattr("core.collect.folder.Listing", refuse)
    for call in (
        lambda: collected.collect(names=("ETH-USD",)),
        lambda: load_folder(collected, folder="exports/t/"),
    ):
        with pytest.raises(NotFound, match="as far as the catalogue knows") as caught:
            call()
        assert "ago" in caught.value.cause
        assert "You may not list the bucket" in caught.value.cause
        assert "s3:ListBucket" in caught.value.remedy
    assert collected.collect(names=("BTC-USD", "ETH-USD"))[0].plan.without == ("ETH-USD",)

"""Plans use the catalogue if it is not old, name its age, and find what has changed since."""

from datetime import timedelta

import pytest

from core.catalog.catalog import Catalog
from core.catalog.manifest import CatalogFolder
from core.catalog.refresh import refresh
from core.collect import catalogued
from core.collect.folder import load_folder, plan_folder
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
    assert collected.plan(names=("ETH-USD",)).without == ("ETH-USD",)
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

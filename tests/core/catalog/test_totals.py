"""Totals of folders from the catalogue equal those of a count."""

from datetime import UTC, datetime

from helpers.listed_bucket import ListedBucket

from core.catalog.catalog import open_catalog
from core.catalog.refresh import refresh
from core.catalog.totals import folder_totals
from core.work import Work


def test_each_folder_has_its_objects_bytes_and_newest_time(monkeypatch):
    bucket = ListedBucket({"a": 1, "x/b": 2, "x/y/c": 3, "x/y/z/d": 4, "/e": 5, "x//f": 6})
    refresh(bucket.use(monkeypatch), Work())
    found = folder_totals(open_catalog(bucket), 2, Work())
    assert {name: (each.objects, each.size) for name, each in found.items()} == {
        "": (6, 21), "x/": (4, 15), "x/y/": (2, 7), "/": (1, 5), "x//": (1, 6),
    }  # fmt: skip
    assert found["x/"].newest == datetime(2024, 6, 1, tzinfo=UTC)

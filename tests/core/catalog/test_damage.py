"""Readers and refreshes handle damaged, missing and replaced files; others' catalogues are bounded."""

import os

import pytest
from helpers.listed_bucket import ListedBucket

from core.catalog import manifest as manifest_module
from core.catalog import segments
from core.catalog.catalog import open_catalog
from core.catalog.manifest import CatalogFolder
from core.catalog.query import Query
from core.catalog.refresh import refresh
from core.errors import NotFound
from core.work import Work


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setattr(segments, "_OWN_SEGMENT", 5)
    found = ListedBucket({f"{name}/{number}": 1 for name in "abc" for number in range(10)})
    found.keys["top"] = 1
    refresh(found.use(monkeypatch), Work())
    return found


def files(bucket):
    folder = CatalogFolder(bucket)
    return {segment.prefix: folder.path / segment.file for segment in folder.read().segments}


def count(bucket, catalog=None):
    return len((catalog or open_catalog(bucket)).search(Query()))


def test_each_large_folder_has_a_segment(bucket):
    assert set(files(bucket)) == {"", "a/", "b/", "c/"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files(bucket).values())


@pytest.mark.parametrize("damage", ["cut", "flipped", "removed"])
def test_a_damaged_segment_is_named_and_listed_again(bucket, damage):
    path = files(bucket)["b/"]
    data = path.read_bytes()
    path.unlink()
    if damage != "removed":
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes(data[:middle] if damage == "cut" else flipped)
    catalog = open_catalog(bucket)
    assert count(bucket, catalog) == 21
    assert catalog.state.damaged == ("b/",)
    bucket.requests.clear()
    refresh(bucket, Work())
    assert count(bucket, catalog) == 31
    assert catalog.state.damaged == ()
    assert ("", "", None) in bucket.requests


def test_only_what_was_listed_is_listed_again(bucket):
    open_catalog(bucket).remove()
    refresh(bucket, Work(), prefix="a/")
    refresh(bucket, Work(), prefix="b/")
    files(bucket)["a/"].write_bytes(b"")
    bucket.requests.clear()
    refresh(bucket, Work(), prefix="a/")
    assert count(bucket) == 20
    assert sorted(prefix for prefix, _after, _token in bucket.requests) == ["a/", "b/"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 99}', b"[", b"\xff"])
def test_a_damaged_manifest_is_no_catalogue(bucket, content):
    (CatalogFolder(bucket).path / "manifest.json").write_bytes(content)
    catalog = open_catalog(bucket)
    assert catalog.state is None
    with pytest.raises(NotFound):
        catalog.search(Query())
    refresh(bucket, Work())
    assert count(bucket, catalog) == 31


def test_results_stay_readable_after_a_refresh_has_replaced_the_files(bucket):
    catalog = open_catalog(bucket)
    before = catalog.search(Query())
    bucket.keys["new"] = 1
    refresh(bucket, Work(), complete=True)
    assert len(before.page(0, 100)) == 31
    assert count(bucket, catalog) == 32


def test_files_that_no_manifest_names_are_removed(bucket):
    folder = CatalogFolder(bucket).path
    (folder / "0123456789abcdef.parquet").write_bytes(b"left by a killed refresh")
    refresh(bucket, Work())
    assert {path.name for path in folder.glob("*.parquet*")} == {
        path.name for path in files(bucket).values()
    }


def test_the_oldest_catalogues_are_removed_beyond_the_limit(bucket, monkeypatch):
    monkeypatch.setattr(manifest_module, "MOST_CATALOGS", 2)
    for number, name in enumerate(("first", "second", "third")):
        other = ListedBucket({"a": 1}, name=name)
        other.use(monkeypatch)
        refresh(other, Work())
        path = CatalogFolder(other).path
        for each in path.iterdir():
            os.utime(each, (10**9 + number, 10**9 + number))
    bucket.use(monkeypatch)
    refresh(bucket, Work())
    found = [CatalogFolder(ListedBucket(name=name)).read() for name in ("first", "second", "third")]
    assert [each is not None for each in found] == [False, False, True]
    assert count(bucket) == 31


def test_a_removed_catalogue_is_gone(bucket):
    open_catalog(bucket).remove()
    assert open_catalog(bucket).state is None
    assert not CatalogFolder(bucket).path.exists()

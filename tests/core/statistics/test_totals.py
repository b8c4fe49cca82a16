"""Totals and groups of a scan equal those of a sum over the keys, one by one."""

import threading
from collections import Counter

import pytest
from helpers.moto_bucket import moto_bucket, store_copies_in_moto
from hypothesis import given
from hypothesis import strategies as st

from core.engine.scan_helper import scan_helper
from core.errors import Cancelled
from core.model.statistics import Share
from core.objects import listing, page_requests
from core.objects.listing import Listing
from core.objects.pages import Columns
from core.statistics import scan as scan_module
from core.statistics import totals as module
from core.statistics.scan import scan
from core.statistics.totals import FOLDER_DEPTH, ROOT, SMALL_BYTES, Totals, folder_of, runs
from core.work import CancelToken, Work

names = st.text(st.sampled_from("ab/0.-z"), min_size=1, max_size=12)


def page(rows, modified="2024-01-15T00:00:00.000Z"):
    keys, sizes = [key for key, _ in rows], [size for _, size in rows]
    count = len(rows)
    return Columns(keys, sizes, [modified] * count, ["STANDARD"] * count, [""] * count, [])


def counted(*pages):
    totals = Totals("b", "")
    for one in pages:
        totals.add(one)
    return totals.snapshot(list_calls=len(pages), partial=False)


def slow_folder(key):
    parts = key.split("/")[:-1][:FOLDER_DEPTH]
    return "/".join(parts)


@given(st.lists(names, min_size=1, max_size=40, unique=True))
def test_runs_are_what_each_key_alone_gives(keys):
    keys.sort()
    found = Counter()
    position = 0
    for folder, begin, end in runs(keys):
        assert begin == position
        assert end > begin
        position = end
        found[folder] += end - begin
    assert position == len(keys)
    assert found == Counter(slow_folder(key) for key in keys)
    assert all(folder_of(key) == slow_folder(key) for key in keys)


def test_sums_by_every_group():
    rows = [
        ("analytics/risk/2024/01/15/a.json", 10),
        ("market-data/ohlcv/BTC-USD/1h/2024/01/15/a.json", 100),
        ("market-data/ohlcv/BTC-USD/1h/2024/01/15/b.json", 200),
        ("market-data/trades/ETH-USD/2024/01/15/10/c.json", SMALL_BYTES),
        ("readme.txt", 1),
        ("user-data/ann/portfolio/2024/01/15/x.json", 5),
        ("user-data/ann/trades/2024/01/x.json", 6),
    ]
    found = counted(page(rows))
    assert (found.objects, found.size) == (7, 322 + SMALL_BYTES)
    assert (found.small_objects, found.small_size) == (6, 322)
    assert {s.name: (s.objects, s.size) for s in found.tops} == {
        "market-data": (3, 300 + SMALL_BYTES), "user-data": (2, 11), "analytics": (1, 10),
        ROOT: (1, 1),
    }  # fmt: skip
    assert {s.name: s.objects for s in found.kinds} == {
        "OHLCV candles": 2, "Trades": 1, "User portfolios": 1, "User trades": 1,
        "Analytics reports": 1, "Other objects": 1,
    }  # fmt: skip
    assert {s.name: s.objects for s in found.symbols} == {"BTC-USD": 2, "ETH-USD": 1}
    assert found.months == (Share("2024-01", 7, found.size),)
    assert found.classes == (Share("STANDARD", 7, found.size),)
    assert sum(s.objects for s in found.sizes) == 7
    assert sum(s.size for s in found.folders) == found.size
    assert found.largest[0].key.startswith("market-data/trades")


def test_a_page_that_is_not_sorted_is_counted_right():
    rows = [("b/x", 1), ("a/x", 2), ("b/y", 4)]
    assert {s.name: s.size for s in counted(page(rows)).folders} == {"b": 5, "a": 2}


def test_only_the_largest_are_stored_and_folders_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_FOLDERS", 10)
    pages = [page([(f"f/{n:04}/{m}", n * 10 + m) for m in range(5)]) for n in range(200)]
    found = counted(*pages)
    assert len(found.largest) == 100
    assert [row.size for row in found.largest[:2]] == [1994, 1993]
    assert len(found.folders) <= 11
    assert sum(s.objects for s in found.folders) == 1000


def test_a_scan_of_a_real_listing_adds_up_and_can_be_cancelled():
    with moto_bucket() as bucket:
        store_copies_in_moto(bucket, [f"logs/app/{number}" for number in range(1050)], b"12")
        bucket.client.put_object(Bucket=bucket.name, Key="x", Body=b"123")
        workspace = type("W", (), {"bucket": bucket})
        found = scan(workspace, Work())
        assert (found.objects, found.size, found.partial) == (1051, 2103, False)
        assert found.list_calls >= 3
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            scan(workspace, Work(token))


def test_an_engine_that_helps_counts_its_part(monkeypatch):
    """Ranges that an engine counted elsewhere are merged: no object is lost or counted twice."""
    asked, counted, real, take = threading.Event(), threading.Event(), listing.page_of, Listing.take
    pages = iter(range(1_000))

    def page_of(_bucket, prefix, *, delimiter, **named):
        number = next(pages)
        # The second page waits for the other process. Once the range is divided, which takes some
        # pages, this one waits until the other has counted a part.
        assert number == 0 or asked.wait(60)
        assert number < 5 or counted.wait(60)
        threading.Event().wait(0.1 * (number == 1))
        return real(_bucket, prefix, delimiter=delimiter, size=40, **named)

    def take_and_report(self):
        asked.set()
        return take(self)

    monkeypatch.setattr(listing, "page_of", page_of)
    monkeypatch.setattr(Listing, "take", take_and_report)
    # One request at a time, however long the first one took: the others wait to be taken.
    monkeypatch.setattr(Listing, "_choose", lambda *_: None)
    monkeypatch.setattr(page_requests.DirectPages, "of", lambda *_: None)
    monkeypatch.setattr(scan_module, "_PAGES_IF_UNKNOWN", 0)
    monkeypatch.setattr(scan_module.Listing, "computing", True)
    with moto_bucket() as bucket:
        for number in range(300):
            key = f"logs/s{number % 30:02}/{number}"
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"1" * number)
        workspace = type("W", (), {"bucket": bucket})
        with scan_helper(bucket.clients.connection, Work()) as helper:
            count = helper.count

            def count_and_report(part, depth):
                found = count(part, depth)
                counted.set()
                return found

            monkeypatch.setattr(helper, "count", count_and_report)
            helped = scan(workspace, Work(), helper=helper)
        assert counted.is_set()
        alone = scan(workspace, Work())
        for name in ("objects", "size", "folders", "classes", "sizes", "largest", "small_size"):
            assert getattr(helped, name) == getattr(alone, name)

"""The groups of a folder equal those of a scan of that folder alone."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.local.state.statistics_parts import statistics_of
from core.objects.pages import Columns
from core.statistics import details as details_module
from core.statistics.levels import level_of
from core.statistics.saved import load, save
from core.statistics.totals import ROOT, Totals

segments = st.sampled_from(["market-data", "ohlcv", "BTC", "1h", "logs"])
keys = st.lists(segments, min_size=0, max_size=6).map(lambda parts: "/".join([*parts, "x"]))
rows = st.tuples(
    keys,
    st.integers(0, 2_000_000_000),
    st.sampled_from(["2024-01-15T00:00:00Z", "2024-02-01T00:00:00Z"]),
    st.sampled_from(["STANDARD", "GLACIER"]),
)


def counted(objects, prefix=""):
    totals = Totals("b", prefix)
    for start in range(0, len(objects), 7):
        part = objects[start : start + 7]
        columns = [list(column) for column in zip(*part, strict=True)]
        totals.add(Columns(*columns, [""] * len(part), []))
    return totals.snapshot(list_calls=1, partial=False)


def sums(shares):
    return {s.name: (s.objects, s.size) for s in shares if s.objects}


@given(st.lists(rows, min_size=1, max_size=60), st.lists(segments, max_size=4).map("/".join))
def test_a_level_is_what_counting_the_folder_alone_gives(objects, folder):
    found = level_of(counted(objects), folder)
    inside = [row for row in objects if not folder or row[0].startswith(f"{folder}/")]
    alone = counted(inside) if inside else None
    assert found.objects == len(inside)
    assert found.size == sum(size for _, size, _, _ in inside)
    for group in ("kinds", "symbols", "classes", "months", "sizes"):
        wanted = sums(getattr(alone, group)) if alone else {}
        assert sums(getattr(found, group)) == wanted, group
    if inside:
        assert found.largest[0].size == max(size for _, size, _, _ in inside)
        assert found.detailed


@given(st.lists(rows, min_size=1, max_size=60))
def test_the_level_of_a_scanned_folder_is_everything_that_was_scanned(objects):
    inside = [(f"market-data/ohlcv/{row[0]}", *row[1:]) for row in objects]
    found = counted(inside, "market-data/ohlcv/")
    level = level_of(found, "market-data/ohlcv")
    assert level == level_of(found, "")
    assert level.objects == len(inside)
    entire = level_of(counted(inside), "market-data/ohlcv")
    for group in ("tops", "kinds", "symbols", "classes", "months", "sizes"):
        assert sums(getattr(level, group)) == sums(getattr(entire, group)), group
    # The folders of a scanned folder are as deep as those of a scanned bucket.
    depth = max(share.name.count("/") for share in found.folders)
    assert depth == max(min(key.count("/") - 1, 5) for key, *_ in inside)


def test_the_folders_of_a_level_are_those_directly_below_it():
    when, size = "2024-01-15T00:00:00Z", 10
    names = ("a/b/1/x", "a/b/2/x", "a/c/x", "a/x", "other/x", "ab/x")
    found = counted([(name, size, when, "STANDARD") for name in names])
    assert sums(level_of(found, "a").tops) == {"b": (2, 20), "c": (1, 10), ROOT: (1, 10)}
    assert sums(level_of(found, "a/b/1").tops) == {ROOT: (1, 10)}


def test_of_very_many_folders_the_upper_levels_have_details(monkeypatch):
    monkeypatch.setattr(details_module, "MOST_DETAILS", 5)
    when = "2024-01-15T00:00:00Z"
    found = counted([(f"a/{n % 3}/{n}/x", n, when, "STANDARD") for n in range(30)])
    assert sorted(detail.name for detail in found.details) == ["a/0", "a/1", "a/2"]
    assert level_of(found, "a/1").detailed
    assert level_of(found, "a/1").largest[0].size == 28
    below = level_of(found, "a/1/28")
    assert (below.objects, below.size, below.detailed, below.classes) == (1, 28, False, ())


def test_details_are_stored_and_results_without_them_are_still_read(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    found = counted([("a/x", 1, "2024-01-15T00:00:00Z", "STANDARD")])
    save("me", found)
    assert load("me", "b") == found
    document = json.loads(json.dumps(asdict(found), default=str))
    del document["details"]
    old = statistics_of(document)
    assert (old.details, old.objects) == ((), 1)
    assert not level_of(old, "a").detailed


@pytest.mark.parametrize("size", [0, 1023, 1024, 131_071, 131_072, 1_073_741_824])
def test_long_and_short_runs_agree_on_the_ranges_of_sizes(size):
    few = counted([("a/x", size, "2024-01-15T00:00:00Z", "STANDARD")])
    many = counted([(f"a/{n}", size, "2024-01-15T00:00:00Z", "STANDARD") for n in range(7)])
    assert [s.objects * 7 for s in few.sizes] == [s.objects for s in many.sizes]

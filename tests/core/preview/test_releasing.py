"""The objects of large previews are handed over when they end, and nothing in use is changed."""

from __future__ import annotations

import json

import pytest

from core.preview import Candles, Table, Tree, preview
from core.preview.releasing import LARGE, release_with


@pytest.fixture
def taken():
    found = []
    release_with(found.append)
    yield found
    release_with(None)


def made(count, key="rows.json"):
    rows = [{"id": n, "open": "1", "high": "2", "low": "1", "close": "1.5"} for n in range(count)]
    for row in rows:
        row["timestamp"] = 1_700_000_000 + row["id"] * 60
    return preview(json.dumps({"symbol": "A", "data": rows}).encode(), key)


def test_rows_of_large_documents_are_handed_over_at_their_end(taken):
    seen = made(LARGE)
    tree = next(each for each in seen.representations if isinstance(each, Tree))
    table = next(each for each in seen.representations if isinstance(each, Table))
    taken.clear()  # of what was made in between
    del seen
    assert table.rows[LARGE - 1][0] == str(LARGE - 1)
    taken.clear()
    row = tree.value["data"][7]
    del tree
    assert [len(elements) for elements in taken] == [LARGE]
    assert taken[0][7] is row
    assert table.rows[7][0] == "7"


def test_what_is_freed_in_pieces_is_not_changed_for_others(taken):
    seen = made(LARGE, "market-data/ohlcv/A/1m/x.json")
    candles = next(each for each in seen.representations if isinstance(each, Candles))
    del seen
    for elements in taken:
        elements.clear()
    assert str(candles.candles[LARGE - 1].close) == "1.5"


def test_small_documents_are_freed_at_once(taken):
    made(LARGE // 6)
    assert not taken


def test_many_lists_that_are_large_together_are_handed_over_after_what_holds_them(taken):
    lists = {f"name {n}": [f"{n} {m}" for m in range(1_200)] for n in range(70)}
    seen = preview(json.dumps({"a": lists, "b": 1}).encode(), "tree.json")
    taken.clear()
    del seen
    assert [len(elements) for elements in taken] == [70, *[1_200] * 70]

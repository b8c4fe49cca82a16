"""Several selected objects, or the objects of a folder, are shown as one preview."""

from __future__ import annotations

import json

import pytest
from helpers.browser import DAY, candles, in_other_thread, put, settled

from core.errors import InvalidInput
from core.preview import BookHistory, Candles
from core.work import Work
from gui.tabs.browser import joined
from gui.tabs.browser.joined import load_joined

OPEN = "market-data/orderbook/BTC-USD/2024/01/15/10/"


def book(minute):
    body = {
        "symbol": "BTC-USD",
        "timestamp": f"2024-01-15T10:{minute:02}:00Z",
        "orderbook": {"bids": [["1.10", "2"]], "asks": [["1.30", "3"]]},
    }
    return json.dumps(body).encode()


def load(bucket, rows=(), folders=()):
    return in_other_thread(load_joined, bucket, rows, folders, Work())


def test_the_objects_of_a_folder_become_one_series(bucket):
    put(bucket, f"{DAY}2024-01-15T05:00:00Z.json", candles([2, 3, 5]))
    preview = load(bucket, folders=[DAY])
    assert preview.count == "6 candles"
    assert isinstance(preview.representations[0], Candles)
    assert "repeated candles in several objects" in preview.problem_texts


def test_many_small_order_books_become_a_history(bucket):
    for minute in range(12):
        put(bucket, f"{OPEN}{minute:02}_x.json", book(minute))
    history = load(bucket, folders=[OPEN]).representations[0]
    assert isinstance(history, BookHistory)
    assert [one.when.minute for one in history.books] == list(range(12))


def test_too_many_and_unlike_objects_are_refused_with_a_remedy(bucket, monkeypatch):
    with pytest.raises(InvalidInput) as unlike:
        load(bucket, folders=["logs/", "odd/"])
    assert "Select candles, order books" in unlike.value.remedy
    monkeypatch.setattr(joined, "MOST_OBJECTS", 2)
    with pytest.raises(InvalidInput, match="More than 2 objects"):
        load(bucket, folders=[DAY])


def test_selected_rows_are_joined_on_request(tab, qtbot):
    tab.open_target(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectAll()
    button = tab.object.preview._several.button
    assert button.isVisible()
    button.click()
    settled(qtbot, tab)
    assert tab.object.preview.preview.count == "3 candles"


def test_why_a_selection_cannot_be_joined_is_shown(tab, qtbot):
    tab.folder.select("logs/")
    tab.object.preview.joined_wanted.emit()
    settled(qtbot, tab)
    assert tab.object.preview.content_view is tab.object.preview._several

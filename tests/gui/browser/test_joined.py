"""Several selected objects, or the objects of a folder, are shown as one preview."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from helpers.browser import DAY, candles, in_other_thread, put, settled

from core.collect import joined_preview
from core.collect.joined_preview import join_objects
from core.errors import InvalidInput
from core.preview import BookHistory, Candles

OPEN = "market-data/orderbook/BTC-USD/2024/01/15/10/"


def book(minute):
    body = {
        "symbol": "BTC-USD",
        "timestamp": f"2024-01-15T10:{minute:02}:00Z",
        "orderbook": {"bids": [["1.10", "2"]], "asks": [["1.30", "3"]]},
    }
    return json.dumps(body).encode()


def load(bucket, folders):
    return in_other_thread(join_objects, SimpleNamespace(bucket=bucket), prefixes=folders)


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
    monkeypatch.setattr(joined_preview, "MOST_OBJECTS", 2)
    with pytest.raises(InvalidInput, match="More than 2 objects"):
        load(bucket, folders=[DAY])


def test_what_unpacks_to_too_much_is_refused_with_a_remedy(bucket, monkeypatch):
    monkeypatch.setattr(joined_preview, "MOST_MEMORY", 500)
    with pytest.raises(InvalidInput, match="More than 500 B of unpacked data"):
        load(bucket, folders=[DAY])


def test_objects_that_take_too_long_are_refused_with_their_number(bucket, monkeypatch):
    monkeypatch.setattr(joined_preview, "MOST_SECONDS", 0.0)
    with pytest.raises(InvalidInput, match="takes longer than 0 seconds") as slow:
        load(bucket, folders=[DAY])
    assert slow.value.cause == "1 object of 3 had been read."


def test_selected_rows_are_joined_on_request(tab, qtbot):
    tab.open_target(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectAll()
    button = tab.object.preview._several.button
    assert button.isVisible()
    button.click()
    settled(qtbot, tab)
    assert tab.object.preview.preview.count == "3 candles"
    assert tab.context.runner.engine_pids()  # not in this process
    chart = tab.object.preview.content_view.chart
    assert str(chart.candles.candles[2].close) == "2"


def test_why_a_selection_cannot_be_joined_is_shown(tab, qtbot):
    tab.folder.select("logs/")
    tab.object.preview.joined_wanted.emit()
    settled(qtbot, tab)
    assert tab.object.preview.content_view is tab.object.preview._several


def test_joined_objects_stay_joined_when_the_list_is_loaded_again(tab, qtbot):
    tab.open_target(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectAll()
    tab.object.preview._several.button.click()
    settled(qtbot, tab)
    tab.refresh()
    settled(qtbot, tab)
    assert len(tab.selected) == 3
    assert tab.object.preview.preview.count == "3 candles"
    put(tab.bucket, f"{DAY}2024-01-15T01:00:00Z.json", candles([7, 8]))
    tab.refresh()
    settled(qtbot, tab)
    assert tab.object.preview.preview is None, "one of the objects has another content now"


def test_a_selection_that_cannot_be_joined_offers_the_collection_instead(tab, qtbot, monkeypatch):
    def refuse(*_arguments, failed, **_options):
        failed(InvalidInput("More than 2 objects are selected", remedy="Select fewer objects."))

    monkeypatch.setattr(tab, "bulk", refuse)
    tab.open_target(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectAll()
    button = tab.object.preview._several.button
    button.click()
    assert button.text() == "Collect a time range…"
    button.click()
    assert tab.contents.page is not None
    assert tab.contents.page.form.names.text() == "BTC-USD"
    tab.contents.close_current()
    tab.go_to("")
    settled(qtbot, tab)
    tab.folder.select("logs/")
    button.setFocus()
    button.click()
    assert not button.isVisible(), "to join them again would fail again"
    assert tab.window().focusWidget() is tab.folder.table

"""Folders are opened, and objects are previewed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from helpers.browser import DAY, active, candles, names, put, settled
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from core.errors import AccessDenied, Offline
from core.model.change import Change, ChangeKind
from core.preview import Tree
from core.units import utc_now
from gui.app.samples import show_sample
from gui.tabs.browser import BrowserTab, listing, loading, tree_loader
from gui.tabs.browser.folder_rows import SIZE
from gui.tabs.browser.tree_model import State
from gui.views.candle_view import CandleView
from gui.views.lines_view import LinesView


@pytest.fixture
def open_and_inspect(tab, qtbot):
    def look(key):
        tab.open_target(key)
        qtbot.waitUntil(
            lambda: tab.object.inspection is not None and tab.object.key == key, timeout=20_000
        )
        settled(qtbot, tab)
        return tab.object

    return look


def test_the_bucket_is_listed_and_counted(tab):
    assert names(tab) == ["logs/", "market-data/", "odd/", "note.txt"]
    assert tab.tree_panel.total.text() == "6 objects"
    assert tab.tree_panel.model.count_text("market-data/") == "3"
    assert tab.folder.age.text().startswith("loaded")
    assert tab.folder.count.text().startswith("4 entries · 6 objects · ")


def test_an_object_is_opened_with_its_folder_its_tree_and_its_preview(tab, open_and_inspect):
    pane = open_and_inspect(f"{DAY}2024-01-15T01:00:00Z.json")
    assert tab.prefix == DAY
    assert isinstance(pane.preview.content_view, CandleView)
    assert pane.preview.problems._text.text().startswith("2 empty intervals: ")
    inspector = pane.inspector
    assert inspector.value("Key") == "…/15/2024-01-15T01:00:00Z.json"
    assert inspector.value("Metadata") == "symbol BTC-USD · timeframe 1h"
    assert inspector.verdict.text() == "verified"
    assert tab.tree_panel.view.currentIndex().data() == "15"


def test_versions_are_asked_for_on_demand(tab, open_and_inspect, bucket, qtbot):
    put(bucket, "note.txt", b"hello again")
    pane = open_and_inspect("note.txt")
    assert pane.inspector.value("Versions").startswith("current ")
    pane.inspector.ask.setFocus()
    pane.inspector.ask.click()
    settled(qtbot, tab)
    assert pane.inspector.value("Versions") == "2 versions · 16 B"
    assert pane.inspector.ask.hasFocus()


def test_a_wrong_hash_is_reported_in_red(tab, open_and_inspect, bucket):
    put(bucket, "bad.txt", b"hello", metadata={"x": "y"})
    pane = open_and_inspect("bad.txt")
    info = replace(pane.inspection.info, sha256="0" * 64)
    pane.inspector.show_object(replace(pane.inspection, info=info))
    assert pane.inspector.verdict.text() == "differs"
    assert pane.inspector.verdict.property("pill") == "danger"
    pane.inspector.show_object(replace(pane.inspection, sha256=None))
    assert pane.inspector.verdict.text() == "not checked"
    pane.inspector.show_object(replace(pane.inspection, as_etag=False))
    assert pane.inspector.verdict.text() == "not recorded"


def test_the_selection_rests_before_anything_is_fetched(tab, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(loading, "head", lambda _bucket, key, **_more: asked.append(key) or 1 / 0)
    tab.object.wanted.disconnect()
    tab.object.wanted.connect(asked.append)
    tab.listing.show(DAY)
    settled(qtbot, tab)
    for row in range(3):
        tab.folder.table.selectRow(row)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [f"{DAY}2024-01-15T02:00:00Z.json"]


def test_a_log_is_text(open_and_inspect):
    assert isinstance(open_and_inspect("logs/app.log").preview.content_view, LinesView)


def test_hostile_json_is_shown_as_far_as_it_goes(open_and_inspect, bucket):
    put(bucket, "deep.json", b"[" * 100_000)
    pane = open_and_inspect("deep.json")
    assert any(
        isinstance(representation, Tree)
        for representation in pane.inspection.preview.representations
    )
    assert "nested deeper" in pane.preview.problems._text.text()


def test_a_missing_object_is_reported(tab, qtbot):
    tab.open_target(f"{DAY}nosuch.json")
    qtbot.waitUntil(lambda: "nosuch.json" in tab.banner.text, timeout=20_000)
    settled(qtbot, tab)
    assert len(names(tab)) == 3


def test_up_again_and_back(tab, qtbot):
    tab.listing.show(DAY)
    settled(qtbot, tab)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Backspace)
    settled(qtbot, tab)
    assert tab.prefix == "market-data/ohlcv/BTC-USD/1h/2024/01/"
    assert [entry.key for entry in tab.folder.selected] == [DAY]
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Return)
    assert tab.prefix == DAY  # known: shown at once, with its age
    assert len(names(tab)) == 3
    assert not tab.listing._task


def test_the_filter_and_its_count(tab, qtbot):
    tab.listing.show(DAY)
    settled(qtbot, tab)
    tab.focus_filter()
    qtbot.keyClicks(tab.folder.filter, "*T01*")
    qtbot.waitUntil(lambda: len(names(tab)) == 1)
    assert tab.folder.count.text().startswith("1 of 3 entries")


def test_many_rows_are_filtered_in_a_worker_thread(tab, qtbot, monkeypatch):
    monkeypatch.setattr("gui.tabs.browser.folder_model.MANY_ROWS", 1)
    tab.listing.show(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectRow(1)
    tab.folder.model.set_filter("*T01*")
    assert len(names(tab)) == 3, "the former rows are shown until the others are ready"
    qtbot.waitUntil(lambda: len(names(tab)) == 1, timeout=20_000)
    assert tab.folder.count.text().startswith("1 of 3 entries")
    assert [entry.key for entry in tab.folder.selected] == [f"{DAY}2024-01-15T01:00:00Z.json"]


def test_escape_clears_the_filter_and_then_leads_to_the_list(tab, qtbot):
    active(tab, qtbot)
    tab.focus_filter()
    qtbot.keyClicks(tab.folder.filter, "note")
    qtbot.waitUntil(lambda: names(tab) == ["note.txt"], timeout=20_000)
    qtbot.keyClick(tab.folder.filter, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(tab)) == 4, timeout=20_000)
    assert tab.folder.filter.hasFocus()
    qtbot.keyClick(tab.folder.filter, Qt.Key.Key_Escape)
    assert tab.folder.table.hasFocus()
    tab.folder.filter.setText("note")
    qtbot.waitUntil(lambda: names(tab) == ["note.txt"], timeout=20_000)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(tab)) == 4, timeout=20_000)


def test_sort_order_filter_and_panes_come_back_at_the_next_start(tab, qtbot, context):
    tab.folder.table.sortByColumn(SIZE, Qt.SortOrder.DescendingOrder)
    tab.listing.show("market-data/")
    settled(qtbot, tab)
    tab.folder.filter.setText("ohl")
    key = tab._setting("filter")
    qtbot.waitUntil(lambda: context.settings.get(key) == "ohl", timeout=20_000)
    tab._panes.setSizes([300, 500, 480])
    tab._panes.splitterMoved.emit(300, 1)
    again = BrowserTab(context)
    qtbot.addWidget(again)
    again.resize(1280, 684)
    again.show()
    settled(qtbot, again)
    header = again.folder.table.horizontalHeader()
    assert header.sortIndicatorSection() == SIZE
    assert header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder
    assert (again.prefix, again.folder.filter.text()) == ("market-data/", "ohl")
    qtbot.waitUntil(lambda: again.folder.count.text().startswith("1 entry"), timeout=20_000)
    assert again._panes.sizes() == tab._panes.sizes()
    again.listing.show("")
    settled(qtbot, again)
    assert [row.casefold() for row in names(again)][:3] == ["logs/", "market-data/", "odd/"]


def test_the_rows_of_a_slow_folder_get_the_focus_back(tab, qtbot, monkeypatch):
    active(tab, qtbot)
    tab.folder.table.setFocus()
    tab.folder.show_rows_of("slow/")
    qtbot.waitUntil(tab.folder.state._skeleton.isVisible, timeout=20_000)
    assert not tab.folder.table.hasFocus()
    tab.listing.show(DAY)
    settled(qtbot, tab)
    assert tab.folder.table.hasFocus()


def test_pages_stop_and_go_on(tab, qtbot, bucket, monkeypatch):
    for number in range(25):
        put(bucket, f"many/{number:02}", b"x")
    real = loading.page_of
    monkeypatch.setattr(loading, "page_of", lambda *a, **k: real(*a, **k, size=10))
    monkeypatch.setattr(listing, "ROWS_AT_ONCE", 20)
    tab.listing.show("many/")
    settled(qtbot, tab)
    assert tab.folder.count.text().startswith("20+ objects · at least 20 B · newest ")
    tab.folder.more.click()
    settled(qtbot, tab)
    assert tab.folder.count.text().startswith("25 objects · 25 B · newest ")
    assert tab.folder.more.isHidden()


def refuse(monkeypatch, error):
    def refused(*_args, **_more):
        raise error

    monkeypatch.setattr(loading, "page_of", refused)


def test_a_folder_that_may_not_be_listed_says_what_is_missing(tab, qtbot, monkeypatch):
    refuse(monkeypatch, AccessDenied("Access denied", action="s3:ListBucket"))
    tab.tree_panel.view.expand(tab.tree_panel.model.index_of("logs/"))
    tab.listing.show("logs/")
    settled(qtbot, tab)
    tree = tab.tree_panel.model
    assert tree.state_of("logs/") is State.LOCKED
    assert tree.index(0, 0, tree.index_of("logs/")).data() == "needs s3:ListBucket"
    assert tab.folder.state.empty._title.text() == "Access to this folder is denied"
    assert "s3:ListBucket" in tab.folder.state.empty._text.text()


def test_a_failed_listing_keeps_a_retry(tab, qtbot, monkeypatch):
    with monkeypatch.context() as patched:
        refuse(patched, Offline("The endpoint cannot be reached"))
        tab.listing.show("logs/")
        settled(qtbot, tab)
        assert tab.banner.text == "The endpoint cannot be reached"
    tab.banner._on_retry()
    settled(qtbot, tab)
    assert names(tab) == ["app.log"]


def test_an_object_that_may_not_be_read_says_why(tab, qtbot, monkeypatch):
    def refused(*_args, **_more):
        raise AccessDenied("Access denied", action="s3:GetObject")

    monkeypatch.setattr(loading, "head", refused)
    tab.open_target("note.txt")
    failed = tab.object.preview._failed
    qtbot.waitUntil(lambda: tab.object.preview.content_view is failed, timeout=20_000)
    assert "s3:GetObject" in failed._text.text()
    monkeypatch.undo()
    failed.button.click()
    qtbot.waitUntil(lambda: tab.object.inspection is not None, timeout=20_000)


def test_others_changes_are_seen(tab, qtbot, bucket, context):
    put(bucket, "new.txt", b"1")
    change = Change(
        ChangeKind.OBJECTS, "s3:PutObject", "s3://b/new.txt", "uploads", utc_now(), ("",)
    )
    context.announce(change)
    settled(qtbot, tab)
    assert "new.txt" in names(tab)
    assert tab.tree_panel.total.text() == "7 objects"


def test_folders_that_others_create_appear_in_the_tree(tab, qtbot, bucket, context):
    """Also where another folder is shown."""
    tab.listing.show("logs/")
    settled(qtbot, tab)
    put(bucket, "reports/2024/a.txt", b"1")
    change = Change(
        ChangeKind.OBJECTS, "s3:PutObject", "s3://b/a", "uploads", utc_now(), ("reports/2024/",)
    )
    context.announce(change)
    model = tab.tree_panel.model
    qtbot.waitUntil(lambda: model.index_of("reports/").isValid(), timeout=20_000)
    assert tab.prefix == "logs/"


def test_the_last_folder_is_opened_at_the_next_start(tab, qtbot, context, workspace):
    tab.listing.show("logs/")
    settled(qtbot, tab)
    context.set_workspace(None)
    assert "Not connected" in [label.text() for label in tab.folder.findChildren(QLabel)]
    context.set_workspace(workspace)
    settled(qtbot, tab)
    assert tab.prefix == "logs/"


def test_refresh_lists_anew_and_keeps_the_selection(tab, qtbot, bucket):
    assert tab.folder.select("note.txt")
    put(bucket, "a.txt", b"1")
    tab.refresh()
    settled(qtbot, tab)
    assert names(tab)[-2:] == ["a.txt", "note.txt"]
    assert [entry.key for entry in tab.folder.selected] == ["note.txt"]


def test_copying(tab, qtbot, bucket):
    tab.folder.select("note.txt")
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "note.txt"
    tab.object_actions["copy_uri"].trigger()
    assert QGuiApplication.clipboard().text() == f"s3://{bucket.name}/note.txt"


def test_the_way_to_other_tabs(tab, qtbot, context):
    tab.folder.select("note.txt")
    with qtbot.waitSignal(context.navigate) as gone:
        tab.object_actions["link"].trigger()
    assert gone.args == ["links", ["note.txt"]]


def test_what_cannot_be_done_says_why(tab, context):
    context.lock()
    assert not tab.object_actions["delete"].isEnabled()
    assert "read-only" in tab.object_actions["upload"].toolTip()
    assert "read-only" in tab.folder.upload.toolTip()
    tab.folder.select("logs/")
    assert "not folders" in tab.object_actions["link"].toolTip()


def test_the_sample_of_screenshots_is_a_chart(tab, qtbot):
    show_sample(tab)
    qtbot.waitUntil(lambda: tab.object.inspection is not None, timeout=20_000)
    settled(qtbot, tab)
    assert tab.object.preview.content_view.chart.current is not None
    assert tab.object.inspector.value("Versions").startswith("1 version · ")


def test_candles_of_the_fixture_are_valid():
    assert json.loads(candles([1]))["data"][0]["close"] == 2
    assert tree_loader.ROWS_AT_ONCE <= loading.ROWS_AT_ONCE


def test_a_refresh_keeps_rows_filter_and_preview_until_the_new_ones_are_there(
    tab, qtbot, open_and_inspect, bucket, monkeypatch
):
    open_and_inspect("note.txt")
    asked = []
    tab.object.wanted.connect(asked.append)
    tab.folder.filter.setText("note")
    qtbot.waitUntil(lambda: names(tab) == ["note.txt"])
    tab.refresh()
    assert names(tab) == ["note.txt"]
    settled(qtbot, tab)
    assert names(tab) == ["note.txt"]
    assert [entry.key for entry in tab.folder.selected] == ["note.txt"]
    assert tab.object.inspection is not None
    assert asked == []  # the same bytes are not fetched twice
    put(bucket, "note.txt", b"something else")
    tab.refresh()
    qtbot.waitUntil(lambda: asked == ["note.txt"], timeout=20_000)
    settled(qtbot, tab)


def test_a_slow_folder_shows_a_skeleton(tab, qtbot):
    tab.folder.show_rows_of("slow/")
    qtbot.waitUntil(tab.folder.state._skeleton.isVisible)
    assert tab.folder.count.text() == "listing…"


def test_foreign_names_are_never_markup(tab, qtbot, open_and_inspect, bucket):
    key = '<b>x</b><img src="file:///etc/passwd">\u202e.txt'
    put(bucket, key, b"<h1>hello</h1>", metadata={"note": "<i>a</i>"})
    open_and_inspect(key)
    labels = tab.findChildren(QLabel)
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels)
    assert not any("\u202e" in label.text() for label in labels)
    for widget in tab.findChildren(QWidget):
        assert "<img" not in widget.toolTip()


def test_backspace_leads_out_of_a_folder_that_could_not_be_listed(tab, qtbot, monkeypatch):
    tab.listing.show("logs/")
    settled(qtbot, tab)
    active(tab, qtbot)
    tab.folder.focus_list()
    with monkeypatch.context() as patched:
        refuse(patched, Offline("The endpoint cannot be reached"))
        tab.listing.show("market-data/")
        settled(qtbot, tab)
    place = QApplication.focusWidget()
    assert place in tab.folder.state.stand_ins
    qtbot.keyClick(place, Qt.Key.Key_Backspace)
    settled(qtbot, tab)
    assert tab.prefix == ""
    assert tab.folder.table.hasFocus()

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLabel

from core.errors import Offline
from core.model.statistics import LargeObject, Share
from core.statistics.tally import Tally
from core.units import utc_now
from core.workspace import Workspace
from gui.tabs.statistics import StatisticsTab
from gui.tabs.statistics.models import LargestModel, SharesModel
from gui.views.squarify import squarified
from gui.views.treemap import Treemap, cells_of

FOLDERS = (
    Share("market-data/ohlcv/BTC-USD/1h", 10, 700),
    Share("market-data/ohlcv/BTC-USD/1d", 1, 100),
    Share("logs/app/2024/01", 5, 150),
    Share("(top level)", 1, 50),
)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60))
def test_areas_are_as_the_sizes_and_do_not_overlap(sizes):
    sizes.sort(reverse=True)
    area = QRectF(0, 0, 800, 500)
    places = squarified([float(size) for size in sizes], area)
    total = sum(sizes)
    for size, place in zip(sizes, places, strict=True):
        wanted = size / total * 800 * 500
        assert place.width() * place.height() == pytest.approx(wanted, rel=1e-6, abs=1e-3)
        assert area.adjusted(-0.01, -0.01, 0.01, 0.01).contains(place)
    big = [place for place in places if place.width() > 1 and place.height() > 1]
    for number, one in enumerate(big):
        for other in big[number + 1 :]:
            shared = one.intersected(other)
            assert shared.width() < 0.01 or shared.height() < 0.01


def test_nothing_to_show_takes_no_place():
    assert squarified([], QRectF(0, 0, 10, 10)) == []
    assert squarified([1.0], QRectF())[0].isEmpty()


def test_cells_are_the_folders_some_levels_below():
    cells = cells_of(FOLDERS, "")
    assert [(cell.folder, cell.share.size) for cell in cells] == [
        ("market-data/ohlcv/BTC-USD", 800), ("logs/app/2024", 150), ("(top level)", 50),
    ]  # fmt: skip
    assert cells[0].label == "ohlcv/BTC-USD"
    deeper = cells_of(FOLDERS, "market-data/ohlcv")
    assert [cell.folder for cell in deeper] == [
        "market-data/ohlcv/BTC-USD/1h", "market-data/ohlcv/BTC-USD/1d",
    ]  # fmt: skip
    many = [Share(f"f/{n}", 1, 10) for n in range(1000)]
    assert sum(cell.share.size for cell in cells_of(many, "")) == 10_000


def test_the_treemap_is_walked_and_opened_by_keyboard(themed, qtbot):
    view = Treemap()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show_cells(cells_of(FOLDERS, ""))
    view.show()
    opened = []
    view.opened.connect(opened.append)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert opened == ["logs/app/2024"]
    with qtbot.waitSignal(view.left):
        qtbot.keyClick(view, Qt.Key.Key_Backspace)
    view.grab()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view._places[0].center().toPoint())
    assert opened[-1] == "market-data/ohlcv/BTC-USD"
    assert "ohlcv/BTC-USD 800 B" in view.accessibleDescription()


def test_the_models_keep_qt_s_rules_and_sort_by_number(qapp):
    shares, largest = SharesModel(), LargestModel()
    for model in (shares, largest):
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    shares.show([Share("a", 2, 900), Share("b", 10, 1000)], 1900)
    shares.sort(1, Qt.SortOrder.DescendingOrder)
    assert [shares.data(shares.index(row, 0)) for row in range(2)] == ["b", "a"]
    assert shares.data(shares.index(0, 3)) == "52.6%"
    largest.show([LargeObject("k\n", 5, "")])
    assert largest.data(largest.index(0, 0)) == "k\\x0a"
    assert largest.key(0) == "k\n"


@pytest.fixture
def tab(qtbot, context, demo_server):
    made = StatisticsTab(context)
    qtbot.addWidget(made)
    made.resize(1280, 700)
    made.show()
    workspace = Workspace.open(demo_server.connection)
    context.set_workspace(workspace)
    qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
    yield made
    workspace.close()


def test_a_scan_counts_what_the_server_has_and_is_kept(tab, qtbot, context, demo_s3):
    tab.scan.click()
    assert not tab.scan.isEnabled()
    qtbot.waitUntil(lambda: tab._found is not None and tab._task is None, timeout=30_000)
    pages = demo_s3.get_paginator("list_objects_v2").paginate(Bucket="tentimecrypto")
    objects = [row for page in pages for row in page.get("Contents", ())]
    assert tab._found.objects == len(objects)
    assert tab._found.size == sum(row["Size"] for row in objects)
    assert tab.shares.rowCount() > 5
    went = []
    context.navigate.connect(lambda tab_id, target: went.append((tab_id, target)))
    tab._on_largest(tab.largest.index(0, 0))
    assert went == [("browser", max(objects, key=lambda row: row["Size"])["Key"])]
    tab._on_opened("market-data/ohlcv/BTC-USD")
    assert tab._root == "market-data"
    assert all(cell.folder.startswith("market-data/") for cell in tab.treemap.cells)
    tab._on_up()
    assert tab._root == ""
    qtbot.waitUntil(lambda: not tab.busy)
    again = StatisticsTab(context)
    qtbot.addWidget(again)
    again.show()
    qtbot.waitUntil(lambda: again._found is not None, timeout=20_000)
    assert again._found.objects == len(objects)


def test_a_scan_can_be_stopped(tab, qtbot):
    tab.scan.click()
    tab.stop.click()
    qtbot.waitUntil(lambda: tab._task is None, timeout=5_000)
    assert "stopped" in tab.banner.text or tab._found is not None
    assert tab.scan.isEnabled()


def _result(objects, finished, *, partial=False):
    tally = Tally("tentimecrypto", "")
    tally.objects, tally.size = objects, 10 * objects
    found = tally.snapshot(list_calls=1, partial=partial)
    return replace(found, started=finished, finished=finished, folders=FOLDERS)


def _words(tab):
    return " ".join(label.text() for label in tab.findChildren(QLabel) if label.isVisible())


def test_a_scan_that_fails_leaves_the_old_result_with_its_age(tab):
    tab._show(_result(1000, utc_now() - timedelta(days=3)))
    tab._show(_result(7, utc_now(), partial=True))
    assert "so far" in _words(tab)
    tab._on_failed(Offline("The endpoint cannot be reached"))
    assert "1,000" in _words(tab)
    assert "so far" not in _words(tab)
    assert "3 d" in tab._age.text()
    assert "cannot be reached" in tab.banner.text


def test_a_first_scan_that_fails_leaves_figures_that_say_they_are_a_part(tab):
    tab._show(_result(7, utc_now(), partial=True))
    tab._on_failed(Offline("The endpoint cannot be reached"))
    assert "a part only" in tab._age.text()
    assert "all of them" not in _words(tab)
    assert _words(tab).count("so far") >= 3

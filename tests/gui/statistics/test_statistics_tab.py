"""The Statistics tab shows totals and a treemap that mouse, keyboard and screen readers can use."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QAccessible, QMouseEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from core.errors import Offline
from core.model.statistics import LargeObject, Share, StorageStatistics
from core.statistics.totals import Totals
from core.units import utc_now
from gui.models.roles import SORT_ROLE
from gui.tabs.statistics import StatisticsTab
from gui.tabs.statistics import tab as tab_module
from gui.tabs.statistics.cards import Cards
from gui.tabs.statistics.tables import LargestModel, SharesModel
from gui.views.squarify import Direction, neighbour, squarified
from gui.views.treemap import Treemap, cells_of
from gui.widgets.buttons import Button

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
    assert cells[0].label == "market-data/ohlcv/BTC-USD"
    deeper = cells_of(FOLDERS, "market-data/ohlcv")
    assert [cell.folder for cell in deeper] == [
        "market-data/ohlcv/BTC-USD/1h", "market-data/ohlcv/BTC-USD/1d",
    ]  # fmt: skip
    many = [Share(f"f/{n}", 1, 10) for n in range(1000)]
    assert sum(cell.share.size for cell in cells_of(many, "")) == 10_000


@pytest.fixture
def treemap(themed, qtbot):
    view = Treemap()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show_cells(cells_of(FOLDERS, ""))
    view.show()
    return view


def test_the_treemap_is_used_by_keyboard(treemap, qtbot):
    entered = []
    treemap.entered.connect(entered.append)
    treemap.setFocus()
    qtbot.waitUntil(treemap.hasFocus)
    qtbot.keyClick(treemap, Qt.Key.Key_Return)
    qtbot.keyClick(treemap, Qt.Key.Key_Right)
    qtbot.keyClick(treemap, Qt.Key.Key_Return)
    assert entered == ["market-data/ohlcv/BTC-USD", "logs/app/2024"]
    assert treemap.accessibleDescription() == "logs/app/2024, 150 B in 5 objects, tile 2 of 3"
    qtbot.keyClick(treemap, Qt.Key.Key_End)
    assert treemap.current.folder == "(top level)"
    qtbot.keyClick(treemap, Qt.Key.Key_Home)
    assert treemap.current.folder == "market-data/ohlcv/BTC-USD"
    with qtbot.waitSignal(treemap.left):
        qtbot.keyClick(treemap, Qt.Key.Key_Backspace)


def test_a_screen_reader_can_press_the_tiles(treemap, qtbot):
    entered = []

    def enter(folder):
        entered.append(folder)
        treemap.show_cells(cells_of(FOLDERS, folder))

    treemap.entered.connect(enter)
    chart = QAccessible.queryAccessibleInterface(treemap)
    tiles = [chart.child(number) for number in range(chart.childCount())]
    assert [tile.text(QAccessible.Text.Name) for tile in tiles] == [
        "market-data/ohlcv/BTC-USD, 800 B in 11 objects",
        "logs/app/2024, 150 B in 5 objects",
        "(top level), 50 B in 1 object",
    ]
    assert tiles[0].role() is QAccessible.Role.Button
    corner = treemap.mapToGlobal(treemap.place_of(treemap.cells[0]).center().toPoint())
    assert tiles[0].rect().contains(corner)
    with qtbot.waitSignal(treemap.entered):
        tiles[0].actionInterface().doAction("Press")
    assert entered == ["market-data/ohlcv/BTC-USD"]
    names = [button.accessibleName() for button in shown_buttons(treemap)]
    assert names == [
        "market-data/ohlcv/BTC-USD/1h, 700 B in 10 objects",
        "market-data/ohlcv/BTC-USD/1d, 100 B in 1 object",
    ]


def shown_buttons(treemap):
    return [button for button in treemap.findChildren(QAbstractButton) if button.isVisible()]


def test_tiles_without_room_for_a_name_have_no_button(treemap, qtbot):
    many = [Share(f"f/{number}", 1, 10 + number) for number in range(500)]
    treemap.show_cells(cells_of(many, ""))
    assert shown_buttons(treemap) == []
    treemap.show_cells(cells_of(FOLDERS, ""))
    treemap.resize(300, 200)
    places = {button.cell: button.geometry() for button in shown_buttons(treemap)}
    assert places
    for cell, place in places.items():
        assert treemap.place_of(cell).toAlignedRect().contains(place)
        others = [other for other in places.values() if other is not place]
        assert not any(place.intersects(other) for other in others)


def click(qtbot, view, cell):
    middle = view.place_of(cell).center().toPoint()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=middle)


def test_a_click_enters_the_very_tile_and_a_double_click_no_second_one(treemap, qtbot):
    entered = []

    def enter(folder):
        entered.append(folder)
        treemap.show_cells(cells_of(FOLDERS, folder))

    treemap.entered.connect(enter)
    middle = treemap.place_of(treemap.cells[0]).center().toPoint()
    button = Qt.MouseButton.LeftButton
    qtbot.mouseClick(treemap, button, pos=middle)
    assert entered == ["market-data/ohlcv/BTC-USD"]
    # What Qt sends as the second half of a double-click: press and release count for nothing.
    second = QMouseEvent(
        QEvent.Type.MouseButtonDblClick, QPointF(middle), treemap.mapToGlobal(QPointF(middle)),
        button, button, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(treemap, second)
    QTest.mouseRelease(treemap, button, Qt.KeyboardModifier.NoModifier, middle)
    assert entered == ["market-data/ohlcv/BTC-USD"]


def test_a_press_on_one_tile_and_a_release_on_another_enters_nothing(treemap, qtbot):
    entered = []
    treemap.entered.connect(entered.append)
    first, second = (treemap.place_of(cell).center().toPoint() for cell in treemap.cells[:2])
    qtbot.mousePress(treemap, Qt.MouseButton.LeftButton, pos=first)
    qtbot.mouseRelease(treemap, Qt.MouseButton.LeftButton, pos=second)
    assert entered == []


def test_objects_of_the_folder_itself_and_the_rest_are_no_folder_to_enter(treemap, qtbot):
    entered = []
    treemap.entered.connect(entered.append)
    folders = [Share("a", 2, 500), Share("a/b", 1, 100)]
    treemap.show_cells(cells_of(folders, "a"))
    own, below = treemap.cells
    assert (own.label, own.enterable) == ("Objects in this folder", False)
    click(qtbot, treemap, own)
    assert entered == []
    click(qtbot, treemap, below)
    assert entered == ["a/b"]
    rest = cells_of([Share(f"f/{n:05}", 1, 20_000 - n) for n in range(10_000)], "")[-1]
    assert (rest.label, rest.enterable) == ("9,600 smaller folders", False)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40))
def test_the_arrow_keys_reach_every_tile(sizes):
    places = squarified(sorted(map(float, sizes), reverse=True), QRectF(0, 0, 700, 400))
    reached, fresh = {0}, [0]
    while fresh:
        here = fresh.pop()
        beside = {neighbour(places, here, direction) for direction in Direction} - reached
        reached |= beside
        fresh += beside
    assert reached == set(range(len(places)))


def test_twenty_thousand_folders_are_shown_at_once(treemap):
    names = (f"a{n % 50}/b{n % 700}/c{n}" for n in range(20_000))
    folders = [Share(name, 1, 1 + n % 977) for n, name in enumerate(names)]
    began = time.process_time()
    treemap.show_cells(cells_of(folders, ""))
    treemap.grab()
    assert time.process_time() - began < 1.0
    assert sum(cell.share.objects for cell in treemap.cells) == 20_000


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


def test_a_scan_counts_what_the_server_has_and_is_stored(tab, qtbot, context, demo_s3):
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
    _walk_into_candles(tab, qtbot, objects)
    went.clear()
    tab.path.browser.click()
    assert went == [("browser", "market-data/ohlcv/BTC-USD/")]
    tab.path.up.click()
    assert tab.path.folder == "market-data/ohlcv"
    tab.treemap.setFocus()
    qtbot.keyClick(tab.treemap, Qt.Key.Key_Backspace)
    qtbot.keyClick(tab.treemap, Qt.Key.Key_Backspace)
    assert tab.path.folder == ""
    qtbot.waitUntil(lambda: not tab.busy)
    again = StatisticsTab(context)
    qtbot.addWidget(again)
    again.show()
    qtbot.waitUntil(lambda: again._found is not None, timeout=20_000)
    assert again._found.objects == len(objects)
    assert again.scan.text() == "Scan again"


def _walk_into_candles(tab, qtbot, objects):
    """Click the tile of one symbol; the tables must show that folder alone."""
    folder = "market-data/ohlcv/BTC-USD"
    click(qtbot, tab.treemap, next(c for c in tab.treemap.cells if c.folder == folder))
    assert tab.path.folder == folder
    assert {cell.folder.rpartition("/")[0] for cell in tab.treemap.cells} == {folder}
    inside = [row for row in objects if row["Key"].startswith(f"{folder}/")]
    for group, _title in tab_module._GROUPS:
        tab.groups.select(group)
        rows = range(tab.shares.rowCount())
        total = sum(tab.shares.index(row, 2).data(SORT_ROLE) for row in rows)
        assert total == sum(row["Size"] for row in inside), group
    assert tab.largest.key(0) == max(inside, key=lambda row: row["Size"])["Key"]


def test_the_path_leads_to_each_folder_above_and_fits_where_it_is_narrow(tab):
    tab._show(_result(17, utc_now()))
    tab._show_folder("market-data/ohlcv/BTC-USD")
    tab.path.resize(700, 34)

    def crumbs():
        return [b.text() for b in tab.path.findChildren(Button) if b.property("kind") == "link"]

    assert crumbs()[-3:] == ["tentimecrypto", "market-data", "ohlcv"]
    tab.path.resize(400, 34)
    assert crumbs()[-2:] == ["tentimecrypto", "…"]
    above = tab.path.findChildren(Button)[-1]
    assert above.accessibleName() == "Show market-data/ohlcv"
    above.click()
    assert tab.path.folder == "market-data/ohlcv"


def test_a_folder_of_the_table_is_entered_as_a_tile_is(tab):
    tab._show(_result(17, utc_now()))
    tab.groups.select("tops")
    tab._show_folder("market-data/ohlcv")
    assert [tab.shares.name(row) for row in range(tab.shares.rowCount())] == ["BTC-USD"]
    tab._on_share(tab.shares.index(0, 0))
    assert tab.path.folder == "market-data/ohlcv/BTC-USD"


def test_groups_that_a_result_lacks_for_a_folder_say_why(tab):
    tab._show(_result(17, utc_now()))
    tab.groups.select("months")
    tab._show_folder("market-data")
    assert tab.groups.current == "kinds"
    (button,) = [b for b in tab.groups.findChildren(Button) if b.text() == "Month"]
    assert not button.isEnabled()
    assert "Scan again" in button.toolTip()
    tab._show_folder("")
    assert button.isEnabled()


def test_a_scan_can_be_stopped(tab, qtbot):
    tab.scan.click()
    tab.stop.click()
    qtbot.waitUntil(lambda: tab._task is None)
    assert "stopped" in tab.banner.text or tab._found is not None
    assert tab.scan.isEnabled()


def _result(objects, finished, *, partial=False):
    totals = Totals("tentimecrypto", "")
    totals.objects, totals.size = objects, 10 * objects
    found = totals.snapshot(list_calls=1, partial=partial)
    return replace(found, started=finished, finished=finished, folders=FOLDERS)


def _texts(tab):
    return " ".join(label.text() for label in tab.findChildren(QLabel) if label.isVisible())


def test_a_scan_that_fails_leaves_the_old_result_with_its_age(tab):
    tab._show(_result(1000, utc_now() - timedelta(days=3)))
    tab._show(_result(7, utc_now(), partial=True))
    assert "so far" in _texts(tab)
    tab._on_failed(Offline("The endpoint cannot be reached"))
    assert "1,000" in _texts(tab)
    assert "so far" not in _texts(tab)
    assert "3 d" in tab._age.text()
    assert "cannot be reached" in tab.banner.text


def test_a_first_scan_that_fails_leaves_figures_that_say_they_are_a_part(tab):
    tab._show(_result(7, utc_now(), partial=True))
    tab._on_failed(Offline("The endpoint cannot be reached"))
    assert "partial" in tab._age.text()
    assert "all objects" not in _texts(tab)
    assert _texts(tab).count("so far") >= 3


def test_no_figure_or_note_is_shortened_in_a_narrow_window(themed, qtbot):
    now = utc_now()
    cards = Cards()
    qtbot.addWidget(cards)
    cards.show_statistics(
        StorageStatistics(
            "b", "", now - timedelta(seconds=1.7), now, False, 29, 8_624, 105_900_000, 8_616, 1, (), (),
            (), (), (Share("STANDARD", 8_624, 105_900_000),), (), (),
            (LargeObject(f"logs/{'long' * 20}.log", 34_600_000, ""),),
        )
    )  # fmt: skip
    cards.resize(853, cards.sizeHint().height())
    cards.show()
    labels = [label for label in cards.findChildren(QLabel) if label.text()]
    assert len(labels) == 18
    cut = [
        label.text()
        for label in labels
        if label.fontMetrics().horizontalAdvance(label.text()) > label.contentsRect().width()
    ]
    assert cut == [f"{'long' * 20}.log"]
    assert cards.width() == 853

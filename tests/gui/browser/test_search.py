"""The search page: what is typed is found in the catalogue, sorted, selected and opened."""

import pytest
from helpers.browser import active, in_other_thread, settled
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication

from core.catalog.refresh import refresh
from core.work import Work
from gui.tabs.browser.catalog_names import CatalogNames
from gui.tabs.browser.search import results
from gui.tabs.browser.search.results import KEY, SIZE
from gui.widgets.table import choose_row


@pytest.fixture
def page(tab, qtbot):
    """The page before the keys are listed."""
    tab.open_page("search")
    settled(qtbot, tab)
    return tab.contents.page


@pytest.fixture
def listed(workspace, page, tab, qtbot):
    """The page with the keys listed, not by the engine process, whose start takes a second."""
    in_other_thread(refresh, workspace, Work())
    page.open("")
    settled(qtbot, tab)
    assert not page.banner.failed
    return page


def catalog_names(tab):
    return next(each for each in tab.searchable() if isinstance(each, CatalogNames))


def keys(page):
    model = page.model
    return [model.index(row, KEY).data() for row in range(model.rowCount())]


def search(page, tab, qtbot, text):
    page.field.setText(text)
    settled(qtbot, tab)
    return keys(page)


def test_without_a_catalogue_the_page_offers_to_list_the_keys(page, tab, qtbot):
    assert page.state.empty.isVisible()
    assert page.refreshing.new.isEnabled()
    qtbot.mouseClick(page.state.empty.button, Qt.MouseButton.LeftButton)
    settled(qtbot, tab)
    assert page.table.isVisible()
    assert len(keys(page)) == 6
    assert page.summary.text().startswith("6 keys, ")
    assert page.refreshing.age.isVisible()
    assert "LIST request, less than 0.01 USD" in page.refreshing.new.toolTip()


def test_the_selection_of_the_folder_is_not_shown_beside_the_search(tab, qtbot):
    tab.arrive("", select="note.txt")
    settled(qtbot, tab)
    assert [each.key for each in tab.object.selection] == ["note.txt"]
    tab.open_page("search")
    assert list(tab.object.selection) == []
    tab.show_list()
    assert [each.key for each in tab.object.selection] == ["note.txt"]
    settled(qtbot, tab)


def test_what_is_typed_is_found(listed, tab, qtbot):
    assert search(listed, tab, qtbot, "note") == ["note.txt"]
    assert len(search(listed, tab, qtbot, "kind:ohlcv symbol:btc*")) == 3
    assert search(listed, tab, qtbot, "/T0[12]/ -T01")[0].endswith("T02:00:00Z.json")
    assert search(listed, tab, qtbot, "nothing like it") == []
    assert listed.summary.text() == "0 keys, 0 B"


def test_a_mistake_is_explained_and_the_results_stay(listed, tab, qtbot):
    search(listed, tab, qtbot, "note")
    assert search(listed, tab, qtbot, "size:big") == ["note.txt"]
    assert "size:>1MB" in listed.summary.text()
    assert search(listed, tab, qtbot, "/(/") == ["note.txt"]
    assert "regular expression" in listed.summary.text()
    assert search(listed, tab, qtbot, "app") == ["logs/app.log"]


def test_an_earlier_result_does_not_hide_a_mistake(listed, tab, qtbot):
    listed.field.setText("BTC")
    assert search(listed, tab, qtbot, "size:abc")
    assert listed.summary.text().startswith("“abc” is not a size")


def test_results_are_sorted_by_a_click_on_a_title(listed, tab, qtbot):
    listed.table.sortByColumn(SIZE, Qt.SortOrder.AscendingOrder)
    settled(qtbot, tab)
    assert keys(listed)[:2] == ["odd//x", "note.txt"]
    listed.table.sortByColumn(SIZE, Qt.SortOrder.DescendingOrder)
    settled(qtbot, tab)
    assert keys(listed)[-2:] == ["note.txt", "odd//x"]


def test_a_condition_is_chosen_from_a_menu(listed, tab, qtbot):
    listed.field.setText("T0 kind:log")
    choose = next(button for button in listed.conditions if button.text().startswith("Kind"))
    action = next(a for a in choose.menu().actions() if a.text() == "OHLCV candles")
    action.trigger()
    settled(qtbot, tab)
    assert listed.field.text() == "T0 kind:ohlcv"
    assert len(keys(listed)) == 3
    choose.menu().actions()[0].trigger()
    assert listed.field.text() == "T0"


def test_a_selected_result_is_shown_and_actions_apply_to_it(listed, tab, qtbot):
    search(listed, tab, qtbot, "note")
    listed.table.selectRow(0)
    settled(qtbot, tab)
    assert [entry.key for entry in tab.selected] == ["note.txt"]
    assert tab.object.key == "note.txt"
    assert tab.object_actions["delete"].isEnabled()
    listed.table.setFocus()
    active(tab, qtbot)
    qtbot.keyClick(listed.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "note.txt"
    listed.table.clearSelection()
    assert not tab.object_actions["delete"].isEnabled()


def test_enter_shows_the_result_in_its_folder(listed, tab, qtbot):
    search(listed, tab, qtbot, "app.log")
    choose_row(listed.table, 0)
    listed.table.setFocus()
    active(tab, qtbot)
    qtbot.keyClick(listed.table, Qt.Key.Key_Return)
    settled(qtbot, tab)
    assert tab.prefix == "logs/"
    assert [entry.key for entry in tab.selected] == ["logs/app.log"]


def test_rows_are_read_when_they_are_shown_and_for_a_selection(listed, tab, qtbot, monkeypatch):
    monkeypatch.setattr(results, "PAGE", 2)
    monkeypatch.setattr("gui.tabs.browser.search.page.PAGE", 2)
    listed.field.setText(" ")
    settled(qtbot, tab)
    keys(listed)
    settled(qtbot, tab)
    assert "…" not in keys(listed)
    listed.field.setText("")
    settled(qtbot, tab)
    model = listed.table.selectionModel()
    for row in (1, 5):
        flags = QItemSelectionModel.SelectionFlag
        model.select(listed.model.index(row, 0), flags.Select | flags.Rows)
    settled(qtbot, tab)
    assert [entry.key for entry in tab.selected] == [sorted(keys(listed))[1], "odd//x"]


def test_a_refresh_by_another_process_is_noticed_and_a_change_is_mentioned(
    listed, tab, bucket, workspace, qtbot
):
    from core.objects.writing import put

    in_other_thread(put, bucket, "later.txt", b"x")
    assert search(listed, tab, qtbot, "later") == []
    in_other_thread(refresh, workspace, Work())
    assert search(listed, tab, qtbot, "later.") == ["later.txt"]


def test_the_current_text_is_searched_when_the_page_is_opened_with_one(listed, tab, qtbot):
    tab.open_page("search", "note")
    settled(qtbot, tab)
    assert keys(listed) == ["note.txt"]


def test_the_search_of_the_window_finds_keys_of_the_catalogue(listed, tab, qtbot):
    catalog = catalog_names(tab)
    assert in_other_thread(catalog.find, "", 5, Work()) == []
    first, *_others, last = in_other_thread(catalog.find, "t01 btc", 5, Work())
    assert first.name.text.endswith("T01:00:00Z.json")
    assert last.name.text == "Search all keys for t01 btc"
    tab.open_target(last.name.target)
    settled(qtbot, tab)
    assert listed.field.text() == "t01 btc"
    assert len(keys(listed)) == 1


def test_without_a_catalogue_the_search_of_the_window_has_no_further_keys(tab):
    assert in_other_thread(catalog_names(tab).find, "note", 5, Work()) == []


def entries(page):
    page.saved.fill()
    return {action.text(): action for action in page.saved.menu.actions() if action.text()}


def test_a_search_is_saved_and_opened_again(listed, tab, qtbot):
    assert not entries(listed)["Enter a search to save it"].isEnabled()
    search(listed, tab, qtbot, "note size:<1KB")
    entries(listed)["Save this search"].trigger()
    search(listed, tab, qtbot, "app")
    entries(listed)["note size:<1KB"].trigger()
    settled(qtbot, tab)
    assert keys(listed) == ["note.txt"]
    entries(listed)["Remove this search"].trigger()
    assert list(entries(listed)) == ["Save this search"]


def test_keys_have_more_room_than_times_in_a_narrow_page(listed, tab, qtbot):
    header = listed.table.horizontalHeader()
    assert listed.width() < 720
    qtbot.waitUntil(lambda: header.sectionSize(2) == 128)
    keys = header.sectionSize(0)
    tab.resize(1_900, 684)
    qtbot.waitUntil(lambda: header.sectionSize(2) == 180)
    assert header.sectionSize(0) > keys

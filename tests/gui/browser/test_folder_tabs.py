"""Several folders are open in tabs, and each one goes back and forward."""

from __future__ import annotations

import pytest
from helpers.browser import DAY, active, names, settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTabBar, QVBoxLayout

from gui.tabs.browser import BrowserTab, contents, strip
from gui.tabs.browser import tab as tab_module
from gui.tabs.browser.contents import FolderTab, title_of
from gui.tabs.browser.pages import BrowserPage, PageKind

CONTROL = Qt.KeyboardModifier.ControlModifier


def go(tab, qtbot, prefix):
    tab.go_to(prefix)
    settled(qtbot, tab)


def titles(tab):
    bar = tab.contents.strip.bar
    return [bar.tabText(index) for index in range(bar.count())]


def test_back_and_forward_lead_through_the_folders_of_a_tab(tab, qtbot):
    go(tab, qtbot, "logs/")
    go(tab, qtbot, DAY)
    assert tab.folder.back.isEnabled()
    assert not tab.folder.forward.isEnabled()
    tab.folder.back.click()
    settled(qtbot, tab)
    assert tab.prefix == "logs/"
    tab.folder.back.click()
    settled(qtbot, tab)
    assert (tab.prefix, [each.key for each in tab.folder.selected]) == ("", ["logs/"])
    assert tab.folder.back.reason == "There is no former folder."
    active(tab, qtbot)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    settled(qtbot, tab)
    assert tab.prefix == "logs/"
    go(tab, qtbot, "market-data/")
    assert not tab.folder.forward.isEnabled()


def test_another_tab_has_its_own_folder_selection_and_filter(tab, qtbot):
    active(tab, qtbot)
    tab.folder.select("note.txt")
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_T, CONTROL)
    settled(qtbot, tab)
    go(tab, qtbot, DAY)
    tab.folder.filter.setText("T01")
    qtbot.waitUntil(lambda: len(names(tab)) == 1, timeout=20_000)
    assert titles(tab) == ["Bucket", "15"]
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_PageUp, CONTROL)
    settled(qtbot, tab)
    assert (tab.prefix, tab.folder.filter.text()) == ("", "")
    assert [each.key for each in tab.folder.selected] == ["note.txt"]
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_PageDown, CONTROL)
    settled(qtbot, tab)
    qtbot.waitUntil(lambda: len(names(tab)) == 1, timeout=20_000)
    assert (tab.prefix, tab.folder.filter.text()) == (DAY, "T01")
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_W, CONTROL)
    settled(qtbot, tab)
    assert (tab.prefix, titles(tab)) == ("", ["Bucket"])
    assert tab.contents.reason_not_to_close() == "The only folder cannot be closed."


def test_open_folders_come_back_at_the_next_start(tab, qtbot, context):
    go(tab, qtbot, "logs/")
    tab.open_folders.open_another()
    go(tab, qtbot, DAY)
    again = BrowserTab(context)
    qtbot.addWidget(again)
    again.show()
    settled(qtbot, again)
    assert (again.prefix, titles(again)) == (DAY, ["logs", "15"])
    again.contents.strip.step(1)
    settled(qtbot, again)
    assert again.prefix == "logs/"


class Page(BrowserPage):
    def __init__(self, tab):
        super().__init__()
        QVBoxLayout(self)
        self.opened, self.closed, self.spaces = [], 0, []

    def open(self, argument):
        self.opened.append(argument)

    def close_page(self):
        self.closed += 1

    def set_workspace(self, workspace):
        self.spaces.append(workspace)


@pytest.fixture
def paged(tab, monkeypatch):
    kinds = {
        "search": PageKind("Search", "search", Page),
        "coverage": PageKind("Wide", "calendar", Page, wide=True),
    }
    for module in (contents, strip, tab_module):
        monkeypatch.setattr(module, "PAGES", kinds)
    return tab


def test_a_page_opens_beside_the_folders_and_is_retained_when_it_is_closed(paged, qtbot):
    paged.open_page("search", "btc")
    page = paged.contents.page
    assert (page.opened, page.spaces) == (["btc"], [paged.context.workspace])
    assert titles(paged) == ["Bucket", "Search"]
    assert not paged.object.isHidden()
    page.object_selected.emit("note.txt")
    qtbot.waitUntil(lambda: paged.object.inspection is not None, timeout=20_000)
    paged.open_page("coverage")
    assert paged.object.isHidden()
    paged.contents.close_current()
    settled(qtbot, paged)
    assert (paged.contents.page, paged.object.isHidden(), paged.prefix) == (None, False, "")
    paged.open_page("search")
    assert paged.contents.page is page
    paged.arrive(DAY, select=f"{DAY}2024-01-15T01:00:00Z.json")
    settled(qtbot, paged)
    assert (paged.contents.page, paged.prefix) == (None, DAY)
    paged.context.set_workspace(None)
    assert page.spaces[-1] is None
    assert page.closed


def test_the_tree_retains_its_width_beside_a_wide_page(paged, qtbot):
    panes = paged._panes
    panes.setSizes([252, 552, 474])
    before = panes.sizes()
    paged.open_page("coverage")
    settled(qtbot, paged)
    assert (panes.sizes()[0], panes.sizes()[2]) == (252, 0)
    panes.splitterMoved.emit(300, 1)
    assert paged.context.settings.get("browser/panes") is None
    paged.contents.close_current()
    settled(qtbot, paged)
    # Qt may round by the one pixel of a line.
    assert panes.sizes() == pytest.approx(before, abs=1)


def test_only_the_single_folder_has_no_close_button(paged, qtbot):
    bar, right = paged.contents.strip.bar, QTabBar.ButtonPosition.RightSide
    single = bar.tabRect(0).width()
    assert bar.tabButton(0, right) is None
    paged.open_page("search")
    paged.open_page("coverage")
    assert [bar.tabButton(n, right) is None for n in range(3)] == [True, False, False]
    paged.open_folders.open_another()
    settled(qtbot, paged)
    assert bar.tabButton(0, right).accessibleName() == "Close Bucket"
    assert bar.tabRect(0).width() > single
    bar.tabButton(0, right).click()
    assert [bar.tabButton(n, right) is None for n in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("prefix", "title"), [("", "Bucket"), ("a/b/", "b"), ("a//", "(empty name)")]
)
def test_titles(prefix, title):
    assert title_of(prefix) == title


def test_the_history_is_bounded():
    folder = FolderTab()
    for number in range(300):
        folder.move(f"{number}/")
    assert len(folder.back) == 100
    assert folder.step(back=True) == "298/"
    assert folder.step(back=False) == "299/"
    assert folder.step(back=False) is None


def test_a_page_that_needs_much_width_takes_none_from_the_folders(tab, qtbot):
    least = tab.minimumSizeHint().width()
    tab.open_page("collect")
    settled(qtbot, tab)
    tab.contents.page.setMinimumWidth(1_000)
    qtbot.waitUntil(lambda: tab.minimumSizeHint().width() > 1_000)
    tab.contents.show_folder()
    qtbot.waitUntil(lambda: tab.minimumSizeHint().width() == least)

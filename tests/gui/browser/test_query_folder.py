"""A folder becomes a table of the query page: its plan first, then its rows, and what is missing."""

import pytest
from helpers.browser import DAY, in_other_thread, put, settled

from core.collect.folder import load_folder
from core.work import Work
from gui.tabs.browser.pages import FolderPlace


@pytest.fixture
def query(tab, qtbot):
    """The page with the plan of the folder of the candles."""
    tab.listing.show(DAY)
    settled(qtbot, tab)
    tab.object_actions["query"].trigger()
    settled(qtbot, tab)
    return tab.contents.page


def load(query, workspace, tab, qtbot, folder=DAY):
    """Show a folder that this process has read: the start of the engine process takes a second."""
    query.folder.show_report(folder, in_other_thread(load_folder, workspace, Work(), folder=folder))
    settled(qtbot, tab)


def test_the_plan_is_shown_before_anything_is_read(query):
    assert query.folder.isVisible()
    assert "3 objects (3 JSON)" in query.folder.text.text()
    assert "3 GET requests, about $0.0000" in query.folder.text.text()
    assert query.folder.read.isEnabled()
    assert not query.tables.known


def test_the_folder_is_read_and_its_rows_are_shown(query, workspace, tab, qtbot):
    load(query, workspace, tab, qtbot)
    name = "folder_2024_01_15"
    assert query.sql == f"SELECT * FROM {name} LIMIT 1000"
    assert "object_key" in query.result.model.heads
    assert query.result.model.rowCount() == 9
    assert query.folder.read.text() == "Read again"
    query.statement.setPlainText(f"SELECT count(*) AS n FROM {name}")
    load(query, workspace, tab, qtbot)
    assert query.sql == f"SELECT count(*) AS n FROM {name}"
    assert query.result.model.rowCount() == 1


def test_damaged_objects_are_listed_and_opened(query, bucket, workspace, tab, qtbot):
    put(bucket, f"{DAY}cut.json", b"{")
    load(query, workspace, tab, qtbot)
    assert "1 object could not be read completely" in query.banner.text
    query.views.select("problems")
    assert query.folder.problems.index(0, 0).data() == f"{DAY}cut.json"
    query.problems.setCurrentIndex(query.folder.problems.index(0, 0))
    query.problems.doubleClicked.emit(query.problems.currentIndex())
    settled(qtbot, tab)
    assert tab.prefix == DAY


def test_a_selected_folder_is_queried_instead_of_the_one_shown(tab, qtbot):
    tab.listing.show("")
    settled(qtbot, tab)
    tab.folder.select("logs/")
    tab.object_actions["query"].trigger()
    settled(qtbot, tab)
    query = tab.contents.page
    assert query.folder.text.text().startswith("logs/: 0 objects")
    assert not query.folder.read.isEnabled()
    assert "no CSV, JSON or Parquet" in query.folder.read.toolTip()


def test_reading_is_stopped(query, tab, qtbot):
    query.folder.start()
    query.folder.stop.click()
    qtbot.waitUntil(lambda: query.folder.text.text().startswith("Stopped."), timeout=30_000)
    assert query.folder.read.isEnabled()
    tab.open_page("query", FolderPlace(""))
    settled(qtbot, tab)
    assert query.folder.text.text().startswith("The bucket: ")

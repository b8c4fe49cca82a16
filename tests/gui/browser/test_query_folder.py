"""A folder is a table of statements on the query page: its plan first, then what they read of it."""

import duckdb
import pytest
from helpers.browser import DAY, in_other_thread, put, settled

from core.collect.folder_query import plan_query, query_folders
from core.objects.small_loop import SMALL_BYTES
from core.work import Work
from gui.tabs.browser.pages import FolderPlace

NAME = "folder_2024_01_15"


def opened(tab, qtbot, folder):
    """Return the page with the plan of a folder."""
    tab.listing.show(folder)
    settled(qtbot, tab)
    tab.object_actions["query"].trigger()
    settled(qtbot, tab)
    return tab.contents.page


@pytest.fixture
def query(tab, qtbot):
    """The page with the plan of the folder of the candles."""
    return opened(tab, qtbot, DAY)


@pytest.fixture
def parquet(bucket, tab, qtbot, tmp_path):
    """The page with the plan of a folder with a large Parquet object."""
    path = tmp_path / "made.parquet"
    duckdb.execute(
        f"COPY (SELECT i AS id, hash(i) AS noise, hash(i + 1) AS more FROM range(120000) t(i)) TO '{path}' "
        "(FORMAT parquet, ROW_GROUP_SIZE 10240)"
    )
    data = path.read_bytes()
    assert len(data) > SMALL_BYTES
    put(bucket, "exports/made.parquet", data)
    return opened(tab, qtbot, "exports/")


def run(query, workspace, tab, qtbot, sql=""):
    """Run the statement in this process: the start of the engine process takes a second."""
    if sql:
        query.statement.setPlainText(sql)
    wanted = {**query.arguments(), "retain": True}
    query.show_report(in_other_thread(query_folders, workspace, Work(), **wanted))
    settled(qtbot, tab)


def test_the_plan_is_shown_before_anything_is_read(query):
    assert query.folder.isVisible()
    assert "3 objects (3 JSON)" in query.folder.text.text()
    assert "3 GET requests, less than 0.01 USD" in query.folder.text.text()
    assert query.sql == f"SELECT * FROM {NAME} LIMIT 1000"
    assert not query.tables.known[NAME].table
    assert query.columns.text() == "The first statement shows the columns."
    assert query.plan.isVisible()


def test_the_first_statement_reads_the_folder_and_others_its_table(query, workspace, tab, qtbot):
    run(query, workspace, tab, qtbot)
    assert "object_key" in query.result.model.heads
    assert query.result.model.rowCount() == 9
    assert "9 rows of 3 objects, 3 GET requests." in query.folder.text.text()
    assert query.arguments()["loaded"] == {NAME: query.tables.known[NAME].table}
    assert not query.plan.isVisible()
    query.show_table(NAME)
    assert "object_key" in query.columns.text()
    run(query, workspace, tab, qtbot, f"SELECT count(*) AS n FROM {NAME}")
    assert query.result.model.rowCount() == 1


def test_a_folder_that_is_listed_again_is_read_again(query, bucket, workspace, tab, qtbot):
    run(query, workspace, tab, qtbot, f"SELECT count(*) AS n FROM {NAME}")
    query.folder.again.click()
    settled(qtbot, tab)
    assert query.sql == f"SELECT count(*) AS n FROM {NAME}"
    wanted = query.arguments()
    assert (wanted["loaded"], wanted["list_again"]) == ({}, True)


def test_a_failed_statement_retains_what_was_read(query, workspace, tab, qtbot):
    run(query, workspace, tab, qtbot, f"SELECT prize FROM {NAME}")
    assert query.banner.text == "The query cannot be run"
    assert query.go.isVisible()
    assert query.arguments()["loaded"]
    assert "9 rows of 3 objects" in query.folder.text.text()


def test_of_parquet_objects_only_the_needed_columns_are_read(parquet, workspace, tab, qtbot):
    assert (
        "A statement reads the columns and row groups that it needs" in parquet.folder.text.text()
    )
    sql = "SELECT max(id) FROM folder_exports"
    parquet.statement.setPlainText(sql)
    parquet.show_plan(in_other_thread(plan_query, workspace, Work(), **parquet.arguments()))
    planned = parquet.text.text()
    assert planned.startswith("The statement reads ")
    assert "for this plan, less than 0.01 USD." in planned
    run(parquet, workspace, tab, qtbot)
    size = planned.removeprefix("The statement reads ").partition(":")[0]
    assert f"120,000 rows of 1 object; read {size}, " in parquet.folder.text.text()
    assert parquet.arguments()["loaded"] == {}
    run(parquet, workspace, tab, qtbot, "SELECT * FROM folder_exports LIMIT 20")
    assert parquet.result.model.rowCount() == 20
    assert parquet.arguments()["loaded"] == {}


def test_damaged_objects_are_listed_and_opened(query, bucket, workspace, tab, qtbot):
    put(bucket, f"{DAY}cut.json", b"{")
    run(query, workspace, tab, qtbot)
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
    assert query.folder.text.text().startswith("logs/: 0 objects in CSV, JSON or Parquet.")
    assert not query.tables.known


def test_another_bucket_has_none_of_the_folders(query, workspace, tab, qtbot):
    run(query, workspace, tab, qtbot)
    tab.open_page("query", FolderPlace(""))
    settled(qtbot, tab)
    assert {each.folder for each in query.tables.known.values() if "folder" in each.name}
    query.folder.leave_bucket()
    assert not any(each.folder for each in query.tables.known.values())
    assert query.tables.known[NAME].rows == 9


def test_a_statement_runs_in_the_engine_and_is_stopped(query, tab, qtbot):
    usual = query.statement.toPlainText()
    # One that would run for minutes: a short one may end before it is stopped.
    query.statement.setPlainText(
        f"SELECT sum(a.range * b.range) FROM {NAME}, range(1000000) a, range(100000) b"
    )
    query.start()
    query.stop.click()
    qtbot.waitUntil(lambda: query.text.text() == "Stopped.", timeout=30_000)
    assert query.go.isVisible()
    query.statement.setPlainText(usual)
    query.start()
    qtbot.waitUntil(lambda: query.result.model.rowCount() == 9, timeout=30_000)
    assert query.tables.known[NAME].table

"""The pages of collections and queries: plan, table, chart, problems, SQL and export."""

import json
from types import SimpleNamespace

import pytest
from helpers.browser import in_other_thread, put, settled
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from core.catalog.refresh import refresh
from core.collect.collecting import collect
from core.errors import Offline
from core.work import Work
from gui.tabs.browser.collect import result_model


@pytest.fixture
def page(tab, qtbot):
    """The page with the range of the stored candles."""
    tab.open_page("collect", "market-data/ohlcv/BTC-USD/1h/2024/01/15/")
    settled(qtbot, tab)
    return tab.contents.page


@pytest.fixture
def collected(page, workspace, tab, qtbot):
    """The page with the collected table, not by the engine process, whose start takes a second."""
    chosen = page.form.range
    page.show_report(chosen, in_other_thread(collect, workspace, Work(), **chosen.arguments))
    settled(qtbot, tab)
    return page


def cells(pane, tab, qtbot, column):
    """Return the texts of a column after its rows were read."""
    model = pane.model
    texts = [model.index(row, column).data() for row in range(model.rowCount())]
    settled(qtbot, tab)
    return [model.index(row, column).data() for row in range(len(texts))]


def test_the_form_is_filled_from_the_folder(page):
    found = page.form.range
    assert (found.kind, found.names, found.timeframe) == ("ohlcv", ("BTC-USD",), "1h")
    assert (found.start, found.end) == ("2024-01-15", "2024-01-15")
    fields = page.form.findChildren(QLineEdit)
    assert [each for each in fields if not each.accessibleName()] == []


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("market-data/trades/ETH-USD/2024/02/", ("trades", ("ETH-USD",), "", "2024-02-01", "2024-02-29")),
        ("user-data/anna/portfolio/2023/", ("portfolio", ("anna",), "", "2023-01-01", "2023-12-31")),
        (
            "market-data/ohlcv/BTC-USD/1m/2024/01/15/2024-01-15T02:00:00Z.json",
            ("ohlcv", ("BTC-USD",), "1m", "2024-01-15", "2024-01-15"),
        ),
    ],
)  # fmt: skip
def test_a_place_becomes_a_range(page, place, expected):
    page.form.show_place(place)
    found = page.form.range
    assert (found.kind, found.names, found.timeframe, found.start, found.end) == expected


def test_the_plan_counts_objects_with_other_names(page, tab, qtbot, workspace):
    put(
        workspace.bucket,
        "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10.csv",
        b"timestamp,open\n",
    )
    page.start_plan()
    settled(qtbot, tab)
    assert "With other names than these files have, and omitted: 1." in page.text.text()


def test_the_plan_names_objects_and_price_before_anything_is_read(page, tab, qtbot):
    assert page.plan.isVisible()
    assert not page.collect.isVisible()
    qtbot.mouseClick(page.plan, Qt.MouseButton.LeftButton)
    settled(qtbot, tab)
    assert page.text.text().startswith("3 objects, ")
    assert "3 GET requests, less than 0.01 USD" in page.text.text()
    assert page.collect.isVisible()
    page.form.names.setFocus()
    qtbot.keyClicks(page.form.names, "x")
    assert page.plan.isVisible()
    page.form.names.clear()
    page.form.edited.emit()
    assert not page.plan.isEnabled()
    assert "symbols" in page.plan.toolTip()


def test_the_table_has_each_candle_once(collected, tab, qtbot):
    assert collected.result.model.heads[2] == "timestamp (UTC)"
    assert cells(collected.result, tab, qtbot, 2) == [
        "2024-01-15 00:00:00", "2024-01-15 01:00:00", "2024-01-15 04:00:00",
    ]  # fmt: skip
    assert "6 repeated rows omitted" in collected.text.text()
    assert "3 rows as ohlcv_btc_usd_1h" in collected.result.summary.text()


def test_rows_are_read_in_pages_and_sorted(collected, tab, qtbot, monkeypatch):
    monkeypatch.setattr(result_model, "PAGE", 2)
    monkeypatch.setattr("gui.tabs.browser.collect.result_pane.PAGE", 2)
    collected.result.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert cells(collected.result, tab, qtbot, 2)[0] == "2024-01-15 04:00:00"


def test_candles_are_drawn(collected, tab, qtbot):
    collected.result.views.select("chart")
    settled(qtbot, tab)
    assert collected.result.chart.isVisible()
    assert len(collected.result.chart.chart.candles.candles) == 3


def test_what_is_missing_is_listed_and_opened(page, bucket, tab, qtbot):
    key = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T07:00:00Z.json"
    put(bucket, key, b"{")
    page.start_plan()
    settled(qtbot, tab)
    page.start_collect()
    settled(qtbot, tab)
    assert "1 object could not be read completely" in page.banner.text
    page.views.select("problems")
    assert page.problems_model.index(0, 0).data() == key
    page.problems.setCurrentIndex(page.problems_model.index(0, 0))
    page.problems.doubleClicked.emit(page.problems.currentIndex())
    settled(qtbot, tab)
    assert tab.prefix == key.rpartition("/")[0] + "/"


def test_a_plan_from_the_catalogue_names_its_age_and_a_refresh_lists_again(
    page, workspace, bucket, tab, qtbot
):
    in_other_thread(refresh, workspace, Work())
    put(bucket, "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T08:00:00Z.json", b"{}")
    page.start_plan()
    settled(qtbot, tab)
    assert page.text.text().startswith("3 objects, ")
    assert "Keys from the catalogue, " in page.text.text()
    page.refresh()
    settled(qtbot, tab)
    assert page.text.text().startswith("4 objects, ")
    assert "catalogue" not in page.text.text()


def retry(banner):
    (button,) = (each for each in banner.findChildren(QPushButton) if each.text() == "Retry")
    assert button.isVisible()
    return button


def test_the_retry_of_a_failed_collection_collects_and_that_of_a_plan_plans(page, tab, qtbot):
    page.start_plan()
    settled(qtbot, tab)
    planned = page.text.text()
    started = []
    begin = tab.bulk

    def bulk(title, operation, arguments, then, *, failed, **more):
        started.append((operation, failed))
        if len(started) == 1:  # it fails before it can end
            return SimpleNamespace(cancel=lambda: None)
        return begin(title, operation, arguments, then, failed=failed, **more)

    tab.bulk = bulk
    offline = Offline("The endpoint cannot be reached")
    for start, operation in (
        (page.start_plan, "collect.plan"),
        (page.start_collect, "collect.run"),
    ):
        started.clear()
        start()
        started[0][1](offline)
        assert page.text.text() == planned
        retry(page.banner).click()
        assert [each[0] for each in started] == [operation] * 2
        settled(qtbot, tab)
    assert page.result.model.rowCount() > 0


def test_an_empty_range_cannot_be_collected(page, tab, qtbot):
    page.form.names.setText("XRP-USD")
    page.start_plan()
    settled(qtbot, tab)
    assert not page.collect.isEnabled()
    assert "Without objects: XRP-USD" in page.text.text()


def test_the_table_is_exported(collected, tab, qtbot, tmp_path):
    collected.result.export_to(str(tmp_path / "out.jsonl"))
    settled(qtbot, tab)
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["timestamp"] == "2024-01-15T00:00:00Z"
    assert "3 rows" in collected.banner.text


def test_a_collected_table_is_queried_and_the_result_too(collected, tab, qtbot):
    qtbot.mouseClick(collected.result.query, Qt.MouseButton.LeftButton)
    query = tab.contents.page
    assert query.sql == "SELECT * FROM ohlcv_btc_usd_1h LIMIT 1000"
    query.statement.setPlainText("SELECT count(*) AS n, sum(volume) AS v FROM ohlcv_btc_usd_1h")
    query.start()
    settled(qtbot, tab)
    assert not query.banner.failed
    assert cells(query.result, tab, qtbot, 0) == ["3"]
    query.statement.setPlainText("SELECT n + 1 FROM result")
    query.start()
    settled(qtbot, tab)
    assert cells(query.result, tab, qtbot, 0) == ["4"]


def test_a_failed_statement_can_be_run_again(tab, qtbot):
    tab.open_page("query", None)
    settled(qtbot, tab)
    query = tab.contents.page
    query.statement.setPlainText("SELECT 7 AS seven")
    failed = []
    begin = tab.bulk

    def bulk(*arguments, **more):
        failed.append(more["failed"])
        return begin(*arguments, **more)

    tab.bulk = bulk
    query.start()
    settled(qtbot, tab)
    failed[0](Offline("The endpoint cannot be reached"))
    retry(query.banner).click()
    settled(qtbot, tab)
    assert len(failed) == 2
    assert cells(query.result, tab, qtbot, 0) == ["7"]


def test_a_query_without_a_catalogue_offers_to_list_the_keys(tab, qtbot):
    tab.open_page("query")
    query = tab.contents.page
    query.statement.setPlainText("SELECT key FROM keys")
    query.start()
    settled(qtbot, tab)
    assert query.banner.text == "There is no catalogue of this bucket yet"
    query.show_table("keys")
    assert query.banner.text == "", "the message was about another statement"
    query.start()
    settled(qtbot, tab)
    assert query.banner._buttons[0].text() == "Open the search"
    query.banner._buttons[0].click()
    assert tab.contents.strip.current == "search"


def test_the_catalogue_is_queried(tab, workspace, qtbot):
    in_other_thread(refresh, workspace, Work())
    tab.open_page("query")
    query = tab.contents.page
    query.statement.setPlainText("SELECT key FROM keys WHERE kind IS NULL ORDER BY 1")
    query.start()
    settled(qtbot, tab)
    assert "note.txt" in cells(query.result, tab, qtbot, 0)


def test_a_statement_and_a_plan_can_be_stopped_and_started_again(page, tab, qtbot):
    page.start_plan()
    page.stop.click()
    qtbot.waitUntil(lambda: page.text.text().startswith("Stopped."), timeout=30_000)
    assert page.plan.isVisible()
    tab.open_page("query")
    query = tab.contents.page
    query.statement.setPlainText("SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 3")
    query.go.click()
    assert not query.go.isVisible()
    query.stop.click()
    qtbot.waitUntil(lambda: query.text.text() == "Stopped.", timeout=30_000)
    query.statement.setPlainText("SELECT 1 AS one")
    query.go.click()
    settled(qtbot, tab)
    assert query.text.text().startswith("1 row in ")


def test_a_statement_that_reads_files_is_refused(tab, qtbot):
    tab.open_page("query")
    query = tab.contents.page
    query.statement.setPlainText("SELECT * FROM read_text('/etc/hostname')")
    query.start()
    settled(qtbot, tab)
    assert query.banner.failed
    assert "only read the rows that it was given" in query.banner.text


def test_the_statements_for_athena_are_copied_and_run_after_their_price_was_shown(
    page, tab, qtbot, monkeypatch
):
    qtbot.mouseClick(page.athena, Qt.MouseButton.LeftButton)
    settled(qtbot, tab)
    assert "CREATE EXTERNAL TABLE" in QGuiApplication.clipboard().text()
    texts = [label.text() for label in page.question.findChildren(QLabel)]
    assert any("less than 0.01 USD" in text for text in texts)
    started = []
    monkeypatch.setattr(page, "_start", lambda task, _text: started.append(task))
    monkeypatch.setattr(tab, "bulk", lambda name, operation, *_rest, **_more: operation)
    page.question.accept()
    assert started == ["athena.run"]

"""The coverage page: calendar, tables, jumps and exports, on a bucket of moto."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from helpers.accessibility import nameless, unexplained
from helpers.browser import in_other_thread, settled
from helpers.coverage_keys import candle, stream_keys
from PySide6.QtCore import Qt

from core.coverage.calendars import State, calendar_of
from core.coverage.cells import cells_of
from core.coverage.freshness import freshness_of
from core.coverage.report import CoverageReport
from gui.tabs.browser import BrowserTab
from gui.views.time_axis import VisibleRange

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def rows():
    """Keys of a stream with a missing day, and of one with a missing hour."""
    moments = stream_keys(START, 24, timedelta(hours=12))
    lost = START + timedelta(days=7, hours=12)
    return [candle(m, "AAA", "12h") for m in moments if m.day != 4] + [
        candle(m, "BBB", "12h") for m in moments if m != lost
    ]


@pytest.fixture
def stored(tab, bucket, rows, qtbot):
    """The page of a bucket with these keys, not listed yet."""

    def put_all():
        for key in rows:
            bucket.clients.s3().put_object(Bucket=bucket.name, Key=key, Body=b"[]")

    in_other_thread(put_all)
    tab.open_page("coverage")
    settled(qtbot, tab)
    return tab.contents.page


@pytest.fixture
def page(context, rows, qtbot):
    """The page with a report, without a connection."""
    tab = BrowserTab(context)
    qtbot.addWidget(tab)
    tab.resize(1280, 684)
    with qtbot.waitActive(tab):
        tab.show()
        tab.activateWindow()
    tab.open_page("coverage")
    page = tab.contents.page
    now = START + timedelta(days=200)
    cells = cells_of([(key, 2) for key in rows], now)
    calendars = tuple(calendar_of(each, now) for each in cells)
    states = tuple(freshness_of(each, now) for each in calendars)
    page.show_report(CoverageReport("bucket", calendars, states, len(rows), 0, now))
    page.calendar.streams.setFocus()
    return page


def press(qtbot, chart, *keys):
    for key in keys:
        qtbot.keyClick(chart, key)


def test_keys_are_listed_once_and_days_are_opened(stored, tab, bucket, qtbot):
    assert stored.state.empty.isVisible()
    assert not stored.timeframe.isVisible(), "there is nothing to choose from yet"
    qtbot.mouseClick(stored.state.empty.button, Qt.MouseButton.LeftButton)
    settled(qtbot, tab)
    stored.filter.setText("12h")
    chart = stored.calendar.streams
    assert chart.labels() == ["AAA 12h", "BBB 12h"]
    # From the catalogue, without a request.
    stored.set_workspace(tab.context.workspace)
    settled(qtbot, tab)
    assert chart.labels() == ["AAA 12h", "BBB 12h"]
    assert "LIST request" in stored.refresh_button.toolTip()
    stored.views.select("content")
    assert (
        "1 Jan 2024 to 24 Jan 2024: about 46 files, less than 0.01 USD"
        in stored.content.text.text()
    )
    check = stored.content.check
    assert check.width() < check.sizeHint().width() + 20, "the text gets the rest of the line"
    check.setFocus()
    qtbot.mouseClick(check, Qt.MouseButton.LeftButton)
    assert tab.window().focusWidget() is stored.content.stop
    settled(qtbot, tab)
    assert tab.window().focusWidget() is check
    row = [stored.content.model.index(0, column).data() for column in range(4)]
    assert row == ["rows missing", "1 Jan 2024 00:00:00", "4 Jan 2024 00:00:00", "6"]
    assert stored.content.text.text() == "0 of 48 intervals have a candle."
    stored.views.select("calendar")
    press(qtbot, chart, Qt.Key.Key_Home, Qt.Key.Key_Return)
    settled(qtbot, tab)
    assert tab.prefix == "market-data/ohlcv/AAA/12h/2024/01/01/"
    assert tab.contents.page is None
    tab.open_page("coverage")
    press(qtbot, chart, Qt.Key.Key_N, Qt.Key.Key_Return)
    settled(qtbot, tab)
    assert tab.prefix == "market-data/ohlcv/AAA/12h/2024/01/"
    tab.open_page("coverage", "analytics/risk/2024/")
    settled(qtbot, tab)
    assert stored.kind.currentData() == "analytics"
    assert stored.state.empty.isVisible()
    moment = START + timedelta(days=24)
    key = candle(moment, "AAA", "12h")
    in_other_thread(bucket.clients.s3().put_object, Bucket=bucket.name, Key=key, Body=b"[]")
    tab.open_page("coverage", "market-data/ohlcv/AAA/12h/2024/")
    stored.refresh()
    settled(qtbot, tab)
    assert chart.calendars[0].last == moment.date()


def test_keys_move_through_streams_days_and_gaps(page, qtbot):
    chart = page.calendar.streams
    press(qtbot, chart, Qt.Key.Key_Home, Qt.Key.Key_N)
    assert (chart.calendar.stream.name, chart.day) == ("AAA", date(2024, 1, 4))
    assert page.readout.text() == "AAA 12h, 4 Jan 2024: missing, 0 of usually 2 files"
    assert chart.accessibleDescription() == page.readout.text()
    press(qtbot, chart, Qt.Key.Key_Down, Qt.Key.Key_N)
    assert (chart.calendar.stream.name, chart.day) == ("BBB", date(2024, 1, 8))
    assert "thin, 1 of usually 2 files" in page.readout.text()
    press(qtbot, chart, Qt.Key.Key_N)
    assert chart.day == date(2024, 1, 8), "there is no later gap"
    press(qtbot, chart, Qt.Key.Key_P)
    assert (chart.calendar.stream.name, chart.day) == ("AAA", date(2024, 1, 4))
    press(qtbot, chart, Qt.Key.Key_Left, Qt.Key.Key_Down)
    assert (chart.calendar.stream.name, chart.day) == ("BBB", date(2024, 1, 3))
    press(qtbot, chart, Qt.Key.Key_End)
    assert chart.day == chart.calendar.last


def test_zoom_shows_hours_and_both_charts_move_together(page, qtbot):
    streams, hours = page.calendar.streams, page.calendar.hours
    press(qtbot, streams, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_N)
    streams.show_part(VisibleRange(6 * 24.0, 48.0, streams.visible_range.total, 12.0))
    assert streams.hourly
    assert hours.visible_range == streams.visible_range
    press(qtbot, streams, Qt.Key.Key_N)
    assert "8 Jan 2024 12:00 UTC: missing, 0 of usually 1 file" in page.readout.text()
    assert (hours.row, hours.day) == (12, date(2024, 1, 8))
    hours.setFocus()
    press(qtbot, hours, Qt.Key.Key_Down, Qt.Key.Key_Left)
    assert streams.position == 6 * 24 + 13
    assert "no file expected" in page.readout.text()
    press(qtbot, hours, Qt.Key.Key_0)
    assert not streams.zoomed


def test_the_tables_have_the_same_content(page, qtbot):
    page.views.select("days")
    days = [[page.tables.days_model.index(n, c).data() for c in range(6)] for n in range(10)]
    assert days[3] == ["4 Jan 2024", "missing", "0", "2", "2", "0"]
    assert days[4] == ["5 Jan 2024", "complete", "2", "2", "0", "0"]
    page.views.select("gaps")
    qtbot.waitUntil(lambda: page.tables.gaps_model.rowCount() == 2)
    gaps = [[page.tables.gaps_model.index(n, c).data() for c in range(7)] for n in range(2)]
    assert gaps[0][:3] == ["AAA 12h", "missing", "4 Jan 2024 00:00:00"]
    assert gaps[1][4:] == ["1", "0", "1"]
    page.views.select("streams")
    assert page.tables.streams_model.rowCount() == 2
    assert page.tables.streams_model.index(0, 1).data() == "ended"
    page.tables.streams.selectRow(1)
    page.tables.streams.doubleClicked.emit(page.tables.streams.currentIndex())
    assert page.views.current == "calendar"
    assert page.calendar.calendar.stream.name == "BBB"


def test_gaps_are_exported(page, qtbot, tmp_path):
    page.export_to(str(tmp_path / "gaps.json"))
    qtbot.waitUntil((tmp_path / "gaps.json").exists)
    found = json.loads((tmp_path / "gaps.json").read_text(encoding="utf-8"))
    assert [(gap["name"], gap["state"], gap["hours"]) for gap in found] == [
        ("AAA", "missing", 2),
        ("BBB", "missing", 1),
    ]
    qtbot.waitUntil(lambda: "2 gaps written to gaps.json" in page.banner.text, timeout=30_000)


def test_the_pictures_show_each_state(page, qtbot):
    streams = page.calendar.streams
    assert {int(state) for row in range(2) for state in streams.calendars[row].days} == {
        State.COMPLETE, State.THIN, State.MISSING,
    }  # fmt: skip
    image = streams.grab().toImage()
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(26, 60)}
    assert len(colours) > 5


def test_streams_that_have_stopped_are_named_at_once(page, rows, qtbot):
    now = START + timedelta(days=27)
    calendars = tuple(calendar_of(each, now) for each in cells_of([(key, 2) for key in rows], now))
    states = tuple(freshness_of(each, now) for each in calendars)
    page.show_report(CoverageReport("bucket", calendars, states, len(rows), 0, now))
    assert "AAA 12h has stopped: its latest file is of" in page.banner.text
    assert "BBB 12h has stopped" in page.banner.text
    page.views.select("streams")
    assert page.tables.streams_model.index(0, 1).data() == "! stopped"


def test_every_control_has_a_name(page):
    assert nameless(page) == []
    assert unexplained(page) == []
    assert page.calendar.streams.accessibleDescription().startswith("AAA 12h, 1 Jan 2024: complete")

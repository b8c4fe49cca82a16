"""Candle and depth charts draw their data, and mouse and keys move them alike."""

from __future__ import annotations

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from core.preview import Candle, Candles, CandleSeries, ProblemKind, preview
from gui import clock, theme
from gui.views.candle_view import CandleView
from gui.views.depth_view import DepthView, spread_of

START = datetime(2024, 1, 15, tzinfo=UTC)


def candle(hour, **changed):
    row = {"timestamp": (START + timedelta(hours=hour)).isoformat(), "open": "10.50", "high": 14}
    return {**row, "low": 9, "close": 11 + hour % 3, "volume": 3, **changed}


def candles(count=48, missing=(30, 31)):
    rows = [candle(hour) for hour in range(count) if hour not in missing]
    return preview(
        json.dumps({"symbol": "BTC", "timeframe": "1h", "data": rows}).encode(), "x.json"
    )


def wheel(at, turn):
    return QWheelEvent(
        at, at, QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip


def colours(widget):
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(0, image.height(), 3)
    }


class TestCandles:
    @pytest.fixture
    def view(self, show):
        view = show(CandleView())
        view.show_content(candles().representations[0])
        return view

    def test_up_down_and_gap_are_drawn(self, view):
        drawn = colours(view.chart)
        tokens = theme.tokens()
        assert tokens.good.name() in drawn
        assert "#ecdecc" in drawn  # the shade of a gap: 20 % of the warning colour on the panel

    def test_the_theme_is_followed(self, view):
        theme.current().set_mode("dark")
        assert theme.DARK.panel.name() in colours(view.chart)
        theme.current().set_mode("light")

    def test_arrows_move_the_crosshair_and_tell_the_values(self, view, qtbot):
        assert (
            view.values._when.text() == "16 Jan 2024 23:00:00 UTC"
        )  # the last one, before any crosshair
        qtbot.keyClick(view.chart, Qt.Key.Key_Home)
        qtbot.keyClick(view.chart, Qt.Key.Key_Right)
        assert view.chart.current.when == START + timedelta(hours=1)
        assert view.values._numbers["open"].text() == "10.50"
        assert "At 15 Jan 2024 01:00:00 UTC: open 10.50" in view.chart.accessibleDescription()
        qtbot.keyClick(view.chart, Qt.Key.Key_End)
        qtbot.keyClick(view.chart, Qt.Key.Key_PageUp)
        assert view.chart.current.when == START + timedelta(hours=37)
        qtbot.keyClick(view.chart, Qt.Key.Key_Escape)
        assert view.chart.current is None

    def test_plus_minus_wheel_and_double_click_zoom(self, view, qtbot):
        complete = view.chart.visible_range
        qtbot.keyClick(view.chart, Qt.Key.Key_Plus)
        assert view.chart.visible_range.width < complete.width
        qtbot.keyClick(view.chart, Qt.Key.Key_Minus)
        assert view.chart.visible_range.width == pytest.approx(complete.width)
        at = QPointF(200, 100)
        before = view.chart.plot().second(200)
        QApplication.sendEvent(view.chart, wheel(at, 240))
        assert view.chart.plot().second(200) == pytest.approx(before)
        qtbot.mouseDClick(view.chart, Qt.MouseButton.LeftButton)
        assert view.chart.visible_range == complete

    def test_keys_do_what_the_mouse_does(self, view, qtbot):
        chart = view.chart
        complete = chart.visible_range
        for _ in range(6):
            qtbot.keyClick(chart, Qt.Key.Key_Plus)
        zoomed = chart.visible_range
        qtbot.keyClick(chart, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
        assert chart.visible_range.left < zoomed.left
        assert chart.visible_range.width == zoomed.width
        assert chart.current is None  # panning leaves the crosshair where it is
        qtbot.keyClick(chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        assert chart.visible_range.left == pytest.approx(zoomed.left)
        qtbot.keyClick(chart, Qt.Key.Key_0)
        assert chart.visible_range == complete

    def test_the_time_axis_is_linear(self, view):
        plot = view.chart.plot()
        view.go_to(next(p for p in candles().problems if p.kind is ProblemKind.GAP))
        hour = plot.second(plot.x(3600.0)) / 3600
        assert hour == pytest.approx(1)
        assert view.chart.visible_range.total == 48 * 3600  # the two missing hours have their room

    def test_values_are_shown_with_all_their_digits_or_an_ellipsis(self, view, qtbot):
        view.values.show_candle(
            Candle(
                START,
                Decimal("50000.1234567890"),
                Decimal("1E+5"),
                Decimal("0.000012340"),
                Decimal(7),
            )
        )
        texts = {name: label.text() for name, label in view.values._numbers.items()}
        assert texts["high"] == "100,000"
        assert texts["low"] == "0.000012340"
        assert texts["open"] in ("50,000.1234567890", "50,000.12…")
        view.resize(1000, 420)
        assert view.values._numbers["open"].text() == "50,000.1234567890"
        view.resize(330, 420)
        qtbot.waitUntil(lambda: "…" in view.values._numbers["open"].text())
        for label in view.values._numbers.values():
            qtbot.waitUntil(lambda label=label: label.width() >= label.sizeHint().width())
        assert view.values._numbers["open"].toolTip() == "open 50,000.1234567890"

    def test_times_follow_the_zone_in_use(self, view, qtbot, monkeypatch):
        monkeypatch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        try:
            clock.current().set_zone("local")
            assert view.values._when.text() == "17 Jan 2024 04:30:00 UTC+5:30"
            assert "to 17 Jan 2024 04:30:00 UTC+5:30" in view.chart.accessibleDescription()
        finally:
            clock.current().set_zone("utc")
            monkeypatch.undo()
            time.tzset()
        assert view.values._when.text() == "16 Jan 2024 23:00:00 UTC"

    def test_dragging_pans(self, view, qtbot):
        for _ in range(6):
            qtbot.keyClick(view.chart, Qt.Key.Key_Plus)
        left = view.chart.visible_range.left
        qtbot.mousePress(view.chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
        qtbot.mouseMove(view.chart, QPoint(160, 100))
        qtbot.mouseRelease(view.chart, Qt.MouseButton.LeftButton, pos=QPoint(160, 100))
        assert view.chart.visible_range.left < left

    def test_the_pointer_moves_the_crosshair(self, view, qtbot):
        with qtbot.waitSignal(view.chart.pointed):
            qtbot.mouseMove(view.chart, QPoint(20, 100))
        assert view.chart.current is not None
        view.grab()

    def test_a_gap_is_gone_to(self, view):
        problem = next(p for p in candles().problems if p.kind is ProblemKind.GAP)
        view.go_to(problem)
        assert view.chart.current.when == START + timedelta(hours=32)

    def test_fifty_thousand_candles_and_none(self, view):
        rows = [[1_600_000_000 + n * 60, 1 + n % 7, 9, 0.5, 2 + n % 5, 1] for n in range(20_000)]
        body = json.dumps({"timeframe": "1m", "symbol": "A", "data": rows}).encode()
        view.show_content(preview(body, "x.json").representations[0])
        view.grab()
        view.show_content(Candles("", "", ()))
        view.grab()
        assert view.chart.accessibleDescription() == "No candles."


def book(**sides):
    return preview(json.dumps({"symbol": "BTC", "orderbook": sides}).encode(), "x.json")


def test_depth(show, qtbot):
    view = show(DepthView())
    found = book(bids=[["100", 1], ["99", 3]], asks=[["101", 2], ["102.5", "4"]])
    view.show_content(found.representations[0])
    assert {theme.tokens().good.name(), theme.tokens().danger.name()} <= colours(view.chart)
    assert spread_of(found.representations[0]) == "1 (0.995%)"
    assert "best bid 100, best ask 101" in view.chart.accessibleDescription()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Plus, Qt.Key.Key_Minus):
        qtbot.keyClick(view.chart, key)
        view.grab()
    view.go_to(book(bids=[["100", "x"], [99, 1]], asks=[[101, 1]]).problems[0])
    view.show_content(book(bids=[[5, 1]], asks=[]).representations[0])
    view.grab()
    assert spread_of(book(bids=[[5, 1]], asks=[]).representations[0]) == "one side only"


def test_depth_is_zoomed_panned_and_fitted_by_wheel_mouse_and_keys(show, qtbot):
    view = show(DepthView())
    levels = [
        [[100 - n * 0.5, "1.50"] for n in range(200)],
        [[101 + n * 0.5, 2] for n in range(200)],
    ]
    view.show_content(book(bids=levels[0], asks=levels[1]).representations[0])
    chart = view.chart
    complete = chart.visible_range
    at = QPointF(chart.width() * 0.7, 60)
    before = chart._across().value(at.x())
    QApplication.sendEvent(chart, wheel(at, 360))
    assert chart.visible_range.width < complete.width
    assert chart._across().value(at.x()) == pytest.approx(before)
    left = chart.visible_range.left
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 60))
    qtbot.mouseMove(chart, QPoint(160, 60))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(160, 60))
    assert chart.visible_range.left < left
    left = chart.visible_range.left
    qtbot.keyClick(chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert chart.visible_range.left > left
    view.grab()
    qtbot.keyClick(chart, Qt.Key.Key_0)
    assert chart.visible_range == complete
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    qtbot.mouseDClick(chart, Qt.MouseButton.LeftButton)
    assert chart.visible_range == complete


def test_a_candle_frame_takes_as_long_for_a_hundred_thousand_as_for_a_thousand(themed, qtbot):
    """Only what is in sight is drawn, all of it in a few calls; ten times leaves room for pauses."""
    few, many = (frames(qtbot, count) for count in (1_440, 100_000))
    assert statistics.median(many) < 10 * statistics.median(few) + 0.002


def frames(qtbot, count):
    """Return the processor seconds of frames while a chart of so many candles is zoomed."""
    times = np.arange(count) * 60_000_000
    prices = 100 + np.sin(np.arange(count))
    floats = np.stack([prices, prices + 2, prices - 2, prices + 1, prices])
    series = CandleSeries(times, floats, [[Decimal(1)] * count] * 5)
    view = CandleView()
    qtbot.addWidget(view)
    view.resize(800, 400)
    view.show_content(Candles("A", "1m", series, (), 60))
    screen = QImage(view.size(), QImage.Format.Format_RGB32)
    took = []
    for number in range(30):
        began = time.thread_time()
        view.chart.zoom(0.9 if number % 20 < 10 else 1 / 0.9, 0.0)
        view.chart.render(screen)
        took.append(time.thread_time() - began)
    return took

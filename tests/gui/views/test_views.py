"""Each view draws its face, is told of problems, and can be used from the keyboard."""

from __future__ import annotations

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from core.preview import Candle, Candles, CandleSeries, ProblemKind, preview
from gui import theme
from gui.views.candle_view import CandleView
from gui.views.depth_view import DepthView, spread_of
from gui.views.holdings_view import HoldingsView
from gui.views.lines_view import LinesView
from gui.views.picture_view import PictureView, decoded
from gui.views.preview_view import PreviewView
from gui.views.rows_view import HexView, TableView, TreeView

START = datetime(2024, 1, 15, tzinfo=UTC)


def candle(hour, **changed):
    row = {"timestamp": (START + timedelta(hours=hour)).isoformat(), "open": "10.50", "high": 14}
    return {**row, "low": 9, "close": 11 + hour % 3, "volume": 3, **changed}


def candles(count=48, missing=(30, 31)):
    rows = [candle(hour) for hour in range(count) if hour not in missing]
    return preview(
        json.dumps({"symbol": "BTC", "timeframe": "1h", "data": rows}).encode(), "x.json"
    )


@pytest.fixture
def show(themed, qtbot):
    def showing(view, size=(508, 420)):
        qtbot.addWidget(view)
        view.resize(*size)
        with qtbot.waitActive(view):
            view.show()
            view.activateWindow()
        return view

    return showing


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
        view.show_face(candles().faces[0])
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
        whole = view.chart.sight
        qtbot.keyClick(view.chart, Qt.Key.Key_Plus)
        assert view.chart.sight.width < whole.width
        qtbot.keyClick(view.chart, Qt.Key.Key_Minus)
        assert view.chart.sight.width == pytest.approx(whole.width)
        at = QPointF(200, 100)
        before = view.chart.plot().second(200)
        QApplication.sendEvent(view.chart, wheel(at, 240))
        assert view.chart.plot().second(200) == pytest.approx(before)
        qtbot.mouseDClick(view.chart, Qt.MouseButton.LeftButton)
        assert view.chart.sight == whole

    def test_keys_do_what_the_mouse_does(self, view, qtbot):
        chart = view.chart
        whole = chart.sight
        for _ in range(6):
            qtbot.keyClick(chart, Qt.Key.Key_Plus)
        zoomed = chart.sight
        qtbot.keyClick(chart, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
        assert chart.sight.left < zoomed.left
        assert chart.sight.width == zoomed.width
        assert chart.current is None  # panning leaves the crosshair where it is
        qtbot.keyClick(chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        assert chart.sight.left == pytest.approx(zoomed.left)
        qtbot.keyClick(chart, Qt.Key.Key_0)
        assert chart.sight == whole

    def test_the_time_axis_is_linear(self, view):
        plot = view.chart.plot()
        view.go_to(next(p for p in candles().problems if p.kind is ProblemKind.GAP))
        hour = plot.second(plot.x(3600.0)) / 3600
        assert hour == pytest.approx(1)
        assert view.chart.sight.total == 48 * 3600  # the two missing hours have their room

    def test_values_are_shown_with_all_their_digits_or_an_ellipsis(self, view):
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
        assert view.values._numbers["open"].text() == "50,000.12…"
        assert view.values._numbers["open"].toolTip() == "open 50,000.1234567890"

    def test_dragging_pans(self, view, qtbot):
        for _ in range(6):
            qtbot.keyClick(view.chart, Qt.Key.Key_Plus)
        left = view.chart.sight.left
        qtbot.mousePress(view.chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
        qtbot.mouseMove(view.chart, QPoint(160, 100))
        qtbot.mouseRelease(view.chart, Qt.MouseButton.LeftButton, pos=QPoint(160, 100))
        assert view.chart.sight.left < left

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
        view.show_face(preview(body, "x.json").faces[0])
        view.grab()
        view.show_face(Candles("", "", ()))
        view.grab()
        assert view.chart.accessibleDescription() == "No candles."


def book(**sides):
    return preview(json.dumps({"symbol": "BTC", "orderbook": sides}).encode(), "x.json")


def test_depth(show, qtbot):
    view = show(DepthView())
    found = book(bids=[["100", 1], ["99", 3]], asks=[["101", 2], ["102.5", "4"]])
    view.show_face(found.faces[0])
    assert {theme.tokens().good.name(), theme.tokens().danger.name()} <= colours(view.chart)
    assert spread_of(found.faces[0]) == "1 (0.995 %)"
    assert "best bid 100, best ask 101" in view.chart.accessibleDescription()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Plus, Qt.Key.Key_Minus):
        qtbot.keyClick(view.chart, key)
        view.grab()
    view.go_to(book(bids=[["100", "x"], [99, 1]], asks=[[101, 1]]).problems[0])
    view.show_face(book(bids=[[5, 1]], asks=[]).faces[0])
    view.grab()
    assert spread_of(book(bids=[[5, 1]], asks=[]).faces[0]) == "one side only"


def test_depth_is_zoomed_panned_and_fitted_by_wheel_mouse_and_keys(show, qtbot):
    view = show(DepthView())
    levels = [
        [[100 - n * 0.5, "1.50"] for n in range(200)],
        [[101 + n * 0.5, 2] for n in range(200)],
    ]
    view.show_face(book(bids=levels[0], asks=levels[1]).faces[0])
    chart = view.chart
    whole = chart.sight
    at = QPointF(chart.width() * 0.7, 60)
    before = chart._across().value(at.x())
    QApplication.sendEvent(chart, wheel(at, 360))
    assert chart.sight.width < whole.width
    assert chart._across().value(at.x()) == pytest.approx(before)
    left = chart.sight.left
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 60))
    qtbot.mouseMove(chart, QPoint(160, 60))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(160, 60))
    assert chart.sight.left < left
    left = chart.sight.left
    qtbot.keyClick(chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert chart.sight.left > left
    view.grab()
    qtbot.keyClick(chart, Qt.Key.Key_0)
    assert chart.sight == whole
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    qtbot.mouseDClick(chart, Qt.MouseButton.LeftButton)
    assert chart.sight == whole


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
    view.show_face(Candles("A", "1m", series, (), 60))
    screen = QImage(view.size(), QImage.Format.Format_RGB32)
    took = []
    for number in range(30):
        began = time.thread_time()
        view.chart.zoom(0.9 if number % 20 < 10 else 1 / 0.9, 0.0)
        view.chart.render(screen)
        took.append(time.thread_time() - began)
    return took


def test_holdings(show):
    assets = [{"symbol": f"A{n}", "quantity": 1, "value_usd": 10 + n} for n in range(9)]
    body = {"user_id": "u", "portfolio": {"total_value_usd": "126.50", "assets": assets}}
    view = show(HoldingsView())
    view.show_face(preview(json.dumps(body).encode(), "x.json").faces[0])
    assert view._total.text() == "$126.50"
    assert view.model.index(0, 0).data() == "A8"
    assert "other" in view.bar.accessibleDescription()
    view.grab()


def test_a_table_is_sorted_copied_safely_and_gone_through(show, qtbot):
    view = show(TableView())
    found = preview(b"a,b\n=1+1,2\n-5,x\n7\n", "x.csv")
    view.show_face(found.faces[0])
    ragged = next(p for p in found.problems if p.kind is ProblemKind.RAGGED)
    view.go_to(ragged)
    assert view.view.currentIndex().row() == 2
    view.view.selectAll()
    view.view.setFocus()
    qtbot.keyClick(view.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "'=1+1\t2\n-5\tx\n7\t"


def test_a_tree_opens_what_is_small(show):
    view = show(TreeView())
    view.show_face(preview(b'{"a": {"b": 1}, "c": [1, 2]}', "x.json").faces[0])
    assert view.view.isExpanded(view.model.index(0, 0))


def test_a_tree_opens_its_rows_and_the_first_of_them(show):
    view = show(TreeView())
    rows = [{"open": number, "close": number} for number in range(64)]
    body = {"symbol": "A", "other": list(range(50)), "data": rows}
    view.show_face(
        next(f for f in preview(json.dumps(body).encode(), "x.txt.json").faces if f.label == "JSON")
    )
    model = view.model
    data = model.index(2, 0)
    assert not view.view.isExpanded(model.index(1, 0))  # it would push the rows out of sight
    assert view.view.isExpanded(data)
    assert view.view.isExpanded(model.index(0, 0, data))
    assert not view.view.isExpanded(model.index(20, 0, data))


def test_a_list_of_findings_is_grouped_and_counts_what_it_leaves_out(show):
    view = show(PreviewView())
    rows = [candle(number // 2) for number in range(600)] + [{"timestamp": 1, "open": 2}]
    body = json.dumps({"timeframe": "1h", "data": rows}) + "]"
    view.show_preview(preview(body[:-3].encode(), "x.json"))
    texts = [view.problems.model.index(row).data() for row in range(view.problems.model.rowCount())]
    assert texts[0].startswith("the file ends in the middle")
    assert texts[-1] == "and 100 more duplicates"
    assert view.problems._text.text().startswith("the file ends in the middle")


def test_text_is_searched(show, qtbot):
    view = show(LinesView())
    text = b"\n".join(b"line %d%s" % (n, b" NEEDLE" if n % 10 == 3 else b"") for n in range(60))
    found = preview(text, "logs/x.log")
    view.show_face(found.faces[0])
    view.search.setText("needle")
    qtbot.waitUntil(lambda: view.count.text() == "1 of 6", timeout=2000)
    qtbot.keyClick(view.search, Qt.Key.Key_Return)
    assert (view.count.text(), view.view.currentIndex().row()) == ("2 of 6", 13)
    view.step(-1)
    view.step(-1)
    assert view.count.text() == "6 of 6"
    view.search.setText("nowhere")
    qtbot.waitUntil(lambda: view.count.text() == "nothing found", timeout=2000)


def test_bytes(show):
    view = show(HexView())
    view.show_face(preview(bytes(range(256)) * 4, "x.bin").faces[0])
    assert view.model.rowCount() == 64
    view.grab()


def png(tmp_path, side=20):
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(QColor("#ff0000"))
    path = tmp_path / "a.png"
    assert image.save(str(path))
    return path.read_bytes()


def test_a_picture_is_opened_on_request_only(show, qtbot, tmp_path):
    view = show(PictureView())
    picture = preview(png(tmp_path), "a.png").faces[0]
    view.show_face(picture)
    assert "#ff0000" not in colours(view)
    with qtbot.waitSignal(view.wanted) as asked:
        view._closed.button.click()
    view.show_image(asked.args[0], decoded(asked.args[0]))
    assert "#ff0000" in colours(view)


def test_a_broken_picture_is_refused_in_words(show):
    view = show(PictureView())
    picture = preview(b"\x89PNG\r\n\x1a\n" + b"x" * 50, "a.png").faces[0]
    view.show_face(picture)
    view.show_image(picture, decoded(picture))
    assert view._closed._title.text() == "This picture cannot be shown"


class TestPreviewView:
    def test_the_chosen_face_stays_for_the_next_object(self, show):
        view = show(PreviewView())
        view.show_preview(candles())
        assert isinstance(view.face_view, CandleView)
        view.switch.select("Table")
        assert isinstance(view.face_view, TableView)
        view.show_preview(candles(12, ()))
        assert isinstance(view.face_view, TableView)
        view.switch.select("Chart")
        view.show_preview(preview(b'{"a": 1}', "x.json"))
        assert isinstance(view.face_view, TreeView)
        view.show_preview(candles())
        assert isinstance(view.face_view, CandleView)

    def test_problems_are_told_listed_and_gone_to(self, show):
        view = show(PreviewView())
        rows = [candle(1), candle(3), candle(3)]
        view.show_preview(preview(json.dumps({"timeframe": "1h", "data": rows}).encode(), "x.json"))
        assert view.problems._text.text() == (
            "1 duplicate at 15 Jan 2024 03:00:00 UTC · 1 empty interval: 15 Jan 2024 02:00:00 UTC"
        )
        view.problems.button.click()
        assert view.problems.list.isVisible()
        assert view.face_view.chart.current.when.hour == 3
        assert view.problems.button.text() == "Hide"
        view.problems.button.click()
        assert not view.problems.list.isVisible()
        view.show_preview(preview(b"[]", "x.json"))
        assert not view.problems.isVisible()

    def test_states(self, show, qtbot):
        view = show(PreviewView())
        view.show_loading("a.json")
        assert view.preview is None
        view.show_failed("a.json", "Why")
        with qtbot.waitSignal(view.retry_wanted):
            view._failed.button.click()
        view.show_preview(preview(b"{}", "x.json"))
        view.show_loading("b.json")
        assert view.preview is not None  # the old one stays until the new one is there
        view.show_empty("Nothing", "")
        assert view.preview is None

"""Each view draws its preview, shows its problems, and can be used from the keyboard."""

from __future__ import annotations

import json
import struct
import zlib
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QStyleOptionViewItem

from core.preview import ProblemKind, preview
from gui.views.candle_view import CandleView
from gui.views.holdings_view import HoldingsView
from gui.views.lines_view import LinesView
from gui.views.picture_view import PictureView, decoded
from gui.views.preview_view import PreviewView
from gui.views.rows_view import HexView, TreeView
from gui.views.table_view import TableView

START = datetime(2024, 1, 15, tzinfo=UTC)


def candle(hour, **changed):
    row = {"timestamp": (START + timedelta(hours=hour)).isoformat(), "open": "10.50", "high": 14}
    return {**row, "low": 9, "close": 11 + hour % 3, "volume": 3, **changed}


def candles(count=48, missing=(30, 31)):
    rows = [candle(hour) for hour in range(count) if hour not in missing]
    return preview(
        json.dumps({"symbol": "BTC", "timeframe": "1h", "data": rows}).encode(), "x.json"
    )


def colours(widget):
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(0, image.height(), 3)
    }


def test_holdings(show):
    assets = [{"symbol": f"A{n}", "quantity": 1, "value_usd": 10 + n} for n in range(9)]
    body = {"user_id": "u", "portfolio": {"total_value_usd": "126.50", "assets": assets}}
    view = show(HoldingsView())
    view.show_content(preview(json.dumps(body).encode(), "x.json").representations[0])
    assert view._total.text() == "$126.50"
    assert view.model.index(0, 0).data() == "A8"
    assert "other" in view.bar.accessibleDescription()
    view.grab()


def test_the_shares_of_holdings_are_visible_in_a_narrow_pane(show, qtbot):
    assets = [
        {"symbol": symbol, "quantity": "9.5000", "value_usd": value}
        for symbol, value in (("BTC", "61000.00"), ("ETH", "18774.95"), ("USDT", "9423.75"))
    ]
    body = {"user_id": "u", "portfolio": {"total_value_usd": "89198.70", "assets": assets}}
    view = show(HoldingsView(), size=(315, 400))
    view.show_content(preview(json.dumps(body).encode(), "x.json").representations[0])
    table = view.view
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() == 0)
    option = QStyleOptionViewItem()
    for column in (0, 1, 3, 4):
        needed = table.itemDelegate().sizeHint(option, view.model.index(0, column)).width()
        assert needed <= table.columnWidth(column)


def test_a_table_is_sorted_copied_safely_and_gone_through(show, qtbot):
    view = show(TableView())
    found = preview(b"a,b\n=1+1,2\n-5,x\n7\n", "x.csv")
    view.show_content(found.representations[0])
    ragged = next(p for p in found.problems if p.kind is ProblemKind.RAGGED)
    view.go_to(ragged)
    assert view.view.currentIndex().row() == 2
    view.view.selectAll()
    view.view.setFocus()
    qtbot.keyClick(view.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "'=1+1\t2\n-5\tx\n7\t"


def test_a_tree_opens_what_is_small(show):
    view = show(TreeView())
    view.show_content(preview(b'{"a": {"b": 1}, "c": [1, 2]}', "x.json").representations[0])
    assert view.view.isExpanded(view.model.index(0, 0))


def test_a_tree_opens_its_rows_and_the_first_of_them(show):
    view = show(TreeView())
    rows = [{"open": number, "close": number} for number in range(64)]
    body = {"symbol": "A", "other": list(range(50)), "data": rows}
    view.show_content(
        next(
            f
            for f in preview(json.dumps(body).encode(), "x.txt.json").representations
            if f.label == "JSON"
        )
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
    view.show_content(found.representations[0])
    view.search.setText("needle")
    qtbot.waitUntil(lambda: view.count.text() == "1 of 6")
    qtbot.keyClick(view.search, Qt.Key.Key_Return)
    assert (view.count.text(), view.view.currentIndex().row()) == ("2 of 6", 13)
    view.step(-1)
    view.step(-1)
    assert view.count.text() == "6 of 6"
    view.search.setText("nowhere")
    qtbot.waitUntil(lambda: view.count.text() == "nothing found")


def test_bytes(show):
    view = show(HexView())
    view.show_content(preview(bytes(range(256)) * 4, "x.bin").representations[0])
    view.resize(900, 400)
    assert view.model.rowCount() == 64
    view.resize(400, 400)
    assert view.model.rowCount() == 128
    assert sum(view.view.columnWidth(column) for column in range(3)) < 400


def png(tmp_path, side=20):
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(QColor("#ff0000"))
    path = tmp_path / "a.png"
    assert image.save(str(path))
    return path.read_bytes()


def test_a_picture_is_opened_on_request_only(show, qtbot, tmp_path):
    view = show(PictureView())
    picture = preview(png(tmp_path), "a.png").representations[0]
    view.show_content(picture)
    assert "#ff0000" not in colours(view)
    with qtbot.waitSignal(view.wanted) as asked:
        view._closed.button.click()
    view.show_image(asked.args[0], decoded(asked.args[0]))
    assert "#ff0000" in colours(view)


def test_a_broken_picture_is_refused_in_text(show):
    view = show(PictureView())
    picture = preview(b"\x89PNG\r\n\x1a\n" + b"x" * 50, "a.png").representations[0]
    view.show_content(picture)
    view.show_image(picture, decoded(picture))
    assert view._closed._title.text() == "This picture cannot be shown"


def test_texts_in_a_picture_are_not_unpacked_and_do_not_hide_it(tmp_path):
    # Each can have 8 MB of memory, and a small file can contain a thousand.
    text = b"zTXtk\0\0" + zlib.compress(b"a" * 7_000_000)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    data = png(tmp_path)
    image = decoded(preview(data[:33] + chunk * 3 + data[33:], "a.png").representations[0])
    assert image.pixelColor(0, 0) == QColor("#ff0000")
    assert image.textKeys() == []


class TestPreviewView:
    def test_the_chosen_face_stays_for_the_next_object(self, show):
        view = show(PreviewView())
        view.show_preview(candles())
        assert isinstance(view.content_view, CandleView)
        view.switch.select("Table")
        assert isinstance(view.content_view, TableView)
        view.show_preview(candles(12, ()))
        assert isinstance(view.content_view, TableView)
        view.switch.select("Chart")
        view.show_preview(preview(b'{"a": 1}', "x.json"))
        assert isinstance(view.content_view, TreeView)
        view.show_preview(candles())
        assert isinstance(view.content_view, CandleView)

    def test_problems_are_reported_listed_and_gone_to(self, show):
        view = show(PreviewView())
        rows = [candle(1), candle(3), candle(3)]
        view.show_preview(preview(json.dumps({"timeframe": "1h", "data": rows}).encode(), "x.json"))
        assert view.problems._text.text() == (
            "1 duplicate at 15 Jan 2024 03:00:00 UTC · 1 empty interval: 15 Jan 2024 02:00:00 UTC"
        )
        view.problems.button.click()
        assert view.problems.list.isVisible()
        assert view.content_view.chart.current.when.hour == 3
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

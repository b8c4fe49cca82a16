"""Order books over time and trades: heat map, replay, and what was bought and sold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PySide6.QtCore import Qt

from core.preview import BookHistory, Trades, join_previews, preview
from core.preview.heat import SideLevels, heat_of_levels
from gui import theme
from gui.views.preview_view import PreviewView
from gui.views.replay_view import ReplayView
from gui.views.time_axis import VisibleRange
from gui.views.trades_view import TradesView, flow_of

START = datetime(2024, 1, 15, tzinfo=UTC)


def book_file(minute):
    body = {
        "symbol": "BTC-USD",
        "timestamp": (START + timedelta(minutes=minute)).isoformat(),
        "orderbook": {
            "bids": [[f"{100 - n * 0.1 + minute * 0.1:.1f}", "1.50"] for n in range(30)],
            "asks": [[f"{100.2 + n * 0.1 + minute * 0.1:.1f}", "2.50"] for n in range(30)],
        },
    }
    return preview(json.dumps(body).encode(), f"market-data/orderbook/BTC-USD/{minute}.json")


def colours(widget):
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }


class TestReplay:
    @pytest.fixture
    def view(self, show):
        view = show(ReplayView(), (560, 560))
        joined = join_previews([book_file(minute) for minute in range(20)])
        view.show_content(next(e for e in joined.representations if isinstance(e, BookHistory)))
        return view

    def test_bids_asks_and_the_best_prices_are_drawn(self, view):
        drawn = colours(view.heat)
        tokens = theme.tokens()
        assert {tokens.good.name(), tokens.danger.name(), tokens.text.name()} <= drawn

    def test_keys_move_through_the_books_whose_values_are_exact(self, view, qtbot):
        assert view.spread.text() == "0.2 (0.200%)"
        qtbot.keyClick(view.heat, Qt.Key.Key_End)
        assert view.heat.at == view.seek.value() == 19
        assert view.when.text() == "15 Jan 2024 00:19:00 UTC"
        assert "best bid 101.9, best ask 102.1" in view.heat.accessibleDescription()
        assert view.model.index(0, 1).data() == "101.9"
        qtbot.keyClick(view.heat, Qt.Key.Key_Left)
        assert view.heat.at == 18

    def test_play_moves_to_the_end_and_stops_there(self, view):
        view.seek.setValue(17)
        view.play_button.click()
        assert view.playing
        assert view.play_button.accessibleName() == "Pause"
        for _ in range(3):
            view.timer.timeout.emit()
        assert view.heat.at == 19
        assert not view.playing
        view.play_button.click()
        assert view.heat.at == 0
        view.play_button.click()
        assert not view.playing

    def test_the_speed_sets_the_interval(self, view):
        view.toggle()
        view.speed.setCurrentIndex(view.speed.findData(10))
        assert view.timer.interval() == 100
        view.hide()
        assert not view.playing

    def test_the_ladder_can_be_shown_instead_of_the_depth(self, view):
        view.form.select("Ladder")
        assert view.ladder.isVisible()
        assert not view.depth_chart.isVisible()

    def test_the_map_is_zoomed_and_panned_by_keys(self, view, qtbot):
        complete = view.heat.visible_range
        qtbot.keyClick(view.heat, Qt.Key.Key_Plus)
        assert view.heat.visible_range.width < complete.width
        qtbot.keyClick(view.heat, Qt.Key.Key_0)
        assert view.heat.visible_range == complete


def test_the_largest_quantities_have_the_highest_degree_also_in_joined_columns():
    columns = 50_000
    levels = SideLevels(
        np.tile([100.0, 99.0], columns), np.tile([1.0, 0.01], columns), np.full(columns, 2)
    )
    asks = SideLevels(np.full(columns, 101.0), np.full(columns, 0.25), np.ones(columns, np.int64))
    heat = heat_of_levels(levels, asks)
    assert heat.cells.shape[1] == columns
    row = int((heat.high - 100.0) / (heat.high - heat.low) * len(heat.cells))
    assert (heat.cells[row] == 127).all()


class TestTrades:
    @pytest.fixture
    def trades(self):
        return self.made(200)

    @staticmethod
    def made(count):
        rows = [
            {
                "id": n,
                "timestamp": (START + timedelta(minutes=n)).isoformat(),
                "side": ("buy", "sell", "sell", None)[n % 4],
                "price": f"{100 + n % 7}.10",
                "quantity": "1.50",
            }
            for n in range(count)
        ]
        body = {"symbol": "BTC-USD", "timestamp": START.isoformat(), "trades": rows}
        found = preview(json.dumps(body).encode(), "market-data/trades/BTC-USD/x.json")
        return next(e for e in found.representations if isinstance(e, Trades))

    @pytest.fixture
    def view(self, show, trades):
        view = show(TradesView())
        view.show_content(trades)
        return view

    def test_the_totals_of_the_visible_part_are_shown(self, view, qtbot):
        assert view.bought.text() == "bought 75"
        assert view.sold.text() == "sold 150"
        assert view.other.text() == "without a side 75"
        assert "75 bought, 150 sold" in view.chart.accessibleDescription()
        qtbot.keyClick(view.chart, Qt.Key.Key_Plus)
        assert view.bought.text() != "bought 75"

    def test_the_crosshair_shows_a_trade_as_written(self, view, qtbot):
        qtbot.keyClick(view.chart, Qt.Key.Key_Home)
        assert view.price.text() == "1.50 at 100.10"

    def test_both_sides_and_the_price_are_drawn(self, view):
        tokens = theme.tokens()
        wanted = {tokens.good.name(), tokens.danger.name(), tokens.accent.name()}
        assert wanted <= colours(view.chart)

    def test_the_scale_is_that_of_the_prices_also_where_trades_share_a_pixel(self, view):
        view.show_content(self.made(3_000))
        assert view.chart.price_range() == (100.1, 106.1)
        assert "prices from 100.1 to 106.1" in view.chart.accessibleDescription()

    def test_every_visible_trade_is_in_one_interval(self, trades):
        seconds = (trades.times - trades.times[0]) / 1_000_000
        total = float(seconds[-1])
        flow = flow_of(trades, seconds, VisibleRange(0, total, total, 1), 600)
        assert flow.bought.sum() + flow.sold.sum() + flow.other.sum() == pytest.approx(300)


def test_a_file_of_trades_shows_its_table_first_and_the_volume_on_request(show):
    view = show(PreviewView())
    body = {"trades": [{"t": 1_700_000_000, "price": 1, "amount": 2, "side": "buy"}]}
    view.show_preview(preview(json.dumps(body).encode(), "a.json"))
    view.switch.select("Volume")
    assert isinstance(view.content_view, TradesView)

"""Options of candle charts, comparisons, and charts with one crosshair."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from core.preview import Comparison, Panes, join_previews, preview
from gui import theme
from gui.views.averages import MovingAverage
from gui.views.candle_view import CandleView
from gui.views.preview_view import PreviewView
from gui.views.scale import LogScale, log_ticks
from gui.views.series_views import CompareView, PanesView
from gui.views.time_axis import TimeAxis, VisibleRange

START = datetime(2024, 1, 15, tzinfo=UTC)


def file(symbol, count=96, first=0, factor=1.0):
    rows = [
        {
            "timestamp": (START + timedelta(hours=hour)).isoformat(),
            **dict.fromkeys(
                ("open", "high", "low", "close"), f"{100 * factor ** (hour - first):.4f}"
            ),
            "volume": "1.5",
        }
        for hour in range(first, first + count)
    ]
    body = {"symbol": symbol, "timeframe": "1h", "data": rows}
    return preview(json.dumps(body).encode(), f"market-data/ohlcv/{symbol}/1h/x.json")


def colours(widget):
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }


class TestOptions:
    @pytest.fixture
    def view(self, show):
        view = show(CandleView())
        view.show_content(file("BTC", factor=1.01).representations[0])
        return view

    def test_a_coarser_timeframe_is_drawn_with_exact_values(self, view, qtbot):
        names = [
            view.options.timeframes.itemText(n) for n in range(view.options.timeframes.count())
        ]
        assert names == ["1h", "4h", "12h", "1d", "1w"]
        view.options.timeframes.setCurrentIndex(names.index("1d"))
        qtbot.keyClick(view.chart, Qt.Key.Key_Home)
        assert view.chart.current.when == START
        assert str(view.chart.current.volume) == "36.0"
        assert "4 candles of BTC 1d" in view.chart.accessibleDescription()
        view.options.timeframes.setCurrentIndex(0)
        assert len(view.chart.candles.candles) == 96

    def test_a_timeframe_stays_selected_for_the_next_object(self, view):
        view.options.timeframes.setCurrentIndex(1)
        view.show_content(file("ETH").representations[0])
        assert view.chart.candles.timeframe == "4h"

    def test_equal_ratios_have_equal_heights_on_the_log_scale(self, view):
        view.options.logarithmic.click()
        view.grab()
        scale = view.chart._painter._scale
        assert isinstance(scale, LogScale)
        assert scale.at(200) - scale.at(100) == pytest.approx(scale.at(120) - scale.at(60))
        assert scale.value(scale.at(150.0)) == pytest.approx(150)

    def test_prices_of_zero_disable_the_log_scale_with_a_reason(self, view):
        view.show_content(file("ZERO", factor=0).representations[0])
        assert not view.options.logarithmic.isEnabled()
        assert "no logarithm" in view.options.logarithmic.toolTip()

    def test_averages_are_drawn(self, view):
        assert theme.tokens().accent.name() not in colours(view.chart)
        view.options._lengths[20].trigger()
        assert theme.tokens().accent.name() in colours(view.chart)
        assert view.options.lengths == (20,)

    def test_an_average_longer_than_the_data_is_not_offered_and_states_why(self, view):
        entries = view.options._lengths
        assert [entry.isEnabled() for entry in entries.values()] == [True, True, False]
        assert entries[200].text() == "Average of 200 candles (only 96 candles shown)"
        entries[20].trigger()
        view.options.timeframes.setCurrentIndex(view.options.timeframes.findData("1d"))
        assert view.chart._painter.averages == ()
        assert not entries[20].isEnabled()
        view.options.timeframes.setCurrentIndex(0)
        assert entries[20].isEnabled()
        assert len(view.chart._painter.averages) == 1


def test_an_average_is_the_mean_of_the_last_candles():
    candles = file("BTC", factor=1.01).representations[0]
    axis = TimeAxis(candles)
    average = MovingAverage(axis, candles.series.floats, 20)
    values = average.visible_bars(VisibleRange.complete(axis), 1.0).values[3]
    closes = candles.series.floats[3]
    expected = [closes[at - 19 : at + 1].mean() for at in range(19, 96)]
    assert np.allclose(values, expected)


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [(1, 1000, [1, 10, 100, 1000]), (90, 110, [90, 95, 100, 105, 110]), (2, 45, [2, 5, 10, 20])],
)
def test_ticks_of_a_log_scale_are_round(low, high, values):
    assert log_ticks(low, high, 5)[0] == pytest.approx(values)


class TestComparison:
    @pytest.fixture
    def view(self, show):
        view = show(CompareView())
        joined = join_previews([file("BTC"), file("ETH", first=24, factor=1.01)])
        view.show_content(next(e for e in joined.representations if isinstance(e, Comparison)))
        return view

    def test_changes_count_from_the_first_common_time(self, view):
        assert view.chart.base_time == START + timedelta(hours=24)
        assert view.since.text().startswith("Changes since 16 Jan 2024 00:00:00 UTC")
        values = dict(view.chart.values_at(34 * 3600))
        assert values["BTC"] == pytest.approx(0)
        assert values["ETH"] == pytest.approx((1.01**10 - 1) * 100, abs=1e-3)
        assert dict(view.chart.values_at(3600))["ETH"] is None

    def test_keys_move_the_crosshair_and_describe_the_values(self, view, qtbot):
        qtbot.keyClick(view.chart, Qt.Key.Key_Right)
        assert "BTC +0.00 %, ETH +" in view.chart.accessibleDescription()
        qtbot.keyClick(view.chart, Qt.Key.Key_Plus)
        assert view.chart.zoomed
        qtbot.keyClick(view.chart, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
        qtbot.keyClick(view.chart, Qt.Key.Key_Escape)
        assert not view.chart.zoomed

    def test_every_symbol_has_its_line(self, view):
        drawn = colours(view.chart)
        assert {theme.tokens().accent.name(), theme.tokens().warning.name()} <= drawn


class TestPanes:
    @pytest.fixture
    def view(self, show):
        view = show(PanesView(), (600, 700))
        joined = join_previews([file("BTC"), file("ETH", first=24, factor=1.01)])
        view.show_content(next(e for e in joined.representations if isinstance(e, Panes)))
        return view

    def test_charts_share_axis_zoom_and_crosshair(self, view, qtbot):
        first, second = view.charts
        qtbot.keyClick(first, Qt.Key.Key_End)
        assert second.current.when == first.current.when == START + timedelta(hours=95)
        qtbot.keyClick(second, Qt.Key.Key_Plus)
        assert first.visible_range == second.visible_range
        qtbot.keyClick(second, Qt.Key.Key_Home)
        assert second.current.when == first.current.when == START + timedelta(hours=24)
        at = first.plot().x(10 * 3600.0)
        qtbot.mouseMove(first, QPoint(int(at), 40))

    def test_a_timeframe_applies_to_all_charts(self, view):
        view.options.timeframes.setCurrentIndex(view.options.timeframes.findData("1d"))
        assert [chart.candles.timeframe for chart in view.charts] == ["1d", "1d"]

    def test_fewer_series_hide_the_other_charts(self, view):
        view.show_content(Panes(view._stored[:1]))
        assert [chart.isHidden() for chart in view.charts] == [False, True]


def test_a_joined_preview_is_shown_like_any_other(show):
    view = show(PreviewView())
    view.show_preview(join_previews([file("BTC"), file("ETH")]))
    assert isinstance(view.content_view, CompareView)
    view.switch.select("Charts")
    assert isinstance(view.content_view, PanesView)

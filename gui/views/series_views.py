"""The views of several series: a comparison in percent, and charts with one crosshair."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.preview import Candle, Candles, Comparison, Panes, Problem
from core.preview.resampling import resample
from core.units import format_moment
from gui.views.candle_chart import CandleChart
from gui.views.candle_view import ValueLine
from gui.views.chart_options import ChartOptions
from gui.views.compare_chart import CompareChart
from gui.views.time_axis import span_of
from gui.widgets.labels import Elided
from gui.widgets.panel import rule, scrolling

#: The least height in pixels of one of several charts, and of all of them together.
_LEAST_CHART, _LEAST_CHARTS = 96, 140


class CompareView(QWidget):
    """The comparison chart and the time since which the changes count."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = CompareChart()
        self.since = Elided(tone="muted", mode=Qt.TextElideMode.ElideRight)
        self.since.setContentsMargins(12, 8, 12, 8)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.chart, 1)
        box.addWidget(rule())
        box.addWidget(self.since)
        self.setFocusProxy(self.chart)

    def show_content(self, comparison: Comparison) -> None:
        """Show the change of several symbols."""
        self.chart.show_comparison(comparison)
        self.since.show_live(
            lambda: f"Changes since {format_moment(self.chart.base_time)}, when all have candles"
        )

    def go_to(self, problem: Problem) -> None:
        """Move the crosshair to the time of a problem."""
        if problem.start is not None:
            self.chart.point_at(
                (problem.start - self.chart.base_time).total_seconds() + self.chart.base
            )


class PanesView(QWidget):
    """Candle charts one below the other; zoom, pan and crosshair apply to all of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.options = ChartOptions()
        self.options.changed.connect(self._on_options)
        self.values = ValueLine()
        self.charts: list[CandleChart] = []
        self._stored: tuple[Candles, ...] = ()
        self._timeframe = ""
        self._following = False
        inside = QWidget()
        self._box = QVBoxLayout(inside)
        # Many charts scroll: they would otherwise need more than the window has.
        area = scrolling(inside)
        area.setMinimumHeight(_LEAST_CHARTS)
        box = QVBoxLayout(self)
        for each in (self._box, box):
            each.setContentsMargins(0, 0, 0, 0)
            each.setSpacing(0)
        box.addWidget(self.options)
        box.addWidget(area, 1)
        box.addWidget(rule())
        box.addWidget(self.values)

    def show_content(self, panes: Panes) -> None:
        """Show other series."""
        self._stored = panes.charts
        self.options.offer(panes.charts)
        while len(self.charts) < len(panes.charts):
            self._add_chart()
        for number, chart in enumerate(self.charts):
            chart.setVisible(number < len(panes.charts))
        self._show()

    def go_to(self, problem: Problem) -> None:
        """Make the time of a problem visible."""
        if problem.start is not None and self.charts:
            self.charts[0].point_at(problem.start)

    def _add_chart(self) -> None:
        chart = CandleChart()
        self.charts.append(chart)
        chart.ranged.connect(partial(self._on_ranged, chart))
        chart.pointed.connect(partial(self._on_pointed, chart))
        chart.setMinimumHeight(_LEAST_CHART)
        self._box.addWidget(chart, 1)
        if len(self.charts) == 1:
            self.setFocusProxy(chart)

    def _show(self) -> None:
        self._timeframe = self.options.timeframe
        shown = [
            resample(each, self._timeframe) if self._timeframe else each for each in self._stored
        ]
        self.options.offer_averages(max((len(each.candles) for each in shown), default=0))
        span = span_of(shown)
        self._following = True
        for candles, chart in zip(shown, self.charts, strict=False):
            chart.show_candles(candles, span, caption=f"{candles.symbol} {candles.timeframe}")
            self.options.apply_to(chart)
        self._following = False
        self.values.show_candle(None)

    def _on_options(self) -> None:
        if self.options.timeframe != self._timeframe:
            self._show()
        for chart in self.charts:
            self.options.apply_to(chart)

    def _on_ranged(self, chart: CandleChart) -> None:
        """Show the same part in the other charts."""
        for other in self.charts:
            if other is not chart and not other.isHidden():
                other.show_part(chart.visible_range)

    def _on_pointed(self, chart: CandleChart, candle: Candle | None) -> None:
        """Move the crosshairs of the other charts to the same time."""
        # Their own signals would come back here.
        if self._following:
            return
        self._following = True
        for other in self.charts:
            if other is not chart and not other.isHidden():
                other.follow(candle.when if candle else None)
        self._following = False
        self.values.show_candle(candle)

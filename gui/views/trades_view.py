"""Trades over time: the price, and below it what was bought and sold in each interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.preview import Problem, Trades
from core.preview.candle_blocks import CLOSE
from core.preview.series import micros_of
from core.units import format_counted, format_moment
from gui import theme
from gui.views.candle_bars import Bars, CandleBars
from gui.views.line_paint import paint_line
from gui.views.pixels import corners, fill_rectangles
from gui.views.plot import AXIS, LineStyle, Plot, paint_axis_number, paint_time_axis
from gui.views.scale import Scale, short_number, ticks
from gui.views.time_axis import VisibleRange
from gui.views.time_chart import TimeChart
from gui.widgets.labels import Text, muted_label
from gui.widgets.panel import row, rule

if TYPE_CHECKING:
    from core.preview.series import Floats

#: Pixels of one interval of the volumes, and the share of the height that they have.
_INTERVAL = 6
_VOLUME_PART = 0.35
#: Seconds that are visible at the highest zoom.
_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Flow:
    """The quantities of the intervals of a visible part.

    `bought`, `sold` and `other` (of unknown side) have one value per interval, shape (n,); `edges`
    the beginnings of the intervals in seconds and the end of the last one, shape (n + 1,).
    """

    edges: Floats
    bought: Floats
    sold: Floats
    other: Floats


class TradesChart(TimeChart):
    """The price as a line; what takers bought above a line and what they sold below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Trades over time")
        self._trades: Trades | None = None

    def show_trades(self, trades: Trades) -> None:
        """Show other trades, all of them visible."""
        self._trades = trades
        self.set_times(trades.times, _LEAST)
        step = self.axis.total / max(1, len(trades.times))
        self._bars = CandleBars.of_line(self.seconds, step, trades.floats[0])
        self.describe()

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(480, 300)

    def plot(self) -> Plot:
        """Return the areas at the present size."""
        area = QRectF(self.rect())
        return Plot.of(area, self._visible_range, volume=area.height() * _VOLUME_PART)

    def flow(self, plot: Plot) -> Flow:
        """Return what was bought and sold in each interval of the visible part."""
        return flow_of(self._trades, self.seconds, plot.visible_range, plot.prices.width())

    def totals(self) -> tuple[float, float, float]:
        """Return how much of the visible trades was bought, sold, and of unknown side."""
        flow = self.flow(self.plot())
        return float(flow.bought.sum()), float(flow.sold.sum()), float(flow.other.sum())

    def describe(self) -> None:
        """Describe the visible trades."""
        if self._trades is None:
            return
        bought, sold, other = self.totals()
        count = format_counted(len(self._trades.times), "trade")
        first, last = (format_moment(self.moment(at)) for at in (0, -1))
        text = f"{count} of {self._trades.symbol} from {first} to {last}. Visible: "
        low, high = self.price_range()
        text += f"prices from {low:,.8g} to {high:,.8g}, "
        text += f"{bought:,.8g} bought, {sold:,.8g} sold, {other:,.8g} without a side."
        self.setAccessibleDescription(text)

    def draw(self, painter: QPainter) -> None:
        """Draw the price, the volumes and the axes."""
        trades = self._trades
        if trades is None or not len(trades.times):
            return
        plot = self.plot()
        self._draw_prices(painter, plot, trades)
        self._draw_flow(painter, plot)
        paint_time_axis(painter, self.axis, plot, self)

    def price_range(self) -> tuple[float, float]:
        """Return the lowest and the highest visible price."""
        assert self._trades is not None
        return self._range_of(self._visible_bars(self.plot()), self._trades)

    def _visible_bars(self, plot: Plot) -> Bars:
        pixel = 1 / (plot.scale * self.devicePixelRatioF())
        return self._bars.visible_bars(plot.visible_range, pixel, beyond=1)

    @staticmethod
    def _range_of(bars: Bars, trades: Trades) -> tuple[float, float]:
        # The row after those of prices has sums.
        shown = bars.values[: CLOSE + 1] if bars.values.size else trades.floats[:1]
        return float(shown.min()), float(shown.max())

    def _draw_prices(self, painter: QPainter, plot: Plot, trades: Trades) -> None:
        colours = theme.tokens()
        ratio = self.devicePixelRatioF()
        bars = self._visible_bars(plot)
        low, high = self._range_of(bars, trades)
        margin = (high - low) * 0.05 or abs(high) * 0.001 or 1.0
        scale = Scale(low - margin, high + margin, plot.prices.bottom(), plot.prices.top())
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        values, decimals = ticks(scale.low, scale.high, max(2, int(plot.prices.height() / 38)))
        for value in values:
            y = self.snapped(scale.at(value))
            painter.fillRect(self.box(plot.prices.left(), y, plot.prices.right(), y), colours.line)
            painter.setPen(colours.muted)
            paint_axis_number(painter, plot, y, value, decimals)
        painter.setClipRect(plot.prices)
        style = LineStyle(colours.accent, Qt.PenStyle.SolidLine, 1.2)
        paint_line(painter, plot, bars, scale.at, style, ratio)
        painter.setClipping(False)

    def _draw_flow(self, painter: QPainter, plot: Plot) -> None:
        import numpy as np

        colours, ratio, flow = theme.tokens(), self.devicePixelRatioF(), self.flow(plot)
        area = plot.volumes
        most = float(max((flow.bought + flow.other).max(), flow.sold.max())) or 1.0
        middle = area.top() + area.height() / 2
        pixels = np.rint(plot.x(flow.edges) * ratio).astype(np.int32)
        lefts, rights = pixels[:-1], pixels[1:] - round(ratio)

        def heights(values: Floats) -> Floats:
            return values / most * (area.height() / 2 - 2) * ratio

        def bars(tops: Floats, bottoms: Floats, used: Floats, colour: object) -> None:
            found = corners(
                lefts, np.rint(tops).astype(np.int32), rights, np.rint(bottoms).astype(np.int32)
            )
            fill_rectangles(painter, found[used > 0], colour, ratio)  # type: ignore[arg-type]  # a QColor

        zero = np.full(len(lefts), middle * ratio)
        bars(zero - heights(flow.bought), zero, flow.bought, colours.good)
        bars(zero + ratio, zero + ratio + heights(flow.sold), flow.sold, colours.danger)
        top = zero - heights(flow.bought)
        bars(top - heights(flow.other), top, flow.other, colours.muted)
        line = self.box(area.left(), middle, area.right(), middle)
        painter.fillRect(line, colours.muted)
        painter.setPen(colours.muted)
        for y, text in ((area.top(), "bought"), (area.bottom() - 16, "sold")):
            label = QRectF(area.right() + 8, y, AXIS - 8, 16)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, text)
        label = QRectF(area.right() + 8, area.top() + 14, AXIS - 8, 16)
        painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, f"max {short_number(most)}")


def flow_of(
    trades: Trades | None, seconds: Floats, visible_range: VisibleRange, width: float
) -> Flow:
    """Return the quantities in equal intervals of a visible part.

    Args:
        trades: the trades, or None.
        seconds: their positions on the axis, rising, shape (n,).
        visible_range: the visible part of the axis.
        width: the pixels of the visible part.
    """
    import numpy as np

    count = max(1, int(width / _INTERVAL))
    edges = visible_range.left + np.arange(count + 1) / count * visible_range.width
    if trades is None:
        return Flow(edges, *(np.zeros(count) for _ in range(3)))
    first = int(seconds.searchsorted(visible_range.left))
    end = int(seconds.searchsorted(visible_range.right, "right"))
    quantities = trades.floats[1, first:end]
    unknown, sells = trades.unknown[first:end], trades.sells[first:end]
    # The last trade is at the right edge, which belongs to the last interval.
    starts = seconds[first:end].searchsorted(edges[:-1])
    used = np.append(starts[1:], end - first) > starts
    sums = np.zeros((3, count))
    for number, part in enumerate((~sells & ~unknown, sells, unknown)):
        if used.any():
            sums[number, used] = np.add.reduceat(quantities * part, starts[used])
    return Flow(edges, *sums)


class TradesView(QWidget):
    """The chart of trades above a line with the totals of its visible part."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = TradesChart()
        self.chart.ranged.connect(self._fill)
        self.chart.pointed.connect(lambda _at: self._fill())
        self.bought, self.sold = Text(), Text()
        self.bought.set_tone("good")
        self.sold.set_tone("danger")
        self.other = muted_label()
        self.price = muted_label()
        for label in (self.bought, self.sold, self.other, self.price):
            label.setFont(theme.number_font())
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.chart, 1)
        box.addWidget(rule())
        parts = (self.bought, self.sold, self.other, self.price)
        box.addWidget(row(*parts, margins=(12, 8, 12, 8), stretch=True))
        self.setFocusProxy(self.chart)

    def show_content(self, trades: Trades) -> None:
        """Show other trades."""
        self._trades = trades
        self.chart.show_trades(trades)
        self._fill()

    def go_to(self, problem: Problem) -> None:
        """Move the crosshair to the time of a problem."""
        if problem.start is not None:
            at = int(self._trades.times.searchsorted(micros_of(problem.start)))
            self.chart.point_at(at)

    def _fill(self) -> None:
        bought, sold, other = self.chart.totals()
        self.bought.setText(f"bought {bought:,.6g}")
        self.sold.setText(f"sold {sold:,.6g}")
        self.other.setText(f"without a side {other:,.6g}" if other else "")
        at = self.chart.at
        price, quantity = self._trades.written[at] if at >= 0 else ("", "")
        self.price.setText(f"{quantity} at {price}" if at >= 0 else "")

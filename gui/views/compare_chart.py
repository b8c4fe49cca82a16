"""Several symbols as lines of their change in percent since a common time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.preview import Candles, Comparison
from core.preview.candle_blocks import CLOSE
from core.units import format_moment
from gui import theme
from gui.views.candle_bars import Bars, CandleBars
from gui.views.canvas import faded
from gui.views.line_paint import paint_line
from gui.views.plot import LineStyle, Plot, paint_axis_number, paint_tag, paint_time_axis
from gui.views.scale import Scale, ticks
from gui.views.time_axis import TimeAxis, VisibleRange, span_of
from gui.views.time_chart import KEYS_OF_STEPS
from gui.views.zoomable import PAN, ZOOM, ZoomableChart

if TYPE_CHECKING:
    from core.preview.series import Floats

_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine)
_LEGEND_ROW = 16
#: Steps of the crosshair by the arrow keys, in pixels.
_STEP = 4


class _Line:
    """The change of one symbol in percent, for drawing."""

    def __init__(self, candles: Candles, span: tuple[int, int], base: float) -> None:
        self.symbol = candles.symbol
        self.axis = TimeAxis(candles, span)
        self.closes: Floats = candles.series.floats[CLOSE]
        # The first candle from the common time on; a symbol that ends before has its last one.
        first = min(int(self.axis.starts.searchsorted(base)), len(self.closes) - 1)
        self.base = float(self.closes[first]) or 1.0
        self.bars = CandleBars.of_line(self.axis.starts, self.axis.step, self.closes)

    def percent(self, closes: Floats) -> Floats:
        """Return closes as changes in percent."""
        return (closes / self.base - 1) * 100

    def visible_bars(self, visible_range: VisibleRange, pixel: float) -> Bars:
        """Return the visible part in percent: first, highest, lowest and last of each pixel."""
        bars = self.bars.visible_bars(visible_range, pixel, beyond=1)
        return replace(bars, values=self.percent(bars.values[: CLOSE + 1]))

    def percent_at(self, second: float) -> float | None:
        """Return the change at the last candle that begins at a position, None before the first."""
        at = int(self.axis.starts.searchsorted(second, "right")) - 1
        return None if at < 0 else float(self.percent(self.closes[at : at + 1])[0])


class CompareChart(ZoomableChart):
    """Lines of several symbols on one axis; zoom, pan, and a crosshair with all values.

    Signals:
        pointed: the position of the crosshair on the axis in seconds, or None.
    """

    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Comparison in percent")
        self._at: float | None = None
        self.show_symbols(())

    def show_comparison(self, comparison: Comparison) -> None:
        """Show other symbols, all of their candles visible."""
        self.show_symbols(comparison.symbols)

    def show_symbols(self, symbols: Sequence[Candles]) -> None:
        """Show these candles."""
        shown = [each for each in symbols if len(each.candles)]
        span = span_of(shown) or (0, 60_000_000)
        self._axis = TimeAxis(Candles("", "", ()), span)
        firsts = [int(each.series.times[0]) for each in shown]
        #: Changes count from the time from which on all symbols have candles.
        self.base = (max(firsts, default=span[0]) - span[0]) / 1_000_000
        self._lines = [_Line(each, span, self.base) for each in shown]
        least = min((line.axis.step for line in self._lines), default=60.0) * 8
        self._visible_range = VisibleRange(
            0.0, self._axis.total, self._axis.total, min(self._axis.total, least)
        )
        self._at = None
        self._describe()
        self.redraw()

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(480, 300)

    @property
    def base_time(self) -> datetime:
        """The time since which the changes count."""
        return self._axis.moment(self.base)

    def values_at(self, second: float) -> list[tuple[str, float | None]]:
        """Return the change of each symbol at a position on the axis."""
        return [(line.symbol, line.percent_at(second)) for line in self._lines]

    # Drawing

    def plot(self) -> Plot:
        """Return the areas at the present size."""
        return Plot.of(QRectF(self.rect()), self._visible_range, volume=0)

    def draw(self, painter: QPainter) -> None:
        """Draw grid, axes and lines."""
        if not self._lines:
            return
        plot = self.plot()
        ratio = self.devicePixelRatioF()
        pixel = 1 / (plot.scale * ratio)
        drawn = [line.visible_bars(plot.visible_range, pixel) for line in self._lines]
        scale = _scale_of([bars.values for bars in drawn], plot)
        self._grid(painter, plot, scale)
        paint_time_axis(painter, self._axis, plot, self)
        painter.setClipRect(plot.prices)
        for style, bars in zip(line_styles(len(drawn)), drawn, strict=True):
            paint_line(painter, plot, bars, scale.at, style, ratio)
        painter.setClipping(False)

    def _grid(self, painter: QPainter, plot: Plot, scale: Scale) -> None:
        colours = theme.tokens()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        values, decimals = ticks(scale.low, scale.high, max(2, int(plot.prices.height() / 38)))
        for value in values:
            y = self.snapped(scale.at(value))
            line = self.box(plot.prices.left(), y, plot.prices.right(), y)
            # The line of no change separates gains from losses.
            painter.fillRect(line, colours.muted if abs(value) < 1e-9 else colours.line)
            painter.setPen(colours.muted)
            paint_axis_number(painter, plot, y, value, decimals, form="{} %", signed=True)

    def draw_over(self, painter: QPainter) -> None:
        """Draw crosshair, legend and focus."""
        plot = self.plot()
        if self._at is not None and self._lines:
            x = self.snapped(plot.x(self._at))
            painter.fillRect(
                self.box(x, plot.prices.top(), x, plot.prices.bottom()), theme.tokens().muted
            )
            text = format_moment(self._axis.moment(self._at))
            painter.setFont(theme.number_font(theme.SMALL_SIZE))
            width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 10
            left = min(max(x - width / 2, 0.0), self.width() - width)
            paint_tag(painter, QRectF(left, plot.volumes.bottom() + 4, width, 18), text)
        self._legend(painter, plot)
        self.draw_focus(painter)

    def _legend(self, painter: QPainter, plot: Plot) -> None:
        """Paint symbol, line style and change of each line, at the crosshair or at the end."""
        colours, at = theme.tokens(), self._at if self._at is not None else plot.visible_range.right
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        texts = [legend_text(*value) for value in self.values_at(at)]
        metrics = QFontMetricsF(painter.font())
        width = max((metrics.horizontalAdvance(text) for text in texts), default=0.0) + 38
        area = QRectF(plot.prices.left(), 4, width, _LEGEND_ROW * len(texts) + 4)
        painter.fillRect(area, faded(colours.panel, 0.85))
        for number, (style, text) in enumerate(zip(line_styles(len(texts)), texts, strict=True)):
            y = area.top() + 2 + _LEGEND_ROW * (number + 0.5)
            painter.setPen(QPen(style.colour, 2, style.dashes))
            painter.drawLine(QPointF(area.left() + 4, y), QPointF(area.left() + 26, y))
            painter.setPen(colours.text)
            place = QRectF(area.left() + 32, y - 8, width, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)

    # Navigation

    def place_at(self, x: float) -> float:
        """Return the second at a pixel."""
        return self.plot().second(x)

    def point_at(self, second: float | None) -> None:
        """Move the crosshair, within the axis, or remove it."""
        self._at = None if second is None else max(0.0, min(second, self._axis.total))
        self._describe()
        self.update()
        self.pointed.emit(self._at)

    def point_at_pixel(self, position: QPointF) -> None:
        """Move the crosshair to the pointer."""
        self.point_at(self.place_at(position.x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the crosshair, pan with Shift, zoom, show everything, or go to the ends."""
        key = Qt.Key(event.key())
        step = KEYS_OF_STEPS.get(key, 0)
        if step and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(step * PAN)
        elif step:
            here = self._at if self._at is not None else self.centre()
            self.point_at(here + step * _STEP / self.plot().scale)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.point_at(0.0 if key == Qt.Key.Key_Home else self._axis.total)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(ZOOM if key == Qt.Key.Key_Minus else 1 / ZOOM)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Escape) and (self._at is not None or self.zoomed):
            self.fit()
            self.point_at(None)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the crosshair."""
        self.point_at(None)
        super().leaveEvent(event)

    def _describe(self) -> None:
        if not self._lines:
            self.setAccessibleDescription("No candles.")
            return
        at = self._at if self._at is not None else self._axis.total
        texts = ", ".join(legend_text(*value) for value in self.values_at(at))
        since, until = format_moment(self.base_time), format_moment(self._axis.moment(at))
        self.setAccessibleDescription(f"Change from {since} to {until}: {texts}.")


def legend_text(symbol: str, percent: float | None) -> str:
    """Return a symbol and its change in percent."""
    return f"{symbol} no candle" if percent is None else f"{symbol} {percent:+,.2f} %"


def line_styles(count: int) -> list[LineStyle]:
    """Return the styles of lines: four colours, first solid and then dashed."""
    colours = theme.tokens()
    inks: tuple[QColor, ...] = (colours.accent, colours.warning, colours.good, colours.danger)
    return [LineStyle(inks[n % len(inks)], _DASHES[n // len(inks) % 2]) for n in range(count)]


def _scale_of(values: list[Floats], plot: Plot) -> Scale:
    lows = [float(each.min()) for each in values if each.size]
    highs = [float(each.max()) for each in values if each.size]
    low, high = min(lows, default=0.0), max(highs, default=0.0)
    margin = (high - low) * 0.05 or 1.0
    return Scale(low - margin, high + margin, plot.prices.bottom(), plot.prices.top())

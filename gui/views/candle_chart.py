"""Candles with volume on a linear time axis: zoom, pan, and a crosshair, by pointer or by keys."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.preview import Candle, Candles
from core.units import format_counted, format_moment
from gui import theme
from gui.clock import follow_time
from gui.views.averages import MovingAverage
from gui.views.candle_paint import CandlePainter
from gui.views.plot import PAD, Plot, paint_tag
from gui.views.time_axis import TimeAxis, VisibleRange
from gui.views.zoomable import PAN, ZOOM, ZoomableChart

_KEYS_OF_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -10,
    Qt.Key.Key_PageDown: 10,
}
_KEYS_OF_ZOOM = {
    Qt.Key.Key_Plus: 1 / ZOOM,
    Qt.Key.Key_Equal: 1 / ZOOM,
    Qt.Key.Key_Minus: ZOOM,
}


class CandleChart(ZoomableChart):
    """One set of candles.

    Signals:
        pointed: the `Candle` under the crosshair, or None when there is no crosshair.
    """

    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Candle chart")
        self._at = -1
        self._pointer: QPointF | None = None
        self._lengths: tuple[int, ...] = ()
        self._logarithmic = False
        self.show_candles(Candles("", "", ()))
        follow_time(self, self._on_zone_changed, ticks=False)  # axis and description have times

    def show_candles(
        self, candles: Candles, span: tuple[int, int] | None = None, *, caption: str = ""
    ) -> None:
        """Show other candles, all of them visible.

        Args:
            candles: candles in order of time.
            span: the ends of an axis that is shared with other charts, see `TimeAxis`.
            caption: the name of the series, for one chart among several.
        """
        self._candles = candles
        self._caption = caption
        self._axis = TimeAxis(candles, span)
        self._painter = CandlePainter(candles, self._axis)
        self._painter.logarithmic = self._logarithmic
        self._average()
        self._visible_range = VisibleRange.complete(self._axis)
        self._text = described(candles)
        self._at = -1
        self._describe()
        self.redraw()
        self.pointed.emit(None)

    @property
    def candles(self) -> Candles:
        """The candles that are shown."""
        return self._candles

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Use a logarithmic price axis, or a linear one."""
        self._logarithmic = self._painter.logarithmic = logarithmic
        self.redraw()

    def set_averages(self, lengths: tuple[int, ...]) -> None:
        """Draw moving averages over these numbers of candles."""
        self._lengths = lengths
        self._average()
        self.redraw()

    def _average(self) -> None:
        floats = self._candles.series.floats
        # Fewer candles than the length have no average.
        usable = [length for length in self._lengths if length <= floats.shape[1]]
        self._painter.averages = tuple(MovingAverage(self._axis, floats, one) for one in usable)

    def point_at(self, when: datetime) -> None:
        """Move the crosshair to the candle at (or next after) a time and make it visible."""
        starts = self._axis.starts
        if len(starts):
            # The next candle: a problem may start in a gap, where there is none.
            at = int(starts.searchsorted(self._axis.second(when)))
            self._go(min(at, len(starts) - 1))

    def follow(self, when: datetime | None) -> None:
        """Move the crosshair to the candle nearest to a time without moving the visible part."""
        self._pointer = None
        self._at = -1 if when is None else self._axis.nearest_start(self._axis.second(when))
        self._describe()
        self.update()

    @property
    def current(self) -> Candle | None:
        """The candle under the crosshair."""
        return self._candles.candles[self._at] if self._at >= 0 else None

    def sizeHint(self) -> QSize:
        """Return the preferred height of the chart."""
        return QSize(480, 326)

    # Drawing

    def plot(self) -> Plot:
        """Return the areas of prices, volumes and labels at the present size."""
        return Plot.of(QRectF(self.rect()), self._visible_range)

    def draw(self, painter: QPainter) -> None:
        """Draw grid, axes, gaps, candles and volumes."""
        self._painter.paint(painter, self.plot(), self)
        if self._caption:
            painter.setPen(theme.tokens().text)
            painter.setFont(theme.bold_font())
            area = QRectF(self.plot().prices).adjusted(0, -PAD, 0, 0)
            top_right = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight
            painter.drawText(area, top_right, self._caption)

    def draw_over(self, painter: QPainter) -> None:
        """Draw crosshair and focus."""
        plot = self.plot()
        if self.current is not None:
            self._draw_crosshair(painter, plot, self.current)
        self.draw_focus(painter)

    def _draw_crosshair(self, painter: QPainter, plot: Plot, candle: Candle) -> None:
        x = self.snapped(plot.x(self._axis.middle(self._at)))
        if not plot.prices.left() <= x <= plot.prices.right():
            return
        pen = QPen(theme.tokens().muted, 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(x, plot.prices.top()), QPointF(x, plot.volumes.bottom()))
        if self._pointer and plot.prices.contains(self._pointer):
            self._painter.price_tag(painter, plot, self._pointer.y())
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        text = format_moment(candle.when)
        width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 10
        # The label stays within the widget at both ends of the axis.
        left = min(max(x - width / 2, 0.0), self.width() - width)
        paint_tag(painter, QRectF(left, plot.volumes.bottom() + 4, width, 18), text)

    # Navigation

    def _go(self, at: int) -> None:
        """Move the crosshair to the nearest existing candle."""
        self._at = max(0, min(at, len(self._candles.candles) - 1)) if self._candles.candles else -1
        if self._at >= 0:
            start = float(self._axis.starts[self._at])
            self.show_part(self._visible_range.showing(start, start + self._axis.step))
        self._describe()
        self.update()
        self.pointed.emit(self.current)

    def clear_pointer(self) -> None:
        """Remove the crosshair."""
        self._at = -1
        self._pointer = None
        self._describe()
        self.update()
        self.pointed.emit(None)

    def place_at(self, x: float) -> float:
        """Return the second at a pixel."""
        return self.plot().second(x)

    def centre(self) -> float:
        """Return the middle of the candle under the crosshair, else of the visible part."""
        return self._axis.middle(self._at) if self._at >= 0 else super().centre()

    def point_at_pixel(self, position: QPointF) -> None:
        """Move the crosshair to the candle nearest to the pointer."""
        self._pointer = position
        self._at = self._axis.nearest(self.place_at(position.x()))
        self.update()
        self.pointed.emit(self.current)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the crosshair, pan with Shift, zoom, show everything, or go to the ends."""
        key = Qt.Key(event.key())
        last = len(self._candles.candles) - 1
        # Shift first, because the plain key is in the same table.
        if key in _KEYS_OF_STEPS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(_KEYS_OF_STEPS[key] * PAN)
        elif key in _KEYS_OF_STEPS:
            step = _KEYS_OF_STEPS[key]
            self._go(self._at + step if self._at >= 0 else (last if step < 0 else 0))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go(0 if key == Qt.Key.Key_Home else last)
        elif key in _KEYS_OF_ZOOM:
            self.zoom(_KEYS_OF_ZOOM[key])
        # Without something to reset, Escape is left to the window.
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Escape) and (self._at >= 0 or self.zoomed):
            self.fit()
            self.clear_pointer()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the price tag; the crosshair stays where it was."""
        self._pointer = None
        self.update()
        super().leaveEvent(event)

    def _on_zone_changed(self) -> None:
        self._text = described(self._candles)
        self._describe()
        self.redraw()

    def _describe(self) -> None:
        candle = self.current
        text = self._text if candle is None else f"{self._text} {candle_text(candle)}"
        self.setAccessibleDescription(text)


def described(candles: Candles) -> str:
    """Return a description of the chart for screen readers."""
    if not candles.candles:
        return "No candles."
    first, last = candles.candles[0], candles.candles[-1]
    highs, lows = candles.series.floats[1:3]
    high = candles.candles[int(highs.argmax())].high
    low = candles.candles[int(lows.argmin())].low
    count = format_counted(len(candles.candles), "candle")
    gaps = format_counted(len(candles.gaps), "gap")
    return (
        f"{count} of {candles.symbol} {candles.timeframe} from {format_moment(first.when)} to "
        f"{format_moment(last.when)}, low {low:,f}, high {high:,f}, last close {last.close:,f}, "
        f"{gaps}."
    )


def candle_text(candle: Candle) -> str:
    """Return a description of a candle for screen readers."""
    return (
        f"At {format_moment(candle.when)}: open {candle.open:,f}, high {candle.high:,f}, "
        f"low {candle.low:,f}, close {candle.close:,f}."
    )

"""Candles with volume: zoom with the wheel, pan by dragging, crosshair by pointer or arrow keys."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from core.preview import Candle, Candles
from core.units import format_moment
from gui import theme
from gui.views.candle_paint import CandlePainter, Plot
from gui.views.candle_slots import Sight, Slots
from gui.views.canvas import Canvas

_ZOOM = 1.25
_KEYS_OF_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -10,
    Qt.Key.Key_PageDown: 10,
}


class CandleChart(Canvas):
    """One set of candles.

    Signals:
        pointed: the `Candle` under the crosshair, or None when there is no crosshair.
    """

    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setMinimumSize(200, 160)
        self.setAccessibleName("Candle chart")
        self._at = -1
        self._pointer: QPointF | None = None
        self._drag: tuple[float, Sight] | None = None
        self.show_candles(Candles("", "", ()))

    def show_candles(self, candles: Candles) -> None:
        """Draw other candles, all of them in sight."""
        self._candles = candles
        self._slots = Slots(candles)
        self._painter = CandlePainter(candles, self._slots)
        self._sight = Sight(0.0, self._slots.total, self._slots.total)
        self._at = -1
        self._describe()
        self.redraw()
        self.pointed.emit(None)

    def point_at(self, when: datetime) -> None:
        """Put the crosshair on the candle at (or next after) a moment and bring it in sight."""
        moments = [candle.when for candle in self._candles.candles]
        if moments:
            self._go(min(bisect_left(moments, when), len(moments) - 1))

    @property
    def current(self) -> Candle | None:
        """The candle under the crosshair."""
        return self._candles.candles[self._at] if self._at >= 0 else None

    @property
    def sight(self) -> Sight:
        """The part of the axis in sight."""
        return self._sight

    def sizeHint(self) -> QSize:
        """Ask for the height of the drawing."""
        return QSize(480, 326)

    # Drawing

    def plot(self) -> Plot:
        """Return where prices, volumes and labels go at the present size."""
        return Plot.of(QRectF(self.rect()), self._sight)

    def draw(self, painter: QPainter) -> None:
        """Draw grid, axes, gaps, candles and volumes."""
        self._painter.paint(painter, self.plot(), self)

    def draw_over(self, painter: QPainter) -> None:
        """Draw crosshair and focus."""
        colours = theme.tokens()
        plot = self.plot()
        if self.current is not None:
            x = self.snapped(plot.x(self._slots.places[self._at] + 0.5))
            pen = QPen(colours.muted, 1)
            pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, plot.prices.top()), QPointF(x, plot.volumes.bottom()))
            if self._pointer and plot.prices.contains(self._pointer):
                self._painter.price_tag(painter, plot, self._pointer.y())
        self.draw_focus(painter)

    # Moving about

    def _go(self, at: int) -> None:
        self._at = max(0, min(at, len(self._candles.candles) - 1)) if self._candles.candles else -1
        if self._at >= 0:
            self._look(self._sight.showing(self._slots.places[self._at]))
        self._describe()
        self.update()
        self.pointed.emit(self.current)

    def _look(self, sight: Sight) -> None:
        if sight != self._sight:
            self._sight = sight
            self.redraw()

    def clear_pointer(self) -> None:
        """Take the crosshair away."""
        self._at = -1
        self._pointer = None
        self._describe()
        self.update()
        self.pointed.emit(None)

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Show `factor` times as many candles around a slot (the crosshair, else the middle)."""
        if around is None:
            middle = self._sight.left + self._sight.width / 2
            around = self._slots.places[self._at] + 0.5 if self._at >= 0 else middle
        self._look(self._sight.zoomed(factor, around))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the crosshair, + and - zoom, Home and End go to the ends."""
        key = Qt.Key(event.key())
        last = len(self._candles.candles) - 1
        if key in _KEYS_OF_STEPS:
            step = _KEYS_OF_STEPS[key]
            self._go(self._at + step if self._at >= 0 else (last if step < 0 else 0))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go(0 if key == Qt.Key.Key_Home else last)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(_ZOOM if key == Qt.Key.Key_Minus else 1 / _ZOOM)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Escape) and (self._at >= 0 or self._zoomed()):
            self._look(Sight(0.0, self._slots.total, self._slots.total))
            self.clear_pointer()
        else:
            super().keyPressEvent(event)

    def _zoomed(self) -> bool:
        return self._sight.width < self._slots.total

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer; sideways or with Shift, move along the time axis."""
        turn = event.angleDelta()
        sideways = turn.x() or (
            turn.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        )
        if sideways:
            self._look(self._sight.moved(-sideways / 120 * self._sight.width / 12))
        elif turn.y():
            around = self.plot().slot(event.position().x())
            self.zoom(_ZOOM ** (-turn.y() / 120), around)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the chart."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag = (event.position().x(), self._sight)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go of the chart."""
        self._drag = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Show everything again."""
        self._look(Sight(0.0, self._slots.total, self._slots.total))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the chart, or put the crosshair on the nearest candle."""
        plot = self.plot()
        if self._drag:
            start, sight = self._drag
            self._look(sight.moved((start - event.position().x()) / plot.slot_width))
            return
        self._pointer = event.position()
        self._at = self._slots.nearest(plot.slot(event.position().x()))
        self.update()
        self.pointed.emit(self.current)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the price tag away; the crosshair stays where it was."""
        self._pointer = None
        self.update()
        super().leaveEvent(event)

    def _describe(self) -> None:
        self.setAccessibleDescription(described(self._candles, self.current))


def described(candles: Candles, current: Candle | None) -> str:
    """Return the chart in words, as a screen reader is told."""
    if not candles.candles:
        return "No candles."
    first, last = candles.candles[0], candles.candles[-1]
    highs, lows = candles.series.floats[1:3]
    high = candles.candles[int(highs.argmax())].high
    low = candles.candles[int(lows.argmin())].low
    text = (
        f"{len(candles.candles):,} candles of {candles.symbol} {candles.timeframe} from"
        f" {format_moment(first.when)} to {format_moment(last.when)}, low {low:,f},"
        f" high {high:,f}, last close {last.close:,f}, {len(candles.gaps)} gaps."
    )
    if current is not None:
        text += (
            f" At {format_moment(current.when)}: open {current.open:,f}, high {current.high:,f},"
            f" low {current.low:,f}, close {current.close:,f}."
        )
    return text

"""The base class of charts over time that are not made of candles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from core.preview import Candles
from core.units import format_moment
from gui import theme
from gui.views.plot import Plot, paint_tag
from gui.views.time_axis import TimeAxis, VisibleRange
from gui.views.zoomable import PAN, ZOOM, ZoomableChart

if TYPE_CHECKING:
    from core.preview.series import Moments

_MICROS = 1_000_000
#: Steps of the crosshair by keys; with Shift they pan.
KEYS_OF_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -10,
    Qt.Key.Key_PageDown: 10,
}


class TimeChart(ZoomableChart):
    """A chart whose crosshair moves from one moment of the data to the next.

    Signals:
        pointed: the number of the moment under the crosshair; -1 without one.
    """

    pointed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._at = -1
        self._visible_range = VisibleRange(0.0, 1.0, 1.0, 1.0)

    def set_times(self, times: Moments, least: float) -> None:
        """Show other moments, all of them visible.

        Args:
            times: microseconds since 1970, rising, shape (n,).
            least: the seconds that are visible at the highest zoom.
        """
        first, last = (int(times[0]), int(times[-1])) if len(times) else (0, 0)
        # A single moment still needs a width.
        end = max(last, first + _MICROS)
        self.axis = TimeAxis(Candles("", "", ()), (first, end))
        self.seconds = (times - first) / _MICROS
        total = self.axis.total
        self._visible_range = VisibleRange(0.0, total, total, min(total, least))
        self._at = -1
        self.redraw()

    @property
    def at(self) -> int:
        """The number of the moment under the crosshair; -1 without one."""
        return self._at

    def moment(self, at: int) -> datetime:
        """Return the time of a moment."""
        return self.axis.moment(float(self.seconds[at]))

    def plot(self) -> Plot:
        """Return the areas at the present size."""
        return Plot.of(QRectF(self.rect()), self._visible_range, volume=0)

    def point_at(self, at: int) -> None:
        """Move the crosshair to a moment and make it visible; -1 removes it."""
        self._at = max(-1, min(at, len(self.seconds) - 1))
        if self._at >= 0:
            second = float(self.seconds[self._at])
            margin = self._visible_range.width * 0.02
            self.show_part(self._visible_range.showing(second - margin, second + margin))
        self.describe()
        self.update()
        self.pointed.emit(self._at)

    def describe(self) -> None:
        """Set the accessible description."""

    def place_at(self, x: float) -> float:
        """Return the second at a pixel."""
        return self.plot().second(x)

    def nearest(self, second: float) -> int:
        """Return the number of the last moment that is not after a position; at least the first."""
        return max(0, int(self.seconds.searchsorted(second, "right")) - 1)

    def point_at_pixel(self, position: QPointF) -> None:
        """Move the crosshair to the moment under the pointer."""
        if len(self.seconds):
            self._at = self.nearest(self.place_at(position.x()))
            self.describe()
            self.update()
            self.pointed.emit(self._at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the crosshair, pan with Shift, zoom, show everything, or go to the ends."""
        key = Qt.Key(event.key())
        step = KEYS_OF_STEPS.get(key, 0)
        if step and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(step * PAN)
        elif step:
            self.point_at(max(0, self._at + step))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.point_at(0 if key == Qt.Key.Key_Home else len(self.seconds) - 1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(ZOOM if key == Qt.Key.Key_Minus else 1 / ZOOM)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Escape) and (self._at >= 0 or self.zoomed):
            self.fit()
            self.point_at(-1)
        else:
            super().keyPressEvent(event)

    def draw_over(self, painter: QPainter) -> None:
        """Draw crosshair and focus."""
        plot = self.plot()
        if self._at >= 0:
            x = self.snapped(plot.x(float(self.seconds[self._at])))
            line = self.box(x, plot.prices.top(), x, plot.prices.bottom())
            painter.fillRect(line, theme.tokens().text)
            text = format_moment(self.moment(self._at))
            painter.setFont(theme.number_font(theme.SMALL_SIZE))
            width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 10
            left = min(max(x - width / 2, 0.0), self.width() - width)
            paint_tag(painter, QRectF(left, plot.volumes.bottom() + 4, width, 18), text)
        self.draw_focus(painter)

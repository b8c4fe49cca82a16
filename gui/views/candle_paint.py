"""How candles, volumes, gaps and axes are painted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from core.preview import Candles
from core.units import zone_name
from gui import theme
from gui.views.candle_slots import Sight, Slots
from gui.views.canvas import Canvas, blended, faded
from gui.views.scale import Scale, ticks, time_label, time_step, time_ticks

_AXIS = 74  # width of the price labels at the right
_VOLUME = 44
_LABELS = 28
_PAD = 16
_LABEL_ROOM = 62  # pixels that one time label needs
#: Narrower candles than this are drawn together, one bar for each pixel.
_NARROW = 1.5


@dataclass(frozen=True, slots=True)
class Plot:
    """The areas of one chart and the part of the time axis that is drawn."""

    prices: QRectF
    volumes: QRectF
    sight: Sight

    @classmethod
    def of(cls, area: QRectF, sight: Sight) -> Plot:
        """Divide an area: prices above, volumes below, labels at the right and at the foot."""
        width = max(40.0, area.width() - 8 - _AXIS)
        volume = _VOLUME if area.height() > 220 else 24
        foot = area.bottom() - _LABELS
        volumes = QRectF(8, foot - volume, width, volume)
        bottom = volumes.top() - 20
        return cls(QRectF(8, _PAD, width, max(40.0, bottom - _PAD)), volumes, sight)

    @property
    def slot_width(self) -> float:
        """Pixels of one slot."""
        return (self.prices.width() - 8) / self.sight.width

    def x(self, slot: float) -> float:
        """Return the pixel of a slot."""
        return self.prices.left() + 4 + (slot - self.sight.left) * self.slot_width

    def slot(self, x: float) -> float:
        """Return the slot at a pixel."""
        return self.sight.left + (x - self.prices.left() - 4) / self.slot_width


@dataclass(frozen=True, slots=True)
class _Bar:
    """One candle, or several that share a pixel."""

    slot: float
    open: float
    high: float
    low: float
    close: float
    volume: float


class CandlePainter:
    """Paints one set of candles; exact values become pixels here and nowhere else."""

    def __init__(self, candles: Candles, slots: Slots) -> None:
        self._candles = candles.candles
        self._floats: list[list[float]] = candles.series.floats.tolist()
        self._slots = slots
        self._scale = Scale(0, 1, 1, 0)
        self._decimals = 0

    def paint(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        """Paint everything but the crosshair."""
        bars = list(self._in_sight(plot))
        if not bars:
            return
        low = min(min(bar.low, bar.high) for bar in bars)
        high = max(max(bar.low, bar.high) for bar in bars)
        if high == low:
            low, high = low - abs(low) * 0.01 - 1e-9, high + abs(high) * 0.01 + 1e-9
        self._scale = Scale(low, high, plot.prices.bottom(), plot.prices.top())
        self._grid(painter, plot, canvas)
        self._time_axis(painter, plot)
        painter.setClipRect(plot.prices.united(plot.volumes).adjusted(0, -1, 0, 1))
        self._shades(painter, plot, canvas)
        self._volume_bars(painter, plot, canvas, bars)
        for bar in bars:
            self._candle(painter, plot, canvas, bar)
        painter.setClipping(False)

    def _in_sight(self, plot: Plot) -> Iterator[_Bar]:
        """Yield the bars to be drawn; many on one pixel are joined."""
        sight = plot.sight
        positions = self._slots.between(sight.left, sight.left + sight.width)
        size = 1 if plot.slot_width >= _NARROW else max(2, int(_NARROW / plot.slot_width) + 1)
        for start in range(positions.start, positions.stop, size):
            yield self._bar(start, min(start + size, positions.stop))

    def _bar(self, start: int, end: int) -> _Bar:
        """Return the candles from `start` to before `end` as one bar."""
        opens, highs, lows, closes, volumes = self._floats
        slot = (self._slots.places[start] + self._slots.places[end - 1]) / 2
        high, low, volume = max(highs[start:end]), min(lows[start:end]), sum(volumes[start:end])
        return _Bar(slot, opens[start], high, low, closes[end - 1], volume)

    def _grid(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        colours = theme.tokens()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        count = max(2, int(plot.prices.height() / 38))
        values, self._decimals = ticks(self._scale.low, self._scale.high, count)
        for value in values:
            y = canvas.snapped(self._scale.at(value))
            line = canvas.box(plot.prices.left() - 8, y, plot.prices.right(), y)
            painter.fillRect(line, faded(colours.line, 0.75))
            painter.setPen(colours.muted)
            label = QRectF(plot.prices.right() + 8, y - 8, _AXIS - 8, 16)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, f"{value:,.{self._decimals}f}")

    def _time_axis(self, painter: QPainter, plot: Plot) -> None:
        positions = self._slots.between(plot.sight.left, plot.sight.left + plot.sight.width)
        moments = [self._candles[at].when for at in positions]
        if not moments:
            return
        span = (moments[-1] - moments[0]).total_seconds()
        step = time_step(span, max(2, int(plot.prices.width() / _LABEL_ROOM)))
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        painter.setPen(theme.tokens().muted)
        corner = QRectF(plot.prices.right() + 8, plot.volumes.bottom() + 6, _AXIS - 8, 16)
        painter.drawText(corner, Qt.AlignmentFlag.AlignVCenter, zone_name(moments[-1]))
        free = 0.0
        for at in time_ticks(moments, step):
            x = plot.x(self._slots.places[positions[at]] + 0.5)
            text = time_label(moments[at], step)
            width = QFontMetricsF(painter.font()).horizontalAdvance(text)
            left = min(max(x - width / 2, plot.prices.left()), plot.prices.right() + 8 - width)
            if left >= free and plot.prices.left() - 4 <= x <= plot.prices.right() + 4:
                area = QRectF(left, plot.volumes.bottom() + 6, width + 2, 16)
                painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
                free = left + width + 12

    def _shades(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        """Mark where candles are missing: shaded and hatched, not by colour alone."""
        colours = theme.tokens()
        for shade in self._slots.shades:
            area = canvas.box(
                plot.x(shade.left), plot.prices.top(), plot.x(shade.right), plot.prices.bottom()
            )
            if area.right() < plot.prices.left() or area.left() > plot.prices.right():
                continue
            painter.fillRect(area, blended(colours.warning, colours.panel, 0.2))
            painter.setPen(QPen(faded(colours.warning, 0.25), 1))
            middle = canvas.snapped(area.center().x()) + 0.5
            painter.drawLine(QPointF(middle, area.top()), QPointF(middle, area.bottom()))

    def _volume_bars(self, painter: QPainter, plot: Plot, canvas: Canvas, bars: list[_Bar]) -> None:
        most = max(bar.volume for bar in bars)
        if most <= 0:
            return
        for bar in bars:
            left, right = self._edges(plot, bar)
            top = plot.volumes.bottom() - plot.volumes.height() * max(0.0, bar.volume) / most
            colour = blended(_colour(bar), theme.tokens().panel, 0.45)
            if bar.volume > 0:
                painter.fillRect(canvas.box(left, top, right, plot.volumes.bottom()), colour)

    def _edges(self, plot: Plot, bar: _Bar) -> tuple[float, float]:
        middle = plot.x(bar.slot + 0.5)
        half = max(0.5, min(plot.slot_width * 0.39, 9.0))
        return middle - half, middle + half

    def _candle(self, painter: QPainter, plot: Plot, canvas: Canvas, bar: _Bar) -> None:
        at = self._scale.at
        left, right = self._edges(plot, bar)
        body = canvas.box(left, at(max(bar.open, bar.close)), right, at(min(bar.open, bar.close)))
        if body.height() < 1:
            body.setHeight(1)
        pixel = 1 / canvas.devicePixelRatioF()
        wick = max(pixel, round(1 / pixel) * pixel if body.width() > 2 else pixel)
        x = canvas.snapped(body.center().x() - wick / 2)
        colour = _colour(bar)
        painter.fillRect(canvas.box(x, at(bar.high), x + wick, at(bar.low)), colour)
        painter.fillRect(body, colour)

    def price_tag(self, painter: QPainter, plot: Plot, y: float) -> None:
        """Paint the price at the pointer's height, on the axis."""
        colours = theme.tokens()
        painter.setPen(QPen(faded(colours.text, 0.5), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(plot.prices.left(), y), QPointF(plot.prices.right(), y))
        text = f"{self._scale.value(y):,.{self._decimals + 1}f}"
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        width = QFontMetricsF(painter.font()).horizontalAdvance(text)
        area = QRectF(plot.prices.right() + 3, y - 9, width + 10, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.text)
        painter.drawRoundedRect(area, 4, 4)
        painter.setPen(colours.panel)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # noqa: FBT003 - Qt's own


def _colour(bar: _Bar) -> QColor:
    colours = theme.tokens()
    return colours.good if bar.close >= bar.open else colours.danger

"""Paints candles, volumes, gaps and axes.

Only visible data is processed, as arrays: see `candle_bars`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen, QTransform

from core.preview import Candles
from core.units import zone_name
from gui import theme
from gui.views.candle_bars import CLOSE, HIGH, LOW, VOLUMES, Bars, CandleBars
from gui.views.canvas import Canvas, blended, faded
from gui.views.scale import Scale, ticks, time_label, time_step, time_ticks
from gui.views.time_axis import TimeAxis, VisibleRange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.int32]

_AXIS = 74  # width of the price labels at the right
#: Heights in pixels of the volumes and of the labels below them, and the padding above.
_VOLUME = 44
_LABELS = 28
_PAD = 16
_LABEL_ROOM = 62  # pixels that one time label needs
#: Gaps at least this many device pixels wide are hatched.
_HATCHED = 6


@dataclass(frozen=True, slots=True)
class Plot:
    """The areas of one chart and the part of the time axis that is drawn."""

    prices: QRectF
    volumes: QRectF
    visible_range: VisibleRange

    @classmethod
    def of(cls, area: QRectF, visible_range: VisibleRange) -> Plot:
        """Divide an area: prices above, volumes below, labels at the right and at the bottom."""
        width = max(40.0, area.width() - 8 - _AXIS)
        # A low chart leaves the height to the prices.
        volume = _VOLUME if area.height() > 220 else 24
        foot = area.bottom() - _LABELS
        volumes = QRectF(8, foot - volume, width, volume)
        bottom = volumes.top() - 20
        return cls(QRectF(8, _PAD, width, max(40.0, bottom - _PAD)), volumes, visible_range)

    @property
    def scale(self) -> float:
        """Pixels of one second."""
        return (self.prices.width() - 8) / self.visible_range.width

    def x(self, second: Any) -> Any:
        """Return the pixel of a position on the axis, or the pixels of an array of positions."""
        return self.prices.left() + 4 + (second - self.visible_range.left) * self.scale

    def second(self, x: float) -> float:
        """Return the position on the axis at a pixel."""
        return self.visible_range.left + (x - self.prices.left() - 4) / self.scale


class CandlePainter:
    """Paints one set of candles; values become pixels here and nowhere else."""

    def __init__(self, candles: Candles, axis: TimeAxis) -> None:
        self._axis = axis
        self._bars = CandleBars(axis, candles.series.floats)
        self._scale = Scale(0, 1, 1, 0)
        self._decimals = 0

    def paint(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        """Paint everything but the crosshair."""
        # One device pixel: on a screen with a ratio of 2 twice as many candles can be drawn.
        pixel = 1 / (plot.scale * canvas.devicePixelRatioF())
        bars = self._bars.visible_bars(plot.visible_range, pixel)
        self._rescale(bars, plot)
        self._grid(painter, plot, canvas)
        self._time_axis(painter, plot, canvas)
        painter.setClipRect(plot.prices.united(plot.volumes).adjusted(0, -1, 0, 1))
        self._shade_gaps(painter, plot, canvas.devicePixelRatioF())
        self._paint_bars(painter, plot, canvas.devicePixelRatioF(), bars)
        painter.setClipping(False)

    def _rescale(self, bars: Bars, plot: Plot) -> None:
        """Fit the price axis to the visible candles; leave it unchanged without any."""
        if not len(bars.middles):
            return
        ends = bars.values[HIGH : LOW + 1]  # a wrong candle may have its low above its high
        low, high = float(ends.min()), float(ends.max())
        # A range of zero would divide by zero; one percent shows the line in the middle.
        if high == low:
            low, high = low - abs(low) * 0.01 - 1e-9, high + abs(high) * 0.01 + 1e-9
        self._scale = Scale(low, high, plot.prices.bottom(), plot.prices.top())

    def _grid(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        colours = theme.tokens()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        # One line for about 38 pixels.
        count = max(2, int(plot.prices.height() / 38))
        values, self._decimals = ticks(self._scale.low, self._scale.high, count)
        for value in values:
            y = canvas.snapped(self._scale.at(value))
            line = canvas.box(plot.prices.left() - 8, y, plot.prices.right(), y)
            painter.fillRect(line, faded(colours.line, 0.75))
            painter.setPen(colours.muted)
            label = QRectF(plot.prices.right() + 8, y - 8, _AXIS - 8, 16)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, f"{value:,.{self._decimals}f}")

    def _time_axis(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        colours, visible_range = theme.tokens(), plot.visible_range
        first, last = self._axis.moment(visible_range.left), self._axis.moment(visible_range.right)
        step = time_step(visible_range.width, max(2, int(plot.prices.width() / _LABEL_ROOM)))
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        corner = QRectF(plot.prices.right() + 8, plot.volumes.bottom() + 6, _AXIS - 8, 16)
        painter.setPen(colours.muted)
        painter.drawText(corner, Qt.AlignmentFlag.AlignVCenter, zone_name(last))
        metrics = QFontMetricsF(painter.font())
        free = 0.0
        for moment in time_ticks(first, last, step):
            x = plot.x(self._axis.second(moment))
            text = time_label(moment, step)
            width = metrics.horizontalAdvance(text)
            left = min(max(x - width / 2, plot.prices.left()), plot.prices.right() - width)
            # Labels never overlap: a label that does not fit is left out.
            if left < free:
                continue
            mark = canvas.box(x, plot.volumes.bottom(), x, plot.volumes.bottom() + 4)
            painter.fillRect(mark, colours.line)
            area = QRectF(left, plot.volumes.bottom() + 6, width + 2, 16)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
            free = left + width + 12

    def _shade_gaps(self, painter: QPainter, plot: Plot, ratio: float) -> None:
        """Mark where candles are missing: shaded and hatched, not by colour alone."""
        import numpy as np

        axis, visible_range, colours = self._axis, plot.visible_range, theme.tokens()
        first = int(axis.gap_ends.searchsorted(visible_range.left))
        end = int(axis.gap_starts.searchsorted(visible_range.right))
        if first >= end:
            return
        runs = _runs(
            plot.x(np.maximum(axis.gap_starts[first:end], visible_range.left)) * ratio,
            plot.x(np.minimum(axis.gap_ends[first:end], visible_range.right)) * ratio,
        )
        ends = (round(y * ratio) for y in (plot.prices.top(), plot.prices.bottom()))
        tops, bottoms = (np.full_like(runs[0], y) for y in ends)
        areas = corners(runs[0], tops, runs[1], bottoms)
        fill_rectangles(painter, areas, blended(colours.warning, colours.panel, 0.2), ratio)
        hatch = QBrush(faded(colours.warning, 0.35), Qt.BrushStyle.BDiagPattern)
        hatch.setTransform(QTransform.fromScale(ratio, ratio))
        fill_rectangles(painter, areas[runs[1] - runs[0] >= _HATCHED], hatch, ratio)

    def _paint_bars(self, painter: QPainter, plot: Plot, ratio: float, bars: Bars) -> None:
        """Paint volumes and candles aligned to device pixels, those of one colour in one call."""
        import numpy as np

        if not len(bars.middles):
            return
        colours, up = theme.tokens(), bars.up
        middles = np.floor(plot.x(bars.middles) * ratio).astype(np.int32)
        # Bodies take 78 % of the step, so that neighbours do not touch, and at most 19 pixels.
        half = 0 if bars.joined else int(min(self._axis.step * plot.scale * 0.39, 9.0) * ratio)
        lefts, rights = middles - half, middles + half + 1
        volumes = self._volume_boxes(plot, ratio, bars, lefts, rights)
        prices = self._price_boxes(ratio, bars, middles, lefts, rights)
        for which, colour in ((up, colours.good), (~up, colours.danger)):
            pale = blended(colour, colours.panel, 0.45)
            fill_rectangles(painter, volumes[which & (bars.values[VOLUMES] > 0)], pale, ratio)
            for boxes in prices:
                fill_rectangles(painter, boxes[which], colour, ratio)

    def _volume_boxes(self, plot: Plot, ratio: float, bars: Bars, lefts: Any, rights: Any) -> Any:
        import numpy as np

        volumes = np.maximum(bars.values[VOLUMES], 0)
        most = float(volumes.max()) or 1.0
        bottom = round(plot.volumes.bottom() * ratio)
        tops = bottom - np.rint(volumes / most * plot.volumes.height() * ratio).astype(np.int32)
        return corners(lefts, tops, rights, np.full_like(tops, bottom))

    def _price_boxes(
        self, ratio: float, bars: Bars, middles: Any, lefts: Any, rights: Any
    ) -> tuple[Any, ...]:
        """Return the wicks, and the bodies unless candles are joined."""
        import numpy as np

        pixels = np.rint(self._scale.at(bars.values[: CLOSE + 1]) * ratio).astype(np.int32)
        opens, highs, lows, closes = pixels
        thick = max(1, round(ratio)) if rights[0] - lefts[0] > 2 else 1
        wick = middles - (thick - 1) // 2
        wicks = corners(wick, np.minimum(highs, lows), wick + thick, np.maximum(highs, lows))
        if bars.joined:
            return (wicks,)
        bodies = corners(lefts, np.minimum(opens, closes), rights, np.maximum(opens, closes))
        return wicks, bodies

    def price_tag(self, painter: QPainter, plot: Plot, y: float) -> None:
        """Paint the price at the pointer's height, on the axis."""
        colours = theme.tokens()
        painter.setPen(QPen(faded(colours.text, 0.5), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(plot.prices.left(), y), QPointF(plot.prices.right(), y))
        text = f"{self._scale.value(y):,.{self._decimals + 1}f}"
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        width = QFontMetricsF(painter.font()).horizontalAdvance(text)
        paint_tag(painter, QRectF(plot.prices.right() + 3, y - 9, width + 10, 18), text)


def paint_tag(painter: QPainter, area: QRectF, text: str) -> None:
    """Paint a text on a dark background, like the label of a crosshair."""
    colours = theme.tokens()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.text)
    painter.drawRoundedRect(area, 4, 4)
    painter.setPen(colours.panel)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # noqa: FBT003 - Qt's own


def _runs(lefts: Any, rights: Any) -> tuple[Any, Any]:
    """Return rising stretches as integer pixels, each at least one wide, touching ones joined."""
    import numpy as np

    starts = np.floor(lefts).astype(np.int32)
    ends = np.maximum(np.rint(rights).astype(np.int32), starts + 1)
    apart = np.append(True, starts[1:] > np.maximum.accumulate(ends)[:-1])
    first = np.flatnonzero(apart)
    return starts[first], np.maximum.reduceat(ends, first)


def corners(lefts: Pixels, tops: Pixels, rights: Pixels, bottoms: Pixels) -> Pixels:
    """Return rectangles between device pixels, the right and bottom ones excluded, shape (n, 4).

    Each is at least one pixel wide and high. This is how a `QRect` lies in memory: four 32-bit
    integers, the last pixel included.
    """
    import numpy as np

    found = np.empty((len(lefts), 4), np.int32)
    found[:, 0], found[:, 1] = lefts, tops
    found[:, 2], found[:, 3] = np.maximum(rights - 1, lefts), np.maximum(bottoms - 1, tops)
    return found


def fill_rectangles(painter: QPainter, found: Pixels, fill: QColor | QBrush, ratio: float) -> None:
    """Fill rectangles returned by `corners` on a device with a given pixel ratio.

    One call for all of them: creating thousands of `QRect` objects in Python would take longer than
    painting them.
    """
    if not len(found):
        return
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    first = shiboken6.wrapInstance(found.ctypes.data, QRect)
    assert isinstance(first, QRect)
    # Reads the array directly, which exists until the call returns.
    painter.drawRects(first, len(found))
    painter.restore()

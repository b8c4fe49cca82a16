"""Paints candles, volumes, gaps and axes.

Only visible data is processed, as arrays: see `candle_bars`.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QPainter, QPen, QTransform

from core.preview import Candles
from core.preview.candle_blocks import CLOSE, HIGH, LOW, VOLUME
from gui import theme
from gui.views.averages import LENGTHS, MovingAverage
from gui.views.candle_bars import Bars, CandleBars
from gui.views.canvas import Canvas, blended, faded
from gui.views.line_paint import paint_line
from gui.views.pixels import corners, fill_rectangles
from gui.views.plot import (
    AXIS,
    PAD,
    Plot,
    average_styles,
    paint_axis_number,
    paint_tag,
    paint_time_axis,
)
from gui.views.scale import LogScale, Scale, log_ticks, ticks
from gui.views.time_axis import TimeAxis

#: Gaps at least this many device pixels wide are hatched.
_HATCHED = 6


class CandlePainter:
    """Paints one set of candles; values become pixels here and nowhere else.

    Attributes:
        logarithmic: whether equal ratios of prices have equal heights.
        averages: the moving averages to be drawn.
    """

    def __init__(self, candles: Candles, axis: TimeAxis) -> None:
        self.logarithmic = False
        self.averages: tuple[MovingAverage, ...] = ()
        self._axis = axis
        self._bars = CandleBars(axis.starts, axis.step, candles.series.blocks)
        self._scale: Scale | LogScale = Scale(0, 1, 1, 0)
        self._decimals = 0

    def paint(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        """Paint everything but the crosshair."""
        # One device pixel: on a screen with a ratio of 2 twice as many candles can be drawn.
        pixel = 1 / (plot.scale * canvas.devicePixelRatioF())
        bars = self._bars.visible_bars(plot.visible_range, pixel)
        self._rescale(bars, plot)
        self._grid(painter, plot, canvas)
        paint_time_axis(painter, self._axis, plot, canvas)
        # The names of averages are above the prices.
        painter.setClipRect(plot.prices.united(plot.volumes).adjusted(0, -PAD, 0, 1))
        self._shade_gaps(painter, plot, canvas.devicePixelRatioF())
        self._paint_bars(painter, plot, canvas.devicePixelRatioF(), bars)
        self._paint_averages(painter, plot, canvas.devicePixelRatioF())
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
        # A price of zero has no logarithm: such data has a linear scale.
        kind = LogScale if self.logarithmic and low > 0 else Scale
        self._scale = kind(low, high, plot.prices.bottom(), plot.prices.top())

    def _grid(self, painter: QPainter, plot: Plot, canvas: Canvas) -> None:
        colours = theme.tokens()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        # One line for about 38 pixels.
        count = max(2, int(plot.prices.height() / 38))
        make = log_ticks if isinstance(self._scale, LogScale) else ticks
        values, self._decimals = make(self._scale.low, self._scale.high, count)
        for value in values:
            y = canvas.snapped(self._scale.at(value))
            line = canvas.box(plot.prices.left() - 8, y, plot.prices.right(), y)
            painter.fillRect(line, faded(colours.line, 0.75))
            painter.setPen(colours.muted)
            paint_axis_number(painter, plot, y, value, self._decimals)

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
            fill_rectangles(painter, volumes[which & (bars.values[VOLUME] > 0)], pale, ratio)
            for boxes in prices:
                fill_rectangles(painter, boxes[which], colour, ratio)

    def _volume_boxes(self, plot: Plot, ratio: float, bars: Bars, lefts: Any, rights: Any) -> Any:
        import numpy as np

        volumes = np.maximum(bars.values[VOLUME], 0)
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

    def _paint_averages(self, painter: QPainter, plot: Plot, ratio: float) -> None:
        """Paint each average as a line; colour and dashes distinguish them."""
        pixel = 1 / (plot.scale * ratio)
        left = plot.prices.left() + 4
        styles = dict(zip(LENGTHS, average_styles(), strict=True))
        for average in self.averages:
            style = styles[average.length]
            bars = average.visible_bars(plot.visible_range, pixel)
            paint_line(painter, plot, bars, self._scale.at, style, ratio)
            painter.setPen(QPen(style.colour, 1.5, style.dashes))
            painter.setFont(theme.number_font(theme.SMALL_SIZE))
            text = f"MA {average.length}"
            painter.drawLine(QPointF(left, 8), QPointF(left + 18, 8))
            painter.drawText(QRectF(left + 22, 0, 60, 16), Qt.AlignmentFlag.AlignVCenter, text)
            left += 30 + QFontMetricsF(painter.font()).horizontalAdvance(text)

    def price_tag(self, painter: QPainter, plot: Plot, y: float) -> None:
        """Paint the price at the pointer's height, on the axis."""
        colours = theme.tokens()
        painter.setPen(QPen(faded(colours.text, 0.5), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(plot.prices.left(), y), QPointF(plot.prices.right(), y))
        text = f"{self._scale.value(y):,.{self._decimals + 1}f}"
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        width = QFontMetricsF(painter.font()).horizontalAdvance(text)
        # A long number covers a part of the chart, and is never cut off.
        left = min(plot.prices.right() + 3, plot.prices.right() + AXIS - width - 10)
        paint_tag(painter, QRectF(left, y - 9, width + 10, 18), text)


def _runs(lefts: Any, rights: Any) -> tuple[Any, Any]:
    """Return rising stretches as integer pixels, each at least one wide, touching ones joined."""
    import numpy as np

    starts = np.floor(lefts).astype(np.int32)
    ends = np.maximum(np.rint(rights).astype(np.int32), starts + 1)
    apart = np.append(True, starts[1:] > np.maximum.accumulate(ends)[:-1])
    first = np.flatnonzero(apart)
    return starts[first], np.maximum.reduceat(ends, first)

"""Paints the line of many values: a stretch from the lowest to the highest one for each pixel.

Qt's pens take 10 ms for a jagged line of 1,600 points, as every crossing of its outline is
computed. Where there are more values than pixels, a line is therefore painted as one rectangle per
pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen

from core.preview.candle_blocks import CLOSE, HIGH, LOW, OPEN
from gui.views.candle_bars import Bars
from gui.views.pixels import corners, fill_rectangles
from gui.views.plot import LineStyle, Plot

if TYPE_CHECKING:
    from collections.abc import Callable

#: The length of a pattern and its painted beginning in pixels, as Qt has them for a width of 1.5.
_PATTERNS = {Qt.PenStyle.DashLine: (9, 6), Qt.PenStyle.DotLine: (4, 2)}


def paint_line(
    painter: QPainter,
    plot: Plot,
    bars: Bars,
    pixel_of: Callable[[Any], Any],
    style: LineStyle,
    ratio: float,
) -> None:
    """Paint one line.

    Args:
        painter: the painter of the chart.
        plot: the areas of the chart.
        bars: the visible bars of the line.
        pixel_of: returns the pixels of values.
        style: colour, dashes and width.
        ratio: device pixels per pixel.
    """
    if bars.joined:
        _paint_columns(painter, plot, bars, pixel_of, style, ratio)
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(style.colour, style.width, style.dashes))
    xs, ys = plot.x(bars.middles).tolist(), pixel_of(bars.values[CLOSE]).tolist()
    painter.drawPolyline([QPointF(x, y) for x, y in zip(xs, ys, strict=True)])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # noqa: FBT003 - Qt's own


def _paint_columns(
    painter: QPainter,
    plot: Plot,
    bars: Bars,
    pixel_of: Callable[[Any], Any],
    style: LineStyle,
    ratio: float,
) -> None:
    import numpy as np

    xs = np.floor(plot.x(bars.middles) * ratio).astype(np.int32)
    tops, bottoms = column_ends(xs, pixel_of(bars.values[: CLOSE + 1]) * ratio)
    thick = max(1.0, style.width * ratio / 2)
    tops = np.rint(tops - thick / 2).astype(np.int32)
    bottoms = np.rint(bottoms + thick / 2).astype(np.int32)
    length, painted = _PATTERNS.get(style.dashes, (1, 1))
    used = (xs / ratio) % length < painted
    boxes = corners(xs, tops, xs + max(1, round(thick)), bottoms)
    fill_rectangles(painter, boxes[used], style.colour, ratio)
    _paint_steps(painter, bars, xs, pixel_of, style, ratio)


def column_ends(xs: Any, values: Any) -> tuple[Any, Any]:
    """Return the highest and lowest pixel of the line in each column, both of shape (n,).

    Neighbouring columns meet halfway between the last value of one and the first of the other.

    Args:
        xs: the columns, rising, shape (n,).
        values: the pixels of the first, highest, lowest and last value of each, shape (4, n).
    """
    import numpy as np

    # Pixels grow downwards, and a negative base of percentages exchanges high and low.
    tops, bottoms = np.minimum(values[HIGH], values[LOW]), np.maximum(values[HIGH], values[LOW])
    middles = (values[CLOSE, :-1] + values[OPEN, 1:]) / 2
    beside = xs[1:] - xs[:-1] <= 1
    for ends, extreme in ((tops, np.minimum), (bottoms, np.maximum)):
        ends[1:] = np.where(beside, extreme(ends[1:], middles), ends[1:])
        ends[:-1] = np.where(beside, extreme(ends[:-1], middles), ends[:-1])
    return tops, bottoms


def _paint_steps(
    painter: QPainter,
    bars: Bars,
    xs: Any,
    pixel_of: Callable[[Any], Any],
    style: LineStyle,
    ratio: float,
) -> None:
    """Paint straight lines where candles are missing for longer than a pixel."""
    apart = (xs[1:] - xs[:-1] > 1).nonzero()[0]
    if not len(apart):
        return
    lasts, firsts = pixel_of(bars.values[CLOSE, apart]), pixel_of(bars.values[OPEN, apart + 1])
    painter.setPen(QPen(style.colour, 1, style.dashes))
    ends = (xs[apart] / ratio, lasts, xs[apart + 1] / ratio, firsts)
    for x, y, other_x, other_y in zip(*(each.tolist() for each in ends), strict=True):
        painter.drawLine(QPointF(x, y), QPointF(other_x, other_y))

"""Lines with more values than pixels have, in each column of pixels, the extremes of all values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from gui.views.candle_bars import CandleBars
from gui.views.line_paint import column_ends, paint_line
from gui.views.plot import LineStyle, Plot
from gui.views.scale import Scale
from gui.views.time_axis import VisibleRange

WIDTH, HEIGHT = 400, 200
INK = QColor(10, 20, 30)


def walk(count, seed=1):
    return np.cumsum(np.random.default_rng(seed).normal(0, 1, count))


def plotted(seconds):
    visible = VisibleRange(0.0, float(seconds), float(seconds), 1.0)
    return Plot.of(QRectF(0, 0, WIDTH, HEIGHT), visible, volume=0)


@given(count=st.integers(2_000, 60_000), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_each_column_has_the_extremes_of_its_values(count, seed):
    values = walk(count, seed)
    plot = plotted(count)
    bars = CandleBars.of_line(np.arange(count) * 1.0, 1.0, values).visible_bars(
        plot.visible_range, 1 / plot.scale
    )
    assert bars.joined
    assert len(bars.middles) <= WIDTH
    assert bars.values[1].max() == values.max()
    assert bars.values[2].min() == values.min()
    # The values of a column are those of its pixel, up to one block of a quarter of a pixel.
    pixel, slack = 1 / plot.scale, 1 / plot.scale / 4
    for middle, high, low in zip(bars.middles, bars.values[1], bars.values[2], strict=True):
        inner = values[int(middle - pixel / 2 + slack) + 1 : int(middle + pixel / 2 - slack)]
        outer = values[
            max(0, int(middle - pixel / 2 - slack)) : int(middle + pixel / 2 + slack) + 2
        ]
        assert inner.max() <= high <= outer.max()
        assert outer.min() <= low <= inner.min()


def test_neighbouring_columns_meet_and_distant_ones_do_not():
    values = np.array([[5.0, 9, 1], [5, 9, 1], [5, 9, 1], [5, 9, 1]])
    tops, bottoms = column_ends(np.array([0, 1, 5]), values)
    assert tops.tolist() == [5, 7, 1]
    assert bottoms.tolist() == [7, 9, 1]


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("count", [100, 50_000])
def test_a_line_is_painted_between_its_extremes_without_holes(qapp, count, ratio):
    values, plot = walk(count), plotted(count)
    scale = Scale(values.min(), values.max(), plot.prices.bottom(), plot.prices.top())
    drawn = painted(count, values, plot, scale, Qt.PenStyle.SolidLine, ratio)
    rows = drawn.any(axis=1).nonzero()[0] / ratio
    assert rows.min() == pytest.approx(plot.prices.top(), abs=2)
    assert rows.max() == pytest.approx(plot.prices.bottom(), abs=2)
    inside = drawn[
        :, int((plot.prices.left() + 6) * ratio) : int((plot.prices.right() - 8) * ratio)
    ]
    assert inside.any(axis=0).all()


def test_dashes_leave_columns_out(qapp):
    count, plot = 50_000, plotted(50_000)
    values = walk(count)
    scale = Scale(values.min(), values.max(), plot.prices.bottom(), plot.prices.top())
    dashed = painted(count, values, plot, scale, Qt.PenStyle.DashLine, 1.0)
    share = dashed[:, 20:300].any(axis=0).mean()
    assert 0.5 < share < 0.8


def test_a_gap_is_crossed_by_a_straight_line(qapp):
    starts = np.append(np.arange(5_000), np.arange(9_000, 14_000)) * 1.0
    plot, values = plotted(14_000), np.zeros(10_000)
    values[5_000:] = 1
    bars = CandleBars.of_line(starts, 1.0, values)
    drawn = drawn_bars(bars, plot, Scale(-1, 2, 150, 20), Qt.PenStyle.SolidLine, 1.0)
    assert drawn[:, int(plot.x(7_000))].any()


def painted(count, values, plot, scale, dashes, ratio):
    bars = CandleBars.of_line(np.arange(count) * 1.0, 1.0, values)
    return drawn_bars(bars, plot, scale, dashes, ratio)


def drawn_bars(bars, plot, scale, dashes, ratio):
    """Return which device pixels a line covers, shape (height, width)."""
    image = QImage(int(WIDTH * ratio), int(HEIGHT * ratio), QImage.Format.Format_Grayscale8)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    visible = bars.visible_bars(plot.visible_range, 1 / (plot.scale * ratio), beyond=1)
    paint_line(painter, plot, visible, scale.at, LineStyle(INK, dashes), ratio)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return pixels[:, : image.width()] < 200

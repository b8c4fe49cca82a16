"""Order books over time as a heat map: a column for each book, darker where more is offered."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, qRgb
from PySide6.QtWidgets import QWidget

from core.preview import BookHistory
from core.preview.values import DEGREES
from core.units import format_counted, format_moment
from gui import theme
from gui.views.candle_bars import CandleBars
from gui.views.canvas import blended
from gui.views.line_paint import paint_line
from gui.views.plot import LineStyle, Plot, paint_axis_number, paint_time_axis
from gui.views.scale import Scale, ticks
from gui.views.time_chart import TimeChart

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.preview.series import Floats

    Cells = NDArray[np.uint8]

#: Columns are joined in blocks of this many, and blocks again, while there are more than `_MANY`.
_BLOCK, _MANY = 4, 2_000
#: The lines of the best bid and the best ask.
_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine)
#: Books visible at the highest zoom.
_LEAST_BOOKS = 8
#: The least share of a side's colour, so that small quantities differ from the background.
_PALEST = 0.12


class HeatChart(TimeChart):
    """Quantities by price and time: bids below, asks above, lines at the best prices."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Order books over time")
        self._history: BookHistory | None = None

    def show_history(self, history: BookHistory) -> None:
        """Show other order books, all of them visible."""
        self._history = history
        # Cells of a column are next to each other in memory: a part of the time is then one block.
        self._blocks = _blocks_of(history.heat.cells.T)
        span = (int(history.times[-1]) - int(history.times[0])) / 1_000_000
        step = span / max(1, len(history.times))
        self.set_times(history.times, step * _LEAST_BOOKS)
        self._best = tuple(_line_of(self.seconds, step, prices) for prices in history.heat.best)
        self.describe()

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(480, 240)

    def describe(self) -> None:
        """Describe the order book under the crosshair, else all of them."""
        history = self._history
        if history is None:
            return
        count = format_counted(len(history.books), "order book")
        first, last = (format_moment(self.moment(at)) for at in (0, -1))
        text = f"{count} of {history.symbol} from {first} to {last}."
        if self.at >= 0:
            bid, ask = history.heat.best[:, self.at].tolist()
            when = format_moment(self.moment(self.at))
            text = f"{text} At {when}: best bid {bid:,.8g}, best ask {ask:,.8g}."
        self.setAccessibleDescription(text)

    def draw(self, painter: QPainter) -> None:
        """Draw the cells, the best prices, and the axes."""
        history = self._history
        if history is None:
            return
        plot = self.plot()
        scale = Scale(history.heat.low, history.heat.high, plot.prices.bottom(), plot.prices.top())
        self._draw_cells(painter, plot)
        painter.setClipRect(plot.prices)
        self._draw_best(painter, plot, scale)
        painter.setClipping(False)
        self._draw_prices(painter, plot, scale)
        paint_time_axis(painter, self.axis, plot, self)

    def _draw_cells(self, painter: QPainter, plot: Plot) -> None:
        import numpy as np

        width = max(1, int(plot.prices.width() * self.devicePixelRatioF()))
        lefts = plot.visible_range.left + np.arange(width) / width * plot.visible_range.width
        # The book of each pixel is the last one that is not after it.
        places = np.maximum(self.seconds.searchsorted(lefts, "right") - 1, 0)
        shown = int(places[-1] - places[0]) + 1
        size, cells = 1, self._blocks[0]
        for number, coarser in enumerate(self._blocks[1:], 1):
            if _BLOCK**number * width <= shown:
                size, cells = _BLOCK**number, coarser
        picture = cells[places // size].T
        height = max(1, int(plot.prices.height() * self.devicePixelRatioF()))
        if len(picture) > height:
            # Qt would draw some of the rows and skip the others.
            edges = np.arange(height) * len(picture) // height
            picture = np.maximum.reduceat(picture, edges, axis=0)
        picture = np.ascontiguousarray(picture)
        rows, columns = picture.shape
        image = QImage(picture.data, columns, rows, columns, QImage.Format.Format_Indexed8)
        image.setColorTable(_colours(dark=theme.tokens().dark))
        painter.drawImage(plot.prices, image, QRectF(0, 0, columns, rows))

    def _draw_best(self, painter: QPainter, plot: Plot, scale: Scale) -> None:
        """Draw the best bid as a solid and the best ask as a dashed line."""
        ratio = self.devicePixelRatioF()
        pixel = 1 / (plot.scale * ratio)
        for line, dashes in zip(self._best, _DASHES, strict=True):
            bars = line.visible_bars(plot.visible_range, pixel, beyond=1)
            style = LineStyle(theme.tokens().text, dashes, 1)
            paint_line(painter, plot, bars, scale.at, style, ratio)

    def _draw_prices(self, painter: QPainter, plot: Plot, scale: Scale) -> None:
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        painter.setPen(theme.tokens().muted)
        count = max(2, int(plot.prices.height() / 38))
        values, decimals = ticks(scale.low, scale.high, count)
        for value in values:
            paint_axis_number(painter, plot, scale.at(value), value, decimals)


def _line_of(seconds: Floats, step: float, prices: Floats) -> CandleBars:
    """Return the line of the best prices of one side, without books that have none."""
    import numpy as np

    known = ~np.isnan(prices)
    return CandleBars.of_line(seconds[known], step, prices[known])


def _blocks_of(cells: Cells) -> list[Cells]:
    """Return the columns, and ever larger blocks of them with their largest quantities."""
    import numpy as np

    found = [np.ascontiguousarray(cells)]
    while len(found[-1]) > _MANY:
        last = found[-1]
        edges = np.arange(0, len(last), _BLOCK)
        # The degrees of asks are above those of bids: where both occur in a block, the ask wins,
        # which only concerns prices that the market has crossed within a fraction of a pixel.
        found.append(np.maximum.reduceat(last, edges, axis=0))
    return found


@cache
def _colours(*, dark: bool) -> list[int]:
    """Return the colours of the cells of a theme: background, bids and asks by degree."""
    tokens = theme.DARK if dark else theme.LIGHT
    found = [tokens.panel.rgb()]
    for colour in (tokens.good, tokens.danger):
        for degree in range(DEGREES):
            share = _PALEST + (1 - _PALEST) * degree / (DEGREES - 1)
            found.append(blended(colour, tokens.panel, share).rgb())
    return found + [qRgb(0, 0, 0)] * (256 - len(found))

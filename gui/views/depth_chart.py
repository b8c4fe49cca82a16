"""The depth chart of an order book: cumulative quantity between a price and the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from core.preview import Book, Level
from gui import theme
from gui.views.canvas import blended, faded
from gui.views.scale import Scale, axis_number, short_number, ticks
from gui.views.time_axis import VisibleRange
from gui.views.zoomable import PAN, ZOOM, ZoomableChart

if TYPE_CHECKING:
    from core.preview.series import Floats

#: Pixels below, above and at the right of the drawing, for the labels.
_FOOT, _TOP, _AXIS = 28, 16, 56
#: Pixels of one label of a price.
_LABEL_ROOM = 90
_STEP = 8  # pixels by which an arrow key moves the crosshair
#: The part of the order book that is visible at the highest zoom.
_LEAST = 0.005


class _Side:
    """One side of the order book from the middle outwards, as floats for painting only.

    `distances` are those of the levels from the best price, rising; `totals` the cumulative
    quantity up to each of them.
    """

    def __init__(self, levels: Sequence[Level], floats: Floats, sign: int) -> None:
        import numpy as np

        self.sign = sign
        self._levels = levels
        self.prices: Floats = floats[0]
        self.distances: Floats = floats[0] * sign
        # Floats suffice for pixels; exact quantities come from the levels.
        self.totals: Floats = np.cumsum(floats[1])

    def total_at(self, price: float) -> float:
        """Return the cumulative quantity between the middle and a price."""
        count = self._count(price)
        return float(self.totals[count - 1]) if count else 0.0

    def level_at(self, price: float) -> Level | None:
        """Return the last level between the middle and a price, None if there is none."""
        count = self._count(price)
        return self._levels[count - 1] if count else None

    def _count(self, price: float) -> int:
        # The tolerance includes the level at the price itself in spite of rounding errors.
        return int(self.distances.searchsorted(price * self.sign + 1e-12, "right"))

    def steps(self, across: Scale, pixel: float) -> tuple[Any, Any]:
        """Return the pixels of the visible levels, and their totals.

        Levels that share a pixel become one, with the total of the last of them.
        """
        import numpy as np

        near, far = sorted((across.low * self.sign, across.high * self.sign))
        first = max(0, int(self.distances.searchsorted(near)) - 1)
        end = int(self.distances.searchsorted(far, "right")) + 1
        places = across.at(self.prices[first:end])
        columns = np.floor(places / pixel)
        last = np.append(columns[1:] != columns[:-1], True)
        return places[last], self.totals[first:end][last]


class DepthChart(ZoomableChart):
    """Bids at the left, asks at the right; zoom, pan and a crosshair, by pointer or by keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Depth chart")
        self._pointer: float | None = None
        self.show_book(Book("", None, (), ()))

    def show_book(self, book: Book) -> None:
        """Show another order book, all of it visible."""
        self._bids = _Side(book.bids, book.floats[0], -1)
        self._asks = _Side(book.asks, book.floats[1], 1)
        sides = [side.prices for side in (self._bids, self._asks) if len(side.prices)]
        self._middle = float(sum(prices[0] for prices in sides)) / len(sides) if sides else 0.0
        ends = (abs(float(prices[-1]) - self._middle) for prices in sides)
        # With a single price the chart still needs a width.
        reach = max(*ends, abs(self._middle) * 1e-6, 1e-12)
        self._lowest = self._middle - reach
        self._visible_range = VisibleRange(0.0, 2 * reach, 2 * reach, 2 * reach * _LEAST)
        self._pointer = self._drag = None
        self.setAccessibleDescription(described(book))
        self.redraw()

    def sizeHint(self) -> QSize:
        """Return the preferred size, a flat area above the ladder."""
        return QSize(480, 240)

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(8, _TOP, -_AXIS, -_FOOT)

    def _across(self) -> Scale:
        area, low = self._area(), self._lowest + self._visible_range.left
        return Scale(low, low + self._visible_range.width, area.left(), area.right())

    def _scales(self) -> tuple[Scale, Scale]:
        area, across = self._area(), self._across()
        ends = self._bids.total_at(across.low), self._asks.total_at(across.high)
        # A little more than the largest sum, so that the curve does not touch the edge; never zero.
        return across, Scale(0, max(*ends, 1e-12) * 1.05, area.bottom(), area.top())

    def draw(self, painter: QPainter) -> None:
        """Draw axes and both sides."""
        if not (len(self._bids.prices) or len(self._asks.prices)):
            return
        colours = theme.tokens()
        across, up = self._scales()
        self._axes(painter, across, up)
        painter.setClipRect(self._area())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._side(painter, self._bids, colours.good, across, up)
        self._side(painter, self._asks, colours.danger, across, up)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # noqa: FBT003 - Qt's own
        x = self.snapped(across.at(self._middle))
        painter.fillRect(self.box(x, self._area().top(), x, self._area().bottom()), colours.line)
        painter.setClipping(False)

    def _axes(self, painter: QPainter, across: Scale, up: Scale) -> None:
        colours, area = theme.tokens(), self._area()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        for value in ticks(up.low, up.high, max(2, int(area.height() / 44)))[0]:
            y = self.snapped(up.at(value))
            painter.fillRect(self.box(0, y, area.right(), y), faded(colours.line, 0.75))
            painter.setPen(colours.muted)
            label = QRectF(area.right() + 8, y - 8, _AXIS - 8, 16)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, short_number(value))
        values, decimals = ticks(across.low, across.high, max(2, int(area.width() / _LABEL_ROOM)))
        metrics = QFontMetricsF(painter.font())
        for value in values:
            text = axis_number(
                value, decimals, lambda text: metrics.horizontalAdvance(text) < _LABEL_ROOM
            )
            width = metrics.horizontalAdvance(text) + 2
            left = min(max(across.at(value) - width / 2, 8), self.width() - width)
            painter.drawText(
                QRectF(left, area.bottom() + 6, width, 16), Qt.AlignmentFlag.AlignVCenter, text
            )

    def _side(
        self, painter: QPainter, side: _Side, colour: QColor, across: Scale, up: Scale
    ) -> None:
        """Fill the visible steps of one side."""
        if not len(side.prices):
            return
        places, totals = side.steps(across, 1 / self.devicePixelRatioF())
        points = [QPointF(float(places[0]), up.at(0))]
        for x, y in zip(places.tolist(), up.at(totals).tolist(), strict=True):
            # A step: the quantity changes at a price, not between two prices.
            points += [QPointF(x, points[-1].y()), QPointF(x, y)]
        filled = QPolygonF([*points, QPointF(points[-1].x(), up.at(0))])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(blended(colour, theme.tokens().panel, 0.22))
        painter.drawPolygon(filled)
        painter.setPen(QPen(colour, 1.5))
        painter.drawPolyline(QPolygonF(points))

    def draw_over(self, painter: QPainter) -> None:
        """Draw the price at the crosshair and the cumulative quantity."""
        if self._pointer is not None:
            self._crosshair(painter, self._pointer)
        self.draw_focus(painter)

    def _crosshair(self, painter: QPainter, x: float) -> None:
        colours, area = theme.tokens(), self._area()
        across, _ = self._scales()
        price = across.value(x)
        rising = price >= self._middle
        side = self._asks if rising else self._bids
        level = side.level_at(price)
        pen = QPen(colours.muted, 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if level is None:
            text = f"{price:,.{ticks(across.low, across.high, 5)[1] + 1}f} · nothing up to here"
        else:
            total = short_number(side.total_at(price))
            name = "ask" if rising else "bid"
            text = f"{name} {level.price:,f} · {level.quantity:,f} here, {total} up to here"
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        painter.setPen(colours.text)
        width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 4
        left = x + 8 if x + 8 + width < self.width() else x - 8 - width
        painter.drawText(QRectF(left, 0, width, 16), Qt.AlignmentFlag.AlignVCenter, text)

    # Navigation

    def place_at(self, x: float) -> float:
        """Return the distance from the lowest price at a pixel."""
        return self._across().value(x) - self._lowest

    def centre(self) -> float:
        """Return the position of the crosshair, else that of the middle price."""
        here = self._pointer
        return self._middle - self._lowest if here is None else self.place_at(here)

    def point_at_pixel(self, position: QPointF) -> None:
        """Move the crosshair to the pointer."""
        self._point(position.x())

    def _point(self, x: float | None) -> None:
        area = self._area()
        self._pointer = None if x is None else min(max(x, area.left()), area.right())
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the crosshair, pan with Shift, zoom, or show everything."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            sign = -1 if key == Qt.Key.Key_Left else 1
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.pan(sign * PAN)
            else:
                here = self._area().center().x() if self._pointer is None else self._pointer
                self._point(here + sign * _STEP)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(ZOOM if key == Qt.Key.Key_Minus else 1 / ZOOM)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Escape) and (
            self._pointer is not None or self.zoomed
        ):
            self.fit()
            self._point(None)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the crosshair."""
        self._point(None)
        super().leaveEvent(event)


def described(book: Book) -> str:
    """Return a description of the order book for screen readers."""
    if not book.bids or not book.asks:
        return f"Order book of {book.symbol} with {len(book.bids)} bids and {len(book.asks)} asks."
    spread = book.asks[0].price - book.bids[0].price
    return (
        f"Order book of {book.symbol}: best bid {book.bids[0].price:,f},"
        f" best ask {book.asks[0].price:,f}, spread {spread:,f},"
        f" {len(book.bids)} bids and {len(book.asks)} asks."
    )

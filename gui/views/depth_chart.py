"""The depth of an order book: what lies between a price and the middle, added up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from core.preview import Book, Level
from gui import theme
from gui.views.canvas import Canvas, blended, faded
from gui.views.scale import Scale, short_number, ticks

_FOOT, _TOP, _AXIS = 28, 16, 56


class _Side:
    """One side of the book from the middle outwards, as floats for painting only."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self.prices = [float(level.price) for level in levels]
        self._below = [-price for price in self.prices]
        self.totals = list(accumulate(float(level.quantity) for level in levels))

    def total_at(self, price: float, *, rising: bool) -> float:
        """Return what lies between the middle and a price."""
        if rising:
            count = bisect_right(self.prices, price)
        else:
            count = bisect_left(self._below, -price + 1e-12)
        return self.totals[count - 1] if count else 0.0


class DepthChart(Canvas):
    """Bids at the left, asks at the right; the wheel and + and - zoom around the middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setMinimumSize(200, 140)
        self.setAccessibleName("Depth chart")
        self._bids, self._asks = _Side(()), _Side(())
        self._middle, self._reach, self._part = 0.0, 1.0, 1.0
        self._pointer: float | None = None

    def show_book(self, book: Book) -> None:
        """Draw another order book."""
        self._bids, self._asks = _Side(book.bids), _Side(book.asks)
        best = [side.prices[0] for side in (self._bids, self._asks) if side.prices]
        self._middle = sum(best) / len(best) if best else 0.0
        ends = [
            abs(side.prices[-1] - self._middle) for side in (self._bids, self._asks) if side.prices
        ]
        self._reach = max([*ends, abs(self._middle) * 1e-6, 1e-12])
        self._part, self._pointer = 1.0, None
        self.setAccessibleDescription(described(book))
        self.redraw()

    def sizeHint(self) -> QSize:
        """Ask for a flat area above the ladder."""
        return QSize(480, 240)

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(8, _TOP, -_AXIS, -_FOOT)

    def _scales(self) -> tuple[Scale, Scale]:
        area, reach = self._area(), self._reach * self._part
        across = Scale(self._middle - reach, self._middle + reach, area.left(), area.right())
        low, high = across.low, across.high
        most = max(
            self._bids.total_at(low, rising=False), self._asks.total_at(high, rising=True), 1e-12
        )
        return across, Scale(0, most * 1.05, area.bottom(), area.top())

    def draw(self, painter: QPainter) -> None:
        """Draw axes and both sides."""
        if not (self._bids.prices or self._asks.prices):
            return
        colours = theme.tokens()
        across, up = self._scales()
        self._axes(painter, across, up)
        painter.setClipRect(self._area())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._side(painter, self._bids, colours.good, across, up)
        self._side(painter, self._asks, colours.danger, across, up)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # noqa: FBT003 - Qt's own
        painter.setClipping(False)
        x = self.snapped(across.at(self._middle))
        painter.fillRect(self.box(x, self._area().top(), x, self._area().bottom()), colours.line)

    def _axes(self, painter: QPainter, across: Scale, up: Scale) -> None:
        colours, area = theme.tokens(), self._area()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        for value in ticks(up.low, up.high, max(2, int(area.height() / 44)))[0]:
            y = self.snapped(up.at(value))
            painter.fillRect(self.box(0, y, area.right(), y), faded(colours.line, 0.75))
            painter.setPen(colours.muted)
            label = QRectF(area.right() + 8, y - 8, _AXIS - 8, 16)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, short_number(value))
        values, decimals = ticks(across.low, across.high, max(2, int(area.width() / 90)))
        for value in values:
            text = f"{value:,.{decimals}f}"
            width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 2
            left = min(max(across.at(value) - width / 2, 8), self.width() - width)
            painter.drawText(
                QRectF(left, area.bottom() + 6, width, 16), Qt.AlignmentFlag.AlignVCenter, text
            )

    def _side(
        self, painter: QPainter, side: _Side, colour: QColor, across: Scale, up: Scale
    ) -> None:
        """Fill the steps of one side, as far as they are in sight."""
        if not side.prices:
            return
        points = [QPointF(across.at(side.prices[0]), up.at(0))]
        for price, total in zip(side.prices, side.totals, strict=True):
            x = across.at(price)
            points += [QPointF(x, points[-1].y()), QPointF(x, up.at(total))]
            if not across.low <= price <= across.high:
                break
        filled = QPolygonF([*points, QPointF(points[-1].x(), up.at(0))])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(blended(colour, theme.tokens().panel, 0.22))
        painter.drawPolygon(filled)
        painter.setPen(QPen(colour, 1.5))
        painter.drawPolyline(QPolygonF(points))

    def draw_over(self, painter: QPainter) -> None:
        """Draw the price under the pointer and what lies up to it."""
        if self._pointer is not None:
            self._crosshair(painter, self._pointer)
        self.draw_focus(painter)

    def _crosshair(self, painter: QPainter, x: float) -> None:
        colours, area = theme.tokens(), self._area()
        across, _ = self._scales()
        price = across.value(x)
        rising = price >= self._middle
        side = self._asks if rising else self._bids
        total = side.total_at(price, rising=rising)
        pen = QPen(colours.muted, 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        decimals = ticks(across.low, across.high, 5)[1] + 1
        text = (
            f"{'ask' if rising else 'bid'} {price:,.{decimals}f} · {short_number(total)} up to here"
        )
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        painter.setPen(colours.text)
        width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 4
        left = x + 8 if x + 8 + width < self.width() else x - 8 - width
        painter.drawText(QRectF(left, 0, width, 16), Qt.AlignmentFlag.AlignVCenter, text)

    def zoom(self, factor: float) -> None:
        """Show `factor` times as much around the middle."""
        self._part = min(1.0, max(0.005, self._part * factor))
        self.redraw()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the middle."""
        self.zoom(1.25 ** (-event.angleDelta().y() / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, move the line with the arrows."""
        steps = {Qt.Key.Key_Left: -8, Qt.Key.Key_Right: 8}
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1 / 1.25)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(1.25)
        elif event.key() in steps:
            here = self._area().center().x() if self._pointer is None else self._pointer
            area = self._area()
            self._pointer = min(max(here + steps[Qt.Key(event.key())], area.left()), area.right())
            self.update()
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        area = self._area()
        self._pointer = min(max(event.position().x(), area.left()), area.right())
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the line away."""
        self._pointer = None
        self.update()
        super().leaveEvent(event)


def described(book: Book) -> str:
    """Return the book in words, as a screen reader is told."""
    if not book.bids or not book.asks:
        return f"Order book of {book.symbol} with {len(book.bids)} bids and {len(book.asks)} asks."
    spread = book.asks[0].price - book.bids[0].price
    return (
        f"Order book of {book.symbol}: best bid {book.bids[0].price:,f},"
        f" best ask {book.asks[0].price:,f}, spread {spread:,f},"
        f" {len(book.bids)} bids and {len(book.asks)} asks."
    )

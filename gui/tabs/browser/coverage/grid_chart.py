"""The base of calendars: rows of cells on a time axis, with keys, pointer and zoom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from core.coverage.rhythm import HOURS
from gui import theme
from gui.tabs.browser.coverage.pictures import picture, sampled, separated
from gui.tabs.browser.coverage.ticks import ticks
from gui.views.time_axis import VisibleRange
from gui.views.zoomable import PAN, ZOOM, ZoomableChart
from gui.widgets.labels import tooltip

if TYPE_CHECKING:
    from gui.tabs.browser.coverage.pictures import Edges, States

#: Height of the time axis, and maximum width of the labels of rows, in pixels.
AXIS, _MOST_LABEL = 24, 190
#: Width of a day in pixels from which on its hours are drawn.
_DAY_WITH_HOURS = 48
#: Distance in pixels that the pointer may move during a click.
_CLICK = 4
_KEYS_OF_ZOOM = {
    Qt.Key.Key_Plus: 1 / ZOOM,
    Qt.Key.Key_Equal: 1 / ZOOM,
    Qt.Key.Key_Minus: ZOOM,
}
#: Pages move by about a month.
_PAGE = 30 * HOURS
_CENTER_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class GridChart(ZoomableChart):
    """Rows of cells on a time axis, one of which is current.

    Positions are hours after the beginning of the first day; `row` and `position` identify the
    current cell.

    Signals:
        moved: another cell is current.
        opened: the user wants the folder of the current cell (Enter, double-click).
        range_changed: another part of the axis is visible.
        gap_wanted: the user wants the next (1) or the previous (-1) gap.
    """

    moved = Signal()
    opened = Signal()
    range_changed = Signal()
    gap_wanted = Signal(int)

    #: Height of a row, and of the bar in it.
    row_height, bar_height = 20, 15
    #: Width of the scroll bar beside another chart on the same axis.
    right_margin = 0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.origin, self.days = date(1970, 1, 1), 1
        self.row, self.position = 0, 0
        self.top = 0
        self._gutter = 0.0
        self._pressed: QPointF | None = None
        self._visible_range = VisibleRange(0, HOURS, HOURS, HOURS / 2)
        self.setMinimumSize(240, AXIS + 2 * self.row_height)

    # Subclasses define these

    def labels(self) -> Sequence[str]:
        """Return the label of each row."""
        return ()

    def cells_of(self, rows: range, first: int, last: int) -> States:
        """Return the states of some rows, from a cell of the axis to before another one."""
        import numpy as np

        return np.zeros((len(rows), max(1, last - first)), dtype=np.uint8)

    def text_at(self, _row: int, _position: int) -> str:
        """Return the description of a cell."""
        return ""

    def step(self, _key: Qt.Key) -> tuple[int, int]:
        """Return the rows and hours by which an arrow key moves."""
        return 0, 0

    # The axis

    def show_days(self, origin: date, days: int) -> None:
        """Use an axis of these days, all of them visible; the current time stays the same."""
        shift = (self.origin - origin).days * HOURS
        self.origin, self.days, self._gutter = origin, max(1, days), 0.0
        total = self.days * HOURS
        self.position = min(max(0, self.position + shift), total - 1)
        self._visible_range = VisibleRange(0, total, total, min(total, HOURS / 2))
        self.redraw()

    def show_part(self, visible_range: VisibleRange) -> None:
        """Show another part of the axis."""
        if visible_range != self._visible_range:
            super().show_part(visible_range)
            self.range_changed.emit()

    def gutter(self) -> float:
        """Return the width of the labels of rows in pixels."""
        # Stored, since each frame needs it several times and many labels take long to measure.
        if self._gutter == 0.0:
            font = QFontMetricsF(theme.text_font(12))
            widest = max((font.horizontalAdvance(label) for label in self.labels()), default=0.0)
            self._gutter = min(widest, _MOST_LABEL) + 18
        return self._gutter

    def changeEvent(self, event: QEvent) -> None:
        """Measure the labels again when fonts change."""
        self._gutter = 0.0
        super().changeEvent(event)

    def plot(self) -> QRectF:
        """Return the area of the cells."""
        left = self.snapped(self.gutter())
        width = self.width() - left - 8 - self.right_margin
        return QRectF(left, AXIS, max(1.0, width), self.height() - AXIS - 4)

    def place_at(self, x: float) -> float:
        """Return the hour at a pixel."""
        plot = self.plot()
        return self._visible_range.left + (x - plot.left()) / self.scale()

    def centre(self) -> float:
        """Return the middle of the current cell, around which keys zoom."""
        return self.position + 0.5

    def scale(self) -> float:
        """Return the pixels of an hour."""
        return self.plot().width() / self._visible_range.width

    @property
    def hourly(self) -> bool:
        """Whether days are wide enough for their hours."""
        return self.scale() * HOURS >= _DAY_WITH_HOURS

    @property
    def day(self) -> date:
        """The day of the current cell."""
        return self.origin + timedelta(days=self.position // HOURS)

    @property
    def visible_rows(self) -> int:
        """Number of rows that are completely visible."""
        return max(1, int(self.plot().height() // self.row_height))

    # Drawing

    def draw(self, painter: QPainter) -> None:
        """Draw labels, axis and cells."""
        plot, labels = self.plot(), self.labels()
        self._draw_axis(painter, plot)
        last = min(len(labels), self.top + self.visible_rows + 1)
        if last <= self.top:
            return
        ratio = self.devicePixelRatioF()
        edges = self._edges(round(plot.width() * ratio))
        first_cell, end = int(edges[0]), math.ceil(edges[-1])
        cells = self.cells_of(range(self.top, last), first_cell, end)
        rows = separated(sampled(cells, first_cell, edges), edges)
        bar = round(self.bar_height * ratio)
        image = picture(rows, bar, round(self.row_height * ratio) - bar)
        image.setDevicePixelRatio(ratio)
        painter.save()
        painter.setClipRect(QRectF(0, AXIS - 4, self.width(), self.height() - AXIS + 4))
        painter.drawImage(plot.topLeft(), image)
        self._draw_labels(painter, plot, labels[self.top : last])
        painter.restore()

    def _edges(self, columns: int) -> Edges:
        """Return the edges of the pixel columns in cells, which are hours or days."""
        import numpy as np

        visible, length = self._visible_range, 1 if self.hourly else HOURS
        return np.linspace(visible.left / length, visible.right / length, max(1, columns) + 1)

    def _draw_labels(self, painter: QPainter, plot: QRectF, labels: Sequence[str]) -> None:
        painter.setPen(theme.tokens().text)
        painter.setFont(theme.text_font(12 if self.row_height > 12 else theme.SMALL_SIZE))
        metrics = QFontMetricsF(painter.font())
        width = plot.left() - 16
        for place, label in enumerate(labels):
            middle = plot.top() + place * self.row_height + self.bar_height / 2
            area = QRectF(8, middle - 8, width, 16)
            text = metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, width)
            painter.drawText(area, _CENTER_LEFT, text)

    def _draw_axis(self, painter: QPainter, plot: QRectF) -> None:
        tokens, visible = theme.tokens(), self._visible_range
        painter.setFont(theme.text_font(theme.SMALL_SIZE, tabular=True))
        scale = self.scale()
        for tick in ticks(self.origin, visible.left, visible.right, scale):
            x = self.snapped(plot.left() + (tick.hour - visible.left) * scale)
            if not plot.left() <= x < plot.right() - 8:
                continue
            painter.setPen(tokens.line)
            painter.drawLine(QPointF(x, AXIS - 6), QPointF(x, AXIS - 2))
            painter.setPen(tokens.text if tick.major else tokens.muted)
            painter.drawText(QRectF(x + 3, 2, 120, AXIS - 6), _CENTER_LEFT, tick.text)

    def draw_over(self, painter: QPainter) -> None:
        """Draw the frame of the current cell, and the focus."""
        plot = self.plot()
        if self.top <= self.row < min(len(self.labels()), self.top + self.visible_rows + 1):
            place = self.place_of_current()
            painter.setPen(QPen(theme.tokens().text, 1.5 if self.hasFocus() else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setClipRect(plot.adjusted(-3, -3, 3, 3))
            painter.drawRect(place)
            painter.setClipping(False)
        self.draw_focus(painter)

    def place_of_current(self) -> QRectF:
        """Return the area of the current cell; at least 3 pixels wide."""
        begin, length = self.cell_of(self.position)
        plot, scale = self.plot(), self.scale()
        left = self.snapped(plot.left() + (begin - self._visible_range.left) * scale)
        y = plot.top() + (self.row - self.top) * self.row_height
        return QRectF(left - 0.5, y - 1.5, max(3.0, length * scale), self.bar_height + 2)

    def cell_of(self, position: int) -> tuple[int, int]:
        """Return first hour and length of the cell at a position."""
        return (position, 1) if self.hourly else (position // HOURS * HOURS, HOURS)

    # Navigation

    def go_to(self, row: int, position: int, *, announce: bool = False) -> None:
        """Make a cell current and visible."""
        self.row = max(0, min(row, len(self.labels()) - 1))
        self.position = max(0, min(position, self.days * HOURS - 1))
        begin, length = self.cell_of(self.position)
        self.show_part(self._visible_range.showing(begin, begin + length))
        self.show_row(self.row)
        self.describe(announce=announce)
        self.update()
        self.moved.emit()

    def show_row(self, row: int) -> None:
        """Scroll a row into view."""
        top = min(max(self.top, row - self.visible_rows + 1), row)
        if top != self.top:
            self.scroll_to(top)

    def scroll_to(self, top: int) -> None:
        """Show the rows from this one on."""
        self.top = max(0, min(top, len(self.labels()) - self.visible_rows))
        self.redraw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move by a cell, a month or to the ends; zoom, pan, open, or find gaps."""
        key = Qt.Key(event.key())
        arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
        if key in arrows and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(PAN if key == Qt.Key.Key_Right else -PAN)
        elif key in arrows:
            rows, hours = self.step(key)
            self.go_to(self.row + rows, self.position + hours, announce=True)
        elif key in _KEYS_OF_ZOOM:
            self.zoom(_KEYS_OF_ZOOM[key])
        elif not self._other_key(key):
            super().keyPressEvent(event)

    def _other_key(self, key: Qt.Key) -> bool:
        """Handle a key that is neither an arrow nor a zoom; return whether it was one."""
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.days * HOURS - 1}
        pages = {Qt.Key.Key_PageUp: -_PAGE, Qt.Key.Key_PageDown: _PAGE}
        if key in ends:
            self.go_to(self.row, ends[key], announce=True)
        elif key in pages:
            self.go_to(self.row, self.position + pages[key], announce=True)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.opened.emit()
        elif key in {Qt.Key.Key_N, Qt.Key.Key_P}:
            self.gap_wanted.emit(1 if key == Qt.Key.Key_N else -1)
        elif key in {Qt.Key.Key_0, Qt.Key.Key_Escape} and self.zoomed:
            self.fit()
        else:
            return False
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a click or a drag."""
        super().mousePressEvent(event)
        self._pressed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Make the clicked cell current."""
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, None
        if pressed is None or (event.position() - pressed).manhattanLength() > _CLICK:
            return
        found = self._cell_at(event.position())
        if found is not None:
            self.go_to(*found)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Open the cell, which the first click has made current."""
        self._pressed = None
        self.opened.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer; over the labels, scroll the rows."""
        turn = event.angleDelta().y()
        if turn and event.position().x() < self.plot().left():
            self.scroll_to(self.top - (1 if turn > 0 else -1))
            self.range_changed.emit()
            event.accept()
        else:
            super().wheelEvent(event)

    def event(self, event: QEvent) -> bool:
        """Show a tooltip for the cell under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self._cell_at(QPointF(event.pos()))
            text = self.text_at(*found) if found is not None else ""
            QToolTip.showText(event.globalPos(), tooltip(text) if text else "", self)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Draw the frame of the current cell stronger."""
        super().focusInEvent(event)
        self.update()

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return row and position at a pixel, or None outside the cells."""
        plot = self.plot()
        row = self.top + int((point.y() - plot.top()) // self.row_height)
        if not plot.contains(point) or not 0 <= row < len(self.labels()):
            return None
        position = min(max(0, int(self.place_at(point.x()))), self.days * HOURS - 1)
        return row, position

    def describe(self, *, announce: bool = False) -> None:
        """Describe the current cell for screen readers."""
        text = self.text_at(self.row, self.position) if len(self.labels()) else ""
        self.setAccessibleDescription(text)
        # Screen readers do not read a changed description themselves.
        if announce and text and QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

"""The delegate that paints cells: 12 px padding, elided text, tones, pills and progress bars."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QCursor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QIcon,
    QMouseEvent,
    QPainter,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from gui import theme
from gui.models.roles import (
    ASIDE_ROLE,
    DOT_ROLE,
    MONO_ROLE,
    PILL_ROLE,
    PROGRESS_ROLE,
    TONE_ROLE,
)
from gui.widgets.elide import elided_name
from gui.widgets.labels import shown, tooltip

PADDING = 12
#: Minimum width of a progress bar beside its text.
_BAR = 32
#: Minimum width in pixels of a name beside the text at the right of its row.
_NAME = 48
Index = QModelIndex | QPersistentModelIndex


class HoverRows(QTableView):
    """A table that highlights the row under the pointer instead of only the cell.

    Attributes:
        covered: height in pixels at the bottom that a message covers; the last row can be scrolled
            above it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hovered_row = -1
        self.covered = 0
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def viewportEvent(self, event: QEvent) -> bool:
        """Remove the highlight when the pointer leaves or is below the last row."""
        if event.type() in {QEvent.Type.Leave, QEvent.Type.HoverLeave}:
            self._light(-1)
        elif event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._light(self.rowAt(event.position().toPoint().y()))
        return super().viewportEvent(event)

    def cover(self, pixels: int) -> None:
        """Let the last row be scrolled above a message that covers the bottom of the table."""
        if pixels != self.covered:
            self.covered = pixels
            self.updateGeometries()

    def updateGeometries(self) -> None:
        """Extend the scroll range, if any, by the height that a message covers."""
        super().updateGeometries()
        bar = self.verticalScrollBar()
        if self.covered and bar.maximum():
            bar.setMaximum(bar.maximum() + self.covered)

    def _on_scrolled(self, _value: int) -> None:
        if self.hovered_row >= 0:
            self._light(self.rowAt(self.viewport().mapFromGlobal(QCursor.pos()).y()))

    def _light(self, row: int) -> None:
        if row == self.hovered_row:
            return
        for each in (self.hovered_row, row):
            if each >= 0:
                y, height = self.rowViewportPosition(each), self.rowHeight(each)
                self.viewport().update(0, y, self.viewport().width(), height)
        self.hovered_row = row


class CellDelegate(QStyledItemDelegate):
    """Paints the cells of all tables and trees of the window."""

    def __init__(self, parent: QWidget | None = None, *, left: int = PADDING) -> None:
        super().__init__(parent)
        self._left = left
        self._plain = theme.number_font()  # tabular: digits of moments are aligned in columns, too
        self._number = theme.number_font()
        self._mono = theme.mono_font()
        self._small = theme.text_font(theme.SMALL_SIZE)

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the width of the complete text with its padding, and the row height."""
        text = shown(str(index.data(Qt.ItemDataRole.DisplayRole) or ""))
        pill = index.data(PILL_ROLE) is not None
        font = self._small if pill else self._font(index)
        # One more pixel, since font metrics are rounded but the elision is not.
        width = QFontMetrics(font).horizontalAdvance(text) + self._margin(index) + PADDING + 1
        width += 14 if pill else 0
        width += 18 if index.data(DOT_ROLE) is not None else 0
        width += 24 if index.data(Qt.ItemDataRole.DecorationRole) is not None else 0
        width += 24 if index.data(Qt.ItemDataRole.CheckStateRole) is not None else 0
        width += _BAR if index.data(PROGRESS_ROLE) is not None else 0
        aside = index.data(ASIDE_ROLE)
        width += QFontMetrics(self._number).horizontalAdvance(str(aside)) + 16 if aside else 0
        return QSize(width, theme.ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        colours = theme.tokens()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        area: QRect = option.rect
        if chosen:
            painter.fillRect(area, colours.selection)
        elif self._hovered(option, index):
            painter.fillRect(area, colours.hover)
        self._focus(painter, option, index)
        inner = area.adjusted(self._margin(index), 0, -PADDING, 0)
        if index.data(Qt.ItemDataRole.CheckStateRole) is not None:
            inner = self._check(painter, option, index, inner)
        inner = self._before(painter, index, inner)
        inner = self._aside(painter, index, inner, chosen=chosen)
        if index.data(PILL_ROLE) is not None:
            self._pill(painter, index, inner)
        elif index.data(PROGRESS_ROLE) is not None:
            self._progress(painter, index, inner)
        else:
            self._text(painter, option, index, inner)

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """Show the complete text of a shortened cell, or the model's tooltip."""
        if event.type() != QEvent.Type.ToolTip or not index.isValid():
            return False
        values = index.data(Qt.ItemDataRole.ToolTipRole)
        text = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        area: QRect = option.rect
        if not values and self.sizeHint(option, index).width() > area.width():
            values = text
        QToolTip.showText(event.globalPos(), tooltip(str(values)) if values else "", view)
        return True

    @staticmethod
    def _hovered(option: QStyleOptionViewItem, index: Index) -> bool:
        """Return whether the pointer is in the row, which Qt reports only for trees and lists."""
        view = option.widget
        if isinstance(view, HoverRows):
            return index.row() == view.hovered_row
        return bool(option.state & QStyle.StateFlag.State_MouseOver)

    def _margin(self, index: Index) -> int:
        """Return the left margin, smaller in a tree's first column, which has the branches."""
        return PADDING if index.column() else self._left

    def _font(self, index: Index) -> QFont:
        own = index.data(Qt.ItemDataRole.FontRole)
        if isinstance(own, QFont):
            return own
        if index.data(MONO_ROLE):
            return self._mono
        return self._number if self._right(index) else self._plain

    @staticmethod
    def _right(index: Index) -> bool:
        given = index.data(Qt.ItemDataRole.TextAlignmentRole)
        return bool(given is not None and int(given) & int(Qt.AlignmentFlag.AlignRight.value))

    @staticmethod
    def _focus(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Mark the current row at the view's left edge while the view has the keyboard focus."""
        view = option.widget
        if not isinstance(view, QAbstractItemView) or index.column() or not view.hasFocus():
            return
        current = view.currentIndex()
        if current.row() == index.row() and current.parent() == index.parent():
            area: QRect = option.rect
            painter.fillRect(QRect(0, area.top(), 2, area.height()), theme.tokens().accent)

    def _check(
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index, inner: QRect
    ) -> QRect:
        box = QStyleOptionViewItem(option)
        box.rect = QRect(inner.left(), inner.center().y() - 7, 15, 15)
        box.state &= ~(
            QStyle.StateFlag.State_On | QStyle.StateFlag.State_Off | QStyle.StateFlag.State_HasFocus
        )
        state = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole))
        box.state |= {
            Qt.CheckState.Checked: QStyle.StateFlag.State_On,
            Qt.CheckState.PartiallyChecked: QStyle.StateFlag.State_NoChange,
        }.get(state, QStyle.StateFlag.State_Off)
        style = option.widget.style()
        style.drawPrimitive(
            QStyle.PrimitiveElement.PE_IndicatorItemViewItemCheck, box, painter, option.widget
        )
        return inner.adjusted(24, 0, 0, 0)

    def _before(self, painter: QPainter, index: Index, inner: QRect) -> QRect:
        dot = index.data(DOT_ROLE)
        if dot is not None:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_tone(str(dot)))
            painter.drawEllipse(QRectF(inner.left() + 1, inner.center().y() - 4, 9, 9))
            painter.restore()
            return inner.adjusted(20, 0, 0, 0)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(picture, QIcon):
            picture.paint(painter, QRect(inner.left(), inner.center().y() - 7, 16, 16))
            return inner.adjusted(24, 0, 0, 0)
        return inner

    def _aside(self, painter: QPainter, index: Index, inner: QRect, *, chosen: bool) -> QRect:
        text = index.data(ASIDE_ROLE)
        if not text or not self._has_room(index, inner, str(text)):
            return inner
        colours = theme.tokens()
        painter.setFont(self._number)
        painter.setPen(colours.neutral_ink if chosen else colours.muted)
        painter.drawText(
            inner, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), str(text)
        )
        return inner.adjusted(0, 0, -QFontMetrics(self._number).horizontalAdvance(str(text)) - 8, 0)

    def _has_room(self, index: Index, inner: QRect, aside: str) -> bool:
        """Return whether there is room for the text at the right; the name has priority."""
        name = QFontMetrics(self._font(index)).horizontalAdvance(_text_of(index))
        left = inner.width() - QFontMetrics(self._number).horizontalAdvance(aside) - 8
        return left >= min(name, _NAME)

    def _text(
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index, inner: QRect
    ) -> None:
        font = self._font(index)
        painter.setFont(font)
        painter.setPen(self._colour(option, index))
        side = Qt.AlignmentFlag.AlignRight if self._right(index) else Qt.AlignmentFlag.AlignLeft
        line = self.line(option, index, inner.width())
        painter.drawText(inner, int(side | Qt.AlignmentFlag.AlignVCenter), line)

    def line(self, option: QStyleOptionViewItem, index: Index, width: int) -> str:
        """Return the text of a cell as painted in a width in pixels."""
        text, metrics = _text_of(index), QFontMetrics(self._font(index))
        view = option.widget
        if (
            isinstance(view, QAbstractItemView)
            and view.textElideMode() is Qt.TextElideMode.ElideRight
        ):
            return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
        if metrics.horizontalAdvance(text) <= width:
            return text
        rows = (index.row() + step for step in (-1, 1, -2, 2))
        beside = (_text_of(index.sibling(row, index.column())) for row in rows)
        return elided_name(text, beside, metrics, width)

    @staticmethod
    def _colour(option: QStyleOptionViewItem, index: Index) -> QColor:
        colours = theme.tokens()
        if not option.state & QStyle.StateFlag.State_Enabled:
            return colours.muted
        own = index.data(TONE_ROLE)
        if own is None:
            brush = index.data(Qt.ItemDataRole.ForegroundRole)
            return brush if isinstance(brush, QColor) else colours.text
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        return _tone(str(own), ink=chosen)

    def _pill(self, painter: QPainter, index: Index, inner: QRect) -> None:
        text = shown(str(index.data(Qt.ItemDataRole.DisplayRole) or ""))
        if not text:
            return
        tone = str(index.data(PILL_ROLE))
        colours = theme.tokens()
        metrics = QFontMetrics(self._small)
        width = min(metrics.horizontalAdvance(text) + 14, inner.width())
        left = inner.right() - width + 1 if self._right(index) else inner.left()
        box = QRectF(left, inner.center().y() - 7.5, width, 17)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(getattr(colours, f"{tone}_soft"))
        painter.drawRoundedRect(box, 8.5, 8.5)
        painter.setFont(self._small)
        painter.setPen(getattr(colours, f"{tone}_ink"))
        line = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width - 12)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), line)
        painter.restore()

    def _progress(self, painter: QPainter, index: Index, inner: QRect) -> None:
        colours = theme.tokens()
        part = min(max(float(index.data(PROGRESS_ROLE)), 0.0), 1.0)
        text = shown(str(index.data(Qt.ItemDataRole.DisplayRole) or ""))
        width = QFontMetrics(self._number).horizontalAdvance(text)
        bar = QRectF(inner.left(), inner.center().y() - 2, max(inner.width() - width - 8, 24), 5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.neutral_soft if not part else colours.line)
        painter.drawRoundedRect(bar, 2.5, 2.5)
        painter.setBrush(colours.accent)
        bar.setWidth(bar.width() * part)
        painter.drawRoundedRect(bar, 2.5, 2.5)
        painter.setFont(self._number)
        painter.setPen(colours.muted)
        painter.drawText(
            inner, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text
        )
        painter.restore()


def _text_of(index: Index) -> str:
    return shown(str(index.data(Qt.ItemDataRole.DisplayRole) or ""))


def _tone(name: str, *, ink: bool = False) -> QColor:
    colours = theme.tokens()
    if name in {"plain", "text"}:
        return colours.text
    if name in {"neutral", "muted"}:
        return colours.neutral_ink if ink else colours.muted
    return getattr(colours, f"{name}_ink" if ink else name)  # type: ignore[no-any-return]  # every such field is a QColor

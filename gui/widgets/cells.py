"""The delegate that paints cells: 12 px padding, elided text, tones, pills and progress bars."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QIcon,
    QPainter,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
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
from gui.widgets.hover_rows import HoverRows
from gui.widgets.labels import shown, tooltip

#: Pixels at both sides of a cell.
PADDING = 12
#: Minimum width of a progress bar beside its text.
_BAR = 32
#: Minimum width in pixels of a name beside the text at the right of its row.
_NAME = 48
#: Number of widths of texts to cache for each font of a view: more than the cells in sight.
_WIDTHS = 512
# Reading a member of an enumeration of Qt, or combining two, takes longer than reading a cell.
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_DECORATION = int(Qt.ItemDataRole.DecorationRole)
_FONT = int(Qt.ItemDataRole.FontRole)
_ALIGNMENT = int(Qt.ItemDataRole.TextAlignmentRole)
_FOREGROUND = int(Qt.ItemDataRole.ForegroundRole)
_CHECK = int(Qt.ItemDataRole.CheckStateRole)
_SELECTED = QStyle.StateFlag.State_Selected.value
_ENABLED = QStyle.StateFlag.State_Enabled.value
_MOUSE_OVER = QStyle.StateFlag.State_MouseOver.value
_RIGHT = int(Qt.AlignmentFlag.AlignRight)
_LEFT_CENTER = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT_CENTER = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
Index = QModelIndex | QPersistentModelIndex


class MeasuredFont:
    """A font, its metrics, and the widths in pixels of the texts that were measured last."""

    def __init__(self, font: QFont) -> None:
        self.font = font

    @cached_property
    def metrics(self) -> QFontMetrics:
        """The metrics; made on first use, since most views are not visible at the start."""
        return QFontMetrics(self.font)

    @cached_property
    def width(self) -> Callable[[str], int]:
        """Return the width of a text.

        Measuring a text takes as long as drawing it, and scrolling repaints the same rows.
        """
        return lru_cache(_WIDTHS)(self.metrics.horizontalAdvance)


class CellDelegate(QStyledItemDelegate):
    """Paints the cells of all tables and trees of the window."""

    def __init__(self, parent: QWidget | None = None, *, left: int = PADDING) -> None:
        super().__init__(parent)
        self._left = left
        # Texts, too, have tabular digits, so that those of moments are aligned in columns.
        self._number = MeasuredFont(theme.number_font())
        self._mono = MeasuredFont(theme.mono_font())
        self._small = MeasuredFont(theme.text_font(theme.SMALL_SIZE))

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the width of the complete text with its padding, and the row height."""
        pill = _value(index, PILL_ROLE) is not None
        font = self._small if pill else self.measured_font(index)
        # One more pixel, since font metrics are rounded but the elision is not.
        width = font.width(_text_of(index)) + self._margin(index) + PADDING + 1
        width += 14 if pill else 0
        width += 18 if _value(index, DOT_ROLE) is not None else 0
        width += 24 if _value(index, _DECORATION) is not None else 0
        width += 24 if _value(index, _CHECK) is not None else 0
        width += _BAR if _value(index, PROGRESS_ROLE) is not None else 0
        aside = _value(index, ASIDE_ROLE)
        width += self._number.width(str(aside)) + 16 if aside else 0
        return QSize(width, theme.ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        colours = theme.tokens()
        chosen = bool(option.state.value & _SELECTED)
        area: QRect = option.rect
        if chosen:
            painter.fillRect(area, colours.selection)
        elif self._hovered(option, index):
            painter.fillRect(area, colours.hover)
        self._focus(painter, option, index)
        inner = area.adjusted(self._margin(index), 0, -PADDING, 0)
        if _value(index, _CHECK) is not None:
            inner = self._check(painter, option, index, inner)
        inner = self._before(painter, index, inner)
        inner = self._aside(painter, index, inner, chosen=chosen)
        if _value(index, PILL_ROLE) is not None:
            self._pill(painter, index, inner)
        elif _value(index, PROGRESS_ROLE) is not None:
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
        # Always handled here: Qt would show the tooltip as HTML.
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
        return bool(option.state.value & _MOUSE_OVER)

    def _margin(self, index: Index) -> int:
        """Return the left margin, smaller in a tree's first column, which has the branches."""
        return PADDING if index.column() else self._left

    def measured_font(self, index: Index) -> MeasuredFont:
        """Return the font of a cell."""
        own = _value(index, _FONT)
        # A model's own font is rare and not cached.
        if isinstance(own, QFont):
            return MeasuredFont(own)
        return self._mono if _value(index, MONO_ROLE) else self._number

    @staticmethod
    def _right(index: Index) -> bool:
        given = _value(index, _ALIGNMENT)
        return bool(given is not None and int(given) & _RIGHT)

    @staticmethod
    def _focus(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Mark the current row at the view's left edge while the view has the keyboard focus."""
        view = option.widget
        if index.column() or not isinstance(view, QAbstractItemView) or not view.hasFocus():
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
        # The state of the row is not that of its check box.
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
        dot = _value(index, DOT_ROLE)
        if dot is not None:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_tone(str(dot)))
            painter.drawEllipse(QRectF(inner.left() + 1, inner.center().y() - 4, 9, 9))
            painter.restore()
            return inner.adjusted(20, 0, 0, 0)
        picture = _value(index, _DECORATION)
        if isinstance(picture, QIcon):
            picture.paint(painter, QRect(inner.left(), inner.center().y() - 7, 16, 16))
            return inner.adjusted(24, 0, 0, 0)
        return inner

    def _aside(self, painter: QPainter, index: Index, inner: QRect, *, chosen: bool) -> QRect:
        text = _value(index, ASIDE_ROLE)
        if not text or not self._fits_beside_name(index, inner, str(text)):
            return inner
        colours = theme.tokens()
        painter.setFont(self._number.font)
        painter.setPen(colours.neutral_ink if chosen else colours.muted)
        painter.drawText(inner, _RIGHT_CENTER, str(text))
        return inner.adjusted(0, 0, -self._number.width(str(text)) - 8, 0)

    def _fits_beside_name(self, index: Index, inner: QRect, aside: str) -> bool:
        """Return whether the text at the right fits beside the name, which has priority."""
        name = self.measured_font(index).width(_text_of(index))
        left = inner.width() - self._number.width(aside) - 8
        return left >= min(name, _NAME)

    def _text(
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index, inner: QRect
    ) -> None:
        font = self.measured_font(index)
        line = self._elided(option, index, font, inner.width())
        if not line:
            return
        painter.setFont(font.font)
        painter.setPen(self._colour(option, index))
        painter.drawText(inner, _RIGHT_CENTER if self._right(index) else _LEFT_CENTER, line)

    def line(self, option: QStyleOptionViewItem, index: Index, width: int) -> str:
        """Return the text of a cell as painted in a width in pixels."""
        return self._elided(option, index, self.measured_font(index), width)

    @staticmethod
    def _elided(option: QStyleOptionViewItem, index: Index, font: MeasuredFont, width: int) -> str:
        text = _text_of(index)
        if not text or font.width(text) <= width:
            return text
        view = option.widget
        # Views with sentences elide at the right; names keep the part that differs.
        if (
            isinstance(view, QAbstractItemView)
            and view.textElideMode() is Qt.TextElideMode.ElideRight
        ):
            return font.metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
        rows = (index.row() + step for step in (-1, 1, -2, 2))
        beside = [_text_of(index.sibling(row, index.column())) for row in rows]
        return elided_name(text, beside, font.metrics, width)

    @staticmethod
    def _colour(option: QStyleOptionViewItem, index: Index) -> QColor:
        colours = theme.tokens()
        state = option.state.value
        if not state & _ENABLED:
            return colours.muted
        own = _value(index, TONE_ROLE)
        if own is None:
            brush = _value(index, _FOREGROUND)
            return brush if isinstance(brush, QColor) else colours.text
        return _tone(str(own), ink=bool(state & _SELECTED))

    def _pill(self, painter: QPainter, index: Index, inner: QRect) -> None:
        text = _text_of(index)
        if not text:
            return
        tone = str(_value(index, PILL_ROLE))
        colours = theme.tokens()
        font = self._small
        width = min(font.width(text) + 14, inner.width())
        left = inner.right() - width + 1 if self._right(index) else inner.left()
        box = QRectF(left, inner.center().y() - 7.5, width, 17)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(getattr(colours, f"{tone}_soft"))
        painter.drawRoundedRect(box, 8.5, 8.5)
        painter.setFont(font.font)
        painter.setPen(getattr(colours, f"{tone}_ink"))
        line = font.metrics.elidedText(text, Qt.TextElideMode.ElideRight, width - 12)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), line)
        painter.restore()

    def _progress(self, painter: QPainter, index: Index, inner: QRect) -> None:
        colours = theme.tokens()
        # The share may exceed 1 for a moment when a file grows during its upload.
        part = min(max(float(index.data(PROGRESS_ROLE)), 0.0), 1.0)
        text = _text_of(index)
        width = self._number.width(text)
        bar = QRectF(inner.left(), inner.center().y() - 2, max(inner.width() - width - 8, 24), 5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        # A waiting bar is paler than one that has begun.
        painter.setBrush(colours.neutral_soft if not part else colours.line)
        painter.drawRoundedRect(bar, 2.5, 2.5)
        painter.setBrush(colours.accent)
        bar.setWidth(bar.width() * part)
        painter.drawRoundedRect(bar, 2.5, 2.5)
        painter.setFont(self._number.font)
        painter.setPen(colours.muted)
        painter.drawText(inner, _RIGHT_CENTER, text)
        painter.restore()


def _value(index: Index, role: int) -> Any:
    """Return a value of a cell.

    A model in Python is called directly: `QModelIndex.data` does so through C++ and converts the
    value twice, which takes ten times as long. A cell is painted from about ten values.
    """
    return index.model().data(index, role) if index.isValid() else None


def _text_of(index: Index) -> str:
    return shown(str(_value(index, _DISPLAY) or ""))


def _tone(name: str, *, ink: bool = False) -> QColor:
    colours = theme.tokens()
    if name in {"plain", "text"}:
        return colours.text
    if name in {"neutral", "muted"}:
        return colours.neutral_ink if ink else colours.muted
    return getattr(colours, f"{name}_ink" if ink else name)  # type: ignore[no-any-return]  # every such field is a QColor

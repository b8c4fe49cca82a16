"""Cells whose text is wrapped, so that a rule is readable at any window width."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QTableView

from gui import theme
from gui.widgets.cells import PADDING, CellDelegate
from gui.widgets.table import columns_of

_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_TALLEST = 10_000
#: Padding above and below the lines of a wrapped cell, in pixels.
_BEYOND = 6


class WrappedCells(CellDelegate):
    """Draws text over several lines if it does not fit into one."""

    def height(self, index: QModelIndex, width: int) -> int:
        """Return the height in pixels that the text of a cell needs in a column of that width."""
        text = str(index.data() or "")
        metrics = self.measured_font(index).metrics
        inner = width - 2 * PADDING
        if metrics.horizontalAdvance(text) <= inner:
            return theme.ROW
        lines = metrics.boundingRect(QRect(0, 0, inner, _TALLEST), _WRAP, text)
        return max(theme.ROW, lines.height() + 2 * _BEYOND)

    def _text(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
        inner: QRect,
    ) -> None:
        if inner.height() <= theme.ROW:
            super()._text(painter, option, index, inner)
            return
        painter.setFont(self.measured_font(index).font)
        painter.setPen(self._colour(option, index))
        painter.drawText(inner, _WRAP, str(index.data() or ""))


class RowHeights(QObject):
    """Sets the height of every row of a table to what its wrapped texts need."""

    def __init__(self, view: QTableView) -> None:
        super().__init__(view)
        self._view = view
        self._delegate = WrappedCells(view)
        view.setItemDelegate(self._delegate)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._fit)
        view.model().modelReset.connect(self._on_rows)
        view.model().dataChanged.connect(self._later.start)
        view.horizontalHeader().sectionResized.connect(self._later.start)

    def _on_rows(self) -> None:
        columns_of(self._view).fit_content()
        self._later.start()

    def _fit(self) -> None:
        model, view = self._view.model(), self._view
        columns = [c for c in range(model.columnCount()) if not view.isColumnHidden(c)]
        for row in range(model.rowCount()):
            needed = [
                self._delegate.height(model.index(row, column), view.columnWidth(column))
                for column in columns
            ]
            view.setRowHeight(row, max(needed))

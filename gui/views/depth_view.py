"""An order book: the depth chart above the ladder."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.preview import Book, Problem
from core.units import format_moment
from gui import theme
from gui.views.canvas import blended
from gui.views.depth_chart import DepthChart
from gui.views.ladder_model import BAR_ROLE, PRICES, LadderModel
from gui.views.rows_view import copy_with, reveal
from gui.widgets.cells import PADDING, CellDelegate
from gui.widgets.labels import Elided, Text, muted_label
from gui.widgets.panel import row, rule
from gui.widgets.table import columns_of, make_table

#: Pixels of a column at least.
_NARROWEST = 44
#: Pixels between the quantities and the edges of the ladder: in a narrow one each digit counts.
_EDGE = 4
#: The column of the prices of bids; those of asks follow.
_BID = 1


class DepthView(QWidget):
    """Depth chart, best prices and spread, and the ladder of levels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = DepthChart()
        self.model = LadderModel(self)
        self.ladder = make_ladder(self.model)
        self._spread = Text()
        self._spread.setFont(theme.bold_font(tabular=True))
        self._when = Elided(tone="muted", mode=Qt.TextElideMode.ElideRight)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.chart, 3)
        box.addWidget(rule())
        line = row(muted_label("Spread"), self._spread, self._when, margins=(12, 7, 12, 7))
        line.layout().setStretch(2, 1)  # type: ignore[union-attr]  # `row` gives a box layout
        box.addWidget(line)
        box.addWidget(rule())
        box.addWidget(self.ladder, 2)
        self.setFocusProxy(self.chart)

    def show_content(self, book: Book) -> None:
        """Show an order book."""
        self.chart.show_book(book)
        self.model.set_book(book)
        self._spread.setText(spread_of(book))
        when = book.when
        self._when.show_live(lambda: "" if when is None else format_moment(when))

    def go_to(self, problem: Problem) -> None:
        """Select the level of a problem if the ladder has it."""
        if problem.row is not None:
            reveal(self.ladder, self.model.index(problem.row, 0))


def make_ladder(model: LadderModel) -> QTableView:
    """Return the table of the levels of an order book, with complete prices at any width."""
    ladder = make_table(model, "Levels of the order book", sortable=False)
    ladder.setItemDelegate(LadderDelegate(ladder))
    ladder.setTextElideMode(Qt.TextElideMode.ElideRight)  # the first digits are the large ones
    columns_of(ladder).leave()
    header = ladder.horizontalHeader()
    header.setMinimumSectionSize(_NARROWEST)
    header.setResizeContentsPrecision(0)  # the visible rows
    # Else the last column has its default width while the first one gives way for it.
    header.setStretchLastSection(False)
    # Of quantities the last digits may be left out, which the tooltip has; prices differ in them.
    for column in range(model.columnCount()):
        mode = QHeaderView.ResizeMode.Stretch
        if column in PRICES:
            mode = QHeaderView.ResizeMode.ResizeToContents
        header.setSectionResizeMode(column, mode)
    copy_with(ladder)
    return ladder


def spread_of(book: Book) -> str:
    """Return the exact spread and its share of the middle price."""
    if not book.bids or not book.asks:
        return "one side only"
    bid, ask = book.bids[0].price, book.asks[0].price
    middle = (bid + ask) / 2
    share = f" ({(ask - bid) / middle:.3%})" if middle else ""
    return f"{ask - bid:,f}{share}"


class LadderDelegate(CellDelegate):
    """Paints a bar behind each quantity: from the middle outwards."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, left=_EDGE)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return the width of the text with its margins; `paint` has that of asks at the left only."""
        size = super().sizeHint(option, index)
        return size - QSize(PADDING - _EDGE, 0) if index.column() == _BID + 1 else size

    def _margin(self, index: QModelIndex | QPersistentModelIndex) -> int:
        return PADDING if index.column() > _BID else _EDGE

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw the bar, then the cell."""
        part = index.data(BAR_ROLE)
        if part:
            colours = theme.tokens()
            area: QRect = option.rect
            width = int(area.width() * float(part))
            bid = index.column() == 0
            left = area.right() - width + 1 if bid else area.left()
            colour = colours.good if bid else colours.danger
            bar = QRect(left, area.top() + 2, width, area.height() - 4)
            painter.fillRect(bar, blended(colour, colours.panel, 0.16))
        if index.column() > _BID:
            option.rect = option.rect.adjusted(0, 0, PADDING - _EDGE, 0)
        # The cell follows, so that its text is above the bar.
        super().paint(painter, option, index)

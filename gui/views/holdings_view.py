"""The view of a portfolio: total value, allocation and assets."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QVBoxLayout, QWidget

from core.preview import Holding, Holdings, Problem
from core.units import format_moment
from gui import theme
from gui.views.canvas import Canvas, blended
from gui.views.ladder_model import HoldingsModel
from gui.views.rows_view import copy_with
from gui.widgets.column_header import title_width
from gui.widgets.labels import figure, muted_label
from gui.widgets.panel import row, rule
from gui.widgets.table import columns_of, make_table

#: Number of assets that have a part of the bar; the others share one.
_PARTS = 6
#: The columns of prices and of shares, and the width in pixels of a share with its bar.
_PRICE, _SHARE, _BAR_WIDTH = 2, 4, 100


class HoldingsView(QWidget):
    """Total, a bar divided by value, and a table with the share of each asset."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = HoldingsModel(self)
        self.view = make_table(self.model, "Assets of the portfolio")
        self.view.sortByColumn(3, Qt.SortOrder.DescendingOrder)  # the most valuable first
        columns_of(self.view).leave()
        header = self.view.horizontalHeader()
        # The last section would have its default width at least.
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_SHARE, QHeaderView.ResizeMode.Stretch)
        header.sortIndicatorChanged.connect(self._fit)
        self.bar = ShareBar()
        self._total = figure()
        self._when = muted_label()
        copy_with(self.view)
        head = row(self._total, self._when, margins=(12, 12, 12, 0))
        head.layout().setStretch(1, 1)  # type: ignore[union-attr]  # `row` gives a box layout
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for part in (head, self.bar, rule()):
            box.addWidget(part)
        box.addWidget(self.view, 1)
        self.setFocusProxy(self.view)
        self.setMinimumHeight(240)

    def show_content(self, holdings: Holdings) -> None:
        """Show a portfolio."""
        self.model.set_holdings(holdings)
        self.view.sortByColumn(3, Qt.SortOrder.DescendingOrder)
        # Without prices in the file its column would only push the shares out of sight.
        unpriced = all(each.price is None for each in holdings.holdings)
        self.view.setColumnHidden(_PRICE, unpriced)
        self._fit()
        self.bar.show_holdings(holdings.holdings)
        self._total.setText("no total" if holdings.total is None else f"${holdings.total:,f}")
        when = holdings.when
        self._when.show_live(lambda: "" if when is None else format_moment(when))

    def go_to(self, problem: Problem) -> None:
        """Do nothing, since all assets are visible."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the columns into the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self, *_sorted: object) -> None:
        """Give the columns the widths of their contents, and the shares a bar if there is room."""
        header = self.view.horizontalHeader()
        left = self.width()
        for column in range(_SHARE):
            if not self.view.isColumnHidden(column):
                title = title_width(header, column, arrow=False)
                width = max(title, self.view.sizeHintForColumn(column))
                self.view.setColumnWidth(column, width)
                left -= width
        self.model.show_bars(shown=left >= _BAR_WIDTH)


class ShareBar(Canvas):
    """One bar divided among the most valuable assets, each with its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares: list[tuple[str, float]] = []
        self.setFixedHeight(64)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Shares of the portfolio")

    def sizeHint(self) -> QSize:
        """Return the size of the bar and a line of names."""
        return QSize(320, 64)

    def show_holdings(self, holdings: tuple[Holding, ...]) -> None:
        """Show assets."""
        worth = [(one.symbol, float(one.value)) for one in holdings if one.value and one.value > 0]
        total = sum(value for _, value in worth)
        # Of positive values only: debts would make the shares exceed 100 %.
        shares = [(name, value / total) for name, value in worth[:_PARTS]]
        rest = 1 - sum(share for _, share in shares)
        self._shares = [*shares, ("other", rest)] if len(worth) > _PARTS else shares
        text = ", ".join(f"{name} {share:.0%}" for name, share in self._shares)
        self.setAccessibleDescription(text)
        self.redraw()

    def draw(self, painter: QPainter) -> None:
        """Draw the shares, largest first, with the names below."""
        colours = theme.tokens()
        painter.setFont(theme.number_font(theme.SMALL_SIZE))
        width, left = self.width() - 24, 12.0
        for number, (name, share) in enumerate(self._shares):
            part = width * share
            painter.fillRect(self.box(left, 12, max(left + 1, left + part - 2), 30), _shade(number))
            text = f"{name} {share:.0%}"
            # A name that does not fit is left out: the table below has all names.
            if QFontMetricsF(painter.font()).horizontalAdvance(text) <= part - 4:
                painter.setPen(colours.muted)
                painter.drawText(QRectF(left, 36, part, 16), Qt.AlignmentFlag.AlignVCenter, text)
            left += part


def _shade(number: int) -> QColor:
    colours = theme.tokens()
    return blended(colours.accent, colours.panel, max(0.2, 1 - number * 0.15))

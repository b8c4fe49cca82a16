"""Table models of the levels of an order book and of the assets of a portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.preview import Book, Holdings, Level
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import PROGRESS_ROLE, SORT_ROLE, TONE_ROLE

#: Share of the largest quantity of the side, from 0 to 1, which the delegate paints as a bar.
BAR_ROLE = Qt.ItemDataRole.UserRole + 40
#: The columns of prices.
PRICES = frozenset({1, 2})


class LadderModel(Columns):
    """Bids at the left and asks at the right, best prices on top."""

    heads = ("Size", "Bid", "Ask", "Size")
    #: Bids are aligned with the middle, so that both best prices are side by side.
    numbers = frozenset({0, 1})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sides: tuple[Sequence[Level], Sequence[Level]] = ((), ())
        self._most = 1.0

    def set_book(self, book: Book) -> None:
        """Show another order book; texts are created for visible rows only."""
        self.beginResetModel()
        self._sides = (book.bids, book.asks)
        quantities = (level.quantity for level in (*book.bids, *book.asks))
        # Never zero, because it is a divisor.
        self._most = float(max(quantities, default=0)) or 1.0
        self.endResetModel()

    def _count(self) -> int:
        return max(len(side) for side in self._sides)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a price or quantity, its side, its tone, or its bar."""
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column in self.numbers else None
        if role == TONE_ROLE:
            return {1: "good", 2: "danger"}.get(column)
        side = self._sides[column // 2]
        level = side[index.row()] if index.row() < len(side) else None
        if role == Qt.ItemDataRole.DisplayRole:
            value = level and (level.price if column in PRICES else level.quantity)
            return "" if value is None else f"{value:,f}"
        if role == BAR_ROLE and level and column in (0, 3):
            return float(level.quantity) / self._most
        return None


class HoldingsModel(Columns):
    """Asset, quantity, price, value and share of a portfolio."""

    heads = ("Asset", "Quantity", "Price", "Value USD", "Share")
    numbers = frozenset({1, 2, 3})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, ...]] = []
        self._keys: list[tuple[Any, ...]] = []
        self._bars = True

    def show_bars(self, *, shown: bool) -> None:
        """Show shares with bars, or as numbers only."""
        if shown != self._bars:
            self._bars = shown
            self.layoutChanged.emit()

    def set_holdings(self, holdings: Holdings) -> None:
        """Show another portfolio."""
        self.beginResetModel()
        # Debts do not reduce the total of which the shares are taken.
        total = sum(
            (max(one.value or Decimal(0), Decimal(0)) for one in holdings.holdings), Decimal(0)
        )
        self._rows, self._keys = [], []
        for one in holdings.holdings:
            share = float((one.value or Decimal(0)) / total) if total else 0.0
            numbers = (one.quantity, one.price, one.value)
            texts = tuple("" if number is None else f"{number:,f}" for number in numbers)
            self._rows.append((one.symbol, *texts, f"{share:.1%}"))
            self._keys.append((one.symbol, *(n or Decimal(0) for n in numbers), share))
        self.endResetModel()

    def _count(self) -> int:
        return len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return an asset's text, native value, or its share as a bar."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() in self.numbers else None
        if role == PROGRESS_ROLE and index.column() == 4 and self._bars:
            return min(1.0, max(0.0, self._keys[index.row()][4]))
        return self._keys[index.row()][index.column()] if role == SORT_ROLE else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by native values."""
        if not 0 <= column < 5 or not self._rows:
            return
        self.layoutAboutToBeChanged.emit()
        # Keys are numbers: texts would be sorted as 10, 9, 100.
        pairs = sorted(
            zip(self._keys, self._rows, strict=True),
            key=lambda pair: pair[0][column],
            reverse=order == Qt.SortOrder.DescendingOrder,
        )
        self._keys, self._rows = [key for key, _ in pairs], [row for _, row in pairs]
        self.layoutChanged.emit()

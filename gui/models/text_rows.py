"""The base class of models for small tables: rows of texts with native values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt

from gui.models.columns import RIGHT, CellText, Columns, text_of
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, SORT_ROLE


class TextRows(Columns):
    """A row is two tuples of equal length: native values to sort by, and texts to show.

    Subclasses define the columns, the numeric ones, and the one in the monospaced font.
    """

    mono: int | None = None

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[tuple[Any, ...], tuple[CellText, ...]]] = []
        self._items: list[Any] = []
        self._sorting = (-1, Qt.SortOrder.AscendingOrder)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, native value, tooltip or appearance."""
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        values, texts = self._rows[row]
        if role == Qt.ItemDataRole.DisplayRole:
            return text_of(texts[column])
        if role == SORT_ROLE:
            return values[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(row, column)
        return self._drawn(row, column, role)

    def _count(self) -> int:
        return len(self._rows)

    def item(self, row: int) -> Any:
        """Return the object of a row."""
        return self._items[row]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the native values of a column, including rows that are added later."""
        self._sorting = (column, order)
        if not 0 <= column < len(self.heads):
            return
        # Not a reset, which would clear the selection.
        self.layoutAboutToBeChanged.emit()
        self._sort()
        self.layoutChanged.emit()

    def _sort(self) -> None:
        column, order = self._sorting
        if 0 <= column < len(self.heads):
            down = order == Qt.SortOrder.DescendingOrder
            places = sorted(
                range(len(self._rows)), key=lambda row: self._rows[row][0][column], reverse=down
            )
            self._rows = [self._rows[place] for place in places]
            self._items = [self._items[place] for place in places]

    def _tooltip(self, _row: int, _column: int) -> str:
        """Return the tooltip of a cell; the delegate shows shortened texts itself."""
        return ""

    def _drawn(self, _row: int, column: int, role: int) -> Any:
        """Return how a cell is drawn."""
        if role == Qt.ItemDataRole.TextAlignmentRole and column in self.numbers:
            return RIGHT
        return True if role == MONO_ROLE and column == self.mono else None

    def _replace(
        self,
        rows: Sequence[tuple[tuple[Any, ...], tuple[CellText, ...]]],
        items: Sequence[Any] | None = None,
    ) -> None:
        """Show other rows in the order selected for the former ones.

        `items` are the objects of the rows, which `item` also finds after sorting.
        """
        self.beginResetModel()
        self._rows = list(rows)
        self._items = list(rows if items is None else items)
        self._sort()
        self.endResetModel()

"""The table model of a previewed table, sorted by native values."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from core.preview import Table
from gui.models.columns import RIGHT
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, SORT_ROLE, TONE_ROLE

#: Spellings of the two sides in the data of exchanges.
_TONES = {
    "buy": "good", "bid": "good", "b": "good", "long": "good",
    "sell": "danger", "ask": "danger", "s": "danger", "short": "danger",
}  # fmt: skip


class RowsModel(QAbstractTableModel):
    """Shows one `Table`; row numbers do not change when it is sorted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = Table((), (), ())
        self._order: list[int] = []
        self._signs = -1

    def set_table(self, table: Table) -> None:
        """Show another table, in the order of its rows."""
        self.beginResetModel()
        self._table = table
        self._order = list(range(len(table.rows)))
        self._signs = table.columns.index(table.signs) if table.signs in table.columns else -1
        self.endResetModel()

    def place_of(self, row: int) -> QModelIndex:
        """Return the present position of a row of the table, both counted from 0."""
        return self.index(self._order.index(row), 0) if row in self._order else QModelIndex()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._table.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, side or tone."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._table.cell(self._order[index.row()], index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self._table.numeric[index.column()] else None
        if role == TONE_ROLE and index.column() == self._signs:
            text = self._table.cell(self._order[index.row()], index.column())
            return _TONES.get(text.lower())
        if role == SORT_ROLE:
            return self._key(self._order[index.row()], index.column())
        return False if role == MONO_ROLE else None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title or alignment."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._table.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._table.columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and self._table.numeric[section]:
            return RIGHT
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column's native values, or by the original order for -1."""
        if column >= len(self._table.columns):
            return
        self.layoutAboutToBeChanged.emit()
        moved = [(old, self._order[old.row()]) for old in self.persistentIndexList()]
        self._order = list(range(len(self._table.rows)))
        if column >= 0:
            backwards = order == Qt.SortOrder.DescendingOrder
            self._order.sort(key=lambda row: self._key(row, column), reverse=backwards)
        # Else selected rows would be exchanged for those that come to their positions.
        places = {row: place for place, row in enumerate(self._order)} if moved else {}
        for old, row in moved:
            self.changePersistentIndex(old, self.index(places[row], old.column()))
        self.layoutChanged.emit()

    def _key(self, row: int, column: int) -> tuple[int, float, str]:
        """Return the sort key of a cell: a float, which compares fast, then the text."""
        text = self._table.cell(row, column)
        if not self._table.numeric[column]:
            return (0, 0.0, text.casefold())
        try:
            # Texts in a column of numbers follow the numbers, empty cells precede them.
            return (1, float(text.replace(",", "")), text)
        except ValueError:
            return (0 if not text else 2, 0.0, text)

"""Base class of the table models of the tab: rows of texts, with native values to sort by."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.units import zoned
from gui.models.columns import CellText, text_of
from gui.models.roles import MONO_ROLE, SORT_ROLE

Index = QModelIndex | QPersistentModelIndex

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Rows(QAbstractTableModel):
    """Rows of texts, with native values to sort by."""

    heads: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()
    mono: frozenset[int] = frozenset()
    moments: frozenset[int] = frozenset()
    ages = False

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._texts: list[tuple[CellText, ...]] = []
        self._values: list[tuple[Any, ...]] = []

    def rowCount(self, parent: Index | None = None) -> int:
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self._texts)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self.heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column, aligned like its cells."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            head = self.heads[section]
            return zoned(head) if section in self.moments else head
        right = role == Qt.ItemDataRole.TextAlignmentRole and section in self.numbers
        return _RIGHT if right else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, sort value, alignment or tone."""
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return text_of(self._texts[row][column])
        if role == SORT_ROLE:
            return self._values[row][column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in self.numbers else None
        return self._drawn(row, column, role)

    def _drawn(self, _row: int, column: int, role: int) -> Any:
        return True if role == MONO_ROLE and column in self.mono else None

    def _replace(self, texts: list[tuple[CellText, ...]], values: list[tuple[Any, ...]]) -> None:
        """Show other rows; with the same number of rows the selection stays."""
        if texts and len(texts) == len(self._texts) and self._same(values):
            self._texts, self._values = texts, values
            last = self.index(len(texts) - 1, len(self.heads) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self._texts, self._values = texts, values
        self.endResetModel()

    def _same(self, values: list[tuple[Any, ...]]) -> bool:
        return [row[0] for row in values] == [row[0] for row in self._values]

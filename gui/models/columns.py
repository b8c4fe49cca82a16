"""What every table of named columns has in common: its size and its heads."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, Qt

from gui.models.indexes import NOWHERE, Index

#: How numbers and the heads above them are aligned.
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Columns(QAbstractTableModel):
    """A subclass names its columns and those that hold numbers, and counts its rows."""

    heads: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else self._count()

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column, those of numbers at the right."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.heads[section]
        right = role == Qt.ItemDataRole.TextAlignmentRole and section in self.numbers
        return RIGHT if right else None

    def _count(self) -> int:
        """Return the number of rows, which the subclass knows."""
        return 0

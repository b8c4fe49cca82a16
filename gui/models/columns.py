"""What every table of named columns has in common: its size and its heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, Qt

from core.units import zoned
from gui.models.indexes import NOWHERE, Index

#: How numbers and the heads above them are aligned.
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: The text of a cell; what depends on the time or the zone is a function, asked at each drawing.
CellText = str | Callable[[], str]


def text_of(cell: CellText) -> str:
    """Return the text of a cell as it is now."""
    return cell if isinstance(cell, str) else cell()


class Columns(QAbstractTableModel):
    """A subclass names its columns and those that hold numbers, and counts its rows.

    `moments` are the columns of moments: their heads name the zone. `ages` says that cells change
    every second, as ages and remaining times do.
    """

    heads: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()
    moments: frozenset[int] = frozenset()
    ages = False

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
            head = self.heads[section]
            return zoned(head) if section in self.moments else head
        right = role == Qt.ItemDataRole.TextAlignmentRole and section in self.numbers
        return RIGHT if right else None

    def _count(self) -> int:
        """Return the number of rows, which the subclass knows."""
        return 0

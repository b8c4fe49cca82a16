"""The base class of table models with named columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, Qt

from core.units import zoned
from gui.models.indexes import NOWHERE, Index

#: Alignment of numbers and their column titles.
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: The text of a cell; a function if it depends on the time or zone, called at each paint.
CellText = str | Callable[[], str]


def text_of(cell: CellText) -> str:
    """Return the current text of a cell."""
    return cell if isinstance(cell, str) else cell()


class Columns(QAbstractTableModel):
    """A table model; subclasses define the columns, the numeric ones, and the number of rows.

    `moments` are the columns of times, whose titles include the zone. `ages` is whether cells
    change every second, like ages and remaining times.
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
        """Return the title of a column, right-aligned for numbers."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            head = self.heads[section]
            return zoned(head) if section in self.moments else head
        right = role == Qt.ItemDataRole.TextAlignmentRole and section in self.numbers
        return RIGHT if right else None

    def _count(self) -> int:
        """Return the number of rows; implemented by subclasses."""
        return 0

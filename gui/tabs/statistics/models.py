"""Groups and largest objects as rows of tables, texts ready, sorted by native values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from core.model.statistics import LargeObject, Share
from core.units import format_count, format_size
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, SORT_ROLE
from gui.widgets.labels import shown, tooltip

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Rows(QAbstractTableModel):
    """Rows of native values and of texts; the first column is a name, the others are numbers."""

    mono = False

    def __init__(self, heads: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._heads = heads
        self._rows: list[tuple[tuple[Any, ...], tuple[str, ...]]] = []

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column, numbers' at the right."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole and section else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, native value or looks."""
        values, texts = self._rows[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return texts[column]
        if role == SORT_ROLE:
            return values[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column else None
        if role == Qt.ItemDataRole.ToolTipRole and not column:
            return tooltip(texts[0])
        return True if role == MONO_ROLE and self.mono and not column else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the native values of a column."""
        self.layoutAboutToBeChanged.emit()
        down = order == Qt.SortOrder.DescendingOrder
        self._rows.sort(key=lambda row: row[0][column], reverse=down)
        self.layoutChanged.emit()

    def replace(self, rows: list[tuple[tuple[Any, ...], tuple[str, ...]]]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()


class SharesModel(_Rows):
    """Groups with count, size and their part of the whole."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("Group", "Objects", "Size", "Part"), parent)

    def show(self, shares: Sequence[Share], size: int) -> None:
        """Show groups of a whole of `size` bytes."""
        self.replace([_share_row(share, size) for share in shares])


class LargestModel(_Rows):
    """The largest objects."""

    mono = True

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("Largest objects", "Size"), parent)

    def show(self, objects: Sequence[LargeObject]) -> None:
        """Show objects, the largest first."""
        self.replace([((o.key, o.size), (shown(o.key), format_size(o.size))) for o in objects])

    def key(self, row: int) -> str:
        """Return the key of a row."""
        return str(self._rows[row][0][0])


def _share_row(share: Share, size: int) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    part = share.size / size if size else 0.0
    texts = (
        shown(share.name),
        format_count(share.objects),
        format_size(share.size),
        f"{part:.1%}",
    )
    return (share.name, share.objects, share.size, part), texts

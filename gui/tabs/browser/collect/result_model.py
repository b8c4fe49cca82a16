"""The model of a table on this computer, whose rows are read in pages when they are shown."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal

from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE
from gui.tabs.browser.collect.tables import TableRef
from gui.widgets.labels import shown

if TYPE_CHECKING:  # DuckDB is loaded by the worker threads
    from core.sql.result import Cell

#: Rows of a page, and the maximum number of pages in memory.
PAGE, _MOST_PAGES = 500, 100
_NUMBER = re.compile("U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|DECIMAL|DOUBLE|FLOAT")
_MOMENTS = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
_ZONE = re.compile(r"\+00$")


class TableModel(Columns):
    """The rows of one table.

    Signals:
        page_wanted: rows of this page are shown, but not read yet.
        order_wanted: the user sorts by a column (its index, and whether it descends).
    """

    page_wanted = Signal(int)
    order_wanted = Signal(int, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table: TableRef | None = None
        self._pages: OrderedDict[int, Sequence[Sequence[Cell]]] = OrderedDict()

    def show_table(self, table: TableRef | None) -> None:
        """Show another table, or none."""
        self.beginResetModel()
        self.table = table
        types = table.types if table else ()
        names = zip(table.columns, types, strict=True) if table else ()
        # Times of tables are in UTC, whatever zone the window shows elsewhere: SQL uses it too.
        self.heads = tuple(
            f"{shown(name)} (UTC)" if kind in _MOMENTS else shown(name) for name, kind in names
        )
        self.numbers = frozenset(at for at, kind in enumerate(types) if _NUMBER.match(kind))
        self._pages.clear()
        self.endResetModel()

    def forget_pages(self) -> None:
        """Read all rows again, in another order."""
        self.beginResetModel()
        self._pages.clear()
        self.endResetModel()

    def add_page(self, table: TableRef, page: int, rows: Sequence[Sequence[Cell]]) -> None:
        """Show the rows of a page; those of another table are ignored."""
        if table is not self.table or not rows:
            return
        self._pages[page] = rows
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        first, last = page * PAGE, page * PAGE + len(rows) - 1
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.heads) - 1))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Request the rows in the order of a column: they are sorted in a worker thread."""
        if 0 <= column < len(self.heads):
            self.order_wanted.emit(column, order == Qt.SortOrder.DescendingOrder)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or appearance."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() in self.numbers else None
        if role == MONO_ROLE:
            return True
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole}:
            return self._text(index.row(), index.column())
        return None

    def _text(self, row: int, column: int) -> str:
        """Return the text of a cell; a page that is not read yet is requested."""
        rows = self._pages.get(row // PAGE)
        if rows is None:
            self.page_wanted.emit(row // PAGE)
            return "…"
        cell = rows[row % PAGE][column] if row % PAGE < len(rows) else None
        return cell_text(cell)

    def _count(self) -> int:
        return self.table.rows if self.table else 0


def cell_text(cell: Cell) -> str:
    """Return the text of a value; times have no zone, since the titles of their columns have it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return shown(_ZONE.sub("", str(cell)))

"""The model of search results, whose rows are read in pages when they are shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from core.catalog.matches import Matches
from core.catalog.query import Order
from core.model.catalog import CatalogRow
from core.model.listing import ObjectRow
from core.units import format_moment, format_size
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE
from gui.tabs.browser.folder_rows import Entry
from gui.widgets.labels import shown

#: Rows of a page, and the maximum number of pages in memory.
PAGE, _MOST_PAGES = 200, 250
KEY, SIZE, MODIFIED = range(3)
#: The order of each column.
ORDERS: tuple[Order, ...] = ("key", "size", "modified")


class Results(Columns):
    """The keys that a search has found.

    Signals:
        page_wanted: rows of this page are shown, but not read yet.
        order_wanted: the user sorts by a column (an index, and whether it descends).
    """

    heads = ("Key", "Size", "Modified")
    numbers = frozenset({SIZE})
    moments = frozenset({MODIFIED})
    page_wanted = Signal(int)
    order_wanted = Signal(int, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.matches: Matches | None = None
        self._pages: OrderedDict[int, Sequence[CatalogRow]] = OrderedDict()

    def show(self, matches: Matches | None, first: Sequence[CatalogRow] = ()) -> None:
        """Show other results.

        Args:
            matches: the results; None for none.
            first: the rows of the first page.
        """
        self.beginResetModel()
        self.matches = matches
        self._pages.clear()
        self._pages[0] = first
        self.endResetModel()

    def add_page(self, matches: Matches, page: int, rows: Sequence[CatalogRow]) -> None:
        """Show the rows of a page; those of other results are ignored."""
        if matches is not self.matches:
            return
        self._pages[page] = rows
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        last = min((page + 1) * PAGE, self._count()) - 1
        self.dataChanged.emit(self.index(page * PAGE, 0), self.index(last, MODIFIED))

    def row(self, number: int) -> CatalogRow | None:
        """Return a row; None if its page is not read yet."""
        rows = self._pages.get(number // PAGE)
        return rows[number % PAGE] if rows and number % PAGE < len(rows) else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Request the results in the order of a column: they are sorted in a worker thread."""
        if 0 <= column < len(ORDERS):
            self.order_wanted.emit(column, order == Qt.SortOrder.DescendingOrder)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or appearance."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() in self.numbers else None
        if role == MONO_ROLE:
            return index.column() == KEY
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._cell(index) if index.column() == KEY else None
        return self._cell(index) if role == Qt.ItemDataRole.DisplayRole else None

    def _cell(self, index: Index) -> str:
        """Return the text of a cell; a page that is not read yet is requested."""
        row = self.row(index.row())
        if row is not None:
            return _text(row, index.column())
        self.page_wanted.emit(index.row() // PAGE)
        return "…" if index.column() == KEY else ""

    def _count(self) -> int:
        return 0 if self.matches is None else len(self.matches)


def _text(row: CatalogRow, column: int) -> str:
    if column == KEY:
        return shown(row.key)
    if column == SIZE:
        return format_size(row.size)
    return format_moment(row.modified, zone=False)


def entry_of(row: CatalogRow) -> Entry:
    """Return a result as a row of a folder list, to which the actions of objects apply."""
    return Entry(row.key, ObjectRow(row.key, row.size, row.modified, "", row.storage_class))

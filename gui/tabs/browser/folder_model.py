"""The model of one folder, whose texts are created when they are painted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QModelIndex,
    QObject,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon

from core.model.listing import ObjectRow
from core.units import format_moment, format_size, zoned
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, SORT_ROLE, TONE_ROLE
from gui.tabs.browser.folder_columns import Entries, FolderColumns, Order
from gui.tabs.browser.folder_rows import (
    MODIFIED,
    NAME,
    SIZE,
    Entry,
    Rows,
    Wanted,
    matcher,
)

_HEADERS = ("Name", "Size", "Modified", "Kind")
#: Up to this many rows are removed one by one; for more the model is reset, which is faster.
ONE_BY_ONE = 50
#: More rows than this are sorted and filtered in a worker thread.
MANY_ROWS = 20_000
#: The signature of the signals of a changed order, and the hint that only rows have moved.
_OF_LAYOUT = "QList<QPersistentModelIndex>,QAbstractItemModel::LayoutChangeHint"
_ROWS_MOVED = QAbstractItemModel.LayoutChangeHint.VerticalSortHint
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def key_entry(key: str) -> Entry:
    """Return the row of an object of which only the key is known."""
    return Entry(key, ObjectRow(key, 0, datetime.fromtimestamp(0, UTC), "", ""))


#: Runs a function in a worker thread and passes its result to another one in this thread.
Background = Callable[[Callable[[], Any], Callable[[Any], None]], object]


class FolderModel(QAbstractTableModel):
    """The rows of a folder, added page by page, sorted and filtered by their columns.

    With many rows the former order is shown until the new one is ready.

    Args:
        parent: the owner.
        background: runs the sorting of many rows; None to sort them in this thread.

    Signals:
        filter_about_to_change: other rows are about to be shown, which ends the selection.
        filter_changed: the rows of another filter are shown.
    """

    filter_about_to_change = Signal()
    filter_changed = Signal()

    def __init__(self, parent: QObject | None = None, background: Background | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._rows = FolderColumns()
        self._arranging: FolderColumns | None = None  # the rows that a worker thread sorts
        self._icons: dict[bool, QIcon] = {}
        # The order in which S3 lists keys, so that pages can be appended without sorting.
        self._column, self._backwards = NAME, False
        self._wanted: Wanted = ""

    @property
    def prefix(self) -> str:
        """The prefix of the folder."""
        return self._rows.prefix

    # Content

    def clear(self, prefix: str) -> None:
        """Remove all rows, for another folder."""
        self.beginResetModel()
        # Another object, since selected rows may still refer to the old one.
        self._rows = FolderColumns(prefix)
        self._rows.set_filter(self._wanted)
        self._rows.set_order(self._column, backwards=self._backwards)
        self.endResetModel()

    def set_icons(self, folder: QIcon, file: QIcon) -> None:
        """Set the icons of folders and files, which are shown only in lists with folders."""
        self._icons = {True: folder, False: file}

    def add(self, page: Rows) -> None:
        """Add one page of the listing."""
        rows = self._rows
        folders, objects = rows.append(rows.new_folders(page))
        sorted_already = rows.in_order_of_arrival
        if folders:
            at = len(rows.shown_folders)
            self.beginInsertRows(QModelIndex(), at, at + len(folders) - 1)
            rows.show_folders(folders)
            self.endInsertRows()
        if objects:
            at = len(rows)
            self.beginInsertRows(QModelIndex(), at, at + len(objects) - 1)
            rows.show_objects(objects)
            self.endInsertRows()
        if not sorted_already:
            self._arrange()

    @property
    def _order(self) -> Order:
        """The requested filter and order; that of the rows may still be the former one."""
        return self._wanted, self._column, self._backwards

    def remove(self, keys: Iterable[str], *, replaced: bool = False) -> None:
        """Remove rows, for example after a delete.

        Args:
            keys: their keys.
            replaced: whether a new listing replaces all rows soon, so that the few of a large
                folder only need to be hidden.
        """
        removed = frozenset(keys)
        gone = self._rows.rows_of_keys(removed)
        hidden = replaced and self.total > MANY_ROWS and len(gone) <= ONE_BY_ONE
        rest = self._rows if hidden else self._rows.without(removed)
        if len(gone) > ONE_BY_ONE:
            self.beginResetModel()
            self._rows = rest
            self.endResetModel()
            return
        for row in reversed(gone):
            self.beginRemoveRows(QModelIndex(), row, row)
            self._rows.hide(row)
            self.endRemoveRows()
        self._rows = rest

    def set_filter(self, text: str) -> None:
        """Show only the rows whose name contains `text` or, with `*` or `?`, matches it."""
        wanted = matcher(text)
        if wanted != self._wanted:
            self._wanted = wanted
            self._arrange()

    # Queries of the panes

    @property
    def total(self) -> int:
        """The number of rows without the filter."""
        return self._rows.total

    @property
    def total_size(self) -> int:
        """The total size of the shown objects in bytes."""
        return self._rows.totals()[0]

    @property
    def newest(self) -> datetime | None:
        """The time of the newest shown object; None without objects."""
        newest = self._rows.totals()[1]
        return None if newest is None else datetime.fromtimestamp(newest, UTC)

    @property
    def has_folders(self) -> bool:
        """Whether there are folders among the rows, with or without the filter."""
        return bool(self._rows.folders)

    def key(self, row: int) -> str:
        """Return the key of a row in the present order."""
        return self._rows.key(row)

    def entry(self, row: int) -> Entry:
        """Return the entry of a row in the present order."""
        return self._rows.entry(row)

    def entries(self, runs: Iterable[tuple[int, int]]) -> Entries:
        """Return the entries of ranges of rows (first and last) in the present order."""
        return self._rows.entries(runs)

    def index_of(self, key: str) -> QModelIndex:
        """Return the index of a key, or an invalid index."""
        found = self._rows.rows_of_keys([key])
        return self.index(found[0], NAME) if found else QModelIndex()

    def runs_of(self, keys: Iterable[str]) -> list[tuple[int, int]]:
        """Return the rows of keys as ranges: the first and last row of each."""
        return self._rows.runs_of_keys(keys)

    def find_runs(
        self, keys: Callable[[], Sequence[str]], then: Callable[[list[tuple[int, int]]], object]
    ) -> None:
        """Find the rows of many keys as `runs_of` does, in a worker thread if there are many rows.

        Args:
            keys: returns the keys, in that thread.
            then: gets the ranges, unless other rows are listed then.
        """
        rows = self._rows
        if self._background is None or rows.total <= MANY_ROWS:
            then(rows.runs_of_keys(keys()))
            return
        copy = rows.to_search()

        def found(runs: list[tuple[int, int]]) -> None:
            if rows is not self._rows:
                return
            if (copy.order, len(copy)) == (rows.order, len(rows)):
                then(runs)
            else:  # sorted or filtered since then
                self.find_runs(keys, then)

        self._background(lambda: copy.runs_of_keys(keys()), found)

    # Qt interface

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of shown rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return 4."""
        return 0 if parent.isValid() else len(_HEADERS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's data; the text, the most frequent request, is handled first."""
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(self._rows.value(index.row(), column), column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in (SIZE, MODIFIED) else None
        if role == MONO_ROLE:
            return column == NAME
        if role == TONE_ROLE:
            return "muted" if column >= MODIFIED else None
        return self._rare_role(index.row(), column, role)

    def _rare_role(self, row: int, column: int, role: int) -> Any:
        """Return the data of less frequent roles, or of the first column."""
        if role == Qt.ItemDataRole.DecorationRole and column == NAME and self._rows.shown_folders:
            # Without folders all icons would be the same.
            return self._icons.get(row < len(self._rows.shown_folders))
        if role == SORT_ROLE:
            value = self._rows.value(row, column)
            return -1 if value is None else value
        if role == Qt.ItemDataRole.ToolTipRole and column == NAME:
            return self._rows.key(row)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the title or alignment of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (SIZE, MODIFIED):
            return _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return zoned(_HEADERS[section]) if section == MODIFIED else _HEADERS[section]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by native values; folders precede objects in both directions."""
        self._column = max(NAME, column)
        self._backwards = column >= 0 and order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def _arrange(self) -> None:
        """Sort and filter the rows, many of them in a worker thread."""
        rows, order = self._rows, self._order
        if self._background is None or rows.total <= MANY_ROWS or rows.arranged_at_once(order):
            self._show_arranged(rows.to_arrange(order).arranged())
        elif self._arranging is not rows:  # else `_on_arranged` starts again
            self._arranging = rows
            self._background(
                rows.to_arrange(order).arranged, lambda done: self._on_arranged(rows, done)
            )

    def _on_arranged(self, rows: FolderColumns, done: FolderColumns) -> None:
        if rows is self._arranging:
            self._arranging = None
        if rows is self._rows and done.order == self._order:
            if self._show_arranged(done) and not rows.in_order_of_arrival:
                self._arrange()
        elif self._rows.order != self._order:
            self._arrange()

    def _show_arranged(self, done: FolderColumns) -> bool:
        """Show the rows as a copy was arranged; return whether more rows arrived since then."""
        if done.order[0] == self._rows.order[0]:
            return self._show_order(done)
        self.filter_about_to_change.emit()
        self.beginResetModel()
        later = self._rows.adopt(done)
        self.endResetModel()
        self.filter_changed.emit()
        return later

    def _show_order(self, done: FolderColumns) -> bool:
        # With the hint, the view does not measure its columns again.
        self.layoutAboutToBeChanged[_OF_LAYOUT].emit([], _ROWS_MOVED)  # type: ignore[index] # an overload
        # The selection and the current row are persistent indexes, which must follow their rows.
        old = self.persistentIndexList()
        positions = [self._rows.position(each.row()) for each in old]
        later = self._rows.adopt(done)
        rows = self._rows.places(positions)
        new = [self.index(row, each.column()) for row, each in zip(rows, old, strict=True)]
        self.changePersistentIndexList(old, new)
        self.layoutChanged[_OF_LAYOUT].emit([], _ROWS_MOVED)  # type: ignore[index] # an overload
        return later


def _shown(value: Any, column: int) -> str:
    """Return the text of a cell."""
    if value is None:
        return ""
    if column == SIZE:
        return format_size(value)
    if column == MODIFIED:
        return format_moment(datetime.fromtimestamp(value, UTC), zone=False)
    return str(value)

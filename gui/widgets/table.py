"""Tables, trees and lists in the style of the window: rows of 28 px, no grid, stored widths."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractProxyModel,
    QItemSelectionModel,
    Qt,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QListView,
    QTableView,
    QTreeView,
)

from gui import shortcuts, theme
from gui.clock import repaint_with_time
from gui.widgets.cells import CellDelegate
from gui.widgets.column_header import Header
from gui.widgets.columns import Columns, SettingsStore
from gui.widgets.hover_rows import HoverRows
from gui.widgets.sorting import bind_sorting
from gui.widgets.visible_selection import SteadyList, SteadyTree


def make_table(  # noqa: PLR0913 - the options of a table, by keyword
    model: QAbstractItemModel,
    name: str,
    *,
    settings: SettingsStore | None = None,
    key: str = "",
    sortable: bool = True,
    multiple: bool = False,
    falling: int = -1,
    rising: int = -1,
    header: Header | None = None,
) -> QTableView:
    """Return a table view of a model.

    The table sorts through the model; pass a proxy on `SORT_ROLE` if that is wanted.

    Args:
        model: the model, or a proxy of it.
        name: the accessible name.
        settings: the store of widths, order and sorting of columns; None to store nothing.
        key: the settings key, for example `credentials/secrets`.
        sortable: whether a click on a title sorts.
        multiple: whether several rows can be selected.
        falling: the column sorted in descending order at the first start; -1 for none.
        rising: the same in ascending order. Without both, rows are in the model's order.
        header: a header of another kind than the usual one.
    """
    view = HoverRows()
    view.setHorizontalHeader(header or Header(Qt.Orientation.Horizontal, view))
    view.setModel(model)
    _common(view, name, multiple=multiple)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setCornerButtonEnabled(False)
    view.verticalHeader().hide()
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    view.verticalHeader().setMinimumSectionSize(theme.ROW)
    view.verticalHeader().setDefaultSectionSize(theme.ROW)
    # Else Tab would move from cell to cell and never leave the table.
    view.setTabKeyNavigation(False)
    _header(view.horizontalHeader(), sortable=sortable)
    view.horizontalHeader().setAccessibleName(f"{name}: columns")
    order = Qt.SortOrder.DescendingOrder if falling >= 0 else Qt.SortOrder.AscendingOrder
    # Before sorting is enabled, which sorts at once by the indicator.
    view.horizontalHeader().setSortIndicator(max(falling, rising), order)
    view.setSortingEnabled(sortable)
    Columns(view, view.horizontalHeader(), settings, key)  # a child of the view
    bind_sorting(view)
    return view


def make_tree(
    model: QAbstractItemModel,
    name: str,
    *,
    settings: SettingsStore | None = None,
    key: str = "",
    header: bool = False,
    multiple: bool = False,
) -> QTreeView:
    """Return a tree view of a model with rows of one height.

    Args:
        model: the model.
        name: the accessible name.
        settings: the store of the widths of columns; None to store nothing.
        key: the settings key.
        header: whether titles of columns are shown.
        multiple: whether several rows can be selected.
    """
    view = SteadyTree()
    view.setHeader(Header(Qt.Orientation.Horizontal, view))
    view.setModel(model)
    _common(view, name, multiple=multiple)
    view.setItemDelegate(CellDelegate(view, left=6))
    # Without it Qt measures every row of a tree, also those that are not visible.
    view.setUniformRowHeights(True)
    view.setIndentation(14)
    view.setHeaderHidden(not header)
    view.setExpandsOnDoubleClick(True)
    _header(view.header(), sortable=False)
    view.header().setAccessibleName(f"{name}: columns")
    if header:
        Columns(view, view.header(), settings, key)
    bind_sorting(view)
    return view


def make_list(model: QAbstractItemModel, name: str, *, multiple: bool = False) -> QListView:
    """Return a list view of `model`."""
    view = SteadyList()
    view.setModel(model)
    _common(view, name, multiple=multiple)
    view.setUniformItemSizes(True)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    bind_sorting(view)
    return view


def on_enter(view: QAbstractItemView, act: Callable[[], object]) -> None:
    """Call a function when Enter is pressed in a view.

    The signal `activated` is not used, since on some desktops a single click emits it.
    """
    shortcuts.bind("lists.open", view, act)


def choose_row(view: QAbstractItemView, row: int) -> None:
    """Select a row alone and make it the current one.

    `selectRow` and `setCurrentIndex` add to the selection while Ctrl or Shift is held, as it is
    right after a shortcut.
    """
    index = view.model().index(row, 0)
    flags = QItemSelectionModel.SelectionFlag
    view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
    view.scrollTo(index)


def columns_of(view: QTableView | QTreeView) -> Columns:
    """Return the object that sizes the columns of a view created here."""
    return next(child for child in view.children() if isinstance(child, Columns))


def _common(view: QAbstractItemView, name: str, *, multiple: bool) -> None:
    modes = QAbstractItemView.SelectionMode
    view.setAccessibleName(name)
    view.setItemDelegate(CellDelegate(view))
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(modes.ExtendedSelection if multiple else modes.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setFrameShape(QAbstractItemView.Shape.NoFrame)
    view.setMouseTracking(True)
    repaint_with_time(view, ticks=_has_ages(view.model()))


def _has_ages(model: QAbstractItemModel) -> bool:
    """Return whether cells of a model change every second."""
    source = model.sourceModel() if isinstance(model, QAbstractProxyModel) else model
    return bool(getattr(source, "ages", False))


def _header(header: QHeaderView, *, sortable: bool) -> None:
    header.setHighlightSections(False)
    header.setStretchLastSection(True)
    header.setSectionsClickable(sortable)
    header.setSectionsMovable(sortable)
    header.setMinimumSectionSize(40)
    header.setFixedHeight(29)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setFont(theme.text_font(12))

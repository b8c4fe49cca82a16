"""Initial column widths and order of the tables of this tab."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableView

from gui.widgets.columns import SettingsStore
from gui.widgets.table import columns_of

#: The columns of numbers of rows, and of sizes or ages.
_NUMBERS = (1, 2)


def first_look(
    view: QTableView,
    settings: SettingsStore | None,
    key: str,
    widths: tuple[int, ...],
    order: Qt.SortOrder,
    *,
    first: int,
) -> None:
    """Give the first column the remaining width, and sort by it initially.

    Args:
        view: A table made by `make_table`.
        settings: Where the user's widths are stored.
        key: The key of the widths in the settings.
        widths: Widths of the columns after the first, in pixels.
        order: How the first column is sorted.
        first: Minimum width of the first column, in pixels.
    """
    header = view.horizontalHeader()
    view.setMinimumWidth(sum(widths) + first)
    known = settings is not None and settings.get(f"columns/{key}") is not None
    columns_of(view).leave()
    if not known:
        for column, width in enumerate(widths, 1):
            header.resizeSection(column, width)
        view.sortByColumn(0, order)
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    widen = partial(_widen, view)
    view.model().modelReset.connect(widen)
    view.model().dataChanged.connect(widen)


def _widen(view: QTableView, *_changed: object) -> None:
    """Widen columns so that none of their numbers is cut: a part of a number is a wrong one."""
    for column in _NUMBERS:
        needed = view.sizeHintForColumn(column)
        if needed > view.columnWidth(column) > 0:
            view.setColumnWidth(column, needed)

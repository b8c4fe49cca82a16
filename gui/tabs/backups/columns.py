"""Initial column widths and order of the tables of this tab."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableView

from gui.widgets.columns import SettingsStore
from gui.widgets.table import columns_of


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


def show_numbers_complete(view: QTableView, *columns: int) -> None:
    """Widen columns of numbers as soon as one would be cut: a part of a number is a wrong one."""
    widen = partial(_widen, view, columns)
    view.model().modelReset.connect(widen)
    view.model().dataChanged.connect(widen)


def _widen(view: QTableView, columns: tuple[int, ...], *_changed: object) -> None:
    for column in columns:
        needed = view.sizeHintForColumn(column)
        if needed > view.columnWidth(column) > 0:
            columns_of(view).widen(column, needed)

"""How the tables of this tab look until the user arranges them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableView

from gui.widgets.table import Remembers, columns_of


def first_look(
    view: QTableView,
    settings: Remembers | None,
    key: str,
    widths: tuple[int, ...],
    order: Qt.SortOrder,
) -> None:
    """Give columns fixed widths (pixels) and sort by the first, unless the user changed that.

    The content of these tables changes with every selection: widths fitted to the first one seen
    would cut the next.
    """
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    if settings is not None and settings.get(f"columns/{key}") is not None:
        return
    columns_of(view).leave()
    for column, width in enumerate(widths):
        view.horizontalHeader().resizeSection(column, width)
    view.sortByColumn(0, order)

"""How the tables of this tab look until the user arranges them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableView

from gui.widgets.table import Remembers, columns_of

#: The least room of the first column, in pixels.
_FIRST = 124


def first_look(
    view: QTableView,
    settings: Remembers | None,
    key: str,
    widths: tuple[int, ...],
    order: Qt.SortOrder,
) -> None:
    """Let the first column take what the others leave, and sort by it at first.

    Args:
        view: A table made by `make_table`.
        settings: Where the user's own widths are kept.
        key: Their key.
        widths: Of the columns after the first, in pixels.
        order: How the first column is sorted.
    """
    view.setMinimumWidth(sum(widths) + _FIRST)
    kept = settings is not None and settings.get(f"columns/{key}") is not None
    columns_of(view).fill_with_names(*widths)
    if not kept:
        view.sortByColumn(0, order)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

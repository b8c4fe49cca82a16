"""The tables of groups and of the largest objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTableView

from core.model.statistics import LargeObject, Share
from core.units import format_count, format_size
from gui.models.text_rows import TextRows
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import shown
from gui.widgets.panel import Panel
from gui.widgets.table import columns_of

#: The column of the share of the total size.
_SHARE = 3
#: Widths in pixels of the number columns of groups, and the panel width below which shares are
#: hidden.
_GROUP_WIDTHS, _NARROW = (84, 92, 76), 420


class SharesModel(TextRows):
    """Groups with their count, size and share of the total size."""

    heads = ("Group", "Objects", "Size", "Share")
    numbers = frozenset({1, 2, 3})

    def show(self, shares: Sequence[Share], size: int) -> None:
        """Show groups; `size` is the total in bytes."""
        self._replace([_share_row(share, size) for share in shares])

    def name(self, row: int) -> str:
        """Return the name of a group."""
        # The native value, since the text of the cell has unprintable characters replaced.
        return str(self._rows[row][0][0])


class LargestModel(TextRows):
    """The largest objects, the largest first."""

    heads = ("Key", "Size")
    numbers = frozenset({1})
    mono = 0

    def show(self, objects: Sequence[LargeObject]) -> None:
        """Show objects, the largest first."""
        self._replace([((o.key, o.size), (shown(o.key), format_size(o.size))) for o in objects])

    def key(self, row: int) -> str:
        """Return the key of a row."""
        return str(self._rows[row][0][0])


class GroupsPanel(Panel):
    """The table of groups; a narrow one hides the share."""

    def __init__(self, table: QTableView) -> None:
        self._empty = EmptyState("")
        self._view = Loadable(table, self._empty)
        super().__init__("By", self._view)
        self._table = table
        self._view.show_view()
        columns_of(table).fill_with_names(*_GROUP_WIDTHS)

    def show_count(self, count: int, nothing: str) -> None:
        """Show the groups, or why there are none."""
        self._empty.set_text(nothing)
        (self._view.show_view if count else self._view.show_empty)()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide or show the share according to the available width."""
        super().resizeEvent(event)
        self._table.setColumnHidden(_SHARE, event.size().width() < _NARROW)
        columns_of(self._table).fill_with_names(*_GROUP_WIDTHS)


def _share_row(share: Share, size: int) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    part = share.size / size if size else 0.0
    texts = (shown(share.name), format_count(share.objects), format_size(share.size), f"{part:.1%}")
    return (share.name, share.objects, share.size, part), texts

"""The selected row stays visible when its view becomes smaller."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QTreeView


def show_selection(view: QAbstractItemView, event: QResizeEvent) -> None:
    """Scroll the selected row into a view that became smaller if it was visible before.

    Args:
        view: a view that scrolls by pixels, whose scroll bars already have their new range.
        event: the change of the size of its viewport.
    """
    current, height = view.currentIndex(), event.size().height()
    if height >= event.oldSize().height() or not current.isValid():
        return
    if not view.selectionModel().isSelected(current):
        return
    row = view.visualRect(current)
    hidden = row.top() + row.height() - height
    if hidden > 0 and 0 <= row.top() < event.oldSize().height():
        # Not `scrollTo`, which would also scroll to the column of the current cell.
        bar = view.verticalScrollBar()
        bar.setValue(bar.value() + min(hidden, row.top()))


class SteadyTree(QTreeView):
    """A tree whose selected row stays visible when it becomes smaller."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scroll the selected row into the smaller view."""
        super().resizeEvent(event)
        show_selection(self, event)


class SteadyList(QListView):
    """A list whose selected row stays visible when it becomes smaller."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scroll the selected row into the smaller view."""
        super().resizeEvent(event)
        show_selection(self, event)

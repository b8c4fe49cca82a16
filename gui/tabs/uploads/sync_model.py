"""The table model of a synchronization plan; rows are created on demand, for 50,000 files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.transfer.sync_values import SyncAction, SyncItem, SyncPlan
from core.units import format_size
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, TONE_ROLE
from gui.widgets.labels import shown

NAME, SIZE, ACTION, REASON = range(4)
#: Filters of the rows; the others are the values of `SyncAction`.
ALL, REFUSED = "all", "refused"
_TONES = {SyncAction.ADD: "good", SyncAction.REPLACE: "warning", SyncAction.DELETE: "danger"}
_EXCLUDED = "excluded"


class SyncModel(Columns):
    """The planned actions, then the files that cannot be transferred, each with its reason."""

    heads = ("Name", "Size", "Action", "Reason")
    numbers = frozenset({SIZE})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan: SyncPlan | None = None
        self._filter = ALL
        # A column of -1 stands for the order of the plan.
        self._sorting = (-1, Qt.SortOrder.AscendingOrder)
        self._rows: Sequence[int] = ()

    def show(self, plan: SyncPlan | None) -> None:
        """Show another plan."""
        self._reset(lambda: setattr(self, "plan", plan))

    def show_only(self, name: str) -> None:
        """Show all rows, those of one action, or those that cannot be transferred."""
        self._reset(lambda: setattr(self, "_filter", name))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, or by the plan's order for -1; clears the selection."""
        self._reset(lambda: setattr(self, "_sorting", (column, order)))

    def count(self, name: str) -> int:
        """Return how many rows a filter would show."""
        plan = self.plan
        if plan is None:
            return 0
        if name == ALL:
            return len(plan.items) + len(plan.refused)
        return len(plan.refused) if name == REFUSED else plan.count(SyncAction(name))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or appearance."""
        plan, column = self.plan, index.column()
        if plan is None or not index.isValid():
            return None
        number = self._rows[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column == SIZE else None
        if number >= len(plan.items):
            return _refused_cell(plan, number - len(plan.items), column, role)
        return _cell(plan, plan.items[number], column, role)

    def _count(self) -> int:
        return len(self._rows)

    def _reset(self, change: Callable[[], None]) -> None:
        self.beginResetModel()
        change()
        self._rows = self._chosen_rows()
        self.endResetModel()

    def _chosen_rows(self) -> Sequence[int]:
        plan = self.plan
        if plan is None:
            return ()
        items = len(plan.items)
        # A range needs no memory per row.
        rows: Sequence[int] = range(items + len(plan.refused))
        if self._filter == REFUSED:
            rows = range(items, items + len(plan.refused))
        elif self._filter != ALL:
            action = SyncAction(self._filter)
            rows = [number for number, item in enumerate(plan.items) if item.action is action]
        column, order = self._sorting
        if column < 0:
            return rows
        falling = order is Qt.SortOrder.DescendingOrder
        return sorted(rows, key=_sort_key(plan, column), reverse=falling)


def _cell(plan: SyncPlan, item: SyncItem, column: int, role: int) -> Any:
    if role == Qt.ItemDataRole.DisplayRole:
        return {
            NAME: shown(item.key.removeprefix(plan.prefix)),
            SIZE: format_size(item.size),
            ACTION: item.action.value,
            REASON: item.reason.value,
        }[column]
    if role == PILL_ROLE:
        return _TONES[item.action] if column == ACTION else None
    if role == Qt.ItemDataRole.ToolTipRole and column == NAME:
        return f"{shown(item.path)}\ns3://{plan.bucket}/{shown(item.key)}"
    return _appearance(column, role)


def _refused_cell(plan: SyncPlan, number: int, column: int, role: int) -> Any:
    refused = plan.refused[number]
    if role == Qt.ItemDataRole.DisplayRole:
        name = refused.key.removeprefix(plan.prefix)
        return {NAME: shown(name), SIZE: "", ACTION: _EXCLUDED, REASON: refused.reason}[column]
    if role == Qt.ItemDataRole.ToolTipRole and column == NAME:
        return shown(refused.path)
    if role == TONE_ROLE and column == REASON:
        return "danger"
    return _appearance(column, role)


def _appearance(column: int, role: int) -> Any:
    if role == MONO_ROLE:
        return True if column == NAME else None
    return "muted" if role == TONE_ROLE and column in {SIZE, REASON} else None


def _sort_key(plan: SyncPlan, column: int) -> Callable[[int], Any]:
    """Return the sort keys; rows that cannot be transferred come last."""
    value: Callable[[SyncItem], Any] = {
        NAME: lambda item: item.key,
        SIZE: lambda item: item.size,
        ACTION: lambda item: item.action.value,
        REASON: lambda item: item.reason.value,
    }[column]
    items = plan.items
    return lambda number: (0, value(items[number])) if number < len(items) else (1, number)

"""The table model of an upload plan; rows are created on demand, for 50,000 files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from core.transfer.plan import UploadPlan
from core.transfer.values import IfExists
from core.units import format_moment, format_size
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, TONE_ROLE
from gui.widgets.decision import LABELS
from gui.widgets.labels import shown

KEY, FILE, SIZE, CONFLICT, DECISION = range(5)
#: Filters of the rows.
ALL, EXISTING, REFUSED = "all", "existing", "refused"
#: The tone of the cell of each decision.
_TONES = {
    IfExists.SKIP: "neutral",
    IfExists.OVERWRITE: "danger",
    IfExists.KEEP_BOTH: "accent",
    IfExists.IF_DIFFERENT: "warning",
    IfExists.IF_NEWER: "warning",
    IfExists.IF_SIZE_DIFFERS: "warning",
}


class PlanModel(Columns):
    """The files of a plan, then those that cannot be uploaded, with the decisions about them.

    `choice` is the decision for all files whose key exists; `single` has the decisions for single
    files by their numbers in the plan.

    Signals:
        decided: the decision about some files changed.
    """

    heads = ("Key", "File", "Size", "Conflict", "Decision")
    numbers = frozenset({SIZE})
    decided = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan: UploadPlan | None = None
        self.choice = IfExists.SKIP
        self.single: dict[int, IfExists] = {}
        self._filter = ALL
        self._folder = 0
        # A column of -1 stands for the order of the plan.
        self._sorting = (-1, Qt.SortOrder.AscendingOrder)
        self._rows: Sequence[int] = ()

    def show(self, plan: UploadPlan | None) -> None:
        """Show another plan; decisions for files in both plans stay."""
        former = self.plan
        by_path = {former.paths[number]: d for number, d in self.single.items()} if former else {}
        self.beginResetModel()
        self.plan = plan
        self._folder = _common_folder(plan.paths) if plan is not None else 0
        self.single = {}
        if plan is not None and by_path:
            numbers = (
                n for n, path in enumerate(plan.paths) if path in by_path and plan.existing[n]
            )
            # By path, since numbers change when files are added.
            self.single = {number: by_path[plan.paths[number]] for number in numbers}
        self._rows = self._chosen_rows()
        self.endResetModel()

    def show_only(self, name: str) -> None:
        """Show all rows, those with an existing key, or those that cannot be uploaded."""
        self.beginResetModel()
        self._filter = name
        self._rows = self._chosen_rows()
        self.endResetModel()

    def decide_all(self, choice: IfExists) -> None:
        """Set the decision for all files without an individual one."""
        if choice is not self.choice:
            self.choice = choice
            self.single = {n: each for n, each in self.single.items() if each is not choice}
            self._emit_decided()

    def decide(self, rows: Iterable[int], decision: IfExists | None) -> None:
        """Set the decision for the files of some rows; None applies the decision for all."""
        plan = self.plan
        if plan is None:
            return
        for row in rows:
            # Files have the numbers from 0; refused files follow them.
            number = self._rows[row]
            if number >= len(plan.keys) or not plan.existing[number]:
                continue
            if decision is None or decision is self.choice:
                self.single.pop(number, None)
            else:
                self.single[number] = decision
        self._emit_decided()

    def count(self, name: str) -> int:
        """Return how many rows a filter would show."""
        plan = self.plan
        if plan is None:
            return 0
        if name == ALL:
            return len(plan.keys) + len(plan.refused)
        return plan.conflicts if name == EXISTING else len(plan.refused)

    def exists(self, row: int) -> bool:
        """Return whether the key of a row's file already exists, so that a decision is needed."""
        plan, number = self.plan, self._rows[row]
        return plan is not None and number < len(plan.keys) and plan.existing[number]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or appearance."""
        plan, column = self.plan, index.column()
        if plan is None or not index.isValid():
            return None
        number = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(plan, number, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column == SIZE else None
        return self._appearance(plan, number, column, role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, or by the plan's order for -1; clears the selection."""
        self.beginResetModel()
        self._sorting = (column, order)
        self._rows = self._chosen_rows()
        self.endResetModel()

    def _count(self) -> int:
        return len(self._rows)

    def _emit_decided(self) -> None:
        if self._rows:
            last = self.index(len(self._rows) - 1, DECISION)
            self.dataChanged.emit(self.index(0, 0), last)
        self.decided.emit()

    def _chosen_rows(self) -> Sequence[int]:
        plan = self.plan
        if plan is None:
            return ()
        files = len(plan.keys)
        # A range needs no memory per row, which matters for 50,000 files.
        rows: Sequence[int] = range(files + len(plan.refused))
        if self._filter == EXISTING:
            rows = [number for number, taken in enumerate(plan.existing) if taken]
        elif self._filter == REFUSED:
            rows = range(files, files + len(plan.refused))
        column, order = self._sorting
        if column < 0:
            return rows
        return sorted(
            rows, key=_key_of(plan, column), reverse=order is Qt.SortOrder.DescendingOrder
        )

    def _text(self, plan: UploadPlan, number: int, column: int) -> str:
        files = len(plan.keys)
        if number >= files:
            refused = plan.refused[number - files]
            return (shown(refused.key), shown(refused.path), "", refused.reason, "Excluded")[column]
        taken = plan.existing[number]
        if column == CONFLICT:
            return "Exists" if taken else ""
        if column == DECISION:
            return LABELS[self._decision(plan, number)] if taken else "Upload"
        if column == SIZE:
            return format_size(plan.sizes[number])
        key = plan.key_when(number, self.choice, self.single) if column == KEY else ""
        return shown(key or plan.paths[number][self._folder :])

    def _appearance(self, plan: UploadPlan, number: int, column: int, role: int) -> Any:
        refused = number >= len(plan.keys)
        taken = not refused and plan.existing[number]
        if role == PILL_ROLE and column == DECISION and taken:
            return _TONES[self._decision(plan, number)]
        if role == MONO_ROLE:
            return True if column in {FILE, KEY} else None
        if role == Qt.ItemDataRole.ToolTipRole and not refused:
            return self._tooltip(plan, number, column)
        return _tone(column, refused=refused) if role == TONE_ROLE else None

    def _tooltip(self, plan: UploadPlan, number: int, column: int) -> str | None:
        if column == FILE:
            return plan.paths[number]
        existing = plan.objects[number] if plan.objects else None
        if column == CONFLICT and existing is not None:
            size, moment = format_size(existing.size), format_moment(existing.modified)
            return f"The object has {size} and was stored {moment}."
        if column == DECISION:
            return plan.skip_reason(number, self.choice, self.single) or None
        return None

    def _decision(self, plan: UploadPlan, number: int) -> IfExists:
        return plan.decision(number, self.choice, self.single)


def _tone(column: int, *, refused: bool) -> str | None:
    if column == CONFLICT:
        return "danger" if refused else "warning"
    return "muted" if refused or column in {FILE, SIZE, DECISION} else None


def _common_folder(paths: Sequence[str]) -> int:
    """Return the length of the common folder of all files, including its slash."""
    common = os.path.commonprefix(paths)  # noqa: RUF071 - the paths are texts; cut at a slash below
    return max(common.rfind("/"), common.rfind("\\")) + 1


def _key_of(plan: UploadPlan, column: int) -> Callable[[int], Any]:
    """Return the sort keys; rows that cannot be uploaded come last."""
    files = len(plan.keys)
    columns: dict[int, Sequence[Any]] = {
        FILE: plan.paths, KEY: plan.keys, SIZE: plan.sizes, CONFLICT: plan.existing,
        DECISION: plan.existing,
    }  # fmt: skip
    values = columns[column]
    return lambda number: (0, values[number]) if number < files else (1, number)

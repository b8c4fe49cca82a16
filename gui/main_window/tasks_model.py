"""The table model of the activity drawer: the runner's tasks, newest first."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt, QTimer

from core.units import format_duration
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, PROGRESS_ROLE, TONE_ROLE
from gui.tasks import Task, TaskRunner
from gui.tasks.rates import UPDATE_MS, amount, share

COLUMNS = ("Task", "From", "To", "Progress", "Rate", "Left", "State")
_TASK, _FROM, _TO, _PROGRESS, _RATE, _LEFT, _STATE = range(7)
_TONES = {"running": "accent", "done": "good", "failed": "danger", "cancelled": "neutral"}


class TasksModel(Columns):
    """Follows a `TaskRunner`; a row is updated when its task changes."""

    heads = COLUMNS
    numbers = frozenset({_RATE, _LEFT})

    def __init__(self, runner: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        # The runner lists the oldest task first.
        self._rows: list[Task] = list(reversed(runner.tasks))
        self._speeds = QTimer(self)
        self._speeds.setInterval(UPDATE_MS)
        self._speeds.timeout.connect(self._on_speeds)
        runner.task_started.connect(self._on_started)
        runner.task_changed.connect(self._on_changed)
        runner.task_finished.connect(self._on_changed)

    def task(self, row: int) -> Task | None:
        """Return the task of a row, or None."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def clear_finished(self) -> None:
        """Remove the tasks that have ended."""
        self.beginResetModel()
        self._rows = [task for task in self._rows if task.running]
        self._runner.tasks[:] = [task for task in self._runner.tasks if task.running]
        self.endResetModel()

    def _count(self) -> int:
        return len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        task = self.task(index.row())
        if task is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(task, index.column())
        if role == Qt.ItemDataRole.ToolTipRole and task.error is not None:
            return str(task.error)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in self.numbers:
            return RIGHT
        return _appearance(task, index.column(), role)

    def _text(self, task: Task, column: int) -> str:
        progress = task.progress
        if column == _RATE:
            return task.pace.rate(progress.unit) if progress and task.running else ""
        if column == _LEFT:
            return self._left(task)
        return {
            _TASK: task.name,
            _FROM: task.source,
            _TO: task.target,
            _PROGRESS: amount(progress),
            _STATE: task.state,
        }[column]

    def _left(self, task: Task) -> str:
        if task.running:
            return task.pace.left(task.progress) if task.progress else ""
        ended = task.finished or task.started
        return f"took {format_duration((ended - task.started).total_seconds())}"

    def _on_started(self, task: Task) -> None:
        if task.quiet:  # not listed, for example the loading of a tab
            return
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._rows.insert(0, task)
        self.endInsertRows()
        self._remove_dropped()
        self._speeds.start()

    def _on_speeds(self) -> None:
        """Let running tasks without progress show that they have no speed, and for how long."""
        running = [task for task in self._rows if task.running]
        for task in running:
            if task.pace.is_stale or task.still.text:
                self._show(task)
        if not running:
            self._speeds.stop()

    def _on_changed(self, task: Task) -> None:
        self._show(task)

    def _show(self, task: Task) -> None:
        if task in self._rows:
            row = self._rows.index(task)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _remove_dropped(self) -> None:
        """Remove the rows of tasks that the runner has dropped."""
        remaining = set(map(id, self._runner.tasks))
        dropped = [row for row, task in enumerate(self._rows) if id(task) not in remaining]
        for row in reversed(dropped):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._rows[row]
            self.endRemoveRows()


def _appearance(task: Task, column: int, role: int) -> Any:
    if column == _STATE and role == PILL_ROLE:
        return _TONES.get(task.state, "neutral")
    if column == _PROGRESS and role == PROGRESS_ROLE and task.running:
        return share(task.progress)
    if column in {_FROM, _TO} and role == MONO_ROLE:
        return True
    if column != _TASK and role == TONE_ROLE:
        return "muted"
    return None

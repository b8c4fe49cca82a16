"""The tree model of the transfer queue: batches, and the files of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt

from core.transfer.queue_values import BatchState, Priority
from core.transfer.values import State
from core.units import format_count, format_size
from gui.context.transfers import Batch, TransferQueue
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, PROGRESS_ROLE, TONE_ROLE
from gui.tasks.rates import amount, share
from gui.widgets.labels import shown

COLUMNS = ("Name", "Size", "Progress", "Rate", "State", "Target")
NAME, SIZE, PROGRESS, RATE, STATE, TARGET = range(6)
_TONES = {
    State.WAITING: "neutral",
    State.RUNNING: "accent",
    State.DONE: "good",
    State.SKIPPED: "neutral",
    State.FAILED: "danger",
    State.CANCELLED: "warning",
}
_PHASES = {
    BatchState.WAITING: "neutral",
    BatchState.RUNNING: "accent",
    BatchState.PAUSED: "warning",
    BatchState.HELD: "danger",
}
#: The priorities as text, and the marks behind the state of a transfer that has not ended.
PRIORITY_TEXTS = {
    Priority.HIGH: "High priority",
    Priority.NORMAL: "Normal priority",
    Priority.LOW: "Low priority",
}
_MARKS = {Priority.HIGH: " ↑", Priority.NORMAL: "", Priority.LOW: " ↓"}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_TOOLTIP = int(Qt.ItemDataRole.ToolTipRole)
_ALIGNMENT = int(Qt.ItemDataRole.TextAlignmentRole)
_ROLES = frozenset({_DISPLAY, _TOOLTIP, _ALIGNMENT, MONO_ROLE, PILL_ROLE, PROGRESS_ROLE, TONE_ROLE})


class TransferModel(QAbstractItemModel):
    """The batches of a queue, in its order; rows of files are created on demand."""

    def __init__(self, queue: TransferQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        # A copy, since Qt requires that a change is announced before it is made.
        self.batches: list[Batch] = []
        self._serials: dict[str, int] = {}
        # The number of file rows of each batch: files of a former run are read when it is opened.
        self._files: dict[str, int] = {}
        self._by_serial: dict[int, Batch] = {}
        for batch in queue.batches:
            self._on_added(batch)
        queue.added.connect(self._on_added)
        queue.removed.connect(self._on_removed)
        queue.moved.connect(self._on_moved)
        queue.updated.connect(self._on_updated)
        queue.loaded.connect(self._on_loaded)

    def _on_added(self, batch: Batch) -> None:
        # From 1, since an id of 0 marks the index of a batch.
        serial = max(self._by_serial, default=0) + 1
        row = self._queue.batches.index(batch)
        self.beginInsertRows(QModelIndex(), row, row)
        self._serials[batch.id], self._by_serial[serial] = serial, batch
        self._files[batch.id] = len(batch.keys)
        self.batches.insert(row, batch)
        self.endInsertRows()

    def _on_removed(self, batch: Batch) -> None:
        row = self.batches.index(batch)
        self.beginRemoveRows(QModelIndex(), row, row)
        del self.batches[row]
        del self._by_serial[self._serials.pop(batch.id)], self._files[batch.id]
        self.endRemoveRows()

    def _on_moved(self, batch: Batch) -> None:
        row, target = self.batches.index(batch), self._queue.batches.index(batch)
        # Qt counts the target before the row is removed.
        before = target + 1 if target > row else target
        self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), before)
        self.batches.insert(target, self.batches.pop(row))
        self.endMoveRows()

    def _on_loaded(self, batch: Batch) -> None:
        if self._files[batch.id] != len(batch.keys):
            self.beginInsertRows(self.index_of(batch), 0, len(batch.keys) - 1)
            self._files[batch.id] = len(batch.keys)
            self.endInsertRows()

    def _on_updated(self, batch: Batch, first: int, last: int) -> None:
        """Update the row of a batch, and those of its files from `first` to `last`."""
        if batch.id not in self._serials:
            return
        row = self.batches.index(batch)
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        if first >= 0:
            above, end = self.index_of(batch), len(COLUMNS) - 1
            self.dataChanged.emit(self.index(first, 0, above), self.index(last, end, above))

    def index_of(self, batch: Batch) -> QModelIndex:
        """Return the index of a batch."""
        return self.index(self.batches.index(batch), 0)

    def batch_at(self, index: Index) -> Batch | None:
        """Return the batch of a row, which may be a file of it."""
        if not index.isValid():
            return None
        return self._by_serial.get(index.internalId()) or self.batches[index.row()]

    def file_at(self, index: Index) -> int | None:
        """Return the number of the file of a row; None for a batch."""
        return index.row() if index.isValid() and index.internalId() else None

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        """Return the index of a batch or of a file of it."""
        if not 0 <= row < self.rowCount(parent) or not 0 <= column < len(COLUMNS):
            return QModelIndex()
        # The id of a file's index is the serial number of its batch, not a row: persistent indexes
        # must stay valid when another batch is added at the top.
        if not parent.isValid():
            return self.createIndex(row, column, 0)
        return self.createIndex(row, column, self._serials[self.batches[parent.row()].id])

    def parent(self, index: Index = NOWHERE) -> QModelIndex:  # type: ignore[override] # Qt's other overload takes no index
        """Return the index of a file's batch."""
        batch = self._by_serial.get(index.internalId()) if index.isValid() else None
        return QModelIndex() if batch is None else self.index_of(batch)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of batches, or of files of a batch."""
        if not parent.isValid():
            return len(self.batches)
        top = not parent.internalId() and parent.column() == 0
        return self._files[self.batches[parent.row()].id] if top else 0

    def hasChildren(self, parent: Index = NOWHERE) -> bool:
        """Return whether a row has files, which may not have been read yet."""
        if not parent.isValid():
            return bool(self.batches)
        top = not parent.internalId() and parent.column() == 0
        return top and self.batches[parent.row()].planned > 0

    def columnCount(self, _parent: Index = NOWHERE) -> int:
        """Return the number of columns."""
        return len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if role not in _ROLES:  # a cell is painted from ten roles, and most have no value
            return None
        batch, column = self.batch_at(index), index.column()
        if batch is None:
            return None
        if role == _ALIGNMENT:
            return _RIGHT if column in {SIZE, RATE} else None
        number = self.file_at(index)
        if number is None:
            return _batch_data(batch, column, role)
        return _file_data(batch, number, column, role)


def _batch_data(batch: Batch, column: int, role: int) -> Any:
    if role == _DISPLAY:
        return _batch_text(batch, column)
    if role == PILL_ROLE and column == STATE:
        return _TONES[batch.state] if batch.phase is BatchState.ENDED else _PHASES[batch.phase]
    if role == PROGRESS_ROLE and column == PROGRESS and batch.running:
        return _batch_share(batch)
    return _batch_appearance(batch, column, role)


def _batch_appearance(batch: Batch, column: int, role: int) -> Any:
    if role == _TOOLTIP:
        return _batch_tooltip(batch, column) or None
    if role == MONO_ROLE and column == TARGET:
        return True
    if role != TONE_ROLE or column in {NAME, STATE}:
        return None
    return "danger" if column == PROGRESS and batch.reason else "muted"


def _batch_tooltip(batch: Batch, column: int) -> str:
    if column == NAME:
        profile, bucket = batch.profile_and_bucket
        place = f"profile {profile}, bucket {bucket}" if profile else ""
        return "\n".join(filter(None, (batch.title, batch.target, place)))
    if column == STATE:
        return PRIORITY_TEXTS[batch.priority] if batch.active else ""
    if column == PROGRESS:
        left = batch.pace.left(batch.progress) if batch.running and batch.progress else ""
        counts = outcomes_text(batch)
        return "\n".join(filter(None, (batch.reason, counts, f"{left} left" if left else "")))
    return ""


def _batch_share(batch: Batch) -> float:
    if batch.progress is None:
        waiting = batch.counts[State.WAITING] + batch.counts[State.RUNNING]
        return 1 - waiting / max(batch.planned, 1)
    return share(batch.progress) or 0.0


def _batch_text(batch: Batch, column: int) -> str:
    if column == PROGRESS:
        # Without reports, those of another window, its files are still counted.
        known = amount(batch.progress) if batch.running else batch.reason
        return known or outcomes_text(batch)
    if column == RATE:
        return batch.pace.rate("bytes") if batch.running else ""
    return {
        NAME: batch.title,
        SIZE: format_size(batch.size),
        STATE: _stage(batch),
        TARGET: batch.target,
    }[column]


def _stage(batch: Batch) -> str:
    if batch.stopping:
        return "stopping"
    if batch.phase is BatchState.ENDED:
        return batch.state.value
    return f"{batch.phase.value}{_MARKS[batch.priority]}"


_OUTCOMES = {
    State.DONE: "{count} done",
    State.SKIPPED: "{count} skipped",
    State.FAILED: "{count} failed",
    State.CANCELLED: "{count} cancelled",
}


def outcome_labels(counts: Mapping[State, int], states: Sequence[State]) -> list[str]:
    """Return a label such as `3 failed` for each of the states that files are in."""
    return [
        _OUTCOMES[state].format(count=format_count(counts[state]))
        for state in states
        if counts[state]
    ]


def outcomes_text(batch: Batch) -> str:
    """Return the counts as text, for example `3 failed, 117 done`, failures first."""
    states = (State.FAILED, State.CANCELLED, State.DONE, State.SKIPPED)
    return ", ".join(outcome_labels(batch.counts, states))


def _file_data(batch: Batch, number: int, column: int, role: int) -> Any:
    if role == _DISPLAY:
        return _file_text(batch, number, column)
    if role == _TOOLTIP:
        if column == NAME:
            return batch.keys[number]
        verdict = batch.verdicts.get(number)
        texts = (batch.notes.get(number, ""), verdict.value if verdict else "")
        return "\n".join(filter(None, texts)) or None
    if column == PROGRESS and role == PROGRESS_ROLE:
        return batch.part(number)
    return _file_appearance(batch.states[number], column, role)


def _file_appearance(state: State, column: int, role: int) -> Any:
    if role == TONE_ROLE:
        return _file_tone(state, column)
    if role == PILL_ROLE:
        return _TONES[state] if column == STATE else None
    return True if role == MONO_ROLE and column in {NAME, TARGET} else None


def _file_tone(state: State, column: int) -> str | None:
    if column == PROGRESS and state is State.FAILED:
        return "danger"
    return "muted" if column in {SIZE, PROGRESS, TARGET} else None


def _file_text(batch: Batch, number: int, column: int) -> str:
    if column == PROGRESS:
        part = batch.part(number)
        if part is not None:
            return f"{part:.0%}"
        verdict = batch.verdicts.get(number)
        return batch.notes.get(number) or (verdict.value if verdict else "")
    if column == RATE:
        return ""
    return {
        NAME: shown(batch.names[number]),
        SIZE: format_size(batch.size_of(number)),
        STATE: batch.states[number].value,
        TARGET: batch.keys[number],
    }[column]

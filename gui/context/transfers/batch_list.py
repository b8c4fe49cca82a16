"""The list of batches: those that have not ended in the order in which they run, then the others."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.transfer.queue_values import QueuedBatch
from gui.context.transfers.batch import Batch, FileStates


class BatchList(QObject):
    """The batches that the window shows; a change of a batch moves it to its place.

    Attributes:
        batches: first those that have not ended, in the order in which they run, then the others,
            newest first.

    Signals:
        added, removed, moved: a `Batch` in `batches`; it is at its new place.
        loaded: the files of a `Batch` of a former run of the program are known.
        updated: a `Batch`, and the first and last of its files that changed; -1 for none.
    """

    added = Signal(object)
    removed = Signal(object)
    moved = Signal(object)
    loaded = Signal(object)
    updated = Signal(object, int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.batches: list[Batch] = []

    def show(self, batch: Batch) -> None:
        """List a batch below those that run before it, without running it."""
        self.batches.insert(self._count_before(batch), batch)
        self.added.emit(batch)

    def found(self, identifier: str) -> Batch | None:
        """Return the batch with an identifier, or None."""
        return next((batch for batch in self.batches if batch.id == identifier), None)

    def same_priority(self, batch: Batch) -> range:
        """Return the places of the batches among which one that has not ended can be moved."""
        active = [each for each in self.batches if each.active]
        before = sum(each.priority > batch.priority for each in active)
        return range(before, before + sum(each.priority == batch.priority for each in active))

    def _count_before(self, batch: Batch) -> int:
        """Return the number of batches that have not ended and run before a new one."""
        return sum(
            each.active and each.priority >= batch.priority
            for each in self.batches
            if each is not batch
        )

    def _active_count(self) -> int:
        return sum(batch.active for batch in self.batches)

    def _apply(self, batch: Batch, stored: QueuedBatch) -> None:
        """Show the stored state of a batch."""
        batch.update(stored)
        self._settle(batch)

    def _apply_files(self, batch: Batch, files: FileStates) -> None:
        """Show the files of a batch."""
        former = batch.loaded
        batch.load(files)
        if former:
            self._update(batch, files=True)
        elif batch in self.batches:
            self.loaded.emit(batch)

    def _settle(self, batch: Batch) -> None:
        """Move a batch that has ended below those that have not, or the other way round."""
        if batch in self.batches:
            active, place = self._active_count(), self.batches.index(batch)
            if batch.active and place >= active:
                self._place(batch, self._count_before(batch))
            elif not batch.active and place < active:
                self._place(batch, active)
        self._update(batch, files=True)

    def _place(self, batch: Batch, place: int) -> None:
        self.batches.remove(batch)
        self.batches.insert(place, batch)
        self.moved.emit(batch)

    def _remove(self, batch: Batch) -> None:
        self.batches.remove(batch)
        self.removed.emit(batch)

    def _update(self, batch: Batch, *, files: bool = False) -> None:
        last = len(batch.keys) - 1 if files else -1
        self.updated.emit(batch, 0 if last >= 0 else -1, last)

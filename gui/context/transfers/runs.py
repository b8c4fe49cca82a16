"""The batches that are being transferred by the engine process."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import Cancelled, StorageError
from core.limits import SharedLimits, TransferLimits
from core.model.connection import Connection
from core.transfer.queue_values import Turn
from core.transfer.values import Outcomes
from core.work import Progress
from gui.context.transfers.batch import Batch
from gui.tasks import Task, TaskRunner
from gui.tasks.rates import UPDATE_MS


class Runs(QObject):
    """Runs turns of batches in the engine, and applies their progress.

    Attributes:
        limits: the bandwidth of all runs together, and the parallelism of each; a change applies at
            once.

    Signals:
        updated: a `Batch`, and the first and last of its files that changed; -1 for none.
        ended: a `Batch`, and the `TransferReport` or the `StorageError` of its run.
    """

    updated = Signal(object, int, int)
    ended = Signal(object, object)

    def __init__(self, runner: TaskRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = runner
        self.limits = SharedLimits()
        self._tasks: dict[Task, Batch] = {}
        self._shares: dict[Batch, TransferLimits] = {}
        self._speeds = QTimer(self)
        self._speeds.setInterval(UPDATE_MS)
        self._speeds.timeout.connect(self._on_speeds)
        runner.task_finished.connect(self._on_finished)

    @property
    def batches(self) -> list[Batch]:
        """The batches that are running."""
        return list(self._tasks.values())

    def start(self, batch: Batch, turn: Turn, connection: Connection) -> None:
        """Run a turn of a batch, whose files are known."""
        self._shares[batch] = self.limits.join()
        task = self._runner.run_bulk(
            batch.title,
            turn.operation,
            dict(turn.arguments),
            connection=connection,
            owner=self,
            then=partial(self.ended.emit, batch),
            failed=partial(self._on_failed, batch),
            progress=partial(self._on_progress, batch),
            batch=partial(self._on_outcomes, batch),
            source=batch.source,
            target=batch.target,
            command=batch.command,
            origin=batch.origin,
            limits=self._shares[batch],
            resumable=True,
        )
        batch.pace = task.pace
        self._tasks[task] = batch
        self._speeds.start()

    def stop(self, batch: Batch, *, pause: bool) -> None:
        """Stop a batch if it is running.

        Args:
            batch: the batch.
            pause: retain what a later run can use, such as the parts of an upload.
        """
        for task, of_task in self._tasks.items():
            if of_task is batch:
                (task.pause if pause else task.cancel)()

    def announce_done(self, batch: Batch) -> None:
        """Announce what an interrupted run of a batch has changed, which its task cannot report."""
        call = next((task.order.call for task, of in self._tasks.items() if of is batch), None)
        done = batch.done_in_run()
        self._runner.run(
            "Read which files were transferred",
            lambda _work: Outcomes(done),
            owner=self,
            quiet=True,
            call=call,
        )

    def forget(self, batch: Batch) -> None:
        """Remove a batch whose run has ended."""
        share = self._shares.pop(batch, None)
        if share is not None:
            self.limits.leave(share)
        self._tasks = {
            task: of_task for task, of_task in self._tasks.items() if of_task is not batch
        }
        if not self._tasks:
            self._speeds.stop()

    def _on_speeds(self) -> None:
        """Let batches without progress show that they have no speed."""
        for batch in self.batches:
            if batch.pace.is_stale:
                self.updated.emit(batch, -1, -1)

    def _on_failed(self, batch: Batch, error: StorageError) -> None:
        self.ended.emit(batch, error)

    def _on_finished(self, task: Task) -> None:
        """Report the end of a cancelled run, since its task has no other callback."""
        if task.state == "cancelled" and task in self._tasks:
            self.ended.emit(self._tasks[task], Cancelled("Cancelled"))

    def _on_outcomes(self, batch: Batch, outcomes: Outcomes) -> None:
        changed = batch.apply(outcomes)
        self.updated.emit(batch, *(changed or (-1, -1)))

    def _on_progress(self, batch: Batch, progress: Progress) -> None:
        batch.progress = progress
        share = self._shares.get(batch)
        if share is not None:
            self.limits.measure(share, batch.pace.speed)
        self.updated.emit(batch, -1, -1)

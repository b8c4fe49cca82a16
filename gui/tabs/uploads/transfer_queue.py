"""The queue of transfers: runs them in the engine and shows their progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from core.engine.changes import OperationCall
from core.errors import StorageError
from core.model.connection import Connection
from core.transfer.journal import Order, discard, record_order, settled
from core.transfer.values import Outcomes, State, TransferReport
from core.work import Progress
from gui.context import Context
from gui.tabs.uploads.batch import Batch, profile_and_bucket, reason_not_to_start
from gui.tabs.uploads.queue_pane import QueuePane
from gui.tasks import Task

_FINAL = frozenset({State.DONE, State.SKIPPED})


@dataclass(frozen=True, slots=True)
class _QueuedBatch:
    """A waiting batch, the numbers of its files (None for all), and its connection."""

    batch: Batch
    numbers: Sequence[int] | None
    connection: Connection


class TransferQueue(QObject):
    """Runs the batches of the tab, one task of the engine after another.

    Signals:
        ended: a `Batch` has completed, with its `TransferReport`.
        broke: a `Batch` has failed, with its `StorageError`.
        idle: no transfer is running any more.
    """

    ended = Signal(object, object)
    failed = Signal(object, object)
    idle = Signal()

    def __init__(self, context: Context, pane: QueuePane, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._pane = context, pane
        self._tasks: dict[Task, Batch] = {}
        self._queued: set[Batch] = set()
        self._waiting: deque[_QueuedBatch] = deque()
        self._ending: set[Batch] = set()
        context.runner.task_finished.connect(self._on_finished)
        pane.cancel_wanted.connect(self.cancel)
        pane.retry_wanted.connect(self.retry)

    @property
    def running(self) -> bool:
        """Whether any transfer is running or waiting."""
        return bool(self._tasks or self._queued or self._ending)

    def start(self, batch: Batch, numbers: Sequence[int] | None = None) -> None:
        """Queue a batch, or some files of it, unless `reason_not_to_start` returns a reason.

        One batch runs at a time; the other engine process stays free for interactive work.
        """
        workspace = self._context.workspace
        if workspace is None or batch.active or reason_not_to_start(self._context, batch):
            return
        batch.profile_and_bucket, batch.queued = profile_and_bucket(workspace), True
        self._queued.add(batch)
        turn = _QueuedBatch(batch, numbers, workspace.connection)
        if self._tasks:
            self._record(turn)
        else:
            self._queue(turn)
        self._refresh_rows(batch, files=True)

    def cancel(self, batch: Batch) -> None:
        """Stop a batch or remove it from the queue; completed files stay."""
        if batch.queued:
            self._queued.discard(batch)
            batch.begin([n for n, state in enumerate(batch.states) if state not in _FINAL])
            self._end_cancelled(batch)
        # The state of the files follows in `_on_finished`, after the engine has ended the task.
        for task, own in self._tasks.items():
            if own is batch:
                task.cancel()

    def retry(self, batch: Batch) -> None:
        """Transfer the failed and cancelled files again."""
        if numbers := batch.to_retry:
            self.start(batch, numbers)

    def _queue(self, turn: _QueuedBatch) -> None:
        if turn.batch.queued:
            self._waiting.append(turn)
            self._next()
        else:  # it was cancelled while its record was written
            self._forget(turn.batch)

    def _next(self) -> None:
        # A loop, since waiting batches may have been cancelled.
        while self._waiting and not self._tasks:
            turn = self._waiting.popleft()
            if turn.batch.queued:
                self._queued.discard(turn.batch)
                self._run(turn.batch, turn.batch.begin(turn.numbers), turn.connection)
                self._refresh_rows(turn.batch, files=True)

    def _record(self, turn: _QueuedBatch) -> None:
        """Record a batch that has to wait; the engine records it only when it starts."""
        batch = turn.batch
        order = Order(
            batch.operation, batch.id, batch.title, batch.profile_and_bucket[0], batch.profile_and_bucket[1],
            dict(batch.arguments),
        )  # fmt: skip
        planned = len(batch.keys)
        self._context.runner.run(
            "Record a transfer",
            lambda _work: record_order(order, planned),
            owner=self,
            then=lambda _none: self._queue(turn),
            failed=lambda _error: self._queue(turn),  # starting it reports the same failure
            quiet=True,
        )

    def _run(self, batch: Batch, arguments: dict[str, object], connection: Connection) -> None:
        arguments["journal"] = {
            "id": batch.id, "title": batch.title, "profile": batch.profile_and_bucket[0],
        }  # fmt: skip
        task = self._context.runner.run_bulk(
            batch.title,
            batch.operation,
            arguments,
            connection=connection,
            owner=self,
            then=partial(self._on_done, batch),
            failed=partial(self._on_failed, batch),
            progress=partial(self._on_progress, batch),
            batch=partial(self._on_outcomes, batch),
            source=batch.source,
            target=batch.target,
            command=batch.command,
            origin="Uploads",
        )
        self._tasks[task] = batch

    def _on_outcomes(self, batch: Batch, outcomes: Outcomes) -> None:
        self._pane.model.apply(batch, outcomes)

    def _on_progress(self, batch: Batch, progress: Progress) -> None:
        batch.set_progress(progress)
        self._refresh_rows(batch)

    def _on_done(self, batch: Batch, report: TransferReport) -> None:
        batch.finish(report)
        self._refresh_rows(batch, files=True)
        self.ended.emit(batch, report)

    def _on_failed(self, batch: Batch, error: StorageError) -> None:
        def end() -> None:
            batch.stop(State.FAILED, error.summary)
            self._refresh_rows(batch, files=True)
            self.failed.emit(batch, error)

        task = next(task for task, of_task in self._tasks.items() if of_task is batch)
        self._after_journal(batch, task.order.call, end)

    def _on_finished(self, task: Task) -> None:
        """Mark unfinished files as cancelled, since a cancelled task has no other callback."""
        batch = self._tasks.pop(task, None)
        if batch is not None and task.state == "cancelled":
            self._after_journal(batch, task.order.call, partial(self._end_cancelled, batch))
        self._next()
        self._emit_idle(batch)

    def _after_journal(
        self, batch: Batch, call: OperationCall | None, end: Callable[[], None]
    ) -> None:
        """End an interrupted batch after reading which of its files were completed.

        A killed engine may have done more than it reported; its journal is complete.
        """

        def take(outcomes: Outcomes) -> None:
            if batch.running:
                batch.apply(outcomes)
            end()
            self._ending.discard(batch)
            self._emit_idle(batch)

        self._ending.add(batch)
        self._context.runner.run(
            "Read which files were transferred",
            lambda _work: settled(batch.id),
            owner=self,
            then=take,
            failed=lambda _error: take(Outcomes()),
            quiet=True,
            call=call,
        )

    def _emit_idle(self, batch: Batch | None) -> None:
        if batch is not None and not self.running:
            self.idle.emit()

    def _end_cancelled(self, batch: Batch) -> None:
        batch.stop(State.CANCELLED)
        self._refresh_rows(batch, files=True)
        self._forget(batch)

    # Without its record the transfer is not offered as interrupted at the next start.
    def _forget(self, batch: Batch) -> None:
        self._context.runner.run(
            "Discard a cancelled transfer",
            lambda _work: discard(batch.id),
            owner=self,
            quiet=True,
        )

    def _refresh_rows(self, batch: Batch, *, files: bool = False) -> None:
        self._pane.model.update_batch(batch, files=files)
        self._pane.update_state()

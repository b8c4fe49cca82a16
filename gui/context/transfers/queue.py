"""The queue of transfers: runs them in the engine process and follows their progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from core.engine.changes import OperationCall
from core.errors import StorageError
from core.limits import TransferLimits
from core.model.connection import Connection
from core.transfer.journal import Order, discard, record_order, settled
from core.transfer.values import Outcomes, State, TransferReport
from core.work import Progress
from core.workspace import Workspace
from gui.context.transfers.batch import Batch, profile_and_bucket
from gui.tasks import Task, TaskRunner

_FINAL = frozenset({State.DONE, State.SKIPPED})
_NO_BUCKET = "Connect to a bucket first."


@dataclass(frozen=True, slots=True)
class _NextRun:
    """The files of a batch to transfer (None for all), and the connection to use."""

    numbers: Sequence[int] | None
    connection: Connection


class TransferQueue(QObject):
    """All transfers of the window, in both directions.

    One upload and one download run at a time, in the order of `batches`; the third engine process
    stays free for interactive work.

    Attributes:
        batches: first those that have not ended, in the order in which they run, then the others,
            newest first.
        workspace: the present connection, which new batches use.
        locked_reason: returns why changes are refused; empty while they are allowed.
        limits: the bandwidth and parallelism of each direction; a change applies at once.

    Signals:
        added, removed, moved: a `Batch` in `batches`; it is at its new place.
        updated: a `Batch`, and the first and last of its files that changed; -1 for none.
        ended: a `Batch` has completed, with its `TransferReport`.
        failed: a `Batch` has failed, with its `StorageError`.
        idle: no transfer is running or waiting any more.
    """

    added = Signal(object)
    removed = Signal(object)
    moved = Signal(object)
    updated = Signal(object, int, int)
    ended = Signal(object, object)
    failed = Signal(object, object)
    idle = Signal()

    def __init__(self, runner: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self.batches: list[Batch] = []
        self.workspace: Workspace | None = None
        self.locked_reason: Callable[[], str] = lambda: ""
        self.limits = TransferLimits()
        self._tasks: dict[Task, Batch] = {}
        self._next_runs: dict[Batch, _NextRun] = {}
        self._recording: set[Batch] = set()
        self._ending: set[Batch] = set()
        runner.task_finished.connect(self._on_finished)

    @property
    def running(self) -> bool:
        """Whether any transfer is running or waiting; paused ones are neither."""
        waiting = any(batch.queued for batch in self.batches)
        return bool(self._tasks or waiting or self._ending)

    def follow(self, workspace: Workspace | None) -> None:
        """Use another connection for new batches; the others use the one that they began with."""
        self.workspace = workspace

    def reason_not_to_start(self, batch: Batch | None = None) -> str:
        """Return why a transfer cannot be started now, or an empty text.

        Args:
            batch: a batch that was started before; None for a new upload.
        """
        workspace = self.workspace
        if workspace is None:
            return _NO_BUCKET
        if batch is not None and batch.profile_and_bucket not in {
            ("", ""),
            profile_and_bucket(workspace),
        }:
            profile, bucket = batch.profile_and_bucket
            return f"This belongs to profile {profile}, bucket {bucket}. Switch to it first."
        return "" if batch is not None and batch.download else self.locked_reason()

    def add(self, batch: Batch) -> None:
        """Add a batch below those that have not ended."""
        self.batches.insert(self._active_count(), batch)
        self.added.emit(batch)

    def clear_ended(self) -> None:
        """Remove the batches that have ended."""
        for batch in [batch for batch in self.batches if not batch.active]:
            self.batches.remove(batch)
            self.removed.emit(batch)

    def move(self, batch: Batch, distance: int) -> None:
        """Move a batch among those that have not ended; negative distances run it earlier."""
        place = self.batches.index(batch)
        target = min(max(place + distance, 0), self._active_count() - 1)
        if batch.active and target != place:
            self._place(batch, target)

    def start(self, batch: Batch, numbers: Sequence[int] | None = None) -> None:
        """Queue a batch, or some of its files, unless `reason_not_to_start` returns a reason."""
        workspace = self.workspace
        if workspace is None or batch.active or self.reason_not_to_start(batch):
            return
        batch.profile_and_bucket, batch.queued = profile_and_bucket(workspace), True
        self._next_runs[batch] = _NextRun(numbers, workspace.connection)
        if batch in self.batches:
            self._place(batch, self._active_count() - 1)
        if self._is_running(download=batch.download):
            self._record(batch)
        else:
            self._start_next()
        self._update(batch, files=True)

    def cancel(self, batch: Batch) -> None:
        """Stop a batch or remove it from the queue; completed files stay."""
        if batch.queued or (batch.paused and not batch.running):
            batch.paused = False
            batch.begin([n for n, state in enumerate(batch.states) if state not in _FINAL])
            self._end_cancelled(batch)
        batch.paused = False
        # The state of the files follows in `_on_finished`, after the engine has ended the task.
        self._stop(batch)

    def pause(self, batch: Batch) -> None:
        """Stop a batch so that `resume` continues it, also after the window was closed."""
        if batch.active and not batch.paused:
            batch.paused, batch.queued = True, False
            self._stop(batch)
            self._update(batch)
            self._emit_idle()

    def resume(self, batch: Batch) -> None:
        """Continue a paused batch with the files that have no outcome yet."""
        if batch.paused and not batch.running and not self.reason_not_to_start(batch):
            batch.paused = False
            self.start(batch, batch.open)

    def retry(self, batch: Batch) -> None:
        """Transfer the failed and cancelled files again."""
        if numbers := batch.to_retry:
            self.start(batch, numbers)

    def _active_count(self) -> int:
        return sum(batch.active for batch in self.batches)

    def _is_running(self, *, download: bool) -> bool:
        return any(batch.download is download for batch in self._tasks.values())

    def _place(self, batch: Batch, place: int) -> None:
        if self.batches.index(batch) != place:
            self.batches.remove(batch)
            self.batches.insert(place, batch)
            self.moved.emit(batch)

    def _stop(self, batch: Batch) -> None:
        for task, of_task in self._tasks.items():
            if of_task is batch:
                (task.pause if batch.paused else task.cancel)()

    def _start_next(self) -> None:
        for batch in list(self.batches):
            waits = batch.queued and batch not in self._recording
            if waits and not self._is_running(download=batch.download):
                run = self._next_runs.pop(batch)
                self._run(batch, batch.begin(run.numbers), run.connection)
                self._update(batch, files=True)

    def _record(self, batch: Batch) -> None:
        """Record a batch that has to wait; the engine records it only when it starts."""
        profile, bucket = batch.profile_and_bucket
        order = Order(
            batch.operation, batch.id, batch.title, profile, bucket, dict(batch.arguments)
        )
        planned = len(batch.keys)
        self._recording.add(batch)
        self._runner.run(
            "Record a transfer",
            lambda _work: record_order(order, planned),
            owner=self,
            then=lambda _none: self._on_recorded(batch),
            failed=lambda _error: self._on_recorded(batch),  # starting it reports the same failure
            quiet=True,
        )

    def _on_recorded(self, batch: Batch) -> None:
        self._recording.discard(batch)
        if batch.active:
            self._start_next()
        else:  # it was cancelled while its record was written
            self._forget(batch)

    def _run(self, batch: Batch, arguments: dict[str, object], connection: Connection) -> None:
        arguments["journal"] = {
            "id": batch.id, "title": batch.title, "profile": batch.profile_and_bucket[0],
        }  # fmt: skip
        task = self._runner.run_bulk(
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
            origin=batch.origin,
            limits=self.limits,
        )
        self._tasks[task] = batch

    def _on_outcomes(self, batch: Batch, outcomes: Outcomes) -> None:
        changed = batch.apply(outcomes)
        self.updated.emit(batch, *(changed or (-1, -1)))

    def _on_progress(self, batch: Batch, progress: Progress) -> None:
        batch.set_progress(progress)
        self._update(batch)

    def _on_done(self, batch: Batch, report: TransferReport) -> None:
        batch.paused = False  # it ended before it could be stopped
        batch.finish(report)
        self._settle(batch)
        self.ended.emit(batch, report)

    def _on_failed(self, batch: Batch, error: StorageError) -> None:
        def end() -> None:
            batch.paused = False
            batch.stop(State.FAILED, error.summary)
            self._settle(batch)
            self.failed.emit(batch, error)

        task = next(task for task, of_task in self._tasks.items() if of_task is batch)
        self._after_journal(batch, task.order.call, end)

    def _on_finished(self, task: Task) -> None:
        """Mark unfinished files as cancelled, since a cancelled task has no other callback."""
        batch = self._tasks.pop(task, None)
        if batch is None:
            return
        if task.state == "cancelled":
            end = partial(self._end_paused if batch.paused else self._end_cancelled, batch)
            self._after_journal(batch, task.order.call, end)
        self._start_next()
        self._emit_idle()

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
            self._emit_idle()

        self._ending.add(batch)
        self._runner.run(
            "Read which files were transferred",
            lambda _work: settled(batch.id),
            owner=self,
            then=take,
            failed=lambda _error: take(Outcomes()),
            quiet=True,
            call=call,
        )

    def _emit_idle(self) -> None:
        if not self.running:
            self.idle.emit()

    def _end_cancelled(self, batch: Batch) -> None:
        batch.stop(State.CANCELLED)
        self._settle(batch)
        self._forget(batch)

    def _end_paused(self, batch: Batch) -> None:
        if not batch.paused:  # it was cancelled after it was paused
            self._end_cancelled(batch)
            return
        batch.stop(State.WAITING)
        self._update(batch, files=True)

    def _settle(self, batch: Batch) -> None:
        """Move a batch that has ended below those that have not."""
        self._next_runs.pop(batch, None)
        if batch in self.batches:
            self._place(batch, self._active_count())
        self._update(batch, files=True)

    # Without its record the transfer is not offered as interrupted at the next start.
    def _forget(self, batch: Batch) -> None:
        self._runner.run(
            "Discard a cancelled transfer",
            lambda _work: discard(batch.id),
            owner=self,
            quiet=True,
        )

    def _update(self, batch: Batch, *, files: bool = False) -> None:
        last = len(batch.keys) - 1 if files else -1
        self.updated.emit(batch, 0 if files else -1, last)

"""The queue of transfers in the window: runs the stored queue in the engine process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import CONNECTION_KINDS, Cancelled, NotFound, StorageError
from core.limits import SharedLimits
from core.transfer.queue import TransferQueue as StoredQueue
from core.transfer.queue_values import BatchState, Counts, Priority, QueuedBatch, Turn
from core.transfer.values import TransferReport
from core.workspace import Workspace
from gui.context.transfers.batch import DOWNLOAD, RETRIED, Batch, FileStates, profile_and_bucket
from gui.context.transfers.batch_list import BatchList
from gui.context.transfers.runs import Runs
from gui.context.transfers.store import Store
from gui.tasks import TaskRunner

_NO_BUCKET = "Connect to a bucket first."
#: Milliseconds after which batches that another process runs are read again.
_ELSEWHERE_MS = 2_000
#: One batch of each of these runs at a time.
_OPERATIONS = ("transfer.upload", DOWNLOAD)


@dataclass(frozen=True, slots=True)
class _End:
    """The stored state of a batch after a run, and its files if the window has other states."""

    stored: QueuedBatch
    files: FileStates | None


class TransferQueue(BatchList):
    """All transfers of this computer, in both directions.

    The batches are stored, so that they survive the end of the program. Those of the present
    profile and bucket run, one upload and one download at a time, in the order of `batches`; the
    other engine processes stay free for interactive work and a watched folder.

    Attributes:
        workspace: the present connection.
        locked_reason: returns why changes are refused, so that no upload is started; empty while
            they are allowed.

    Signals:
        ended: all files of a `Batch` have a result; with the `TransferReport` of its last run.
        stopped: a `Batch` was stopped, with the `StorageError`.
        interrupted: a `Batch` was paused or cancelled while it was running.
        continued: the number of batches of a former run of the program that continue.
        idle: no transfer is running or about to start any more.
        problem: a `StorageError` of the stored queue.
    """

    ended = Signal(object, object)
    stopped = Signal(object, object)
    interrupted = Signal(object)
    continued = Signal(int)
    idle = Signal()
    problem = Signal(object)

    def __init__(self, runner: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace: Workspace | None = None
        self.locked_reason: Callable[[], str] = lambda: ""
        self._store = Store(runner, self)
        self._store.failed.connect(self.problem)
        self._store.idle.connect(self._emit_idle)
        self._starting: set[str] = set()
        # No signal reports the end of another process.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_ELSEWHERE_MS)
        self._later.timeout.connect(self._read_again)
        self._runs = Runs(runner, self)
        self._runs.updated.connect(self.updated)
        self._runs.ended.connect(self._on_run_ended)

    @property
    def running(self) -> bool:
        """Whether any transfer is running or about to start."""
        return bool(self._runs.batches) or self._store.busy

    @property
    def limits(self) -> SharedLimits:
        """The bandwidth of all transfers, and the parallelism of each; a change applies at once."""
        return self._runs.limits

    def follow(self, workspace: Workspace | None) -> None:
        """Run the batches of another connection; those that are running continue."""
        self.workspace = workspace
        if workspace is not None:
            self._store.put(partial(_read, profile=workspace.profile.name), self._on_read)

    def reconnect(self) -> None:
        """Resume what a lost connection has stopped, because the server answers again."""
        stopped = [batch for batch in self.batches if batch.kind in CONNECTION_KINDS]
        for batch in stopped:
            batch.kind = None  # else each further answer would resume it again
        if stopped:
            self.follow(self.workspace)

    def start_next(self, *_change: object) -> None:
        """Start what can run now, for example because writing was unlocked."""
        workspace = self.workspace
        if workspace is None:
            return
        for operation in _OPERATIONS:
            if self._may_run(operation, workspace):
                self._starting.add(operation)
                self._store.put(
                    partial(_next_turn, *profile_and_bucket(workspace), operation),
                    partial(self._on_turn, workspace, operation),
                    partial(self._on_no_turn, operation),
                )

    def reason_not_to_start(self, batch: Batch | None = None) -> str:
        """Return why a transfer cannot be started now, or an empty text.

        Args:
            batch: a batch that was started before; None for a new upload.
        """
        workspace = self.workspace
        if workspace is None:
            return _NO_BUCKET
        if batch is not None and batch.profile_and_bucket != profile_and_bucket(workspace):
            profile, bucket = batch.profile_and_bucket
            return f"This belongs to profile {profile}, bucket {bucket}. Switch to it first."
        return "" if batch is not None and batch.download else self.locked_reason()

    def start(self, batch: Batch) -> None:
        """Add a batch to the end of the queue, which runs it when it is its turn."""
        if self.workspace is None:
            return
        batch.profile_and_bucket = profile_and_bucket(self.workspace)
        self.show(batch)
        self._store.put(
            lambda queue: queue.add(batch.order),
            partial(self._apply_and_start, batch),
            partial(self._on_not_stored, batch),
        )

    def load(self, batch: Batch) -> None:
        """Read the files of a batch of a former run of the program."""
        if not batch.loaded:
            self._store.put(partial(_files, batch.id), partial(self._on_files, batch))

    def pause(self, batches: Sequence[Batch]) -> None:
        """Stop batches so that `resume` continues them, also after the program was closed."""
        for batch in batches:
            if batch.continues:
                batch.stopping = batch.running
                stop = partial(self._runs.stop, batch, pause=True)
                self._change(batch, StoredQueue.pause, stop)

    def resume(self, batches: Sequence[Batch]) -> None:
        """Let paused and stopped batches run again when it is their turn."""
        for batch in batches:
            if batch.phase in {BatchState.PAUSED, BatchState.HELD}:
                self._change(batch, StoredQueue.resume)

    def cancel(self, batch: Batch) -> None:
        """Stop a batch or remove it from the queue; completed files stay."""
        if batch.running:
            batch.stopping = True
        else:
            batch.end_cancelled()
        self._change(batch, StoredQueue.cancel, partial(self._runs.stop, batch, pause=False))

    def retry(self, batch: Batch) -> None:
        """Transfer the failed and cancelled files again."""
        if batch.retry_count and not self.reason_not_to_start(batch):
            batch.reset(RETRIED)
            self._change(batch, _retry)

    def move(self, batch: Batch, distance: int) -> None:
        """Move a batch among those of its priority; negative distances run it earlier."""
        place, places = self.batches.index(batch), self.same_priority(batch)
        target = min(max(place + distance, places.start), places.stop - 1)
        if not batch.active or target == place:
            return
        self._place(batch, target)
        # The next one may have a lower priority, which says nothing about its stored place.
        last = target == places.stop - 1
        before = None if last else self.batches[target + 1].id
        self._store.put(lambda queue: queue.move(batch.id, before))

    def set_priority(self, batch: Batch, priority: Priority) -> None:
        """Run a batch before all those of a lower priority; a running one is not interrupted."""
        if not batch.active or batch.priority is priority:
            return
        batch.priority = priority
        self._place(batch, self._count_before(batch))
        # It is the last one of its priority, also if it was added before the others.
        self._store.put(partial(_set_priority, batch.id, priority))
        self._update(batch)

    def clear_ended(self) -> None:
        """Remove the batches that have ended."""
        ended = [batch for batch in self.batches if not batch.active]
        self._store.put(partial(_remove, [batch.id for batch in ended if batch.stored]))
        for batch in ended:
            self._remove(batch)

    def _may_run(self, operation: str, workspace: Workspace) -> bool:
        """Return whether a batch of an operation waits, and none is running or about to."""
        started = {batch.operation for batch in self._runs.batches} | self._starting
        if operation in started:
            return False
        if operation != DOWNLOAD and self.locked_reason():
            return False
        own = profile_and_bucket(workspace)
        return any(
            batch.phase is BatchState.WAITING
            and batch.operation == operation
            and batch.profile_and_bucket == own
            for batch in self.batches
        )

    def _runs_elsewhere(self, batch: Batch) -> bool:
        """Return whether another process runs a batch, such as the engine of a killed window."""
        own = batch in self._runs.batches or batch.operation in self._starting
        return batch.running and not own

    def _read_again(self) -> None:
        self._store.put(StoredQueue.batches, self._on_read)

    def _on_read(self, stored: Sequence[QueuedBatch]) -> None:
        """Show the stored batches, and start the first ones."""
        continued = 0
        for each in stored:
            batch = self.found(each.id)
            if batch is None:
                batch = Batch.of(each)
                self.show(batch)
                continued += batch.continues and not self.reason_not_to_start(batch)
            elif not batch.running or self._runs_elsewhere(batch):
                batch.stopping = False
                self._apply(batch, each)
        if any(map(self._runs_elsewhere, self.batches)):
            self._later.start()
        if continued:
            self.continued.emit(continued)
        self.start_next()

    def _apply_and_start(self, batch: Batch, stored: QueuedBatch) -> None:
        self._apply(batch, stored)
        self.start_next()

    def _on_not_stored(self, batch: Batch, error: StorageError) -> None:
        """End a batch that cannot be stored: its end could not be recorded either."""
        batch.phase, batch.reason, batch.stored = BatchState.ENDED, error.summary, False
        batch.end_cancelled()
        self._settle(batch)

    def _on_files(self, batch: Batch, files: FileStates) -> None:
        if not batch.loaded:  # else it was read twice
            self._apply_files(batch, files)

    def _change(
        self,
        batch: Batch,
        change: Callable[[StoredQueue, str], object],
        then: Callable[[], None] | None = None,
    ) -> None:
        """Make a change of the stored queue, and apply the new state of the batch."""

        def apply(stored: QueuedBatch) -> None:
            # The state of a running one follows at the end of the run.
            if not batch.running or self._runs_elsewhere(batch):
                self._apply_and_start(batch, stored)
            if then is not None:
                then()

        self._store.put(partial(_changed, change, batch.id), apply)
        self._update(batch, files=True)

    def _on_no_turn(self, operation: str, _error: StorageError) -> None:
        self._starting.discard(operation)

    def _on_turn(self, workspace: Workspace, operation: str, turn: Turn | None) -> None:
        if turn is None:
            self._starting.discard(operation)
            return
        batch = self.found(turn.batch.id)
        if batch is None:  # another program has added it
            batch = Batch.of(turn.batch)
            self.show(batch)
        batch.begin(turn.numbers)
        self._settle(batch)
        start = partial(self._start, batch, turn, workspace)
        if batch.loaded:
            start()
        else:  # the files must be known before their results arrive
            self._store.put(partial(_files, batch.id), start, partial(self._on_run_ended, batch))

    def _start(
        self, batch: Batch, turn: Turn, workspace: Workspace, files: FileStates | None = None
    ) -> None:
        if files is not None:
            self._on_files(batch, files)
        self._starting.discard(turn.operation)
        self._runs.start(batch, turn, workspace.connection)
        if batch.stopping:  # it was paused or cancelled in this moment
            self._runs.stop(batch, pause=True)

    def _on_run_ended(self, batch: Batch, result: TransferReport | StorageError) -> None:
        self._starting.discard(batch.operation)
        error = result if isinstance(result, StorageError) else None
        if isinstance(result, TransferReport):
            batch.finish(result)
        end = partial(_finish, batch.id, error, None if error else batch.values)
        self._store.put(
            end, partial(self._on_finished, batch, result), partial(self._on_end_unknown, batch)
        )

    def _on_finished(self, batch: Batch, result: TransferReport | StorageError, end: _End) -> None:
        batch.stopping = False
        if end.files is not None:
            self._apply_files(batch, end.files)
        if isinstance(result, StorageError) and result.partial is None:
            self._runs.announce_done(batch)
        self._runs.forget(batch)
        self._apply(batch, end.stored)
        if isinstance(result, TransferReport):
            if not batch.active:
                self.ended.emit(batch, result)
        elif isinstance(result, Cancelled):
            self.interrupted.emit(batch)
        else:
            self.stopped.emit(batch, result)
        self.start_next()

    def _on_end_unknown(self, batch: Batch, error: StorageError) -> None:
        """Show the batch as stopped, since the stored queue cannot be read."""
        self._runs.forget(batch)
        batch.stopping, batch.phase = False, BatchState.HELD
        batch.reason, batch.kind = error.summary, error.kind
        self._settle(batch)

    def _emit_idle(self) -> None:
        if not self.running:
            self.idle.emit()


def _next_turn(profile: str, bucket: str, operation: str, queue: StoredQueue) -> Turn | None:
    return queue.next_turn(profile, bucket, operation)


def _read(queue: StoredQueue, profile: str) -> tuple[QueuedBatch, ...]:
    """Resume what a lost connection has stopped, and return all batches."""
    queue.resume_connection(profile)
    return queue.batches()


def _files(identifier: str, queue: StoredQueue) -> FileStates:
    return FileStates.of(queue.files(identifier))


def _changed(
    change: Callable[[StoredQueue, str], object], identifier: str, queue: StoredQueue
) -> QueuedBatch:
    change(queue, identifier)
    return queue.batch(identifier)


def _finish(
    identifier: str, error: StorageError | None, counts: Counts | None, queue: StoredQueue
) -> _End:
    """End the run of a batch in the stored queue, and return the state that it has there.

    After an error or a cancel the operation may have done more than it has reported, so `counts`,
    those of the window, are then None.
    """
    stored = queue.finish(identifier, error)
    return _End(stored, None if stored.counts == counts else _files(identifier, queue))


def _retry(queue: StoredQueue, identifier: str) -> None:
    """Let failed files of a batch wait again, at the end of the queue."""
    queue.retry(identifier)
    queue.move(identifier)


def _set_priority(identifier: str, priority: Priority, queue: StoredQueue) -> None:
    queue.set_priority(identifier, priority)
    queue.move(identifier)


def _remove(identifiers: Sequence[str], queue: StoredQueue) -> None:
    for identifier in identifiers:
        with suppress(NotFound):  # another program has removed it
            queue.remove(identifier)

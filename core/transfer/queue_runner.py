"""Runs the batches of the queue in this process, for scripts and the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from core.errors import Cancelled, StorageError
from core.objects.bucket import HasBucket
from core.transfer.download import download
from core.transfer.queue import TransferQueue
from core.transfer.queue_values import QueuedBatch, Turn
from core.transfer.upload import upload
from core.work import Work, default_work

#: The operations of batches.
RUNNERS: dict[str, Callable[..., Any]] = {
    "transfer.upload": upload,
    "transfer.download": download,
}


class RunsTurns(Protocol):
    """Runs the operation of a turn and returns when it has ended."""

    def __call__(self, turn: Turn, work: Work) -> object:
        """Run the turn.

        Raises:
            StorageError: the operation has failed, or was cancelled.
        """


def run_waiting(
    queue: TransferQueue,
    workspace: HasBucket,
    work: Work | None = None,
    *,
    profile: str,
    run: RunsTurns | None = None,
) -> tuple[QueuedBatch, ...]:
    """Run the batches that wait for a profile, one after another, and return those that were run.

    It ends when nothing waits any more, also after an error of the connection has stopped a batch.

    Args:
        queue: the queue.
        workspace: the workspace with the bucket.
        work: cancel token, progress, and limits of bandwidth and parallelism.
        profile: the profile of the workspace.
        run: runs one turn, for example in the engine; in this process if None.

    Raises:
        Cancelled: the token of `work` was cancelled; the rest of the batch waits or is paused.
    """
    work = default_work(work)

    def run_here(turn: Turn, work: Work) -> object:
        return RUNNERS[turn.operation](workspace, work, **turn.arguments)

    ended: dict[str, QueuedBatch] = {}
    while (turn := queue.next_turn(profile, workspace.bucket.name)) is not None:
        try:
            (run or run_here)(turn, work)
        except Cancelled as error:
            queue.finish(turn.batch.id, error)
            raise
        except StorageError as error:
            ended[turn.batch.id] = queue.finish(turn.batch.id, error)
        except BaseException:
            # Without an end, the batch would count as running until this process ends.
            queue.finish(turn.batch.id)
            raise
        else:
            ended[turn.batch.id] = queue.finish(turn.batch.id)
    return tuple(ended.values())

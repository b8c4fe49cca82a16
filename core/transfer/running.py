"""The common part of uploads and downloads: journal and report of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Cancelled
from core.objects.bucket import HasBucket
from core.transfer.journal import Journal, Order
from core.transfer.queue_journal import QueueJournal
from core.transfer.recorder import OutcomeRecorder
from core.transfer.values import TransferCancelled, TransferReport
from core.units import format_counted
from core.work import Work


@dataclass(frozen=True, slots=True)
class QueueTurn:
    """A turn of a batch of the queue.

    Attributes:
        id: that of the batch.
        numbers: the number in the batch of each file.
        ended: the number and the bytes of the other files of the batch, which have a result.
    """

    id: str
    numbers: Sequence[int]
    ended: tuple[int, int] = (0, 0)


def run_journalled(
    order: Order | QueueTurn | None,
    arguments: dict[str, Any],
    work: Work,
    body: Callable[[OutcomeRecorder], None],
) -> TransferReport:
    """Run the body of a transfer and return its report, with a journal if there is an order.

    The journal is removed at the end; after a cancel or a crash it remains, so that the rest can be
    resumed.

    Raises:
        LocalIOError: the journal cannot be written; nothing was sent.
        TransferCancelled: the token of `work` was cancelled; the error has the report.
        StorageError: an error of the connection has stopped a batch of the queue; `partial` is the
            report, in which the remaining files count as cancelled.
    """
    keys, sizes = arguments["keys"], arguments["sizes"]
    journal = _journal(order, len(keys))
    ended = order.ended if isinstance(order, QueueTurn) else (0, 0)
    recorder = OutcomeRecorder(keys, sizes, work, journal, ended=ended)
    try:
        # The window shows what was done up to the cancel, even if threads need a moment to end.
        with work.token.on_cancel(recorder.flush):
            body(recorder)
    except Cancelled as error:
        report = recorder.close()
        if journal is not None:
            journal.leave()
        raise TransferCancelled(error.summary, report) from None
    # Also for KeyboardInterrupt: without a record of the end, the transfer would count as running.
    except BaseException:
        recorder.close()
        if journal is not None:
            journal.leave()
        raise
    report = recorder.close()
    if recorder.held is not None:
        if journal is not None:
            journal.leave()
        recorder.held.partial = report
        # That of the file of the error, of which nothing may have been written, is not the batch's.
        recorder.held.effect = "Completed files remain; the others wait in the queue."
        raise recorder.held
    assert not report.cancelled, (
        f"{len(report.cancelled)} of {format_counted(report.planned, 'file')} without an end"
    )
    if journal is not None:
        journal.end()
    return report


def _journal(order: Order | QueueTurn | None, planned: int) -> Journal | QueueJournal | None:
    if isinstance(order, QueueTurn):
        return QueueJournal.begin(order.id, order.numbers)
    return Journal.begin(order, planned) if order is not None else None


def order_of(
    operation: str,
    workspace: HasBucket,
    journal: Mapping[str, Any] | None,
    arguments: dict[str, Any],
) -> Order | QueueTurn | None:
    """Return the order to be recorded, or None without a journal.

    Args:
        operation: the operation.
        workspace: the workspace with the bucket.
        journal: `id`, `title` and `profile`, or the attributes of a `QueueTurn`.
        arguments: the operation's arguments.
    """
    if journal is None:
        return None
    if "numbers" in journal:
        return QueueTurn(journal["id"], journal["numbers"], tuple(journal.get("ended", (0, 0))))
    bucket = workspace.bucket.name
    return Order(operation, journal["id"], journal["title"], journal["profile"], bucket, arguments)

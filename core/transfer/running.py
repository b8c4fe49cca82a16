"""The common part of uploads and downloads: journal and report of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.errors import Cancelled
from core.objects.bucket import HasBucket
from core.transfer.journal import Journal, Order
from core.transfer.recorder import OutcomeRecorder
from core.transfer.values import TransferCancelled, TransferReport
from core.units import format_counted
from core.work import Work


def run_journalled(
    order: Order | None,
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
    """
    keys, sizes = arguments["keys"], arguments["sizes"]
    journal = Journal.begin(order, len(keys)) if order is not None else None
    recorder = OutcomeRecorder(keys, sizes, work, journal)
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
    assert not report.cancelled, (
        f"{len(report.cancelled)} of {format_counted(report.planned, 'file')} without an end"
    )
    if journal is not None:
        journal.end()
    return report


def order_of(
    operation: str,
    workspace: HasBucket,
    journal: dict[str, str] | None,
    arguments: dict[str, Any],
) -> Order | None:
    """Return the order to be recorded, or None without a journal.

    `journal` has `id`, `title` and `profile`.
    """
    if journal is None:
        return None
    bucket = workspace.bucket.name
    return Order(operation, journal["id"], journal["title"], journal["profile"], bucket, arguments)

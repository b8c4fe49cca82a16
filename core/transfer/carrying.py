"""What uploads and downloads share: the journal around a run, and its report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.errors import Cancelled
from core.transfer.journal import Journal, Order
from core.transfer.tally import Tally
from core.transfer.values import HasBucket, TransferReport
from core.work import Work


def carried(
    order: Order | None, arguments: dict[str, Any], work: Work, body: Callable[[Tally], None]
) -> TransferReport:
    """Run a transfer's `body` with its books, and with a journal if there is an order.

    The journal goes when the transfer has ended; after a cancel or a crash it stays, so that the
    rest can be resumed.

    Raises:
        LocalIOError: the journal cannot be written; nothing was sent.
        Cancelled: the token of `work` was cancelled.
    """
    keys, sizes = arguments["keys"], arguments["sizes"]
    journal = Journal.begin(order, len(keys)) if order is not None else None
    tally = Tally(keys, sizes, work, journal)
    try:
        body(tally)
        report = tally.report()
    except Cancelled:
        tally.flush()
        if journal is not None:
            journal.leave()
        raise
    if journal is not None:
        journal.end()
    return report


def order_of(
    operation: str, workspace: HasBucket, asked: dict[str, str] | None, arguments: dict[str, Any]
) -> Order | None:
    """Return the order to be journalled; None when nobody asked for a journal.

    `asked` has `id`, `title` and `profile`.
    """
    if asked is None:
        return None
    bucket = workspace.bucket.name
    return Order(operation, asked["id"], asked["title"], asked["profile"], bucket, arguments)

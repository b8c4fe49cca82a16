"""Progress of the rows of a backup while a database or a comparison reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.backup.databases.base import Rows
from core.work import Progress, Work


def report_waiting(rows: int, work: Work) -> None:
    """Report that a fetched backup waits for locks of the database, also if they are free.

    Args:
        rows: The rows of the backup.
        work: Progress.
    """
    work.report(Progress(0, rows, "rows", "waiting for locks"))


def reporting_rows(pieces: Iterable[Rows], total: int, work: Work) -> Iterator[Rows]:
    """Yield pieces of rows, and report after each how many rows were read, as the step `loading`.

    Args:
        pieces: The rows of a backup.
        total: Their number.
        work: Cancel token and progress.

    Raises:
        Cancelled: A cancel was requested.
    """
    rows = 0
    for count, lines in pieces:
        work.check()
        yield count, lines
        rows += count
        work.report(Progress(rows, total, "rows", "loading"))

"""Progress of the parts of a backup while they are fetched, and of its rows while they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from threading import Lock

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


class PartsProgress:
    """Reports the bytes of several parts that are read at once as one step.

    Args:
        step: What the parts are read for.
        total: The size of all parts in bytes.
        work: Cancel token and progress.
    """

    def __init__(self, step: str, total: int, work: Work) -> None:
        self._step, self._total, self._work = step, total, work
        self._lock = Lock()
        self._done: dict[int, int] = {}

    def work_of(self, index: int) -> Work:
        """Return a `Work` for reading one part; it may be used in any thread."""
        return replace(self._work, report=partial(self._take, index))

    def complete(self, index: int, size: int) -> None:
        """Report that a part of this size was read, also if its reading has reported nothing."""
        self._take(index, Progress(size, size, "bytes"))

    def _take(self, index: int, progress: Progress) -> None:
        with self._lock:
            # A part that is read again does not move the progress back.
            self._done[index] = max(self._done.get(index, 0), progress.done)
            done = min(sum(self._done.values()), self._total)
            self._work.report(Progress(done, self._total, "bytes", self._step))

"""Counts what becomes of each file of a transfer, and tells it in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import StorageError
from core.transfer.journal import Journal
from core.transfer.values import Failure, Outcomes, TransferReport
from core.work import Progress, Work

_SECONDS = 0.15


@dataclass(slots=True)
class _News:
    done: list[int] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    moving: dict[int, int] = field(default_factory=dict)


class Tally:
    """The books of one transfer; safe from any thread. Each file ends exactly once."""

    def __init__(
        self,
        keys: Sequence[str],
        sizes: Sequence[int],
        work: Work,
        journal: Journal | None = None,
    ) -> None:
        self._keys, self._sizes, self._work, self._journal = keys, sizes, work, journal
        self._lock = threading.Lock()
        self._news = _News()
        self._told = self._began = time.monotonic()
        self._moving: dict[int, int] = {}
        self._moved = 0
        self._done: list[int] = []
        self._skipped: list[tuple[int, str]] = []
        self._failed: list[Failure] = []

    @property
    def ended(self) -> int:
        """How many files have ended, one way or another."""
        return len(self._done) + len(self._skipped) + len(self._failed)

    def done(self, number: int) -> None:
        """One file has arrived."""
        with self._lock:
            self._moving.pop(number, None)
            self._moved += self._sizes[number]
            self._done.append(number)
            self._news.done.append(number)
        self._tell()

    def skipped(self, number: int, reason: str) -> None:
        """One file is left out on purpose."""
        with self._lock:
            self._skipped.append((number, reason))
            self._news.skipped.append((number, reason))
        self._tell()

    def failed(self, number: int, error: StorageError) -> None:
        """One file did not arrive."""
        failure = Failure(
            number,
            self._keys[number],
            error.kind,
            error.summary,
            error.cause,
            error.remedy,
            error.action,
        )
        with self._lock:
            self._moving.pop(number, None)
            self._failed.append(failure)
            self._news.failed.append((number, failure.reason))
        self._tell()

    def moving(self, number: int, size: int) -> None:
        """So many bytes of a large file are over; the number may go back."""
        with self._lock:
            self._moving[number] = size
            self._news.moving[number] = size
        self._tell()

    def report(self) -> TransferReport:
        """Tell the last news and return the report.

        Raises:
            AssertionError: a file has no end, or two.
        """
        self._tell(now=True)
        planned = len(self._keys)
        assert self.ended == planned, f"{self.ended} of {planned} files have ended"
        return TransferReport(
            planned,
            tuple(sorted(self._done)),
            tuple(sorted(self._skipped)),
            tuple(sorted(self._failed, key=lambda failure: failure.number)),
            self._moved,
            time.monotonic() - self._began,
        )

    def flush(self) -> None:
        """Tell what was not told yet, for example before a cancel."""
        self._tell(now=True)

    def _tell(self, *, now: bool = False) -> None:
        with self._lock:
            if not now and time.monotonic() - self._told < _SECONDS:
                return
            self._told = time.monotonic()
            news, self._news = self._news, _News()
            progress = self._progress()
            outcomes = Outcomes(
                tuple(news.done),
                tuple(news.skipped),
                tuple(news.failed),
                tuple(news.moving.items()),
            )
            if self._journal is not None:
                self._journal.note(outcomes)
        self._work.batch(outcomes)
        self._work.report(progress)

    def _progress(self) -> Progress:
        left_out = sum(self._sizes[number] for number, _ in self._skipped)
        return Progress(
            done=self._moved + sum(self._moving.values()),
            total=sum(self._sizes) - left_out,
            unit="bytes",
            items_done=self.ended,
            items_total=len(self._keys),
        )

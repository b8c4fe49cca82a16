"""Counts the outcome of each file of a transfer, and reports it in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from core.errors import CONNECTION_KINDS, StorageError
from core.model.objects import Verdict
from core.transfer.attempts import TransferBudget
from core.transfer.journal import Journal
from core.transfer.queue_journal import QueueJournal
from core.transfer.queue_values import FileResult
from core.transfer.values import Failure, Outcomes, State, TransferReport
from core.work import Progress, Work

# Minimum seconds between two reports: one for each file would be too many for the window.
_SECONDS = 0.15


@dataclass(slots=True)
class _News:
    done: dict[int, Verdict] = field(default_factory=dict)
    renamed: list[tuple[int, str]] = field(default_factory=list)
    resized: list[tuple[int, int]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    moving: dict[int, int] = field(default_factory=dict)

    def outcomes(self) -> Outcomes:
        return Outcomes(
            tuple(self.done),
            tuple(self.skipped),
            tuple(self.failed),
            tuple(self.moving.items()),
            tuple(self.done.values()),
            tuple(self.renamed),
            tuple(self.resized),
        )


class Completed(NamedTuple):
    """A completed file, see `OutcomeRecorder.done`; `sha256` is empty if it is not known.

    `size` is the number of bytes that were transferred; None if it is the planned one.
    """

    number: int
    verdict: Verdict
    name: str = ""
    sha256: str = ""
    race_free: bool = True
    size: int | None = None


def _result_of(file: Completed, planned: int) -> FileResult:
    return FileResult(
        file.number,
        State.DONE,
        verdict=file.verdict,
        sha256=file.sha256,
        name=file.name,
        race_free=file.race_free,
        growth=0 if file.size is None else file.size - planned,
    )


class OutcomeRecorder:
    """Outcomes of the files of one transfer, each counted once; thread-safe.

    An outcome is recorded in the journal at once, so that a resumed transfer does not repeat the
    file; outcomes and progress are reported a few times a second. After `close` further outcomes
    are ignored.
    """

    def __init__(
        self,
        keys: Sequence[str],
        sizes: Sequence[int],
        work: Work,
        journal: Journal | QueueJournal | None = None,
        *,
        ended: tuple[int, int] = (0, 0),
    ) -> None:
        """Count the files of a transfer.

        Args:
            keys: the keys of the files.
            sizes: their sizes in bytes.
            work: receives progress and outcomes.
            journal: records the outcomes.
            ended: the number and the bytes of files that ended in former turns of the same batch;
                the progress includes them.
        """
        self._ended_files, self._ended_bytes = ended
        self._keys, self._sizes, self._work, self._journal = keys, sizes, work, journal
        self._lock = threading.Lock()
        self._news = _News()
        self._reported = self._began = time.monotonic()
        self._timer: threading.Timer | None = None
        self._closed = False
        #: The error of the connection that has stopped a batch of the queue.
        self.held: StorageError | None = None
        self._moving: dict[int, int] = {}
        #: Bytes of files that an interrupted transfer had sent, as long as they count as moved.
        self._reused: dict[int, int] = {}
        # Skipped bytes are taken off the total, so that the progress still reaches 100 %.
        self._moved = self._left_out = 0
        self._total = sum(sizes)
        self._done: dict[int, Verdict] = {}
        self._skipped: dict[int, str] = {}
        self._failed: dict[int, Failure] = {}
        #: The local names of files whose names differ from their keys.
        self.renamed: dict[int, str] = {}
        self._unguarded: set[int] = set()
        self._resized: dict[int, int] = {}
        #: The hexadecimal SHA-256 of each completed file, by its number.
        self.hashes: dict[int, str] = {}

    def done(
        self,
        number: int,
        verdict: Verdict,
        *,
        name: str = "",
        race_free: bool = True,
        sha256: str | None = None,
        size: int | None = None,
    ) -> None:
        """Count a completed file.

        Args:
            number: the number of the file.
            verdict: what its bytes were compared with.
            name: its local name, if it differs from the key.
            race_free: see `Written.race_free`.
            sha256: the hexadecimal hash of its bytes, if it is known.
            size: the number of its bytes, if the file may have changed since the plan.
        """
        self.done_all([Completed(number, verdict, name, sha256 or "", race_free, size)])

    def done_all(self, files: Sequence[Completed]) -> None:
        """Count files that were completed at the same time; they are recorded together."""
        with self._lock:
            if self._closed:
                return
            for number, verdict, name, sha256, race_free, size in files:
                self._moving.pop(number, None)
                moved = self._sizes[number] if size is None else size
                self._moved += moved
                self._total += moved - self._sizes[number]
                if moved != self._sizes[number]:
                    self._resized[number] = moved
                    self._news.resized.append((number, moved))
                self._done[number] = self._news.done[number] = verdict
                if sha256:
                    self.hashes[number] = sha256
                if name:
                    self.renamed[number] = name
                    self._news.renamed.append((number, name))
                if not race_free:
                    self._unguarded.add(number)
            # In the lock: nothing is written to the journal after `close`, when it may have been
            # removed.
            if self._journal is not None:
                self._record(*(_result_of(file, self._sizes[file.number]) for file in files))
        self._report()

    def skipped(self, number: int, reason: str) -> None:
        """Count a file that is skipped by the user's decision."""
        with self._lock:
            if self._closed:
                return
            self._moving.pop(number, None)
            self._reused.pop(number, None)
            self._left_out += self._sizes[number]
            self._skipped[number] = reason
            self._news.skipped.append((number, reason))
            self._record(FileResult(number, State.SKIPPED, reason))
        self._report()

    def failed(self, number: int, error: StorageError) -> None:
        """Count a failed file; in the queue it stays waiting after an error of the connection."""
        failure = Failure.of(number, self._keys[number], error)
        with self._lock:
            if self._closed:
                return
            self._moving.pop(number, None)
            self._reused.pop(number, None)
            if self._is_held_by(error):
                return
            self._failed[number] = failure
            self._news.failed.append((number, failure.reason))
            self._record(FileResult(number, State.FAILED, failure=failure))
        self._report()

    def moving(self, number: int, file: Progress) -> None:
        """Report the transferred bytes of a large file; the number may decrease."""
        # Not recorded in the journal: a part of a file is transferred again after a crash.
        with self._lock:
            self._moving[number] = self._news.moving[number] = file.done
            self._reused[number] = file.reused
        self._report()

    def open_among(self, numbers: Sequence[int]) -> list[int]:
        """Return the files that have no outcome yet."""
        with self._lock:
            return [number for number in numbers if not self._has_ended(number)]

    def _has_ended(self, number: int) -> bool:
        return number in self._done or number in self._skipped or number in self._failed

    def close(self) -> TransferReport:
        """Report the last outcomes and return the report; files without an outcome are cancelled."""
        # First closed, so that threads which are still running add nothing to the final report.
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            # Outside the lock, which the timer needs; afterwards no report can follow the final
            # one.
            timer.join()
        self.flush()
        return TransferReport(
            planned=len(self._keys),
            done=tuple(sorted(self._done)),
            skipped=tuple(sorted(self._skipped.items())),
            failed=tuple(self._failed[number] for number in sorted(self._failed)),
            size=self._moved,
            seconds=time.monotonic() - self._began,
            verdicts=tuple(self._done[number] for number in sorted(self._done)),
            cancelled=tuple(self.open_among(range(len(self._keys)))),
            renamed=tuple(sorted(self.renamed.items())),
            unguarded=tuple(sorted(self._unguarded)),
            resized=tuple(sorted(self._resized.items())),
        )

    def flush(self) -> None:
        """Report pending outcomes, for example after a cancel."""
        with self._lock:
            self._reported = time.monotonic()
            news, self._news = self._news, _News()
            progress = self._progress()
        # Outside the lock: the receiver may block, and outcomes of other threads must not wait for
        # it.
        self._work.batch(news.outcomes())
        self._work.report(progress)

    def _record(self, *results: FileResult) -> None:
        if self._journal is not None:
            self._journal.record(results)

    def _is_held_by(self, error: StorageError) -> bool:
        """Hold a batch of the queue if the connection has failed, and return whether it has."""
        budget = self._work.budget
        ended = isinstance(budget, TransferBudget) and budget.ended is not None
        if not (
            ended and error.kind in CONNECTION_KINDS and isinstance(self._journal, QueueJournal)
        ):
            return False
        # Once: each of the remaining files fails with the same error.
        if self.held is None:
            self.held = error
            self._journal.hold(error)
        return True

    def _report(self) -> None:
        """Report now, or later if the last report is too recent."""
        with self._lock:
            wait = _SECONDS - (time.monotonic() - self._reported)
            if wait > 0:
                self._start_timer(wait)
                return
        self.flush()

    def _start_timer(self, wait: float) -> None:
        if self._timer is None and not self._closed:
            self._timer = threading.Timer(wait, self._on_timer)
            # Otherwise the interpreter would wait for the timer when it exits.
            self._timer.daemon = True
            self._timer.start()

    def _on_timer(self) -> None:
        with self._lock:
            # `close` has taken the timer and joins it, so it must not be cleared here.
            self._timer = None if not self._closed else self._timer
            closed = self._closed
        if not closed:
            self.flush()

    def _progress(self) -> Progress:
        # A file may have grown since the plan.
        more = sum(max(now - self._sizes[number], 0) for number, now in self._moving.items())
        return Progress(
            done=self._ended_bytes + self._moved + sum(self._moving.values()),
            total=self._ended_bytes + self._total + more - self._left_out,
            unit="bytes",
            items_done=self._ended_files + len(self._done) + len(self._skipped) + len(self._failed),
            items_total=self._ended_files + len(self._keys),
            reused=sum(self._reused.values()),
        )

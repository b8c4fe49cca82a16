"""Values of the queue: batches, their states and counts, and the results of their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any

from core.errors import ErrorKind
from core.model.objects import Verdict
from core.transfer.values import Failure, State, TransferReport


class Priority(IntEnum):
    """Priority of a batch: a higher one runs before all lower ones."""

    LOW = -1
    NORMAL = 0
    HIGH = 1


class BatchState(Enum):
    """State of a batch; the value is the displayed text."""

    WAITING = "waiting"
    RUNNING = "running"
    #: Paused by the user, until `TransferQueue.resume`.
    PAUSED = "paused"
    #: Stopped by an error, see `QueuedBatch.reason`, until it is resumed.
    HELD = "stopped"
    #: Every file is done, skipped, failed or cancelled.
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Counts:
    """Number of files of a batch in each state; files in progress count as waiting."""

    planned: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def waiting(self) -> int:
        """The number of files without a result."""
        return self.planned - self.done - self.skipped - self.failed - self.cancelled


@dataclass(frozen=True, slots=True)
class QueuedBatch:
    """A batch of the queue: the files that one action of the user added together.

    Attributes:
        id: its identifier, 32 hexadecimal digits.
        operation: `transfer.upload` or `transfer.download`.
        title: its title.
        profile: the profile that it was added with; it is never sent to another one.
        bucket: the bucket.
        added: when it was added.
        state: its state.
        counts: the files in each state.
        size: the size of all files in bytes: the actual one of completed files.
        priority: see `Priority`.
        reason: why it is held, for display; empty in all other states.
        kind: the kind of the error in `reason`.
        source: the local files, for display.
        target: the place that they are transferred to, for display.
        command: the equivalent command line, or empty.
    """

    id: str
    operation: str
    title: str
    profile: str
    bucket: str
    added: datetime
    state: BatchState
    counts: Counts
    size: int
    priority: Priority = Priority.NORMAL
    reason: str = ""
    kind: ErrorKind | None = None
    source: str = ""
    target: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result of one file of a transfer.

    Attributes:
        number: its number in the batch, from 0.
        state: done, skipped, failed or cancelled.
        reason: why it was skipped; for a failed file see `failure`.
        verdict: what the bytes of a completed file were compared with.
        sha256: the hexadecimal hash of a completed file, or empty if it is not known.
        name: its local name, if it differs from the key.
        race_free: see `Written.race_free`.
        failure: the error of a failed file.
        growth: the bytes by which a completed file is larger than planned; negative if smaller.
    """

    number: int
    state: State
    reason: str = ""
    verdict: Verdict | None = None
    sha256: str = ""
    name: str = ""
    race_free: bool = True
    failure: Failure | None = None
    growth: int = 0


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """All files of a batch: the arguments of its operation, and the results so far.

    `arguments` has the columns `keys` and `sizes`, and for uploads `paths`; a file without an entry
    in `results` is waiting.
    """

    batch: QueuedBatch
    arguments: Mapping[str, Any]
    results: Mapping[int, FileResult]

    def state(self, number: int) -> State:
        """Return the state of a file; one that is in progress is waiting."""
        result = self.results.get(number)
        return State.WAITING if result is None else result.state

    def resized(self) -> dict[int, int]:
        """Return the actual sizes of the completed files that have changed since the plan."""
        return {
            number: self.arguments["sizes"][number] + result.growth
            for number, result in self.results.items()
            if result.growth
        }

    def report(self) -> TransferReport:
        """Return the report of the batch so far; waiting files count as cancelled.

        Its `seconds` are 0, since the runs of a batch may be days apart.
        """
        by_state: dict[State, list[FileResult]] = {state: [] for state in State}
        for number in sorted(self.results):
            by_state[self.results[number].state].append(self.results[number])
        done = by_state[State.DONE]
        numbers = range(self.batch.counts.planned)
        return TransferReport(
            planned=self.batch.counts.planned,
            done=tuple(each.number for each in done),
            skipped=tuple((each.number, each.reason) for each in by_state[State.SKIPPED]),
            failed=tuple(each.failure for each in by_state[State.FAILED] if each.failure),
            size=sum(self.arguments["sizes"][each.number] + each.growth for each in done),
            seconds=0.0,
            verdicts=tuple(each.verdict or Verdict.SIZE_ONLY for each in done),
            cancelled=tuple(
                number
                for number in numbers
                if self.state(number) in {State.WAITING, State.CANCELLED}
            ),
            renamed=tuple((each.number, each.name) for each in done if each.name),
            unguarded=tuple(each.number for each in done if not each.race_free),
            resized=tuple(self.resized().items()),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be run next: an operation with its arguments, for some files of a batch.

    `numbers` are those files: the number of a file in `Outcomes` and in the operation's report is
    an index in `numbers`.
    """

    batch: QueuedBatch
    arguments: Mapping[str, Any]
    numbers: tuple[int, ...]

    @property
    def operation(self) -> str:
        """The operation to call."""
        return self.batch.operation

"""A batch of transfers: its files as columns, the state of each, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self, TypeVar, overload
from uuid import uuid4

from core.errors import ErrorKind
from core.model.objects import Verdict
from core.transfer.journal import Order
from core.transfer.queue_values import (
    BatchFiles,
    BatchState,
    Counts,
    FileResult,
    Priority,
    QueuedBatch,
)
from core.transfer.values import Outcomes, State, TransferReport
from core.work import Progress
from core.workspace import Workspace
from gui.tasks.rates import Pace

DOWNLOAD = "transfer.download"
#: Note on a file that the server did not protect against a concurrent write.
UNGUARDED_NOTE = "stored; the server ignored “only if the key is free”"
#: States after which a file may be tried again.
RETRIED = frozenset({State.FAILED, State.CANCELLED})
#: States of a batch that has files without a result.
ACTIVE = frozenset(BatchState) - {BatchState.ENDED}
_OPEN = frozenset({State.WAITING, State.RUNNING})
_Member = TypeVar("_Member", bound=Enum)


class Names(Sequence[str]):
    """The keys without a common prefix, computed on demand: a batch may have 50,000 files."""

    def __init__(self, keys: Sequence[str], prefix: str) -> None:
        self._keys, self._prefix = keys, prefix

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._keys)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return one name or several."""
        if isinstance(place, slice):
            return [key.removeprefix(self._prefix) for key in self._keys[place]]
        return self._keys[place].removeprefix(self._prefix)


@dataclass(frozen=True, slots=True)
class FileStates:
    """The files of a stored batch in the form that `Batch` has, see there."""

    arguments: Mapping[str, Any]
    states: list[State]
    notes: dict[int, str]
    verdicts: dict[int, Verdict]
    counts: Counter[State]
    resized: dict[int, int]

    @classmethod
    def of(cls, files: BatchFiles) -> Self:
        """Convert them; for 50,000 files this is done in a worker thread."""
        states = [State.WAITING] * files.batch.counts.planned
        notes: dict[int, str] = {}
        verdicts: dict[int, Verdict] = {}
        for number, result in files.results.items():
            states[number] = result.state
            if note := _note_of(result):
                notes[number] = note
            if result.verdict is not None and result.state is State.DONE:
                verdicts[number] = result.verdict
        return cls(files.arguments, states, notes, verdicts, Counter(states), files.resized())


@dataclass(eq=False)
class Batch:
    """The files of one batch in the queue. `names`, `keys` and `sizes` have the same length.

    A batch of a former run of the program has no files until `load`; its counts are known before.

    Attributes:
        title: its title.
        operation: the operation that transfers the files.
        arguments: those of the operation; lists of that length in it are columns, too.
        names: the displayed names of the files.
        keys: their keys.
        sizes: their sizes in bytes.
        target: where they are transferred to, for display.
        source: where they come from, for display.
        command: the equivalent command line, or empty.
        profile_and_bucket: the profile and bucket of the batch, which is never sent to another one.
        id: its identifier in the stored queue.
        origin: the view that is named in the log of changes.
        stored: whether it is in the stored queue, which runs it; else it is only listed.
        loaded: whether the files are known.
        phase: its state in the queue.
        priority: a batch with a higher one runs before all others.
        stopping: whether it is running, but was paused or cancelled and will stop.
        reason: why it was stopped, for display.
        kind: the kind of error that stopped it.
        states: the state of each file.
        notes: why files were skipped or failed, or what is to be known of them.
        verdicts: what completed files were compared with.
        verdict_counts: the number of completed files for each verdict.
        moving: the transferred bytes of large files in progress.
        resized: the actual sizes of completed files that have changed since the plan.
        counts: the number of files in each state.
    """

    title: str
    operation: str
    arguments: Mapping[str, Any]
    names: Sequence[str]
    keys: Sequence[str]
    sizes: Sequence[int]
    target: str
    source: str = ""
    command: str = ""
    profile_and_bucket: tuple[str, str] = ("", "")
    id: str = field(default_factory=lambda: uuid4().hex)
    origin: str = "Uploads"
    stored: bool = True
    loaded: bool = True
    phase: BatchState = BatchState.WAITING
    priority: Priority = Priority.NORMAL
    stopping: bool = False
    reason: str = ""
    kind: ErrorKind | None = None
    planned: int = field(init=False)
    size: int = field(init=False)
    states: list[State] = field(init=False)
    notes: dict[int, str] = field(default_factory=dict)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    verdict_counts: Counter[Verdict] = field(default_factory=Counter)
    moving: dict[int, int] = field(default_factory=dict)
    resized: dict[int, int] = field(default_factory=dict)
    counts: Counter[State] = field(default_factory=Counter)
    pace: Pace = field(default_factory=Pace)
    progress: Progress | None = None

    def __post_init__(self) -> None:
        """Set all files to waiting."""
        self.planned, self.size = len(self.keys), sum(self.sizes)
        self.states = [State.WAITING] * self.planned
        self.counts[State.WAITING] = self.planned
        # Files that the user's decision skips have this result before anything is sent.
        skip, reasons = self.arguments.get("skip", ()), self.arguments.get("skip_reasons", ())
        for number, reason in zip(skip, reasons or [""] * len(skip), strict=True):
            self._end(number, State.SKIPPED, reason)
        # Numbers of the files in the present run: the engine counts the files of a run from 0, but
        # a later run has only some of the files.
        self._run: Sequence[int] = range(self.planned)

    @classmethod
    def of(cls, stored: QueuedBatch) -> Self:
        """Create it from a stored batch, without its files."""
        batch = cls(
            stored.title, stored.operation, {}, (), (), (), stored.target, stored.source,
            stored.command, (stored.profile, stored.bucket), stored.id, loaded=False,
        )  # fmt: skip
        batch.planned, batch.size = stored.counts.planned, stored.size
        batch.update(stored)
        return batch

    @property
    def order(self) -> Order:
        """The order to be stored."""
        profile, bucket = self.profile_and_bucket
        return Order(
            self.operation, self.id, self.title, profile, bucket, dict(self.arguments),
            self.source, self.target, self.command,
        )  # fmt: skip

    @property
    def running(self) -> bool:
        """Whether its files are being transferred."""
        return self.phase is BatchState.RUNNING

    @property
    def active(self) -> bool:
        """Whether it has files without a result."""
        return self.phase in ACTIVE

    @property
    def continues(self) -> bool:
        """Whether it is running or waits for its turn, and was not paused or cancelled."""
        return self.phase in {BatchState.RUNNING, BatchState.WAITING} and not self.stopping

    @property
    def download(self) -> bool:
        """Whether files are downloaded; else they are uploaded."""
        return self.operation == DOWNLOAD

    @property
    def state(self) -> State:
        """The state after its end: the most important one of its files."""
        # What needs the user comes first; skipped is the state only if no file has another one.
        for state in (State.FAILED, State.CANCELLED, State.WAITING, State.DONE):
            if self.counts[state]:
                return state
        return State.SKIPPED

    @property
    def retry_count(self) -> int:
        """The number of failed or cancelled files."""
        return sum(self.counts[state] for state in RETRIED)

    @property
    def values(self) -> Counts:
        """The counts as the stored queue has them."""
        return Counts(
            self.planned,
            self.counts[State.DONE],
            self.counts[State.SKIPPED],
            self.counts[State.FAILED],
            self.counts[State.CANCELLED],
        )

    def update(self, stored: QueuedBatch) -> None:
        """Apply the state that the queue has stored; the files follow with `load` if they differ."""
        self.phase, self.reason, self.kind = stored.state, stored.reason, stored.kind
        self.priority = stored.priority
        if not self.loaded:
            counts = stored.counts
            self.counts = Counter({
                State.WAITING: counts.waiting, State.DONE: counts.done,
                State.SKIPPED: counts.skipped, State.FAILED: counts.failed,
                State.CANCELLED: counts.cancelled,
            })  # fmt: skip

    def load(self, files: FileStates) -> None:
        """Apply the files of the stored queue and their results."""
        self.arguments = files.arguments
        self.keys, self.sizes = files.arguments["keys"], files.arguments["sizes"]
        self.names = Names(self.keys, self._common_prefix())
        self.states, self.notes, self.verdicts = files.states, files.notes, files.verdicts
        self.counts, self.verdict_counts = files.counts, Counter(files.verdicts.values())
        self.resized, self.loaded = files.resized, True
        planned = sum(self.sizes[number] for number in self.resized)
        self.size = sum(self.sizes) - planned + sum(self.resized.values())
        self.moving.clear()

    def begin(self, numbers: Sequence[int]) -> None:
        """Begin a run of some files."""
        self._run = numbers
        self.phase, self.progress = BatchState.RUNNING, None
        self.reason, self.kind = "", None

    def apply(self, outcomes: Outcomes) -> tuple[int, int] | None:
        """Apply updates; return the first and last file that changed, or None."""
        run = self._run
        touched = [run[place] for place in outcomes.done]
        self._end_done(touched)
        self._verify(touched, outcomes.verdicts)
        for place, name in outcomes.renamed:
            self.notes[run[place]] = f"stored as {name}"
        for place, size in outcomes.resized:
            self.size += size - self.size_of(run[place])
            self.resized[run[place]] = size
        touched += [self._end(run[n], State.SKIPPED, why) for n, why in outcomes.skipped]
        touched += [self._end(run[n], State.FAILED, why) for n, why in outcomes.failed]
        touched += [self._move(run[n], size) for n, size in outcomes.moving]
        return (min(touched), max(touched)) if touched else None

    def finish(self, report: TransferReport) -> None:
        """Apply the report of a run, which has the final state of every file."""
        states, run, ended = self.states, self._run, State.DONE
        failed = tuple((failure.number, failure.reason) for failure in report.failed)
        numbers = [run[place] for place in report.done]
        # Files reported while running are done already: applying them again would cost time for
        # 50,000.
        pairs = zip(report.done, numbers, strict=True)
        done = tuple([place for place, number in pairs if states[number] is not ended])
        self.apply(Outcomes(
            done, report.skipped, failed, renamed=report.renamed, resized=report.resized
        ))  # fmt: skip
        # Usually all are known from the updates.
        if len(self.verdicts) < self.counts[ended]:
            self._verify(numbers, report.verdicts)
        self.notes.update((run[place], UNGUARDED_NOTE) for place in report.unguarded)
        self.moving.clear()

    def reset(self, states: Iterable[State]) -> None:
        """Set files in these states to waiting."""
        reset = frozenset(states)
        for number, state in enumerate(self.states):
            if state in reset:
                self._set(number, State.WAITING)
                self.notes.pop(number, None)

    def end_cancelled(self) -> None:
        """Set files without a result to cancelled."""
        for number, state in enumerate(self.states):
            if state in _OPEN:
                self._set(number, State.CANCELLED)
        self.moving.clear()

    def done_in_run(self) -> tuple[int, ...]:
        """Return the files of the last run that are done, as the run has numbered them."""
        states, done = self.states, State.DONE
        return tuple([n for n, number in enumerate(self._run) if states[number] is done])

    def size_of(self, number: int) -> int:
        """Return the size of a file in bytes; that of the plan until it is transferred."""
        return self.resized.get(number, self.sizes[number])

    def part(self, number: int) -> float | None:
        """Return the completed share of a running file, between 0 and 1."""
        if number not in self.moving:
            return None
        return min(self.moving[number] / max(self.sizes[number], 1), 1.0)

    def _common_prefix(self) -> str:
        if self.download:
            return str(self.arguments.get("below", ""))
        return self.target.removeprefix(f"s3://{self.profile_and_bucket[1]}/")

    def _end(self, number: int, state: State, why: str = "") -> int:
        self.moving.pop(number, None)
        if why:
            self.notes[number] = why
        return self._set(number, state)

    def _end_done(self, numbers: Sequence[int]) -> None:
        """Set files to done, counted together: 50,000 must not stop the window."""
        # Looking up a member of an enumeration takes as long as the rest of a turn.
        states, done = self.states, State.DONE
        self.counts.subtract(_counted(map(states.__getitem__, numbers), State))
        for number in numbers:
            states[number] = done
        self.counts[done] += len(numbers)
        if self.moving:
            for number in self.moving.keys() & set(numbers):
                del self.moving[number]

    def _verify(self, numbers: Sequence[int], verdicts: Sequence[Verdict]) -> None:
        """Store what completed files were compared with; verdicts may be known only at the end."""
        pairs = zip(numbers, verdicts, strict=False)
        new = {number: verdict for number, verdict in pairs if number not in self.verdicts}
        self.verdicts.update(new)
        self.verdict_counts.update(_counted(new.values(), Verdict))

    def _move(self, number: int, size: int) -> int:
        if self.states[number] not in _OPEN:
            return number  # it ended in the same update
        self.moving[number] = size
        return self._set(number, State.RUNNING)

    def _set(self, number: int, state: State) -> int:
        self.counts[self.states[number]] -= 1
        self.counts[state] += 1
        self.states[number] = state
        return number


def _counted(members: Iterable[_Member], kind: type[_Member]) -> Counter[_Member]:
    """Count members of an enumeration by their identity: the hash of each one calls Python code."""
    by_identity = {id(member): member for member in kind}
    return Counter({by_identity[key]: n for key, n in Counter(map(id, members)).items()})


def profile_and_bucket(workspace: Workspace) -> tuple[str, str]:
    """Return the profile and bucket of a workspace."""
    return workspace.profile.name, workspace.profile.bucket


def _note_of(result: FileResult) -> str:
    if result.failure is not None:
        return result.failure.reason
    if result.name:
        return f"stored as {result.name}"
    return result.reason if result.race_free else UNGUARDED_NOTE

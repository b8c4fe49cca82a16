"""A batch of transfers: its files as columns, the state of each, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import Any, overload
from uuid import uuid4

from core.model.objects import Verdict
from core.transfer.values import Outcomes, State, TransferReport
from core.work import Progress
from core.workspace import Workspace
from gui.tasks.rates import Pace

DOWNLOAD = "transfer.download"
#: Note on a file that the server did not protect against a concurrent write.
UNGUARDED_NOTE = "stored; the server ignored “only if the key is free”"
#: States after which a file may be tried again.
RETRIED = frozenset({State.FAILED, State.CANCELLED})
_OPEN = frozenset({State.WAITING, State.RUNNING})


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


@dataclass(eq=False)
class Batch:
    """The files of one batch in the queue. `names`, `keys` and `sizes` have the same length.

    `arguments` are those of the operation; lists of that length in it are columns, too. `profile_and_bucket` is
    the profile and bucket of the batch, which is never sent to another one. `command` is the
    equivalent command line, or empty. A batch that is running and paused stops at the next
    opportunity. `origin` is the view that is named in the log of changes.
    """

    title: str
    operation: str
    arguments: dict[str, Any]
    names: Sequence[str]
    keys: Sequence[str]
    sizes: Sequence[int]
    target: str
    source: str = ""
    command: str = ""
    profile_and_bucket: tuple[str, str] = ("", "")
    id: str = field(default_factory=lambda: uuid4().hex)
    states: list[State] = field(init=False)
    notes: dict[int, str] = field(default_factory=dict)
    moving: dict[int, int] = field(default_factory=dict)
    counts: Counter[State] = field(default_factory=Counter)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    pace: Pace = field(default_factory=Pace)
    progress: Progress | None = None
    running: bool = False
    queued: bool = False
    paused: bool = False
    retryable: bool = True
    origin: str = "Uploads"

    def __post_init__(self) -> None:
        """Set all files to waiting."""
        self.states = [State.WAITING] * len(self.keys)
        self.counts[State.WAITING] = len(self.keys)
        # Numbers of the files in the present run: the engine counts the files of a run from 0, but
        # a retry has only some of the files.
        self._run: list[int] = []

    @cached_property
    def size(self) -> int:
        """The total size in bytes; it is displayed ten times a second during the transfer."""
        return sum(self.sizes)

    @property
    def state(self) -> State:
        """The state of the batch: the most important one of its files."""
        if self.active:
            return State.RUNNING if self.running else State.WAITING
        # What needs the user comes first; skipped is the state only if no file has another one.
        for state in (State.FAILED, State.CANCELLED, State.WAITING, State.DONE):
            if self.counts[state]:
                return state
        return State.SKIPPED

    @property
    def active(self) -> bool:
        """Whether it is running, waiting or paused."""
        return self.running or self.queued or self.paused

    @property
    def download(self) -> bool:
        """Whether files are downloaded; else they are uploaded."""
        return self.operation == DOWNLOAD

    @property
    def stage(self) -> str:
        """The state as text; a batch, unlike a file, can also be paused."""
        if self.paused:
            return "pausing" if self.running else "paused"
        return self.state.value

    @property
    def retry_count(self) -> int:
        """The number of failed or cancelled files."""
        return sum(self.counts[state] for state in RETRIED)

    @property
    def to_retry(self) -> list[int]:
        """The numbers of the failed or cancelled files."""
        return [number for number, state in enumerate(self.states) if state in RETRIED]

    @property
    def open(self) -> list[int]:
        """The numbers of the files that have no outcome yet."""
        return [number for number, state in enumerate(self.states) if state in _OPEN]

    def begin(self, numbers: Sequence[int] | None = None) -> dict[str, Any]:
        """Set files (all, if None) to waiting; return the arguments that transfer them."""
        full = numbers is None
        self._run = list(range(len(self.keys)) if numbers is None else numbers)
        if full:  # 50,000 files must not be processed one by one
            self.states = [State.WAITING] * len(self.keys)
            self.counts, self.notes = Counter({State.WAITING: len(self.keys)}), {}
            self.verdicts = Counter()
        else:
            for number in self._run:
                self._set(number, State.WAITING)
                self.notes.pop(number, None)
        self.running, self.queued, self.progress, self.pace = True, False, None, Pace()
        if full:
            return dict(self.arguments)
        # Lists of the same length as the files are columns, other lists stay as they are.
        columns = {
            name: [values[number] for number in self._run]
            for name, values in self.arguments.items()
            if isinstance(values, list) and len(values) == len(self.keys)
        }
        return {**self.arguments, **columns, **self._skipped_in_run()}

    def _skipped_in_run(self) -> dict[str, Any]:
        """Return the arguments about skipped files, whose numbers are different in this run."""
        skip, reasons = self.arguments.get("skip"), self.arguments.get("skip_reasons", ())
        if skip is None:
            return {}
        by_number = dict(zip_longest(skip, reasons, fillvalue=""))
        places = [place for place, number in enumerate(self._run) if number in by_number]
        found: dict[str, Any] = {"skip": places}
        if reasons:
            found["skip_reasons"] = [by_number[self._run[place]] for place in places]
        return found

    def apply(self, outcomes: Outcomes) -> tuple[int, int] | None:
        """Apply updates; return the first and last file that changed, or None."""
        touched = [self._end(n, State.DONE) for n in outcomes.done]
        touched += [self._end(n, State.SKIPPED, why) for n, why in outcomes.skipped]
        touched += [self._end(n, State.FAILED, why) for n, why in outcomes.failed]
        touched += [self._move(n, size) for n, size in outcomes.moving]
        return (min(touched), max(touched)) if touched else None

    def set_progress(self, progress: Progress) -> None:
        """Apply the progress of the run."""
        self.progress = progress
        self.pace.take(progress)

    def finish(self, report: TransferReport) -> None:
        """Apply the report, which has the final state of every file."""
        failed = tuple((failure.number, failure.reason) for failure in report.failed)
        states, run = self.states, self._run
        # Files reported while running are done already: applying them again would cost time for
        # 50,000.
        done = tuple(place for place in report.done if states[run[place]] is not State.DONE)
        self.apply(Outcomes(done, report.skipped, failed))
        self.verdicts.update(report.verdicts)
        self.notes.update((run[place], f"stored as {name}") for place, name in report.renamed)
        self.notes.update((run[place], UNGUARDED_NOTE) for place in report.unguarded)
        self.running = False

    def stop(self, state: State, why: str = "") -> None:
        """Interrupt the run; unfinished files are now cancelled, failed or waiting."""
        for number in self._run:
            if self.states[number] in _OPEN:
                self._set(number, state)
                if why:
                    self.notes[number] = why
        self.moving.clear()
        self.running = False

    def part(self, number: int) -> float | None:
        """Return the completed share of a running file, between 0 and 1."""
        if number not in self.moving:
            return None
        return min(self.moving[number] / max(self.sizes[number], 1), 1.0)

    def _end(self, place: int, state: State, why: str = "") -> int:
        number = self._run[place]
        self.moving.pop(number, None)
        if why:
            self.notes[number] = why
        return self._set(number, state)

    def _move(self, place: int, size: int) -> int:
        number = self._run[place]
        if self.states[number] not in _OPEN:
            return number  # it ended in the same update
        self.moving[number] = size
        return self._set(number, State.RUNNING)

    def _set(self, number: int, state: State) -> int:
        self.counts[self.states[number]] -= 1
        self.counts[state] += 1
        self.states[number] = state
        return number


def profile_and_bucket(workspace: Workspace) -> tuple[str, str]:
    """Return the profile and bucket of a workspace."""
    return workspace.profile.name, workspace.profile.bucket

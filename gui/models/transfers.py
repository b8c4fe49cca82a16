"""One act of transferring: its files as columns, what became of each, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from core.model.objects import Verdict
from core.transfer.values import Outcomes, State, TransferReport
from core.work import Progress
from gui.models.rates import Pace

#: Note on a file that the server did not protect against another writer.
UNGUARDED = "stored; the server ignored “only if the key is free”"
#: States after which a file may be tried again.
AGAIN = frozenset({State.FAILED, State.CANCELLED})
_OPEN = frozenset({State.WAITING, State.RUNNING})


@dataclass(eq=False)
class Batch:
    """The files that one act put into the queue. `names` and `keys` are as many as `sizes`.

    `arguments` are the operation's own; its lists of that length are columns, too. `place` is the
    profile and the bucket it belongs to: it is never sent to another one. `command` is the
    command line that does the same, or empty.
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
    place: tuple[str, str] = ("", "")
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
    retryable: bool = True

    def __post_init__(self) -> None:
        """Let all files wait."""
        self.states = [State.WAITING] * len(self.keys)
        self.counts[State.WAITING] = len(self.keys)
        self._run: list[int] = []

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes)

    @property
    def state(self) -> State:
        """The state of the act as a whole: the one that most needs to be seen."""
        if self.running or self.queued:
            return State.RUNNING if self.running else State.WAITING
        for state in (State.FAILED, State.CANCELLED, State.WAITING, State.DONE):
            if self.counts[state]:
                return state
        return State.SKIPPED

    @property
    def active(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.running or self.queued

    @property
    def again_count(self) -> int:
        """How many files failed or were cancelled."""
        return sum(self.counts[state] for state in AGAIN)

    @property
    def to_do_again(self) -> list[int]:
        """The files that failed or were cancelled."""
        return [number for number, state in enumerate(self.states) if state in AGAIN]

    def begin(self, numbers: Sequence[int] | None = None) -> dict[str, Any]:
        """Return the arguments that transfer these files (all, if None), which now wait."""
        whole = numbers is None
        self._run = list(range(len(self.keys)) if numbers is None else numbers)
        if whole:  # fifty thousand files must not be touched one by one
            self.states = [State.WAITING] * len(self.keys)
            self.counts, self.notes = Counter({State.WAITING: len(self.keys)}), {}
            self.verdicts = Counter()
        else:
            for number in self._run:
                self._set(number, State.WAITING)
                self.notes.pop(number, None)
        self.running, self.queued, self.progress, self.pace = True, False, None, Pace()
        if whole:
            return dict(self.arguments)
        columns = {
            name: [values[number] for number in self._run]
            for name, values in self.arguments.items()
            if isinstance(values, list) and len(values) == len(self.keys)
        }
        return {**self.arguments, **columns, **({"skip": []} if "skip" in self.arguments else {})}

    def take(self, news: Outcomes) -> tuple[int, int] | None:
        """Take news; return the first and last file that changed, or None."""
        touched = [self._end(n, State.DONE) for n in news.done]
        touched += [self._end(n, State.SKIPPED, why) for n, why in news.skipped]
        touched += [self._end(n, State.FAILED, why) for n, why in news.failed]
        touched += [self._move(n, size) for n, size in news.moving]
        return (min(touched), max(touched)) if touched else None

    def take_progress(self, progress: Progress) -> None:
        """Take how far the run has come."""
        self.progress = progress
        self.pace.take(progress)

    def finish(self, report: TransferReport) -> None:
        """Take the report, which has the last word on every file."""
        failed = tuple((failure.number, failure.reason) for failure in report.failed)
        told, run = self.states, self._run
        done = tuple(place for place in report.done if told[run[place]] is not State.DONE)
        self.take(Outcomes(done, report.skipped, failed))
        self.verdicts.update(report.verdicts)
        self.notes.update((run[place], f"stored as {name}") for place, name in report.renamed)
        self.notes.update((run[place], UNGUARDED) for place in report.unguarded)
        self.running = False

    def stop(self, state: State, why: str = "") -> None:
        """End the run before its end: what was open is now cancelled or failed."""
        for number in self._run:
            if self.states[number] in _OPEN:
                self._set(number, state)
                if why:
                    self.notes[number] = why
        self.moving.clear()
        self.running = False

    def part(self, number: int) -> float | None:
        """Return how much of a file that is on its way is over, between 0 and 1."""
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
            return number  # it ended in the same news
        self.moving[number] = size
        return self._set(number, State.RUNNING)

    def _set(self, number: int, state: State) -> int:
        self.counts[self.states[number]] -= 1
        self.counts[state] += 1
        self.states[number] = state
        return number

"""What transfers are made of: outcomes as compact columns, and the report at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Self

from core.errors import Cancelled, ErrorKind, StorageError
from core.model.objects import Verdict

#: Why a file is skipped when its user chose so.
EXISTS = "it exists already"
SAME = f"{EXISTS}, with the same content"


class IfExists(Enum):
    """What to do with a file whose place is taken."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep both"


class State(Enum):
    """The state of one file of a transfer; the value is the word that people see."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that cannot be transferred, found before anything was sent."""

    kind: ErrorKind
    reason: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """News of some files of a transfer, by their number in the plan.

    `moving` has (number, bytes so far) of large files that are on their way.
    """

    done: tuple[int, ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
    moving: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """One file that was not transferred: its number in the plan, and the error in words."""

    number: int
    key: str
    kind: ErrorKind
    summary: str
    cause: str = ""
    remedy: str = ""
    action: str = ""

    @classmethod
    def of(cls, number: int, key: str, error: StorageError) -> Self:
        """Return the failure of a file by an error."""
        return cls(number, key, error.kind, error.summary, error.cause, error.remedy, error.action)

    @property
    def reason(self) -> str:
        """Why, in as few words as there are: the row already names the file."""
        return self.cause.rstrip(".") or self.summary


@dataclass(frozen=True, slots=True)
class TransferReport:
    """How a transfer ended: `planned` is always done + skipped + failed + cancelled.

    Numbers count from 0 in the order of the plan. A file is skipped only where its user chose so,
    because it exists already; whatever else was not transferred has failed. `size` is the bytes
    that moved, `seconds` the time they took. `verdicts` has what each file of `done` was compared
    with, in the same order. `renamed` has the local names of downloads that could not be called
    as their keys. `unguarded` has the files of `done` that were to overwrite nothing, on a server
    that ignores this condition: an object that was written at the same moment may be replaced.
    """

    planned: int
    done: tuple[int, ...]
    skipped: tuple[tuple[int, str], ...]
    failed: tuple[Failure, ...]
    size: int
    seconds: float
    verdicts: tuple[Verdict, ...] = ()
    cancelled: tuple[int, ...] = ()
    renamed: tuple[tuple[int, str], ...] = ()
    unguarded: tuple[int, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing failed and nothing was cancelled."""
        return not self.failed and not self.cancelled

    @property
    def kind(self) -> ErrorKind | None:
        """The kind of the failure that most files met, the first one of equals."""
        counts = Counter(failure.kind for failure in self.failed)
        return counts.most_common(1)[0][0] if counts else None

    def verified(self) -> dict[Verdict, int]:
        """Return how many files were compared with what, the strictest comparison first."""
        counts = Counter(self.verdicts)
        return {verdict: counts[verdict] for verdict in Verdict if counts[verdict]}

    def verified_in_words(self) -> str:
        """Return for example `12 verified (SHA-256), 3 size only`; empty if nothing is done."""
        return ", ".join(f"{count:,} {verdict.value}" for verdict, count in self.verified().items())


NOTHING_PLANNED = TransferReport(0, (), (), (), 0, 0.0)


class TransferCancelled(Cancelled):
    """A transfer was cancelled; `report` has what was done until then."""

    def __init__(self, summary: str, report: TransferReport = NOTHING_PLANNED) -> None:
        super().__init__(summary)
        self.report = report

"""Values of transfers: outcomes as compact columns, and the report at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Self

from core.errors import Cancelled, ErrorKind, StorageError
from core.model.objects import Verdict

#: Reason of a file that is skipped by the user's decision.
EXISTS = "it already exists"
SAME = f"{EXISTS}, with the same content"
SAME_SIZE = f"{EXISTS}, with the same size"
NOT_OLDER = f"{EXISTS}, and is not older"


class IfExists(Enum):
    """Decision for a file whose target exists.

    The last three replace the target only if the condition is true, and skip the file otherwise:
    its content differs (by a hash), the source was modified later, or the sizes differ.
    """

    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep both"
    IF_DIFFERENT = "overwrite if different"
    IF_NEWER = "overwrite if newer"
    IF_SIZE_DIFFERS = "overwrite if the size differs"


#: Decisions that depend on the two files.
CONDITIONAL = frozenset({IfExists.IF_DIFFERENT, IfExists.IF_NEWER, IfExists.IF_SIZE_DIFFERS})


class State(Enum):
    """State of one file of a transfer; the value is the displayed text."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that cannot be transferred, which was detected before the transfer."""

    kind: ErrorKind
    reason: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """New outcomes of some files of a transfer, by their number in the plan.

    `moving` has pairs (number, bytes so far) of large files in progress, `verdicts` the verdicts of
    `done`, and `renamed` the local names of downloads that differ from their keys. `resized` has
    pairs (number, bytes) of files of `done` whose size has changed since the plan.
    """

    done: tuple[int, ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
    moving: tuple[tuple[int, int], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    renamed: tuple[tuple[int, str], ...] = ()
    resized: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was not transferred: its number in the plan, and the texts of the error."""

    number: int
    key: str
    kind: ErrorKind
    summary: str
    cause: str = ""
    remedy: str = ""
    action: str = ""

    @classmethod
    def of(cls, number: int, key: str, error: StorageError) -> Self:
        """Create it from an error."""
        return cls(number, key, error.kind, error.summary, error.cause, error.remedy, error.action)

    @property
    def error(self) -> StorageError:
        """The error of the file, without its details."""
        return StorageError(
            self.summary,
            cause=self.cause,
            remedy=self.remedy,
            subject=self.key,
            action=self.action,
            kind=self.kind,
        )

    @property
    def reason(self) -> str:
        """The shortest text of the reason: the row already names the file."""
        return self.cause.rstrip(".") or self.summary


@dataclass(frozen=True, slots=True)
class TransferReport:
    """Report of a transfer: `planned` is always done + skipped + failed + cancelled.

    Numbers count from 0 in the order of the plan. A file is only skipped by the user's decision,
    because its target exists; every other file that was not transferred has failed. `size` is the
    number of transferred bytes, `seconds` the time. `verdicts` has the verdict of each file of
    `done`, in the same order. `renamed` has the local names of downloads that differ from their
    keys. `unguarded` has the files of `done` that were not to overwrite an object, on a server that
    ignores this condition: an object that was written at the same time may have been replaced.
    `resized` has the actual sizes of files of `done` that have changed since the plan.
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
    resized: tuple[tuple[int, int], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether no file failed or was cancelled."""
        return not self.failed and not self.cancelled

    @property
    def kind(self) -> ErrorKind | None:
        """The most frequent kind of failure, or the first of several."""
        counts = Counter(failure.kind for failure in self.failed)
        # `most_common` lists equal counts in the order of their first failure.
        return counts.most_common(1)[0][0] if counts else None

    def verified(self) -> dict[Verdict, int]:
        """Return the number of files for each verdict, strictest first."""
        # A `Counter` would compute the hash of each of 50,000 members in Python.
        return {verdict: n for verdict in Verdict if (n := self.verdicts.count(verdict))}

    def verified_text(self) -> str:
        """Return for example `12 verified (SHA-256), 3 size only`; empty if nothing is done."""
        return ", ".join(f"{count:,} {verdict.value}" for verdict, count in self.verified().items())


NOTHING_PLANNED = TransferReport(0, (), (), (), 0, 0.0)


class TransferCancelled(Cancelled):
    """A transfer was cancelled; `report` has what was done until then."""

    def __init__(self, summary: str, report: TransferReport = NOTHING_PLANNED) -> None:
        super().__init__(summary)
        self.report = report

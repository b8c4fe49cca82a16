"""What transfers are made of: outcomes as compact columns, and the report at the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from core.errors import ErrorKind
from core.objects.bucket import Bucket


class HasBucket(Protocol):
    """What a transfer needs of a workspace."""

    @property
    def bucket(self) -> Bucket:
        """The bucket to transfer to or from."""


class IfExists(Enum):
    """What to do with a file whose place is taken."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep both"


class State(Enum):
    """Where one file of a transfer stands; the value is the word that people see."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


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
    """One file that did not arrive: its number in the plan, and the error in words."""

    number: int
    key: str
    kind: ErrorKind
    summary: str
    cause: str = ""
    remedy: str = ""
    action: str = ""

    @property
    def reason(self) -> str:
        """Why, in as few words as there are: the row already names the file."""
        return self.cause.rstrip(".") or self.summary


@dataclass(frozen=True, slots=True)
class TransferReport:
    """How a transfer ended: `planned` is always done + skipped + failed.

    Numbers count from 0 in the order of the plan. `size` is the bytes that moved, `seconds` the
    time they took. What is done was compared by SHA-256 on the way down, and hashed on the way up.
    """

    planned: int
    done: tuple[int, ...]
    skipped: tuple[tuple[int, str], ...]
    failed: tuple[Failure, ...]
    size: int
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

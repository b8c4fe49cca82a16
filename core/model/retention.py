"""Values of retention: which backups remain, and why."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import ErrorKind
from core.model.backup import Backup


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How many days, weeks, months and years with backups retain their newest one (UTC)."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0


@dataclass(frozen=True, slots=True)
class RetentionDecision:
    """Whether a backup is retained; `reasons` are complete sentences."""

    backup: Backup
    retained: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotRemoved:
    """A backup that could not be removed: its key, the kind of the error, and the reason.

    `incomplete` means that its manifest is removed but parts remain, which `sweep` lists.
    """

    key: str
    kind: ErrorKind
    reason: str
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """Report of a removal: the decisions, the removed backups and their size in bytes.

    `versioned` means that the bucket stores the removed objects as older versions; it is None if
    this could not be determined.
    """

    decisions: tuple[RetentionDecision, ...]
    removed: tuple[Backup, ...]
    size: int
    failed: tuple[NotRemoved, ...] = ()
    versioned: bool | None = None

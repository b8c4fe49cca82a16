"""What the doctor finds, and the repairs it offers; identifiers only, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class FindingKind(Enum):
    """What is wrong."""

    STRAY_PENDING = "stray-pending"
    EMPTY_PENDING = "empty-pending"
    ORPHAN_KEY = "orphan-key"
    TWO_KEYS = "two-keys"
    INACTIVE_KEY = "inactive-key"
    DEAD_KEY = "dead-key"
    SCHEDULED = "scheduled-deletion"
    UNFINISHED = "unfinished-rotation"


class RepairKind(Enum):
    """What can be done about it."""

    RESUME = "resume"
    UNDO = "undo"
    CONTINUE = "continue"
    DISCARD = "discard"
    DEACTIVATE = "deactivate"
    ACTIVATE = "activate"
    DELETE = "delete"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Repair:
    """One way to mend a finding: what it does, and what takes it back.

    `typed` is what has to be typed first when there is no way back; empty otherwise.
    """

    kind: RepairKind
    title: str
    text: str
    undo: str
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a secret: `subject` is a version id, a key id or the name.

    `user` is the IAM user of a key, `since` when it began as far as that is known (UTC).
    """

    kind: FindingKind
    secret: str
    subject: str
    summary: str
    detail: str = ""
    user: str = ""
    since: datetime | None = None
    repairs: tuple[Repair, ...] = ()

    @property
    def id(self) -> str:
        """What names the finding on the command line."""
        return f"{self.kind.value}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, what was looked at, and what could not be, with the missing permission."""

    findings: tuple[Finding, ...]
    examined: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether everything could be looked at and nothing is wrong."""
        return not self.findings and not self.unseen

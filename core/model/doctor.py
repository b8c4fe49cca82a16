"""Findings of the doctor and their repairs, with identifiers but without values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class FindingKind(Enum):
    """Kind of a finding."""

    STRAY_PENDING = "stray-pending"
    EMPTY_PENDING = "empty-pending"
    ORPHAN_KEY = "orphan-key"
    TWO_KEYS = "two-keys"
    INACTIVE_KEY = "inactive-key"
    DEAD_KEY = "dead-key"
    SCHEDULED = "scheduled-deletion"
    UNFINISHED = "unfinished-rotation"


class RepairKind(Enum):
    """Kind of a repair."""

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
    """A repair of a finding: its effect, and its undo.

    `typed` is the text that confirms a repair that cannot be undone; otherwise empty.
    """

    kind: RepairKind
    title: str
    text: str
    undo: str
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a secret; `subject` is a version id, a key id or the name.

    `user` is the IAM user of a key, `since` when the problem began, if known (UTC).
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
        """The id of the finding on the command line."""
        return f"{self.kind.value}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, the examined secrets, and the missing permissions for the others."""

    findings: tuple[Finding, ...]
    examined: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether everything could be examined and there is no finding."""
        return not self.findings and not self.unseen

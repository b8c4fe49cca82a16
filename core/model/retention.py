"""Values of retention: which backups remain, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import ErrorKind
from core.model.backup import Backup, Origin


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


def note_same_server(decisions: Iterable[RetentionDecision]) -> str:
    """Return a note if databases that are counted separately may be the same one.

    `localhost` of two computers is not the same server: backups of different names of a computer
    are not counted together, since a rule would then remove backups that it has retained so far.
    """
    names: dict[Origin, set[str]] = {}
    for each in decisions:
        origin = each.backup.origin
        names.setdefault(origin.canonical, set()).add(str(origin))
    found = next((sorted(each) for each in names.values() if len(each) > 1), None)
    if found is None:
        return ""
    return f"{' and '.join(found)} may be one database; the rule counts for each name separately."

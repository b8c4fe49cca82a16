"""`Change`, the effect of a write, for refreshing views and for the log of changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ChangeKind(Enum):
    """Area of a change."""

    OBJECTS = "objects"
    SECRETS = "secrets"
    PROFILES = "profiles"
    BACKUPS = "backups"
    TABLES = "tables"
    BUCKET = "bucket"
    LINKS = "links"


@dataclass(frozen=True, slots=True)
class Change:
    """A change: the action, its subject, and the request id.

    `prefixes` are the key prefixes whose listings are outdated. `origin` is the view or the command
    that made the change.
    """

    kind: ChangeKind
    action: str
    subject: str
    origin: str
    when: datetime
    prefixes: tuple[str, ...] = ()
    request_id: str = ""

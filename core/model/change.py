"""`Change`: what a write altered, so that other views can refresh and the log can tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ChangeKind(Enum):
    """Which area of the world changed."""

    OBJECTS = "objects"
    SECRETS = "secrets"
    PROFILES = "profiles"
    BACKUPS = "backups"
    TABLES = "tables"
    BUCKET = "bucket"
    LINKS = "links"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: an AWS action or a verb of ours, its subject, and where the request is found.

    `prefixes` are the key prefixes whose listings are stale now. `origin` names the view or the
    command that acted.
    """

    kind: ChangeKind
    action: str
    subject: str
    origin: str
    when: datetime
    prefixes: tuple[str, ...] = ()
    request_id: str = ""

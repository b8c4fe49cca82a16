"""The log of changes made: one JSON line each, redacted, appended, never rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.local.json_lines import JsonLines
from core.model.change import Change, ChangeKind
from core.paths import data_dir
from core.redaction import redacted
from core.units import as_utc, iso_utc

#: Bytes after which a new file begins; one older file is kept.
_ROTATE_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change and the profile that it was made with."""

    change: Change
    profile: str


class ChangeLog:
    """Appends and reads the log; safe to use from several threads and processes."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or data_dir() / "changes.jsonl"
        self._lines = JsonLines(path, _read, rotate_bytes=_ROTATE_BYTES)

    def append(self, change: Change, *, profile: str = "") -> None:
        """Write one change.

        Raises:
            LocalIOError: the file could not be written.
        """
        self._lines.append([_written(change, profile)])

    def read(self, *, limit: int = 10_000) -> tuple[LoggedChange, ...]:
        """Return the newest changes, oldest first; lines that cannot be read are moved aside.

        Raises:
            LocalIOError: the file could not be read.
        """
        return self._lines.read().entries[-limit:]


def _written(change: Change, profile: str) -> dict[str, Any]:
    return {
        "when": iso_utc(change.when),
        "profile": profile,
        "kind": change.kind.value,
        "action": redacted(change.action),
        "subject": redacted(change.subject),
        "origin": change.origin,
        "prefixes": list(change.prefixes),
        "request_id": change.request_id,
    }


def _read(entry: dict[str, Any]) -> LoggedChange:
    change = Change(
        kind=ChangeKind(entry["kind"]),
        action=str(entry["action"]),
        subject=str(entry["subject"]),
        origin=str(entry["origin"]),
        when=as_utc(datetime.fromisoformat(entry["when"])),
        prefixes=tuple(str(prefix) for prefix in entry.get("prefixes", ())),
        request_id=str(entry.get("request_id", "")),
    )
    return LoggedChange(change, str(entry.get("profile", "")))

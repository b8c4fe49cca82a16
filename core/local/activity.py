"""The log of changes made: one JSON line each, redacted, appended, never rewritten."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.local.atomic import told
from core.model.change import Change, ChangeKind
from core.paths import data_dir
from core.redaction import redacted
from core.units import as_utc, iso_utc

#: Bytes after which the log begins anew; one older file is kept.
_ROTATE_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change and the profile that it was made with."""

    change: Change
    profile: str


class ChangeLog:
    """Appends and reads the log; safe to use from several threads and processes."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or data_dir() / "changes.jsonl"
        self._lock = threading.Lock()

    def append(self, change: Change, *, profile: str = "") -> None:
        """Write one change.

        Raises:
            LocalIOError: the file could not be written.
        """
        line = json.dumps(_written(change, profile), ensure_ascii=False) + "\n"
        with self._lock, told(self._path, "written"):
            self._rotate()
            # One write to a file in append mode: lines of two processes do not mix.
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, line.encode("utf-8", "backslashreplace"))
            finally:
                os.close(handle)

    def read(self, *, limit: int = 10_000) -> tuple[LoggedChange, ...]:
        """Return the newest changes, oldest first; a torn or foreign line is left out.

        Raises:
            LocalIOError: the file could not be read.
        """
        with self._lock, told(self._path, "read"):
            lines = [*_lines(self._older), *_lines(self._path)][-limit:]
        return tuple(entry for line in lines if (entry := _read(line)) is not None)

    @property
    def _older(self) -> Path:
        return self._path.with_name(self._path.name + ".1")

    def _rotate(self) -> None:
        try:
            full = self._path.stat().st_size > _ROTATE_BYTES
        except FileNotFoundError:
            return
        if full:
            self._path.replace(self._older)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


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


def _read(line: str) -> LoggedChange | None:
    try:
        entry = json.loads(line)
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
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

"""Which IAM actions each profile has used: names and dates only, for a policy that fits.

A line is written when an action is used for the first time on a day, so that bulk work costs
nothing. Several processes may write: each reads the file anew, under a lock.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.errors import LocalIOError
from core.local.atomic import told, write_atomically
from core.paths import data_dir
from core.units import utc_now

_log = logging.getLogger(__name__)

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class UsedAction:
    """One action that a profile has used, and the days (UTC) of its first and last use."""

    action: str
    first: date
    last: date


class UsedActions:
    """The record, in one JSON file; safe to use from several threads and processes."""

    def __init__(
        self, path: Path | None = None, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._path = path or data_dir() / "used-actions.json"
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: set[tuple[str, str, date]] = set()

    def note(self, profile: str, action: str) -> None:
        """Remember that a profile uses an action now; it never raises, and rarely writes."""
        today = self._clock().date()
        use = (profile, action, today)
        with self._lock:
            if use in self._noted:
                return
            self._noted.add(use)
            try:
                self._write(profile, action, today)
            except LocalIOError as error:  # a record that lacks a line is no reason to stop
                _log.debug("%s", error.summary)

    def read(self, profile: str) -> tuple[UsedAction, ...]:
        """Return what a profile has used, by name.

        Raises:
            LocalIOError: the file cannot be read.
        """
        with self._lock, self._held():
            found = self._load().get(profile, {})
        return tuple(
            UsedAction(action, date.fromisoformat(first), date.fromisoformat(last))
            for action, (first, last) in sorted(found.items())
        )

    def _write(self, profile: str, action: str, today: date) -> None:
        with self._held():
            book = self._load()
            first = book.setdefault(profile, {}).get(action, [today.isoformat()])[0]
            book[profile][action] = [first, today.isoformat()]
            content = {"format": _FORMAT, "profiles": book}
            write_atomically(self._path, (json.dumps(content, indent=1) + "\n").encode())

    def _load(self) -> dict[str, dict[str, list[str]]]:
        with told(self._path, "read"):
            try:
                content: Any = json.loads(self._path.read_bytes())
            except FileNotFoundError:
                return {}
            except ValueError:  # torn by another program: it is only a record
                return {}
        known = isinstance(content, dict) and content.get("format") == _FORMAT
        return dict(content["profiles"]) if known else {}

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep other processes out while the file is read and replaced."""
        path = self._path.with_name(self._path.name + ".lock")
        with told(path, "locked"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

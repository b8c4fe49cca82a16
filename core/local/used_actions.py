"""Which IAM actions each profile has used: names and dates only, for a policy that fits.

An entry is written when an action is used for the first time on a day, so that bulk work costs
nothing. Several processes may write: each reads the file again, under a lock.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.errors import LocalIOError
from core.local.atomic import quarantine, translate_os_errors, write_atomically
from core.local.json_lines import UNREADABLE
from core.local.locking import locked
from core.paths import data_dir
from core.units import utc_now

_log = logging.getLogger(__name__)

_FORMAT = 1

#: By profile and action: the first and the last day.
_Book = dict[str, dict[str, tuple[date, date]]]


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
        with self._lock:
            found = self._load().get(profile, {})
        return tuple(UsedAction(action, *days) for action, days in sorted(found.items()))

    def _write(self, profile: str, action: str, today: date) -> None:
        with locked(self._path):
            book = self._load()
            first, _last = book.setdefault(profile, {}).get(action, (today, today))
            book[profile][action] = (first, today)
            profiles = {
                name: {each: [day.isoformat() for day in days] for each, days in used.items()}
                for name, used in book.items()
            }
            content = {"format": _FORMAT, "profiles": profiles}
            write_atomically(self._path, (json.dumps(content, indent=1) + "\n").encode())

    def _load(self) -> _Book:
        """Return what the file holds; one that cannot be read is set aside."""
        with translate_os_errors(self._path, "read"):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return {}
        try:
            return _parsed(json.loads(data))
        except UNREADABLE:
            quarantine(self._path)
            return {}


def _parsed(content: Any) -> _Book:
    if content["format"] != _FORMAT:
        message = "a later format"
        raise ValueError(message)
    return {
        str(profile): {
            str(action): (date.fromisoformat(first), date.fromisoformat(last))
            for action, (first, last) in used.items()
        }
        for profile, used in content["profiles"].items()
    }

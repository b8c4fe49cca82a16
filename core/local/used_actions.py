"""Which IAM actions each profile has used: names and dates only, for a minimal policy.

An entry is written when an action is used for the first time on a day, so that bulk work costs
nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from core.errors import LocalIOError
from core.local.state.database import state_database, storable
from core.units import utc_now

_log = logging.getLogger(__name__)

_WRITE = """
INSERT INTO used_actions (profile, action, first, last) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET last = excluded.last WHERE last < excluded.last
"""


@dataclass(frozen=True, slots=True)
class UsedAction:
    """One action that a profile has used, and the days (UTC) of its first and last use."""

    action: str
    first: date
    last: date


class UsedActions:
    """The record, in the state database; safe to use from several threads and processes."""

    def __init__(
        self, folder: Path | None = None, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Use the user's database, or the one in another folder."""
        self._database = state_database(folder)
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: set[tuple[str, str, date]] = set()

    def note(self, profile: str, action: str) -> None:
        """Record that a profile uses an action now; it never raises, and rarely writes."""
        today = self._clock().date()
        use = (profile, action, today)
        with self._lock:
            if use in self._noted:
                return
            # Before it is written: an action is noted once even if the write fails.
            self._noted.add(use)
        day = today.isoformat()
        try:
            self._database.execute(_WRITE, (storable(profile), action, day, day))
        except LocalIOError as error:  # a record that lacks a line is no reason to stop
            _log.debug("%s", error.summary)

    def read(self, profile: str) -> tuple[UsedAction, ...]:
        """Return what a profile has used, by name.

        Raises:
            LocalIOError: the database cannot be read.
        """
        rows = self._database.rows(
            "SELECT action, first, last FROM used_actions WHERE profile = ? ORDER BY action",
            (storable(profile),),
        )
        return tuple(
            UsedAction(action, date.fromisoformat(first), date.fromisoformat(last))
            for action, first, last in rows
        )

"""The record of a run of a backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class BackupRun:
    """The last run of a backup of a database and a choice of tables, on this machine.

    Attributes:
        name: The name of the database and tables; see `core.backup.schedule.schedule_name`.
        database: The address without a password.
        tables: The tables; empty for all.
        started: When it was started.
        ended: When it ended; None while it runs, and if it was interrupted.
        problem: Why it failed; empty if it did not.
        cancelled: Whether the user stopped it.
        running: Whether the process that runs it exists.
        dismissed: Whether the user has dismissed the finding about its failure.
        scope: The tables or their patterns, for messages; empty if not recorded.
        place: The bucket, see `core.backup.store.place_of`; empty if not known.
        skipped: The tables that were skipped.
    """

    name: str
    database: str
    tables: tuple[str, ...]
    started: datetime
    ended: datetime | None = None
    problem: str = ""
    cancelled: bool = False
    running: bool = False
    dismissed: bool = False
    scope: str = ""
    place: str = ""
    skipped: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What identifies the record: the name, and the bucket if it is known."""
        if not self.place:
            return self.name
        return f"{self.name} {sha256(self.place.encode()).hexdigest()[:10]}"

    @property
    def failed(self) -> bool:
        """Whether it ended with an error, or its process ended before it."""
        return bool(self.problem) or (self.ended is None and not self.running)

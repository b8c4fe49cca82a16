"""The log of changes made: one row each, redacted, appended, never rewritten."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import LocalIOError
from core.local.state.database import state_database, storable
from core.local.unreadable import UNREADABLE
from core.local.writer_thread import WriterThread
from core.model.change import Change, ChangeKind
from core.redaction import redacted
from core.units import as_utc, iso_utc

_log = logging.getLogger(__name__)

#: So many of the newest changes are retained.
_MOST_CHANGES = 50_000
_WRITE = """
INSERT INTO changes (moment, profile, kind, action, subject, origin, prefixes, request_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_READ = """
SELECT moment, profile, kind, action, subject, origin, prefixes, request_id
FROM changes ORDER BY number DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change and the profile that it was made with."""

    change: Change
    profile: str


class ChangeLog:
    """Appends and reads the log; safe to use from several threads and processes."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use the user's database, or the one in another folder."""
        self._database = state_database(folder)
        self._writer = WriterThread("change-log")

    def append_later(
        self, change: Change, *, profile: str, failed: Callable[[LocalIOError], object]
    ) -> None:
        """Write one change in another thread, after those before it.

        Args:
            change: the change.
            profile: the name of the profile that it was made with.
            failed: gets the error in that thread if the change could not be written.
        """

        def write() -> None:
            try:
                self.append(change, profile=profile)
            except LocalIOError as error:
                failed(error)

        self._writer.add(write)

    def append(self, change: Change, *, profile: str = "") -> None:
        """Write one change.

        Raises:
            LocalIOError: it could not be written.
        """
        with self._database.transaction() as connection:
            connection.execute(_WRITE, _row(change, profile))
            connection.execute(
                # Numbers are never reused, so this deletes at most one row for each written one.
                "DELETE FROM changes WHERE number <= ?",
                (connection.last_insert_rowid() - _MOST_CHANGES,),
            )

    def read(self, *, limit: int = 10_000) -> tuple[LoggedChange, ...]:
        """Return the newest changes, oldest first, without those that cannot be read.

        Changes that are being written are waited for.

        Raises:
            LocalIOError: the database cannot be read.
        """
        self._writer.wait()
        rows = self._database.rows(_READ, (limit,))
        found = (_read(row) for row in reversed(rows))
        return tuple(each for each in found if each is not None)


def _row(change: Change, profile: str) -> tuple[str, ...]:
    # Subjects can be names that users have chosen, for example of files, and may contain a key.
    texts = (redacted(change.action), redacted(change.subject), change.origin)
    return (
        iso_utc(change.when),
        storable(profile),
        change.kind.value,
        *map(storable, texts),
        json.dumps(list(change.prefixes)),
        storable(change.request_id),
    )


def _read(row: tuple[Any, ...]) -> LoggedChange | None:
    moment, profile, kind, action, subject, origin, prefixes, request_id = row
    try:
        change = Change(
            kind=ChangeKind(kind),
            action=action,
            subject=subject,
            origin=origin,
            when=as_utc(datetime.fromisoformat(moment)),
            prefixes=tuple(str(prefix) for prefix in json.loads(prefixes)),
            request_id=request_id,
        )
    except UNREADABLE:
        _log.warning("an entry of the log of changes cannot be read")
        return None
    return LoggedChange(change, profile)

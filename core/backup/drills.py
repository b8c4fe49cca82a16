"""Local record of restore drills, in the state database.

The newest drill of each backup is stored. Those by other machines are not known here.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from core.backup.store import Store
from core.errors import LocalIOError
from core.local.state.database import state_database, storable
from core.model.backup import Backup, BackupState
from core.model.verification import Drill
from core.units import as_utc, iso_utc, utc_now

#: The most backups whose drill is stored.
_MOST_BACKUPS = 5_000
_WRITE = """
INSERT OR REPLACE INTO drills (place, key, sha256, moment, target, verified, problem)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_TRIM = """
DELETE FROM drills WHERE number NOT IN (SELECT number FROM drills ORDER BY number DESC LIMIT ?)
"""
_READ = "SELECT place, key, sha256, moment, target, verified, problem FROM drills ORDER BY number"

_log = logging.getLogger(__name__)

#: A stored manifest: place, key, and the SHA-256 of its bytes.
Identity = tuple[str, str, str]


def record_drill(
    store: Store, backup: Backup, target: str, verified: str, problem: str = ""
) -> None:
    """Record a restore drill that has ended; a failure of the record is only logged.

    Args:
        store: The store of the backup.
        backup: An entry of the list; the old form has no hashes and is not recorded.
        target: The name of the scratch database.
        verified: How the rows were compared.
        problem: The difference; empty if the restored table is the same.
    """
    if backup.state is not BackupState.COMPLETE or not backup.sha256:
        return
    now = iso_utc(utc_now())
    values = (
        store.place, storable(backup.key), backup.sha256, now, storable(target), verified,
        storable(problem),
    )  # fmt: skip
    try:
        with state_database().transaction() as connection:
            connection.execute(_WRITE, values)
            connection.execute(_TRIM, (_MOST_BACKUPS,))
    except LocalIOError as error:
        _log.warning("The restore drill of a backup could not be recorded: %s", error.reason)


def last_drills() -> dict[Identity, Drill]:
    """Return the newest drill of each backup; none if they cannot be read."""
    found: dict[Identity, Drill] = {}
    try:
        rows = state_database().rows(_READ)
    except LocalIOError as error:
        _log.warning("The restore drills of backups cannot be read: %s", error.reason)
        return found
    for place, key, sha256, moment, target, verified, problem in rows:
        with suppress(ValueError):
            when = as_utc(datetime.fromisoformat(moment))
            found[place, key, sha256] = Drill(when, target, verified, problem)
    return found


def drill_of(known: dict[Identity, Drill], store: Store, backup: Backup) -> Drill | None:
    """Return the newest drill of the present state of a backup."""
    return known.get((store.place, backup.key, backup.sha256))

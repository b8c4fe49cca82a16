"""Local record of the verifications of backups, in the state database.

The newest verification of each backup is stored. Those by other machines are not known here.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from core.backup.store import Store
from core.errors import LocalIOError
from core.local.state.database import state_database, storable
from core.model.backup import Backup, BackupState
from core.model.verification import Verification
from core.units import as_utc, iso_utc, utc_now

#: The most backups whose verification is stored.
_MOST_BACKUPS = 5_000
_WRITE = """
INSERT OR REPLACE INTO verifications (place, key, sha256, moment, operation, problem)
VALUES (?, ?, ?, ?, ?, ?)
"""
_TRIM = """
DELETE FROM verifications
WHERE number NOT IN (SELECT number FROM verifications ORDER BY number DESC LIMIT ?)
"""
_READ = "SELECT place, key, sha256, moment, operation, problem FROM verifications ORDER BY number"

_log = logging.getLogger(__name__)

#: A stored manifest: place, key, and the SHA-256 of its bytes.
Identity = tuple[str, str, str]


def record_verification(store: Store, backup: Backup, by: str, problem: str = "") -> None:
    """Record that all bytes of a backup were compared; a failure of the record is only logged.

    Args:
        store: The store of the backup.
        backup: An entry of the list; the old form has no hashes and is not recorded.
        by: `verify`, `restore` or `preview`.
        problem: The difference; empty if there is none.
    """
    if backup.state is not BackupState.COMPLETE or not backup.sha256:
        return
    place, key, sha256 = _identity(store, backup)
    try:
        with state_database().transaction() as connection:
            values = (place, storable(key), sha256, iso_utc(utc_now()), by, storable(problem))
            connection.execute(_WRITE, values)
            connection.execute(_TRIM, (_MOST_BACKUPS,))
    except LocalIOError as error:
        _log.warning("The verification of a backup could not be recorded: %s", error.reason)


def verifications() -> dict[Identity, Verification]:
    """Return the newest verification of each backup; none if they cannot be read."""
    found: dict[Identity, Verification] = {}
    try:
        rows = state_database().rows(_READ)
    except LocalIOError as error:
        _log.warning("The verifications of backups cannot be read: %s", error.reason)
        return found
    for place, key, sha256, moment, operation, problem in rows:
        with suppress(ValueError):
            when = as_utc(datetime.fromisoformat(moment))
            found[place, key, sha256] = Verification(when, operation, problem)
    return found


def verification_of(
    known: dict[Identity, Verification], store: Store, backup: Backup
) -> Verification | None:
    """Return the newest verification of the present state of a backup."""
    return known.get(_identity(store, backup))


def _identity(store: Store, backup: Backup) -> Identity:
    return store.place, backup.key, backup.sha256

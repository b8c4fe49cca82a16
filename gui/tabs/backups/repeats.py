"""Which failed backups, comparisons and restores may succeed if they are repeated."""

from __future__ import annotations

from core.backup.databases.naming import LockedError
from core.effects import is_nothing
from core.errors import TRANSIENT_KINDS, ErrorKind, StorageError

#: Besides failures that pass: a database that is locked or full, or a full disk of this computer.
_REPEATED = TRANSIENT_KINDS | {ErrorKind.DATABASE, ErrorKind.LOCAL_IO}


def may_succeed(error: StorageError) -> bool:
    """Return whether the same action may succeed later, also after another program has ended."""
    return error.kind in _REPEATED or isinstance(error, LockedError)


def has_no_effect(error: StorageError) -> bool:
    """Return whether the failed action has changed nothing; otherwise its effect is not known."""
    return is_nothing(error.effect)

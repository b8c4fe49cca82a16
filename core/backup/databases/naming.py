"""Names of the database, table or backup in errors of code that does not know them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Conflict, Corrupt, DatabaseError, NotSupported


class LockedError(Conflict):
    """Another session of the server holds a lock, or uses the table."""


def changed_during(table: str, database: str) -> LockedError:
    """Return the error about a table that was changed between the view of a backup and its rows."""
    return LockedError(
        f"Another session has just changed {table} in {database}",
        cause="It was truncated, altered or rewritten after the backup had begun, so its rows cannot be "
        "read as they were at that time.",
        remedy="Repeat the backup.",
        subject=database,
    )


@contextmanager
def naming_table(table: str, database: str) -> Iterator[None]:
    """Add table and database to errors about a schema that name neither.

    Args:
        table: The name of the table.
        database: A path, or host, port and name of a database.
    """
    try:
        yield
    except (Corrupt, NotSupported) as error:
        if database not in error.reason and not _contains(error.reason, table):
            error.cause = f"{error.cause} The table is {table} of {database}.".lstrip()
        raise


@contextmanager
def naming_locked(table: str, database: str) -> Iterator[None]:
    """Name the table in the error about a lock of another session."""
    try:
        yield
    except LockedError as error:
        error.summary = f"Another session holds a lock on {table} in {database}"
        raise


@contextmanager
def naming_restored(table: str) -> Iterator[None]:
    """Name the table that is being restored in errors of the database that do not.

    A lock may be on another table, for example one that refers to it.
    """
    try:
        yield
    except (LockedError, DatabaseError) as error:
        if not _contains(error.reason, table):
            error.cause = f"{error.cause} The table being restored is {table}.".lstrip()
        raise


@contextmanager
def naming_backup(backup_id: str, table: str) -> Iterator[None]:
    """Add the id of a backup and its table to errors about damage that lack the id.

    If several backups are used at once, the innermost block names the damaged one.
    """
    try:
        yield
    except Corrupt as error:
        if not error.backup_id and backup_id not in error.reason:
            error.cause = f"{error.cause} The backup is {backup_id} of {table}.".lstrip()
        error.backup_id = error.backup_id or backup_id
        raise


def _contains(text: str, name: str) -> bool:
    """Return whether a text contains a name that is not a part of a longer one."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None

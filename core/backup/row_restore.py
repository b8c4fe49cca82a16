"""Restore of single rows of a backup into the present table, and its preview."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Unpack

from core.backup.choice import BackupChoice, backup_warnings, find_for_database
from core.backup.conversion import converted
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.base import Database
from core.backup.databases.naming import naming_restored
from core.backup.databases.row_checks import check_keys
from core.backup.databases.single_rows import RowChanges
from core.backup.package import fetch_package
from core.backup.row_conditions import keys_where
from core.backup.row_progress import report_waiting
from core.backup.store import Store
from core.effects import BY_HAND, states_effect
from core.errors import NOTHING_CHANGED, Conflict
from core.model.backup import Backup
from core.model.row_restore import RowCounts, RowsPreview, RowsReport
from core.objects.bucket import HasBucket
from core.units import utc_now
from core.work import Work, default_work

#: How the changed rows were compared, in the same transaction.
BY_ROW = "verified (the rows equal those of the backup)"


def preview_rows(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    table: str,
    keys: Sequence[str] = (),
    where: str = "",
    **choice: Unpack[BackupChoice],
) -> RowsPreview:
    """Return what `restore_rows` would do with each row; nothing is changed.

    The rows are compared in temporary tables. Arguments and errors are those of `restore_rows`.
    """
    work = default_work(work)
    store, backup, address = find_for_database(workspace, database, table, work, choice)
    chosen = (*keys, *(keys_where(store, backup, where, work) if where else ()))
    return preview_rows_of(store, backup, address, chosen, work)


def preview_rows_of(
    store: Store,
    backup: Backup,
    database: str | DatabaseAddress,
    keys: Sequence[str],
    work: Work,
) -> RowsPreview:
    """Return the preview for a listed backup in any store; see `preview_rows`."""
    with open_database(database, work=work) as target, naming_restored(backup.table):
        today = target.schema(backup.table)
        with fetch_package(store, backup, today, work) as fetched:
            package = converted(fetched, target, today)
            changes = target.row_changes(package.schema, today)
            with changes.scratch():
                changes.stage(package.pieces(), keys, work)
                changes.classify()
                counts = changes.counts()
                _refuse_deletion(backup, counts)
                check_keys(changes)
                problems = _problems(backup, target, changes, package.problems)
                effects = changes.effects()
    return RowsPreview(backup, target.name, backup.table, counts, effects, problems)


@states_effect("restored", (BY_HAND,))
def restore_rows(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    table: str,
    keys: Sequence[str] = (),
    where: str = "",
    **choice: Unpack[BackupChoice],
) -> RowsReport:
    """Restore single rows of a backup into the present table, in one transaction.

    A row that is missing today is inserted, a different one is updated, and one that only exists
    today is deleted; other rows do not change. The former values are saved in a table, whose name
    `undo` accepts. Generated columns are not written, and sequences continue after inserted
    numbers. Triggers do not fire where the engine allows it; the preview describes it.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress.
        database: A path, a URL, or `secret:NAME`.
        table: The table of the backup.
        keys: The primary keys of the rows: `5`, or a JSON array such as `["BTC", 5]`.
        where: An SQL condition (DuckDB) on the rows of the backup, which also selects rows. It
            cannot select rows that only exist today.
        **choice: Which backup; see `core.backup.choice.BackupChoice`.

    Raises:
        Conflict: A foreign key, a trigger or a changed type prevents a row; the error names it.
        Corrupt: The backup is damaged; no other backup is used instead.
        DatabaseError: The database reports an error or is locked.
        InvalidInput: A key does not match the primary key, or no row or too many rows of the backup
            meet the condition.
        NotFound: A row exists neither in the backup nor in the table, or there is no such table.
        NotSupported: The table has no primary key, or the backup has another one.
    """
    work = default_work(work)
    workspace.bucket.clients.require_writable(f"Restoring rows of {table}")
    store, backup, address = find_for_database(workspace, database, table, work, choice)
    chosen = (*keys, *(keys_where(store, backup, where, work) if where else ()))
    return restore_rows_of(store, backup, address, chosen, work)


def restore_rows_of(
    store: Store,
    backup: Backup,
    database: str | DatabaseAddress,
    keys: Sequence[str],
    work: Work,
) -> RowsReport:
    """Restore rows of a listed backup in any store; see `restore_rows`."""
    started = time.monotonic()
    with (
        open_database(database, write=True, work=work) as target,
        naming_restored(backup.table),
    ):
        today = target.schema(backup.table)
        with fetch_package(store, backup, today, work) as fetched:
            package = converted(fetched, target, today)
            report_waiting(package.rows, work)
            with target.change(work=work):
                changes = target.row_changes(package.schema, today)
                changes.stage(package.pieces(), keys, work)
                counts, former = _change(target, changes, backup)
            problems = _problems(backup, target, changes, package.problems)
        seconds = time.monotonic() - started
        return RowsReport(
            backup, target.name, backup.table, counts, former, BY_ROW, seconds, problems
        )


def _change(target: Database, changes: RowChanges, backup: Backup) -> tuple[RowCounts, str]:
    """Change the staged rows; return the counts and the table with the former values."""
    stamp = f"__before_{utc_now():%Y%m%dT%H%M%SZ}"
    former = target.free_name(target.related_name(backup.table, stamp))
    changes.prepare(former)
    changes.classify()
    counts = changes.counts()
    _refuse_deletion(backup, counts)
    if not counts.changes:
        changes.discard(former)
        return counts, ""
    check_keys(changes)
    changes.apply(former)
    changes.complete(former)
    return counts, former


def _refuse_deletion(backup: Backup, counts: RowCounts) -> None:
    """Refuse to delete rows because they are not in a backup that contains only some rows."""
    if backup.filter and counts.deleted:
        raise Conflict(
            f"The backup {backup.id} does not contain all of these rows",
            cause="It contains only some rows of the table, so that a row may be missing in it "
            f"although it existed. The backup contains the rows that meet: {backup.filter}",
            remedy="Choose rows of this backup, or another backup.",
            effect=NOTHING_CHANGED,
            subject=backup.table,
        )


def _problems(
    backup: Backup, target: Database, changes: RowChanges, more: Sequence[str]
) -> tuple[str, ...]:
    return (*backup_warnings(backup, target.origin), *more, *changes.problems())

"""Preview of a restore, which makes no changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Unpack

from core.backup.choice import BackupChoice, backup_warnings, find_for_database
from core.backup.conversion import converted, prove_convertible, restore_notes
from core.backup.databases import engine_of, is_missing, open_database, origin_of
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.base import Database, Rows
from core.backup.databases.naming import naming_restored
from core.backup.databases.server_database import ServerDatabase
from core.backup.drift import drift
from core.backup.package import Package, fetch_package
from core.backup.previewed import refuse_existing
from core.backup.row_progress import reporting_rows
from core.backup.store import Store
from core.errors import DatabaseError, StorageError
from core.hints import Hint
from core.model.backup import Backup
from core.model.restore import Difference, RestorePreview
from core.model.tables import TableSchema
from core.objects.bucket import HasBucket
from core.work import Progress, Work, default_work

SAMPLES = 200
_NEW_NAME = (
    "If the present table is damaged, restore the backup under a new name: the present table is not "
    "read then, and stays as it is."
)


def preview(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    table: str,
    target: str | None = None,
    samples: int = SAMPLES,
    **choice: Unpack[BackupChoice],
) -> RestorePreview:
    """Download and verify a backup, and compare it with the present table.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress.
        database: A path, a URL, or `secret:NAME`; an SQLite file need not exist.
        table: The table of the backup.
        target: The name of a new table into which it would be restored; None for a restore in
            place.
        samples: The maximum number of cells and rows to show.
        **choice: Which backup; see `core.backup.choice.BackupChoice`.

    Raises:
        AlreadyExists: When `target` exists.
        NotFound: When the backup does not exist.
        Conflict: When there are backups of several other databases.
        Corrupt: When the backup is damaged; no other backup is used instead.
        DatabaseError: When the database cannot be read.
    """
    work = default_work(work)
    store, which, address = find_for_database(workspace, database, table, work, choice)
    return preview_of(store, which, address, samples, work, target)


def preview_of(
    store: Store,
    backup: Backup,
    database: str | DatabaseAddress,
    samples: int,
    work: Work,
    name: str | None = None,
) -> RestorePreview:
    """Return the preview for a listed backup in any store; see `preview`."""
    if is_missing(database):
        with fetch_package(store, backup, None, work) as fetched:
            package = converted(fetched, engine_of(database), None)
            prove_convertible(package)
            return _into_nothing(package, database)
    with open_database(database, work=work) as target, naming_restored(backup.table):
        refuse_existing(target, name)
        with _proposing_name(target, backup):
            today = target.schema(backup.table) if target.exists(backup.table) else None
            with fetch_package(store, backup, today, work) as package:
                return _compared(converted(package, target, today), target, samples, work)


@contextmanager
def _proposing_name(target: Database, backup: Backup) -> Iterator[None]:
    """Propose a new name if a server cannot read the present table, as its file may be damaged.

    `hint_value` of the error is the name. The table of an SQLite file would be in the same file.
    """
    try:
        yield
    except DatabaseError as error:
        if isinstance(target, ServerDatabase):
            with suppress(StorageError):  # the error of the comparison is the one to report
                error.hint_value = _free_name(target, backup)
            error.hints |= Hint.NEW_TABLE_NAME
            error.remedy = f"{error.remedy} {_NEW_NAME}".lstrip()
        raise


def _free_name(target: Database, backup: Backup) -> str:
    return target.free_name(target.related_name(backup.table, f"_{backup.taken:%Y%m%d}"))


def _into_nothing(package: Package, database: str | DatabaseAddress) -> RestorePreview:
    return RestorePreview(
        backup=package.backup,
        database=str(database),
        table=package.backup.table,
        exists=False,
        rows_today=None,
        rows=package.rows,
        difference=Difference(package.rows, 0, 0),
        schema=package.schema,
        inferred=package.inferred,
        triggers=package.schema.triggers,
        problems=(
            *package.problems,
            *backup_warnings(package.backup, origin_of(database)),
            *restore_notes(package, engine_of(database)),
            "The database file does not exist: it will be created.",
        ),
        suggested_name=package.backup.table,
    )


def _compared(package: Package, target: Database, samples: int, work: Work) -> RestorePreview:
    table = package.backup.table
    today = target.schema(table) if target.exists(table) else None
    pieces = _counted(package.pieces(long_rows=target.loads_long_rows), package.rows, work)
    # The rows are counted here, for all databases in the same way.
    quiet = replace(work, report=lambda _progress: None)
    difference, orphans = target.compare(package.schema, pieces, samples=samples, work=quiet)
    refused: tuple[str, ...] = ()
    if package.backup.filter and today:
        # The rows that such a backup lacks are not removed: a restore in place is refused.
        difference = replace(difference, removed=0, removed_rows=(), removed_keys=())
        orphans = ()
        refused = ("The backup can only be restored under a new name, or row by row.",)
    known = set(today.triggers) if today else set()
    return RestorePreview(
        backup=package.backup,
        database=target.name,
        table=table,
        exists=today is not None,
        rows_today=target.count(table, work=work) if today else None,
        rows=package.rows,
        difference=difference,
        schema=package.schema,
        inferred=package.inferred,
        drift=drift(package.schema, today) if today else (),
        incoming=target.references(table),
        orphans=orphans,
        triggers=tuple(t for t in package.schema.triggers if t not in known),
        problems=(
            *backup_warnings(package.backup, target.origin),
            *refused,
            *filter(None, (target.untested,)),
            *package.problems,
            *restore_notes(package, target),
        ),
        suggested_name=_free_name(target, package.backup),
        dependants=target.dependants_after(package.schema),
        single_rows=today is not None and _is_primary(target, today, difference.by_key),
    )


def _counted(pieces: Iterable[Rows], total: int, work: Work) -> Iterator[Rows]:
    """Yield the rows of a backup, and report which step of the comparison they have reached."""
    yield from reporting_rows(pieces, total, work)
    # The statements that compare all rows have no progress, and take most of the time.
    work.report(Progress(total, total, "rows", "comparing"))


def _is_primary(target: Database, today: TableSchema, key: tuple[str, ...]) -> bool:
    """Return whether these columns are the primary key of the present table."""
    parts = today.primary.parts if today.primary else ()
    same = len(parts) == len(key) and all(map(target.same_name, (p.name for p in parts), key))
    return bool(key) and same

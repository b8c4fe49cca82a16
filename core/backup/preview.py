"""What a restore would do, found without touching anything."""

from __future__ import annotations

from datetime import datetime

from core.backup.databases import is_missing, open_database
from core.backup.databases.base import Database
from core.backup.drift import drift
from core.backup.listing import find
from core.backup.package import Package, fetched
from core.backup.store import BucketStore, HasBucket, Store
from core.errors import InvalidInput
from core.model.backup import Backup, Difference, RestorePreview
from core.units import as_utc
from core.work import Work, default_work

SAMPLES = 200


def preview(  # noqa: PLR0913 - keyword-only data of one request
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    table: str,
    backup_id: str | None = None,
    at: str | datetime | None = None,
    samples: int = SAMPLES,
) -> RestorePreview:
    """Compare a backup with today's table; nothing is changed, the backup is fetched and checked.

    Args:
        workspace: Gives the bucket.
        work: Cancel token and progress.
        database: A path to an SQLite file, or its URL; the file may be missing.
        table: Whose backup.
        backup_id: Which one; None takes the latest whole one, or the latest at `at`.
        at: A time (ISO 8601 when text; UTC when it has no zone).
        samples: Most cells and rows to show.

    Raises:
        NotFound: When there is no such backup.
        Corrupt: When the backup is not as it was written.
        DatabaseError: When the database cannot be read.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    which = find(store, table, work, backup_id=backup_id, at=moment(at))
    return preview_of(store, which, database, samples, work)


def preview_of(
    store: Store, backup: Backup, database: str, samples: int, work: Work
) -> RestorePreview:
    """As `preview`, for a listed backup in any store."""
    if is_missing(database):
        with fetched(store, backup, None, work) as package:
            return _into_nothing(package, database)
    with open_database(database) as target:
        today = target.schema(backup.table) if target.exists(backup.table) else None
        with fetched(store, backup, today, work) as package:
            return _compared(package, target, samples, work)


def moment(at: str | datetime | None) -> datetime | None:
    """Return a time given as text or value, in UTC.

    Raises:
        InvalidInput: When the text is no time.
    """
    if at is None or isinstance(at, datetime):
        return None if at is None else as_utc(at)
    try:
        return as_utc(datetime.fromisoformat(at))
    except ValueError:
        raise InvalidInput(
            f"{at!r} is not a time", remedy="Write it as 2024-01-15T10:00:00Z."
        ) from None


def _into_nothing(package: Package, database: str) -> RestorePreview:
    return RestorePreview(
        backup=package.backup,
        database=database,
        table=package.backup.table,
        exists=False,
        rows_today=None,
        rows=package.rows,
        difference=Difference(package.rows, 0, 0),
        schema=package.schema,
        inferred=package.inferred,
        triggers=package.schema.triggers,
        problems=(*package.problems, "The database file does not exist: it will be made."),
        suggested_name=package.backup.table,
    )


def _compared(package: Package, target: Database, samples: int, work: Work) -> RestorePreview:
    table = package.backup.table
    today = target.schema(table) if target.exists(table) else None
    difference, orphans = target.compare(
        package.schema, package.pieces(), samples=samples, work=work
    )
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
        problems=package.problems,
        suggested_name=free_name(target, f"{table}_{package.backup.taken:%Y%m%d}"),
    )


def free_name(target: Database, wanted: str) -> str:
    """Return `wanted`, or with a number when the database has that name already."""
    name, number = wanted, 1
    while target.exists(name):
        number += 1
        name = f"{wanted}_{number}"
    return name

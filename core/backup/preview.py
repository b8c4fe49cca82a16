"""What a restore would do, found without touching anything."""

from __future__ import annotations

from datetime import datetime

from core.backup.choice import Wanted, find, source_warning
from core.backup.databases import is_missing, open_database, origin_of
from core.backup.databases.base import Database
from core.backup.databases.sqlite.dump import rowids_field
from core.backup.drift import drift
from core.backup.package import Package, fetched
from core.backup.store import BucketStore, Store
from core.model.backup import Backup, Difference, RestorePreview
from core.model.tables import TableSchema
from core.objects.bucket import HasBucket
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
    from_other_source: bool = False,
    samples: int = SAMPLES,
) -> RestorePreview:
    """Compare a backup with today's table; nothing is changed, the backup is fetched and checked.

    Args:
        workspace: Gives the bucket.
        work: Cancel token and progress.
        database: A path to an SQLite file, or its URL; the file may be missing.
        table: Whose backup.
        backup_id: Which one; None takes the newest of this database, or the newest at `at`.
        at: A time (ISO 8601 when text; UTC when it has no zone).
        from_other_source: Take the newest backup of the table, whatever database it is of.
        samples: Most cells and rows to show.

    Raises:
        NotFound: When there is no such backup.
        Conflict: When backups of several other databases could be meant.
        Corrupt: When the backup is not as it was written; no other one is used instead.
        DatabaseError: When the database cannot be read.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    wanted = Wanted.of(backup_id, at, origin_of(database), any_source=from_other_source)
    which = find(store, table, work, wanted)
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
        problems=(
            *source_warning(package.backup, origin_of(database)),
            *package.problems,
            *rowid_warning(package.schema),
            "The database file does not exist: it will be created.",
        ),
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
        problems=(
            *source_warning(package.backup, target.origin),
            *package.problems,
            *rowid_warning(package.schema),
        ),
        suggested_name=free_name(target, f"{table}_{package.backup.taken:%Y%m%d}"),
        dependants=target.dependants_after(package.schema),
    )


def rowid_warning(schema: TableSchema) -> tuple[str, ...]:
    """Return a sentence when a backup does not record the row numbers of a table that has them."""
    if schema.rowids or "without rowid" in schema.options or rowids_field(schema) == "":
        return ()
    warning = (
        "The backup does not record rowids: the rows are numbered anew, and what refers to them "
        "by rowid finds other rows."
    )
    return (warning,)


def free_name(target: Database, wanted: str) -> str:
    """Return `wanted`, or with a number when the database has that name already."""
    name, number = wanted, 1
    while target.exists(name):
        number += 1
        name = f"{wanted}_{number}"
    return name

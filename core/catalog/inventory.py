"""Reports of S3 Inventory in Parquet or CSV: searched as they are, or merged into the catalogue.

Source: Amazon S3 User Guide, "Amazon S3 Inventory list": the columns of a report. A report may be
limited to a prefix, which neither it nor its manifest names: its keys only show a prefix that it
certainly covers. It may lack objects that were written, and contain some that were deleted, shortly
before it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.catalog.columns import parsed_sql
from core.catalog.database import temporary_database
from core.catalog.inventory_files import ReportFiles, report_files
from core.catalog.manifest import CatalogFolder, Manifest
from core.catalog.matches import Table
from core.catalog.refresh import check_prefix
from core.catalog.segments import ALL, attach, write_base
from core.errors import InvalidInput
from core.local.locking import locked_while_waiting
from core.local.spool import spool
from core.model.catalog import Listed, RefreshReport
from core.objects.bucket import HasBucket
from core.sql.literals import text_literal
from core.sql.session import reading_file, run
from core.units import as_utc, format_counted, utc_now
from core.work import Work

if TYPE_CHECKING:
    import duckdb

_NEEDED = ("bucket", "key", "size", "last_modified_date")
#: Objects that were written so long before the newest one of a report may be missing from it.
_UNSETTLED = "INTERVAL 2 DAYS"


def search_inventory(paths: Sequence[Path], work: Work) -> Table:
    """Return the keys of a report in memory, for searches; nothing is stored.

    Args:
        paths: the files of one report; see `report_files`.
        work: cancel token.

    Raises:
        InvalidInput: a file is not a report of S3 Inventory in Parquet or CSV.
        LocalIOError: a file cannot be read.
        Cancelled: the token of `work` was cancelled.
    """

    def prepare(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        with run(connection, work):
            sql = _listed_sql(connection, report_files(paths), bucket="")
            connection.execute(f"CREATE OR REPLACE TEMP VIEW listed AS {sql}")
            connection.execute(f"CREATE OR REPLACE TEMP VIEW stored AS {parsed_sql('listed')}")
        return ()

    return Table(prepare)


def import_inventory(
    workspace: HasBucket, work: Work, *, paths: Sequence[str], prefix: str | None = None
) -> RefreshReport:
    """Merge a report into the catalogue of a bucket, without a request.

    Keys that the report lacks are removed only below a prefix that it covers: the confirmed one, or
    else, if a manifest shows that no file is missing, the beginning that all of its keys have in
    common. A report is never limited to a longer prefix than that. Keys of the last two days of the
    report are not removed either, and none is removed by a report without keys, whose time is
    unknown.

    The age of the catalogue is that of the newest object in the report, which is older than the
    report itself. A refresh adds what is newer.

    Args:
        workspace: whose bucket the report is of.
        work: cancel token.
        paths: the files of one report; see `report_files`.
        prefix: what the report covers, if the user has confirmed it: empty for the complete bucket,
            otherwise a folder.

    Raises:
        InvalidInput: a file is not a report of S3 Inventory in Parquet or CSV, or of another
            bucket; or files of it are missing, or are those of several reports.
        LocalIOError: a file cannot be read, or the catalogue cannot be written.
        Cancelled: the token of `work` was cancelled.
    """
    check_prefix(prefix or "")
    folder, name = CatalogFolder(workspace.bucket), workspace.bucket.name
    files = report_files([Path(path) for path in paths])
    with (
        locked_while_waiting(folder.lock_path, work.token.wait),
        spool() as temporary,
        temporary_database(temporary) as connection,
    ):
        former = folder.read()
        with run(connection, work):
            listed = _listed_sql(connection, files, bucket=name)
            connection.execute(f"CREATE TEMP TABLE listed AS {listed}")
            _check_keys(connection, files, prefix)
            covered = _covered(connection, files, prefix)
            connection.execute(f"CREATE TEMP TABLE fresh AS {parsed_sql('listed')}")
            damaged = attach(connection, folder, former)
            counts = _merge(connection, covered)
            segments = write_base(connection, folder, "merged")
        work.check()
        objects = sum(segment.rows for segment in segments)
        moment = as_utc(counts.newest) if counts.newest else utc_now()
        # Which keys of a damaged catalogue are missing is not known.
        times = _times(former if not damaged else None, covered, moment, added=counts.added > 0)
        folder.write(Manifest(name, objects, segments, times, "inventory"))
    return RefreshReport(
        covered or "", complete=covered is not None, objects=objects, added=counts.added,
        changed=counts.changed, removed=counts.removed, requests=0, began=moment,
        notes=_notes(files, covered, prefix, counts),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Counts:
    """What a merge has changed; `absent` are stored keys that the report lacks, and that remain."""

    added: int
    changed: int
    removed: int
    absent: int
    newest: datetime | None


def _check_keys(
    connection: duckdb.DuckDBPyConnection, files: ReportFiles, prefix: str | None
) -> None:
    """Refuse the files of several reports, and keys outside the confirmed prefix."""
    repeated = connection.execute(
        "SELECT key FROM listed GROUP BY key HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if repeated:
        raise InvalidInput(
            "The files are of several reports",
            cause=f"The key {repeated[0]} is in them more than once.",
            remedy="Use the files that the manifest.json of one report names.",
            subject=str(files.paths[0]),
        )
    outside = connection.execute(
        "SELECT key FROM listed WHERE NOT starts_with(key, ?) LIMIT 1", [prefix or ""]
    ).fetchone()
    if outside:
        raise InvalidInput(
            f"The report is not limited to {prefix}",
            cause=f"It has the key {outside[0]}.",
            remedy="Correct or omit the prefix.",
            subject=str(files.paths[0]),
        )


def _covered(
    connection: duckdb.DuckDBPyConnection, files: ReportFiles, prefix: str | None
) -> str | None:
    """Return a prefix all of whose keys are in the report; None if there is none for certain."""
    least, greatest = connection.execute("SELECT min(key), max(key) FROM listed").fetchall()[0]
    if least is None or not (files.complete or prefix is not None):
        return None
    if prefix is not None:
        return prefix
    # The filter of a report is a beginning of each of its keys, and so of the longest common one.
    pairs = zip(least, greatest, strict=False)
    common = next((n for n, (one, other) in enumerate(pairs) if one != other), len(least))
    return str(least[:common])


def _merge(connection: duckdb.DuckDBPyConnection, covered: str | None) -> _Counts:
    """Create `merged`: the keys of the report, and those of the catalogue that remain.

    Of a key in both, the later object counts.
    """
    (newest,) = connection.execute("SELECT max(modified)::TIMESTAMP FROM fresh").fetchall()[0]
    inside = "false" if covered is None else f"starts_with(s.key, {text_literal(covered)})"
    settled = f"(SELECT s.modified < max(modified) - {_UNSETTLED} FROM fresh)"  # noqa: S608 - a constant
    connection.execute(
        f"CREATE TEMP TABLE absent AS SELECT s.*, {inside} AND {settled} AS gone "  # noqa: S608 - a quoted prefix
        "FROM stored s ANTI JOIN fresh f ON s.key = f.key"
    )
    connection.execute(
        f"CREATE TEMP TABLE later AS SELECT {_of('s')} FROM stored s JOIN fresh f "  # noqa: S608 - names of this package
        "ON s.key = f.key WHERE s.modified > f.modified"
    )
    connection.execute(
        f"CREATE TEMP TABLE merged AS SELECT {ALL} FROM absent WHERE NOT gone "  # noqa: S608 - names of this package
        f"UNION ALL SELECT {ALL} FROM later "
        f"UNION ALL SELECT {_of('f')} FROM fresh f ANTI JOIN later l ON f.key = l.key"
    )
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM fresh f ANTI JOIN stored s ON f.key = s.key), "
        "(SELECT count(*) FROM fresh f JOIN stored s ON f.key = s.key WHERE f.modified > s.modified), "
        "count(*) FILTER (gone), count(*) FILTER (NOT gone) FROM absent"
    ).fetchall()[0]
    added, changed, removed, absent = map(int, counts)
    return _Counts(added, changed, removed, absent, newest)


def _of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in ALL.split(", "))


def _times(
    former: Manifest | None, covered: str | None, moment: datetime, *, added: bool
) -> dict[str, Listed]:
    """Return when which prefixes were listed; a beginning that is no folder is not one of them.

    Args:
        former: the former catalogue.
        covered: the prefix that the report covers; None if it is unknown.
        moment: the time of the report.
        added: whether it has added keys. A later listing that lacked them had found them deleted,
            so that the catalogue is only as new as the report.
    """
    times = dict(former.listed) if former else {}
    if added:
        times = {
            name: Listed(min(each.complete, moment), min(each.recent, moment))
            if covered is None or name.startswith(covered) or covered.startswith(name)
            else each
            for name, each in times.items()
        }
    if covered is None or (covered and not covered.endswith("/")):
        return times
    outside = {name: each for name, each in times.items() if not name.startswith(covered)}
    return {**outside, covered: Listed(moment, moment)}


def _notes(
    files: ReportFiles, covered: str | None, prefix: str | None, counts: _Counts
) -> tuple[str, ...]:
    notes = []
    if files.unused:
        notes.append(
            f"{format_counted(files.unused, 'file')} that the manifest does not name "
            f"{'was' if files.unused == 1 else 'were'} not used."
        )
    if counts.newest is None:
        notes.append("The report has no keys: no key was removed from the catalogue.")
    elif covered is None:
        notes.append(
            "Without the manifest.json of the report, it is unknown whether files are missing: no "
            "key was removed from the catalogue, which counts as incomplete."
        )
    elif covered and prefix is None:
        notes.append(
            f"All keys of the report begin with {covered}, to which it may be limited: keys outside "
            "it are as they were."
        )
    if counts.absent and counts.newest and covered != "":
        notes.append(
            f"{format_counted(counts.absent, 'key')} of the catalogue not in the report remain."
        )
    return tuple(notes)


def _listed_sql(connection: duckdb.DuckDBPyConnection, files: ReportFiles, *, bucket: str) -> str:
    """Return a SELECT with the columns of a listing for the current objects of a report."""
    source, subject = files.source_sql(), str(files.paths[0])
    with reading_file(files.paths[0]):
        columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise InvalidInput(
            "The file is not a report of S3 Inventory with sizes and times",
            cause=f"It has no column {', '.join(missing)}.",
            remedy="Choose the fields Size and Last modified date in the inventory configuration.",
            subject=subject,
        )
    _check_bucket(connection, files, bucket)
    etag = "coalesce(e_tag, '')" if "e_tag" in columns else "''"
    storage_class = "coalesce(storage_class, 'STANDARD')" if "storage_class" in columns else "'STANDARD'"  # fmt: skip
    # Reports of all versions also have former versions and delete markers.
    current = [
        condition
        for name, condition in (
            ("is_latest", "coalesce(is_latest::BOOLEAN, true)"),
            ("is_delete_marker", "NOT coalesce(is_delete_marker::BOOLEAN, false)"),
        )
        if name in columns
    ]
    return (
        f"SELECT key, coalesce(size::BIGINT, 0) AS size, last_modified_date::TIMESTAMPTZ AS modified, "  # noqa: S608 - names of this module
        f"{etag} AS etag, {storage_class} AS storage_class FROM {source} "
        f"WHERE {' AND '.join(current) or 'true'}"
    )


def _check_bucket(connection: duckdb.DuckDBPyConnection, files: ReportFiles, bucket: str) -> None:
    if not bucket:
        return
    found = connection.execute(
        f"SELECT DISTINCT bucket FROM {files.source_sql()} LIMIT 3"  # noqa: S608 - names of this package
    ).fetchall()
    others = sorted(({name for (name,) in found} | {files.bucket or bucket}) - {bucket})
    if others:
        raise InvalidInput(
            f"The report is of the bucket {others[0]}, not of {bucket}",
            remedy="Choose a report of this bucket, or a profile for the other one.",
            subject=others[0],
        )

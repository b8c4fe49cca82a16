"""Reports of S3 Inventory in Parquet: searched as they are, or stored as the catalogue.

Source: Amazon S3 User Guide, "Amazon S3 Inventory list": the columns of a report. Keys of Parquet
reports are not URL-encoded, unlike those of CSV reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.catalog.columns import parsed_sql
from core.catalog.database import parquet_sql, temporary_database
from core.catalog.manifest import CatalogFolder, Manifest
from core.catalog.matches import Table
from core.catalog.segments import attach, write_base
from core.errors import InvalidInput
from core.local.locking import locked_while_waiting
from core.local.spool import spool
from core.model.catalog import Listed, RefreshReport
from core.objects.bucket import HasBucket
from core.sql.session import reading_file, run
from core.units import as_utc, utc_now
from core.work import Work

if TYPE_CHECKING:
    import duckdb

_NEEDED = ("bucket", "key", "size", "last_modified_date")


def search_inventory(paths: Sequence[Path], work: Work) -> Table:
    """Return the keys of a report in memory, for searches; nothing is stored.

    Args:
        paths: the Parquet files of one report.
        work: cancel token.

    Raises:
        InvalidInput: a file is not a report of S3 Inventory in Parquet.
        LocalIOError: a file cannot be read.
        Cancelled: the token of `work` was cancelled.
    """

    def prepare(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        with run(connection, work):
            sql = _listed_sql(connection, paths, bucket="")
            connection.execute(f"CREATE OR REPLACE TEMP VIEW listed AS {sql}")
            connection.execute(f"CREATE OR REPLACE TEMP VIEW stored AS {parsed_sql('listed')}")
        return ()

    return Table(prepare)


def import_inventory(workspace: HasBucket, work: Work, *, paths: Sequence[str]) -> RefreshReport:
    """Replace the catalogue of a bucket by a report, without a request.

    The age of the catalogue is that of the newest object in the report, which is older than the
    report itself. A refresh adds what is newer.

    Args:
        workspace: whose bucket the report is of.
        work: cancel token.
        paths: the Parquet files of one report.

    Raises:
        InvalidInput: a file is not a report of S3 Inventory in Parquet, or of another bucket.
        LocalIOError: a file cannot be read, or the catalogue cannot be written.
        Cancelled: the token of `work` was cancelled.
    """
    folder, name = CatalogFolder(workspace.bucket), workspace.bucket.name
    files = [Path(path) for path in paths]
    with (
        locked_while_waiting(folder.lock_path, work.token.wait),
        spool() as temporary,
        temporary_database(temporary) as connection,
    ):
        former = folder.read()
        with run(connection, work):
            listed = _listed_sql(connection, files, bucket=name)
            connection.execute(f"CREATE TEMP TABLE listed AS {listed}")
            connection.execute(f"CREATE TEMP TABLE fresh AS {parsed_sql('listed')}")
            attach(connection, folder, former)
            added, removed, newest = _differences(connection)
            segments = write_base(connection, folder, "fresh")
        work.check()
        objects = sum(segment.rows for segment in segments)
        moment = as_utc(newest) if newest else utc_now()
        times = {"": Listed(moment, moment)}
        folder.write(Manifest(name, objects, segments, times, "inventory"))
    return RefreshReport(
        "", complete=True, objects=objects, added=added, changed=0, removed=removed, requests=0,
        began=moment,
    )  # fmt: skip


def _differences(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, datetime | None]:
    found = connection.execute(
        "SELECT count(*) FILTER (s.key IS NULL), count(*) FILTER (f.key IS NULL), "
        "max(f.modified)::TIMESTAMP FROM stored s FULL JOIN fresh f ON s.key = f.key"
    ).fetchone()
    assert found is not None
    return found


def _listed_sql(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], *, bucket: str
) -> str:
    """Return a SELECT with the columns of a listing for the current objects of a report."""
    source = parquet_sql(paths)
    with reading_file(paths[0]):
        columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise InvalidInput(
            "The file is not a report of S3 Inventory with sizes and times",
            cause=f"It has no column {', '.join(missing)}.",
            remedy="Choose the format Apache Parquet and the fields Size and Last modified date in "
            "the inventory configuration.",
            subject=str(paths[0]),
        )
    _check_bucket(connection, source, bucket)
    etag = "coalesce(e_tag, '')" if "e_tag" in columns else "''"
    storage_class = "coalesce(storage_class, 'STANDARD')" if "storage_class" in columns else "'STANDARD'"  # fmt: skip
    # Reports of all versions also have former versions and delete markers.
    current = [
        condition
        for name, condition in (
            ("is_latest", "coalesce(is_latest, true)"),
            ("is_delete_marker", "NOT coalesce(is_delete_marker, false)"),
        )
        if name in columns
    ]
    return (
        f"SELECT key, coalesce(size, 0)::BIGINT AS size, last_modified_date::TIMESTAMPTZ AS modified, "  # noqa: S608 - names of this module
        f"{etag} AS etag, {storage_class} AS storage_class FROM {source} "
        f"WHERE {' AND '.join(current) or 'true'}"
    )


def _check_bucket(connection: duckdb.DuckDBPyConnection, source: str, bucket: str) -> None:
    if not bucket:
        return
    found = connection.execute(f"SELECT DISTINCT bucket FROM {source} LIMIT 3").fetchall()  # noqa: S608 - names of this module
    others = sorted(name for (name,) in found if name != bucket)
    if others:
        raise InvalidInput(
            f"The report is of the bucket {others[0]}, not of {bucket}",
            remedy="Choose a report of this bucket, or a profile for the other one.",
            subject=others[0],
        )

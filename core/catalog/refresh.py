"""The refresh of a catalogue: list, compare with the stored keys, and replace segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.catalog.columns import parsed_sql
from core.catalog.database import temporary_database
from core.catalog.listed_keys import ListedKeys, list_steps
from core.catalog.manifest import CatalogFolder, Manifest, Segment
from core.catalog.planning import Step, plan_steps
from core.catalog.ranges import Range
from core.catalog.segments import ALL, CONTENT, attach, write_base, write_recent
from core.errors import InvalidInput
from core.local.locking import locked_while_waiting
from core.local.spool import spool
from core.model.catalog import Listed, RefreshReport
from core.objects.bucket import Bucket, HasBucket
from core.sql.session import run
from core.units import format_counted, utc_now
from core.work import Progress, Work

if TYPE_CHECKING:
    import duckdb

#: Number of changes since the base was written from which it is written again, and their share.
_MOST_RECENT, _RECENT_SHARE = 50_000, 0.2


def refresh(
    workspace: HasBucket, work: Work, *, prefix: str = "", complete: bool = False
) -> RefreshReport:
    """List new keys, or all keys, and store them in the catalogue of the bucket.

    A refresh that is interrupted changes nothing. A prefix that the catalogue does not contain yet
    is listed completely. If another process refreshes the same catalogue, its result is awaited
    and used.

    Args:
        workspace: whose bucket is listed.
        work: cancel token and progress.
        prefix: empty for the complete bucket, otherwise it ends in `/`.
        complete: list all keys, which also finds changed and deleted objects of former days.

    Raises:
        InvalidInput: the prefix does not end in `/`.
        StorageError: a request was denied or failed; nothing was changed.
        LocalIOError: the catalogue cannot be written; the former one is still valid.
        Cancelled: the token of `work` was cancelled.
    """
    check_prefix(prefix)
    bucket, folder, asked = workspace.bucket, CatalogFolder(workspace.bucket), utc_now()
    with locked_while_waiting(folder.lock_path, work.token.wait):
        manifest = folder.read()
        if shared := _shared(manifest, prefix, asked, complete=complete):
            return shared
        folder.remove_unnamed(manifest)
        with spool() as temporary, temporary_database(temporary) as connection:
            report = _Refresh(bucket, folder, connection, work).run(manifest, prefix, complete)
    folder.limit_disk()
    return report


def check_prefix(prefix: str) -> None:
    """Check that a prefix is empty or a folder.

    Raises:
        InvalidInput: it does not end in `/`.
    """
    if prefix and not prefix.endswith("/"):
        raise InvalidInput(
            "The catalogue lists complete folders",
            cause=f"The prefix {prefix!r} does not end in a slash.",
            remedy=f"Use the prefix {prefix + '/'!r}, or omit it for the complete bucket.",
            subject=prefix,
        )


def _shared(
    manifest: Manifest | None, prefix: str, asked: datetime, *, complete: bool
) -> RefreshReport | None:
    """Return a report if another process has listed the prefix since `asked`."""
    listed = manifest.listed.get(prefix) if manifest else None
    if manifest is None or listed is None:
        return None
    moment = listed.complete if complete else listed.recent
    if moment < asked:
        return None
    return RefreshReport(prefix, complete, manifest.objects, 0, 0, 0, 0, moment, shared=True)


class _Refresh:
    """One refresh, by the process that holds the lock."""

    def __init__(
        self,
        bucket: Bucket,
        folder: CatalogFolder,
        connection: duckdb.DuckDBPyConnection,
        work: Work,
    ) -> None:
        self._bucket, self._folder = bucket, folder
        self._connection, self._work = connection, work

    def run(self, manifest: Manifest | None, prefix: str, complete: bool) -> RefreshReport:
        """List, compare and write."""
        with run(self._connection, self._work):
            damaged = attach(self._connection, self._folder, manifest)
            listed = manifest.listed if manifest else {}
            if damaged:
                # Which keys are missing is not known, so everything is listed that was listed.
                steps: tuple[Step, ...] = tuple(map(Step, _outermost([*listed, prefix])))
            else:
                complete = complete or not any(map(prefix.startswith, listed))
                steps = plan_steps(self._connection, "stored", prefix, complete=complete)
        began = utc_now()
        requests, ranges = list_steps(
            self._bucket, steps, ListedKeys(self._connection, self._work), self._work
        )
        complete = complete or any(_contains(step, prefix) for step in steps)
        with run(self._connection, self._work):
            self._work.report(Progress(0, None, "objects", note="Comparing with the stored keys"))
            self._compare(ranges)
            added, changed, removed = self._counts()
            segments = self._write(manifest, rewrite=bool(damaged))
            objects = self._count("SELECT count(*) FROM stored")
        # Until here a kill leaves the former catalogue; from here on the new one is valid.
        self._work.check()
        times = _listed(manifest, prefix, began, complete=complete)
        self._folder.write(Manifest(self._bucket.name, objects, segments, times))
        return RefreshReport(prefix, complete, objects, added, changed, removed, requests, began)

    def _compare(self, ranges: Sequence[Range]) -> None:
        """Create `fresh`, the listed rows, and `former`, the stored rows of the listed ranges."""
        run_sql = self._connection.execute
        run_sql("CREATE OR REPLACE TEMP TABLE ranges (first VARCHAR, behind VARCHAR)")
        self._connection.executemany("INSERT INTO ranges VALUES (?, ?)", [list(r) for r in ranges])
        run_sql(f"CREATE OR REPLACE TEMP TABLE fresh AS {parsed_sql('listed')}")
        run_sql("DROP TABLE listed")
        for name, source in (("former", "stored"), ("replaced", "base")):
            columns = ", ".join(f"s.{column}" for column in ("key", *CONTENT))
            run_sql(
                f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM {source} s "  # noqa: S608 - names of this module
                "ASOF JOIN ranges r ON s.key >= r.first WHERE s.key < r.behind"
            )

    def _counts(self) -> tuple[int, int, int]:
        """Return the numbers of added, changed and removed keys."""
        found = self._connection.execute(
            "SELECT count(*) FILTER (f.key IS NULL), "  # noqa: S608 - names of this package
            f"count(*) FILTER (f.key IS NOT NULL AND n.key IS NOT NULL AND {_differ('f', 'n')}), "
            "count(*) FILTER (n.key IS NULL) FROM former f FULL JOIN fresh n ON f.key = n.key"
        ).fetchone()
        assert found is not None
        return found

    def _write(self, manifest: Manifest | None, *, rewrite: bool) -> tuple[Segment, ...]:
        """Write the segments that have changed, and return those of the new manifest."""
        former = manifest.base if manifest else ()
        rows = sum(segment.rows for segment in former)
        self._create_changes()
        changes = self._count("SELECT count(*) FROM changes")
        if rewrite or changes > max(_MOST_RECENT, rows * _RECENT_SHARE) or not former:
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE current AS SELECT {ALL} FROM base "  # noqa: S608 - names of this package
                f"ANTI JOIN changes USING (key) UNION ALL SELECT {ALL} FROM changes WHERE NOT deleted"
            )
            segments = write_base(self._connection, self._folder, "current")
            attach(self._connection, self._folder, Manifest("", 0, segments))
            return segments
        segments = (*former, *write_recent(self._connection, self._folder, "changes"))
        attach(self._connection, self._folder, Manifest("", 0, segments))
        return segments

    def _create_changes(self) -> None:
        """Create `changes`: what the base lacks, and what in it has changed or does not exist."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE changes AS "  # noqa: S608 - names of this package
            # Former changes outside the listed ranges are still valid.
            f"SELECT {_of('c')}, deleted FROM recent c ASOF LEFT JOIN ranges r ON c.key >= r.first "
            "WHERE r.first IS NULL OR c.key >= r.behind "
            f"UNION ALL SELECT {_of('n')}, false FROM fresh n LEFT JOIN replaced b ON n.key = b.key "
            f"WHERE b.key IS NULL OR {_differ('b', 'n')} "
            f"UNION ALL SELECT {_deleted_row()}, true FROM replaced b ANTI JOIN fresh n ON b.key = n.key"
        )

    def _count(self, sql: str) -> int:
        found = self._connection.execute(sql).fetchone()
        return int(found[0]) if found else 0


def _of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in ALL.split(", "))


def _deleted_row() -> str:
    return ", ".join("b.key" if name == "key" else f"NULL AS {name}" for name in ALL.split(", "))


def _differ(one: str, other: str) -> str:
    return " OR ".join(f"{one}.{name} IS DISTINCT FROM {other}.{name}" for name in CONTENT).join(
        "()"
    )


def _contains(step: Step, prefix: str) -> bool:
    return not step.level and not step.after and prefix.startswith(step.prefix)


def _outermost(prefixes: Sequence[str]) -> list[str]:
    """Return the prefixes that are in no other one."""
    return [
        prefix
        for prefix in sorted(set(prefixes))
        if not any(prefix.startswith(other) for other in prefixes if other != prefix)
    ]


def _listed(
    manifest: Manifest | None, prefix: str, began: datetime, *, complete: bool
) -> dict[str, Listed]:
    """Return when which prefixes were listed, after a listing of `prefix`."""
    former = dict(manifest.listed) if manifest else {}
    if complete:
        outside = {name: each for name, each in former.items() if not name.startswith(prefix)}
        return {**outside, prefix: Listed(began, began)}
    covering = [each for name, each in former.items() if prefix.startswith(name)]
    since = max((each.complete for each in covering), default=began)
    found = {
        name: replace(each, recent=began) if name.startswith(prefix) else each
        for name, each in former.items()
    }
    return {**found, prefix: Listed(since, began)}


def describe(report: RefreshReport) -> str:
    """Return the sentence that describes what a refresh has found."""
    if report.shared:
        return "Another process has just refreshed the catalogue; its result is used."
    return (
        f"{format_counted(report.objects, 'key')}: {format_counted(report.added, 'key')} added, "
        f"{report.changed:,} changed, {report.removed:,} removed, with "
        f"{format_counted(report.requests, 'LIST request')}."
    )

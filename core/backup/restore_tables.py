"""Restore of several tables or of all tables of a database, one after the other.

Each table is restored in its own transaction, so that a failure leaves those before it restored;
the error lists them. Foreign keys whose table is restored later are created at the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.package import read_manifest
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.store import BucketStore, Store
from core.backup.together import ChosenBackups, TablesWanted, choose_backups
from core.effects import BY_HAND, attaching_partial, stating_effect
from core.errors import StorageError
from core.model.backup import Backup, RestorePreview, RestoreReport
from core.model.table_restores import TablesPlan, TablesPreview, TablesReport
from core.objects.bucket import HasBucket
from core.units import format_counted
from core.work import Progress, Work, default_work

_SAMPLES = 20


def plan_tables(
    workspace: HasBucket, work: Work | None = None, *, database: str, wanted: TablesWanted
) -> TablesPlan:
    """Choose a backup of each table, without reading their rows.

    The arguments and errors are those of `preview_tables`.
    """
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    chosen = choose_backups(BucketStore(workspace.bucket), address, wanted, work)
    return TablesPlan(chosen.backups, chosen.skipped, chosen.notes)


def preview_tables(
    workspace: HasBucket, work: Work | None = None, *, database: str, wanted: TablesWanted
) -> TablesPreview:
    """Compare the backups of several tables with the present tables, without changes.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress; its `batch` receives the preview of each table.
        database: A path, a URL, or `secret:NAME`.
        wanted: The requested tables.

    Raises:
        StorageError: The errors of `choose_backups`, and of the preview of one table.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    address = resolve_address(database, secrets_of(workspace), work)
    return preview_tables_of(store, address, wanted, work)


def preview_tables_of(
    store: Store, database: str | DatabaseAddress, wanted: TablesWanted, work: Work
) -> TablesPreview:
    """Return the preview for a database and any store; see `preview_tables`."""
    chosen = choose_backups(store, database, wanted, work)
    found = []
    for backup in chosen.backups:
        table = preview_of(store, backup, database, _SAMPLES, _naming(backup, work))
        found.append(_among(table, chosen))
        work.batch(found[-1])
    return TablesPreview(tuple(found), chosen.skipped, chosen.notes)


def _among(found: RestorePreview, chosen: ChosenBackups) -> RestorePreview:
    """Return the preview of a table without the problems that the other tables solve."""
    parents = {key.name: key.table for key in found.schema.foreign_keys}

    def solved(table: str) -> bool:
        return (
            bool(chosen.parents[found.table]) if table == found.table else table in chosen.parents
        )

    return replace(
        found,
        orphans=tuple(each for each in found.orphans if not solved(each[0])),
        dependants=tuple(
            replace(each, problem="")
            if each.kind == "foreign key" and parents.get(each.name) in chosen.parents
            else each
            for each in found.dependants
        ),
    )


def restore_tables(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    wanted: TablesWanted,
    choices: Choices | None = None,
) -> TablesReport:
    """Restore several tables in place, with the tables to which others refer first.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress; its `batch` receives the report of each table.
        database: A path, a URL, or `secret:NAME`; a missing SQLite file is created.
        wanted: The requested tables.
        choices: Options of each restore; `target` and `pending` are not used.

    Returns:
        The reports, each with the former table from which it can be undone.

    Raises:
        StorageError: The errors of `choose_backups`, and of the restore of one table. `effect` names
            the tables that were restored, and `partial` is their report.
    """
    work = default_work(work)
    with attaching_partial(_nothing):
        workspace.bucket.clients.require_writable("Restoring tables")
        store = BucketStore(workspace.bucket)
        address = resolve_address(database, secrets_of(workspace), work)
    return restore_tables_of(store, address, wanted, choices or Choices(), work)


def restore_tables_of(
    store: Store,
    database: str | DatabaseAddress,
    wanted: TablesWanted,
    choices: Choices,
    work: Work,
) -> TablesReport:
    """Restore several tables of a database from any store; see `restore_tables`."""
    with stating_effect("restored", (BY_HAND,)), attaching_partial(_nothing):
        chosen = choose_backups(store, database, wanted, work)
    run = _Run(store, database, choices, chosen, work)
    with attaching_partial(run.report):
        try:
            run.restore()
            run.complete()
        except StorageError as error:
            error.effect = run.effect(error.effect)
            raise
    return run.report()


def _nothing() -> TablesReport:
    """Return the report of a restore that has restored no table."""
    return TablesReport((), 0.0)


def _naming(backup: Backup, work: Work) -> Work:
    """Return a `Work` whose progress names the table."""

    def report(progress: Progress) -> None:
        step = f"{backup.table}: {progress.note}" if progress.note else backup.table
        work.report(replace(progress, note=step))

    return replace(work, report=report)


@dataclass(slots=True)
class _Run:
    """Restores of the chosen backups; `reports` are those that are complete."""

    store: Store
    database: str | DatabaseAddress
    choices: Choices
    chosen: ChosenBackups
    work: Work
    started: float = field(default_factory=time.monotonic)
    reports: list[RestoreReport] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def restore(self) -> None:
        """Restore each table in its own transaction."""
        for number, backup in enumerate(self.chosen.backups):
            pending = frozenset(one.table for one in self.chosen.backups[number + 1 :])
            choices = replace(self.choices, target=None, pending=pending)
            with stating_effect("restored", (BY_HAND,)):
                report = restore_of(
                    self.store, backup, self.database, choices, _naming(backup, self.work)
                )
            self.reports.append(report)
            self.work.batch(report)

    def complete(self) -> None:
        """Create the foreign keys that were left out, and count rows that refer to missing ones.

        Only tables of a cycle of references are restored before one to which they refer.
        """
        later: set[str] = set()
        for backup in reversed(self.chosen.backups):
            if self.chosen.parents[backup.table] & later:
                self._complete(backup)
            later.add(backup.table)
        self.reports = [self._without_attached(report) for report in self.reports]

    def _complete(self, backup: Backup) -> None:
        manifest, _ = read_manifest(self.store, backup, self.work)
        with open_database(self.database, write=True, work=self.work) as target:
            schema = target.schema(backup.table)
            if manifest.source.engine == target.engine:
                schema = replace(schema, foreign_keys=manifest.schema.foreign_keys)
            with target.change(work=self.work):
                created, orphans = target.complete_foreign_keys(schema)
        self.attached += [f"{name} of {backup.table}" for name in created]
        self.problems += [
            f"{format_counted(count, 'row')} of {table} refer to missing rows."
            for table, count in orphans
        ]

    def _without_attached(self, report: RestoreReport) -> RestoreReport:
        """Return a report without the foreign keys that were left out at first."""
        attached = {one.removesuffix(f" of {report.table}") for one in self.attached}
        left = {
            str(one): one
            for one in report.dependants
            if one.kind == "foreign key" and one.name in attached and one.problem
        }
        return replace(
            report,
            problems=tuple(text for text in report.problems if text not in left),
            dependants=tuple(
                replace(one, problem="") if str(one) in left else one for one in report.dependants
            ),
        )

    def report(self) -> TablesReport:
        """Return the report so far."""
        done = {report.backup.key for report in self.reports}  # old backups have the same id
        return TablesReport(
            tuple(self.reports),
            time.monotonic() - self.started,
            tuple(self.attached),
            tuple(one.table for one in self.chosen.backups if one.key not in done),
            self.chosen.skipped,
            self.chosen.notes,
            tuple(dict.fromkeys(self.problems)),
        )

    def effect(self, of_table: str) -> str:
        """Return which tables were restored before a failure, and what the failed one has left."""
        if not self.reports:
            return of_table
        found = self.report()
        names = ", ".join(
            f"{one.table} (former table: {one.kept})" if one.kept else f"{one.table} (new table)"
            for one in found.tables
        )
        tables = format_counted(len(self.chosen.backups), "table")
        text = f"{len(found.tables)} of {tables} were restored: {names}."
        if found.remaining:
            text += f" Not restored: {', '.join(found.remaining)}."
        unusual = "" if of_table.startswith("Nothing was") else of_table
        return f"{text} {unusual}".strip()

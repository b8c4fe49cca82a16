"""Restore of several tables or of all tables of a database.

By default each table is restored in its own transaction, so that a failure leaves those before it
restored; the error lists them. With one transaction for all, a failure changes nothing. Foreign
keys whose table is restored later are created at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from core.backup.databases import engine_of, open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.databases.naming import LockedError
from core.backup.package import read_manifest
from core.backup.preview import preview_of
from core.backup.restore import Choices, fetched_restore, restore_of
from core.backup.store import BucketStore, Store
from core.backup.together import ChosenBackups, TablesWanted, choose_backups
from core.effects import BY_HAND, Attempts, attaching_partial, is_nothing, stating_effect
from core.errors import NOTHING_CHANGED, Conflict, DatabaseError, StorageError
from core.hints import Hint
from core.local.spool import spool
from core.model.backup import Backup
from core.model.restore import RestorePreview, RestoreReport
from core.model.selection import Skipped
from core.model.table_restores import TablesPlan, TablesPreview, TablesReport
from core.objects.bucket import HasBucket
from core.units import format_counted
from core.work import Progress, Work, default_work

#: Tables, and how many of their rows refer to missing ones.
Orphans = Sequence[tuple[str, int]]
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
    together = engine_of(address).restores_together and len(chosen.backups) > 1
    return TablesPlan(chosen.backups, chosen.skipped, chosen.notes, together)


def preview_tables(
    workspace: HasBucket, work: Work | None = None, *, database: str, wanted: TablesWanted
) -> TablesPreview:
    """Compare the backups of several tables with the present tables, without changes.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress; its `batch` receives the preview of each table.
        database: A path, a URL, or `secret:NAME`.
        wanted: The requested tables. With `skip_unusable`, those that are damaged or locked are
            skipped, unless all of them are.

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
    found: list[RestorePreview] = []
    failed: list[tuple[Skipped, StorageError]] = []
    for backup in chosen.backups:
        try:
            table = preview_of(store, backup, database, _SAMPLES, _naming(backup, work))
        except (DatabaseError, LockedError) as error:
            if not wanted.skip_unusable:
                raise
            left = Skipped(backup.table, error.reason, locked=isinstance(error, LockedError))
            failed.append((left, error))
            continue
        found.append(_among(table, chosen))
        work.batch(found[-1])
    if failed and not found:
        raise failed[0][1]
    skipped = (*chosen.skipped, *(left for left, _error in failed))
    return TablesPreview(tuple(found), skipped, chosen.notes)


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
            replace(each, problem="", blocks=False)
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
        wanted: The requested tables. For a single transaction all backups are fetched first; then
            the tables are locked until the last one is restored.
        choices: Options of each restore; `target`, `pending` and `previewed_rows` are not used.

    Returns:
        The reports, each with the former table from which it can be undone.

    Raises:
        Conflict: In a single transaction, rows would refer to missing rows, and this is not
            allowed.
        StorageError: The errors of `choose_backups`, and of the restore of one table. `effect`
            names the tables that were restored, and `partial` is their report; None if the
            connection ended while a single transaction was committed, so that it is not known.
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
    with attaching_partial(run.partial):
        try:
            if wanted.single_transaction:
                run.restore_all_or_none()
            else:
                run.restore()
                run.complete()
        except StorageError as error:
            error.effect = run.effect(error.effect)
            raise
    return run.report()


def _dangling_rows(target: Database, orphans: Orphans) -> Conflict:
    counts = ", ".join(f"{count:,} in {table}" for table, count in orphans)
    return Conflict(
        "Rows would refer to missing rows",
        cause=f"Foreign keys of the restored tables break: {counts}.",
        remedy="Restore backups of one snapshot, or allow it explicitly.",
        effect=NOTHING_CHANGED,
        hints=Hint.ALLOW_ORPHANS,
        subject=str(target.origin),
    )


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
    single: Attempts | None = None

    def restore(self) -> None:
        """Restore each table in its own transaction."""
        for number, backup in enumerate(self.chosen.backups):
            with stating_effect("restored", (BY_HAND,)):
                report = restore_of(
                    self.store, backup, self.database, self._choices(number),
                    _naming(backup, self.work),
                )  # fmt: skip
            self.reports.append(report)
            self.work.batch(report)

    def _choices(self, number: int) -> Choices:
        """Return the options of the restore of a table, with those that follow."""
        pending = frozenset(one.table for one in self.chosen.backups[number + 1 :])
        rows = dict(self.choices.previewed_tables).get(self.chosen.backups[number].table)
        return replace(self.choices, target=None, pending=pending, previewed_rows=rows)

    def complete(self) -> None:
        """Create the foreign keys that were left out, and count rows that refer to missing ones."""
        for backup in self._in_cycles():
            with (
                open_database(self.database, write=True, work=self.work) as target,
                target.change(work=self.work),
            ):
                created, orphans = self._complete(target, backup)
            self._note_completed(created, orphans)
        self.reports = [self._without_attached(report) for report in self.reports]

    def restore_all_or_none(self) -> None:
        """Restore all tables in one transaction."""
        with (
            stating_effect("restored", (BY_HAND,)) as self.single,
            open_database(self.database, write=True, create=True, work=self.work) as target,
            spool() as folder,
            ExitStack() as fetched,
        ):
            # Before the transaction, which locks the tables.
            restoring = [
                fetched.enter_context(
                    fetched_restore(
                        self.store, backup, target, self._choices(number),
                        _naming(backup, self.work), within=folder,
                    )
                )
                for number, backup in enumerate(self.chosen.backups)
            ]  # fmt: skip
            with target.change(work=self.work):
                for one in restoring:
                    one.run()
                completed = [self._complete(target, backup) for backup in self._in_cycles()]
                orphans = [found for _created, tables in completed for found in tables]
                if orphans and not self.choices.allow_orphans:
                    raise _dangling_rows(target, orphans)
            for created, found in completed:
                self._note_completed(created, found)
            self.reports = [self._without_attached(one.report()) for one in restoring]
        for report in self.reports:
            self.work.batch(report)

    def _in_cycles(self) -> Iterator[Backup]:
        """Yield the backups of tables that are restored before one to which they refer."""
        later: set[str] = set()
        for backup in reversed(self.chosen.backups):
            if self.chosen.parents[backup.table] & later:
                yield backup
            later.add(backup.table)

    def _complete(self, target: Database, backup: Backup) -> tuple[list[str], Orphans]:
        """Create the foreign keys of a table that were left out, inside a `change`.

        Returns:
            Their names with that of the table, and the tables with rows that refer to missing ones.
        """
        manifest, _ = read_manifest(self.store, backup, self.work)
        schema = target.schema(backup.table)
        if manifest.source.engine == target.engine:
            schema = replace(schema, foreign_keys=manifest.schema.foreign_keys)
        created, orphans = target.complete_foreign_keys(schema)
        return [f"{name} of {backup.table}" for name in created], orphans

    def _note_completed(self, created: Iterable[str], orphans: Orphans) -> None:
        self.attached += created
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

    def partial(self) -> TablesReport | None:
        """Return the report so far; None if it is not known whether a single transaction was made."""
        return None if self.single is not None and self.single.unknown else self.report()

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
        unusual = "" if is_nothing(of_table) else of_table
        return f"{text} {unusual}".strip()

"""Restore of a table: load a shadow table, verify it and swap, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from core.backup.arguments import check_not_empty
from core.backup.choice import BackupChoice, backup_warnings, find_for_database
from core.backup.conversion import converted, prove_convertible, restore_notes, same_rows
from core.backup.databases import is_missing, open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.base import Database, Rows
from core.backup.databases.naming import naming_backup, naming_restored
from core.backup.package import Package, fetch_package
from core.backup.previewed import refuse_changed, refuse_existing
from core.backup.row_progress import report_waiting, reporting_rows
from core.backup.store import Store
from core.backup.verifications import record_verification
from core.effects import BY_HAND, states_effect
from core.errors import NOTHING_CHANGED, Conflict, Corrupt, NotFound
from core.hints import Hint
from core.model.backup import Backup
from core.model.database import Dependant
from core.model.objects import Verdict
from core.model.restore import Content, RestoreReport
from core.model.tables import TableSchema
from core.objects.bucket import HasBucket
from core.units import format_counted, utc_now
from core.work import Progress, Work, default_work

#: Texts for the comparison of the restored rows with the backup. The hashes of the parts are
#: compared before; the fingerprint proves that the server stored those rows.
BY_HASH, BY_VALUE, BY_COUNT = Verdict.SHA256.value, "verified (by value)", "rows counted only"
BY_CONVERSION = "verified (by value, after the conversion)"
BY_FINGERPRINT = "verified (SHA-256 and server fingerprint)"
#: What a report states because the path of the file is possibly mistyped.
_CREATED = "The database file did not exist: it was created."


@dataclass(frozen=True, slots=True)
class Choices:
    """Options of a restore; without `target` the table is replaced.

    `allow_orphans` accepts rows of other tables that would refer to missing rows; `with_triggers`
    creates the triggers of the backup (code) instead of retaining the present ones. `with_grants`
    gives the table the owner and the grants of the backup instead of the present ones. `pending`
    are other tables that are restored after this one: rows of them, or that refer to them, are
    counted after the last table. `previewed_rows` are those of the table in a preview, see
    `restore`; `previewed_tables` are the same for several tables, by name.
    """

    target: str | None = None
    allow_orphans: bool = False
    with_triggers: bool = False
    with_grants: bool = False
    pending: frozenset[str] = frozenset()
    previewed_rows: int | None = None
    previewed_tables: tuple[tuple[str, int], ...] = ()


@states_effect("restored", (BY_HAND,))
def restore(  # noqa: PLR0913 - keyword-only data of one request
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    table: str,
    target: str | None = None,
    allow_orphans: bool = False,
    with_triggers: bool = False,
    with_grants: bool = False,
    existing: bool = False,
    previewed_rows: int | None = None,
    **choice: Unpack[BackupChoice],
) -> RestoreReport:
    """Restore a table from a backup, in place or under a new name.

    The backup is fetched and compared with the hashes of its parts first. Then, in one transaction,
    a shadow table is loaded, verified by the hash of all rows and by the database, and swapped in;
    the former table is retained under another name until `drop_former_table` or `undo`. Dependent
    views, triggers and full-text indexes are checked or rebuilt in the same transaction. A kill at
    any time changes nothing.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress.
        database: A path, a URL, or `secret:NAME`; a missing SQLite file is created.
        table: The table of the backup.
        target: The name of a new table; None restores in place.
        allow_orphans: Whether rows of other tables may refer to missing rows afterwards.
        with_triggers: Whether to create the backup's triggers instead of retaining the present
            ones.
        with_grants: Whether the table gets the owner and the grants of the backup; otherwise those
            of the present table, if there is one. MariaDB has no owners, and revokes no grant.
        existing: Whether a missing SQLite file is an error, since the restore was previewed with
            it.
        previewed_rows: How many rows the table had when the restore was previewed, 0 if it did not
            exist: it is not replaced if it has another number; None to replace it in any case.
        **choice: Which backup; see `core.backup.choice.BackupChoice`.

    Returns:
        The report, which contains the backup.

    Raises:
        AlreadyExists: When `target` exists.
        Conflict: When rows would refer to missing rows and this is not allowed, when there are
            backups of several other databases, when the table has changed since the preview, or
            when the backup contains only some rows of the table that it would replace.
        Corrupt: When the backup is damaged; no other backup is used instead.
        DatabaseError: When the database reports an error or is locked.
        InvalidInput: When a text is empty.
        NotFound: When the database shall exist and does not, or there is no backup.
        NotSupported: When the table's schema needs what SQLite itself does not have.
    """
    work = default_work(work)
    workspace.bucket.clients.require_writable(f"Restoring {table}")
    check_not_empty(table=table, target=target)
    store, which, address = find_for_database(workspace, database, table, work, choice)
    if existing and is_missing(address):
        raise NotFound(
            f"The database {database} does not exist any more",
            cause="It existed when the restore was previewed; a new one would only have this table.",
            remedy="Connect its drive or move the file back, then try again.",
            subject=table,
        )
    choices = Choices(
        target, allow_orphans, with_triggers, with_grants, previewed_rows=previewed_rows
    )
    return restore_of(store, which, address, choices, work)


def restore_of(
    store: Store, backup: Backup, database: str | DatabaseAddress, choices: Choices, work: Work
) -> RestoreReport:
    """Restore from a listed backup in any store; see `restore`."""
    check_not_empty(target=choices.target)
    with (
        open_database(database, write=True, create=True, work=work) as target,
        fetched_restore(store, backup, target, choices, work) as restoring,
    ):
        with target.change(work=work):
            restoring.run()
        return restoring.report()


@contextmanager
def fetched_restore(
    store: Store,
    backup: Backup,
    target: Database,
    choices: Choices,
    work: Work,
    *,
    within: Path | None = None,
) -> Iterator[FetchedRestore]:
    """Fetch a backup for a restore, and refuse what cannot be restored; nothing is changed.

    Args:
        store: The store of the backup.
        backup: An entry of the list.
        target: The database to restore into, open for changes.
        choices: Options of the restore.
        work: Cancel token and progress.
        within: The private folder for the files of several backups, see `fetch_package`.
    """
    started, name = time.monotonic(), choices.target or backup.table
    refuse_existing(target, choices.target)
    with naming_restored(name):  # its schema cannot be read while another session locks it
        today = target.schema(name) if target.exists(name) else None
    _refuse_some_rows(backup, target, name)
    with fetch_package(store, backup, today, work, within=within, prove=False) as fetched:
        if fetched.engine not in ("", target.engine):
            # The rows are converted twice, before and while they are loaded.
            fetched.prove(hold=within is None)
        package = converted(fetched, target, today)
        prove_convertible(package)
        seconds = time.monotonic() - started
        report_waiting(package.rows, work)  # until the change begins
        yield FetchedRestore(store, target, package, name, choices, work, seconds)


@dataclass(slots=True)
class FetchedRestore:
    """A fetched backup, which `run` restores; `seconds` is what both have taken."""

    store: Store
    target: Database
    package: Package
    name: str
    choices: Choices
    work: Work
    seconds: float
    former: str = ""
    verified: str = ""
    problems: tuple[str, ...] = ()
    dependants: tuple[Dependant, ...] = ()

    def run(self) -> None:
        """Restore the table inside a `change` of the database."""
        started, target = time.monotonic(), self.target
        # Another process may have just created it.
        refuse_existing(target, self.choices.target)
        _refuse_some_rows(self.package.backup, target, self.name)
        with (
            naming_restored(self.name),
            naming_backup(self.package.backup.id, self.package.backup.table),
        ):
            report_waiting(self.package.rows, self.work)  # for the table
            if target.exists(self.name):
                target.lock(self.name)
                if self.choices.previewed_rows is not None:
                    refuse_changed(target, self.name, self.choices.previewed_rows, self.work)
            swap = _Swap(target, self.package, self.name, self.choices, self.work)
            self.former, self.verified = swap.run()
        self.problems, self.dependants = tuple(swap.problems), swap.dependants
        self.seconds += time.monotonic() - started

    def report(self) -> RestoreReport:
        """Note the verification, and return the report, after the `change` has ended."""
        backup, target = self.package.backup, self.target
        if self.verified != BY_COUNT:
            record_verification(self.store, backup, "restore")
        problems = (
            *((_CREATED,) if target.created else ()),
            *backup_warnings(backup, target.origin),
            *self.package.problems,
            *restore_notes(self.package, target),
            *self.problems,
            *target.problems_after_change(),
        )
        return RestoreReport(
            backup, target.name, self.name, self.package.rows, self.former, self.verified,
            self.seconds, problems, self.dependants,
        )  # fmt: skip


def _refuse_some_rows(backup: Backup, target: Database, name: str) -> None:
    """Refuse to replace a table by some of its rows.

    Raises:
        Conflict: The backup contains only some rows, and the table exists.
    """
    if backup.filter and target.exists(name):
        raise Conflict(
            f"The backup {backup.id} contains only some rows of {backup.table}",
            cause="A restore in place would remove all other rows. The backup contains the rows "
            f"that meet: {backup.filter}",
            remedy="Restore under a new name, or choose another backup.",
            effect=NOTHING_CHANGED,
            hints=Hint.CHOOSE_BACKUP | Hint.NEW_TABLE_NAME,
            subject=backup.table,
        )


class _Swap:
    """Steps of a restore inside the transaction."""

    def __init__(
        self, target: Database, package: Package, name: str, choices: Choices, work: Work
    ) -> None:
        self._target = target
        self._package = package
        self._choices = choices
        self._work = work
        # Reading the present table waits while another session locks it.
        work.report(Progress(0, package.rows, "rows", "preparing"))
        self._today = target.schema(name) if target.exists(name) else None
        self._schema = self._final(name)
        self.problems: list[str] = []
        self.dependants: tuple[Dependant, ...] = ()

    def run(self) -> tuple[str, str]:
        """Load, verify, swap and check; return the name of the former table and the verdict."""
        name = self._schema.table
        before = self._target.dependants(name)
        bare = replace(self._schema, indexes=(), triggers=(), sequence=None)
        target = self._target
        shadow_name = target.free_name(target.related_name(name, "__restoring"))
        shadow = replace(bare, table=shadow_name)
        self._target.create(shadow)
        self._load(shadow)
        verified = self._prove(shadow)
        self._report("swapping")
        stamp = target.related_name(name, f"__before_{utc_now():%Y%m%dT%H%M%SZ}")
        former = target.free_name(stamp) if self._today else ""
        self._target.publish(self._schema, shadow.table, former, triggers=True)
        self._check_orphans(former)
        self._report("updating dependants")
        self.dependants = self._target.update_dependants(self._reported, before, self._today)
        self.problems += [str(found) for found in self.dependants if found.problem]
        self.problems += target.finish_restore()
        return former, verified

    def _final(self, name: str) -> TableSchema:
        """Return the schema of the backup with the requested name, as far as it is requested."""
        schema = self._package.schema
        if not self._choices.with_grants:
            schema = replace(schema, owner="", grants=())
        if not self._target.same_name(name, schema.table):
            return self._target.renamed(schema, name)
        if self._choices.with_triggers:
            return schema
        return replace(schema, triggers=self._today.triggers if self._today else ())

    @property
    def _reported(self) -> TableSchema:
        """The schema with the owner and the grants that were not requested, and are reported."""
        if self._choices.with_grants:
            return replace(self._schema, owner="", grants=())
        source = self._package.schema
        return replace(self._schema, owner=source.owner, grants=source.grants)

    def _load(self, shadow: TableSchema) -> None:
        # An error after the last row ends the load, so that nothing is stored of other rows.
        rows = reporting_rows(self._rows(), self._package.rows, self._work)
        self._target.load(shadow, rows, work=self._work)

    def _rows(self) -> Iterator[Rows]:
        return self._package.proven_pieces(long_rows=self._target.loads_long_rows)

    def _prove(self, shadow: TableSchema) -> str:
        self._report("checking")
        package = self._package
        if (same := same_rows(package, self._target, shadow, self._work)) is not None:
            return BY_CONVERSION if same else self._refuse_difference(shadow, "")
        if package.fingerprint and package.fingerprint == self._target.fingerprint(
            shadow, like=package.fingerprint, work=self._work
        ):
            return BY_FINGERPRINT
        return self._prove_content(shadow)

    def _prove_content(self, shadow: TableSchema) -> str:
        package = self._package
        found = self._target.content(shadow, work=self._work)
        if package.content is None and found.rows == package.rows:
            return BY_COUNT
        if found == Content(package.rows, package.content or ""):
            return BY_HASH
        if package.content and self._target.same(shadow, package.pieces(), work=self._work):
            return BY_VALUE
        counts = f"Loaded: {format_counted(found.rows, 'row')}; recorded: {package.rows}. "
        return self._refuse_difference(shadow, counts)

    def _refuse_difference(self, shadow: TableSchema, counts: str) -> str:
        raise Corrupt(
            "The restored rows differ from the backup",
            cause=f"{counts}The contents differ.",
            remedy="Report this: it should not happen.",
            effect=NOTHING_CHANGED,
            subject=shadow.table,
        )

    def _check_orphans(self, former: str) -> None:
        found = self._target.orphans(self._schema, former)
        more = tuple(each for each in found if not self._is_pending(each[0]))
        if not more:
            return
        counts = ", ".join(f"{count:,} in {table}" for table, count in more)
        if not self._choices.allow_orphans and self._choices.target is None:
            raise Conflict(
                "Rows would refer to missing rows",
                cause=f"Foreign keys to or from {self._schema.table} break: {counts}.",
                remedy="Restore under a new name, or allow it explicitly.",
                effect=NOTHING_CHANGED,
                hints=Hint.NEW_TABLE_NAME | Hint.ALLOW_ORPHANS,
                subject=self._schema.table,
            )
        self.problems.append(f"Rows point to nothing now: {counts}.")

    def _is_pending(self, table: str) -> bool:
        """Return whether the rows of a table that refer to missing rows may get these rows later."""
        tables = [table]
        if self._target.same_name(table, self._schema.table):
            tables = [key.table for key in self._schema.foreign_keys]
        same = self._target.same_name
        return any(same(one, name) for one in tables for name in self._choices.pending)

    def _report(self, step: str) -> None:
        self._work.check()
        self._work.report(Progress(self._package.rows, self._package.rows, "rows", step))

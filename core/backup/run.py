"""Backup of tables from one snapshot, as parts with hashes and a manifest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from core.backup.archive import (
    TOOL,
    weakest_verdict,
    write_manifest,
    write_parts,
)
from core.backup.databases import open_database
from core.backup.databases.address import SECRET_PREFIX, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.databases.naming import LockedError
from core.backup.filters import ChosenTable, choose_tables, expected_rows, skipped_by
from core.backup.keys import folder, new_id
from core.backup.manifest import to_bytes
from core.backup.orphans import remove_own_orphans
from core.backup.packing import PartsForm, Tally
from core.backup.prefetch import Prefetch
from core.backup.resume import fresh_budget, resumable_error, send
from core.backup.runs import records_run
from core.backup.store import BucketStore, Store
from core.backup.unfinished import unfinished_backup
from core.backup.unsent import may_end, remove_superseded
from core.effects import BY_HAND, attaching_partial, states_effect, stating_effect
from core.errors import DatabaseError, DatabaseOffline, NotFound, StorageError
from core.model.backup import Backup, BackupReport, Encryption, Manifest, Source
from core.model.objects import Verdict
from core.model.selection import Selection, Skipped
from core.objects.bucket import HasBucket
from core.units import format_counted, utc_now
from core.work import Progress, Work, default_work

if TYPE_CHECKING:  # imported for an encrypted backup only
    from core.backup.encryption import BackupCipher
    from core.backup.encryption_keys import BackupKey


@records_run
@states_effect("backed up", (BY_HAND,))
def backup(  # noqa: PLR0913 - keyword-only data of one request
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    tables: Sequence[str] | None = None,
    note: str = "",
    encrypt_with: str = "",
    where: Mapping[str, str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> BackupReport:
    """Back up tables from one consistent view of the database.

    If the storage fails for a time, the rows are read all the same, and stored on this computer;
    what cannot be sent afterwards is sent by `core.backup.resume.resume`.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress (rows of all tables).
        database: The path of an SQLite file, a URL such as `postgresql://user@host/database`, or
            `secret:NAME` of a secret with the address.
        tables: The names of the tables; None means all tables, of which those that could not be
            restored, or are damaged, or that other sessions lock, are reported as skipped.
        note: A note that is shown with the backup. It is not encrypted.
        encrypt_with: The key that encrypts the backups: `secret:NAME` or `keyring:NAME`; empty for
            backups that are not encrypted.
        where: SQL conditions by table, in the dialect of the database: only the rows that meet them
            are backed up. Such a backup never replaces the complete table.
        include: Patterns of the tables, such as `audit_*`, instead of their names.
        exclude: Patterns of tables that are not backed up.

    Raises:
        DatabaseError: When the database cannot be read.
        NotFound: When a table or the key does not exist.
        NotSupported: When a table could not be restored, because its schema requires functions,
            collations or modules of the program that created it.
        InvalidInput: When the name of a table is empty or not valid in a key, a condition is not
            valid, or a pattern matches no table.
    """
    work = default_work(work)
    # Secrets Manager is only imported for an address in it.
    secrets = secrets_of(workspace) if str(database).startswith(SECRET_PREFIX) else None
    address = resolve_address(database, secrets, work)
    store = BucketStore(workspace.bucket)
    key = _key(encrypt_with, store, work) if encrypt_with else None
    names = None if tables is None else tuple(tables)
    selection = Selection(names, where or {}, tuple(include), tuple(exclude))
    with open_database(address, work=work) as source:
        return back_up(store, source, selection, note, work, key=key)


def _key(name: str, store: BucketStore, work: Work) -> BackupKey:
    from core.backup.encryption_keys import read_key

    return read_key(name, store.secrets, work)


def back_up(
    store: Store,
    source: Database,
    tables: Selection | Sequence[str] | None,
    note: str,
    work: Work,
    *,
    key: BackupKey | None = None,
) -> BackupReport:
    """Back up tables of an open database to any store; see `backup`."""
    started = time.monotonic()
    if not isinstance(tables, Selection):
        tables = Selection(None if tables is None else tuple(tables))
    remove_own_orphans(store, work)
    notes: tuple[str, ...] = (source.untested,) if source.untested else ()
    with source.snapshot(tables):
        # One time for all tables, after the start of the snapshot: a backup never contains a row
        # that is newer than its time, also if the run takes hours.
        taken = utc_now()
        chosen = choose_tables(source, tables, work)
        notes += tuple(_notes(source, chosen.tables))
        run = _Run(store, source, note, work, key, taken, named=tables.tables is not None)

        def report() -> BackupReport:
            seconds = time.monotonic() - started
            skipped = (*chosen.skipped, *run.skipped)
            return BackupReport(tuple(run.made), seconds, run.verdict, skipped, notes)

        with attaching_partial(report):
            run.all(chosen.tables)
    with attaching_partial(report):
        run.send_unsent()
    return report()


def _notes(source: Database, tables: Iterable[ChosenTable]) -> Iterator[str]:
    """Yield what a restore of these tables would not return, with the names of the tables."""
    for table in tables:
        for note in source.restore_notes(table.schema):
            yield f"{table.schema.table}: {note}"


@dataclass(slots=True)
class _Run:
    """A run over several tables with about the `expected` rows, of which `done` are written.

    Tables that other sessions lock, or that are damaged, are `skipped`, unless the tables were
    `named`; `failure` is the last error of a damaged one. `unsent` are the ids of the backups that
    were read during an `outage` of the storage.
    """

    store: Store
    source: Database
    note: str
    work: Work
    key: BackupKey | None
    taken: datetime
    named: bool
    expected: dict[str, int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    done: int = 0
    snapshot: str = field(default_factory=lambda: str(uuid4()))
    verdict: Verdict = Verdict.SHA256
    made: list[Backup] = field(default_factory=list)
    outage: StorageError | None = None
    failure: DatabaseError | None = None
    unsent: list[str] = field(default_factory=list)

    def all(self, tables: Sequence[ChosenTable]) -> None:
        """Back tables up one after the other; a failure leaves the backups made before it."""
        with stating_effect("backed up", decisive=(BY_HAND,)) as attempts:
            for table in tables:
                with self._skipping(table):
                    name = table.schema.table
                    self.expected[name] = expected_rows(self.source, table, self.work)
            for table in tables:
                if table.schema.table not in self.expected:
                    continue
                with self._skipping(table):
                    made = self.one(table)
                    if made is not None:
                        self.made.append(made)
                        attempts.made = True
            if self.failure is not None and not (self.made or self.unsent):
                raise self.failure

    @contextmanager
    def _skipping(self, table: ChosenTable) -> Iterator[None]:
        """Note a table that is locked, damaged or dropped, and continue with the others.

        A requested one, or one with a condition, is an error.
        """
        name = table.schema.table
        try:
            with self.source.attempt():
                yield
        except DatabaseOffline as error:
            # Several connections that read a damaged table are closed by its error.
            if self.failure is None:
                raise
            raise self.failure from error
        except (LockedError, DatabaseError, NotFound) as error:
            if self.named or table.where:
                raise
            if isinstance(error, NotFound) and self.source.exists(name):
                raise  # the bucket does not exist
            self.skipped.append(skipped_by(error, self.source, name))
            if isinstance(error, DatabaseError):
                self.failure = error

    def send_unsent(self) -> None:
        """Send what was read during an outage, after the snapshot has ended.

        Raises:
            StorageError: The storage is still out of reach; the backups can be resumed.
        """
        # The budget of the run was used up by the outage.
        work = fresh_budget(self.work)
        with stating_effect("backed up", decisive=(BY_HAND,)) as attempts:
            attempts.made = bool(self.made)
            for backup_id in self.unsent:
                with resumable_error():
                    backup, verdict = send(self.store, backup_id, work)
                self._add_verdict(verdict)
                self.made.append(replace(backup, checked=f"written, {verdict.value}"))
                attempts.made = True

    def one(self, table: ChosenTable) -> Backup | None:
        """Back up one table and commit it; None if an outage delays that."""
        backup_id = new_id()
        try:
            return self._one(table, backup_id)
        except StorageError:
            if backup_id not in self.unsent:
                raise
            return None

    def _one(self, table: ChosenTable, backup_id: str) -> Backup:
        schema = table.schema
        started, place = time.monotonic(), folder(schema.table, self.taken, backup_id)
        # The database begins to read before the local records are written.
        rows = Prefetch(self.source.dump(schema, where=table.where, work=self.work))
        with closing(rows), unfinished_backup(self.store, place) as unfinished:
            watched = self._within(schema.table)
            cipher, record = self._encryption(backup_id, schema.table)
            expected = self.expected[schema.table]
            form = PartsForm(backup_id, self.source.parts_format, cipher, expected)
            tally = write_parts(self.store, unfinished, rows, form, watched, outage=self.outage)
            self._check_count(table, tally.rows)
            manifest = self._manifest(table, tally, backup_id, time.monotonic() - started)
            if cipher is not None and record is not None:
                from core.backup.encryption import encrypted_manifest

                manifest = encrypted_manifest(manifest, cipher, record)
            self.done += tally.rows
            unfinished.files.save_manifest(to_bytes(manifest))
            with self._noting_outage(backup_id, resumable=unfinished.files.complete):
                if tally.outage is not None:
                    raise tally.outage
                written, verdict = write_manifest(self.store, unfinished, manifest, self.work)
        if remove_superseded(self.store.place, manifest):
            remove_own_orphans(self.store, self.work)
        verdict = weakest_verdict((verdict, tally.verdict))
        self._add_verdict(verdict)
        return replace(written, checked=f"written, {verdict.value}")

    @contextmanager
    def _noting_outage(self, backup_id: str, *, resumable: bool) -> Iterator[None]:
        """Note an outage of the storage in the block, if the backup can be resumed after it."""
        try:
            yield
        except StorageError as error:
            if resumable and may_end(error):
                self.outage = self.outage or error
                self.unsent.append(backup_id)
            raise

    def _add_verdict(self, verdict: Verdict) -> None:
        self.verdict = weakest_verdict((self.verdict, verdict))

    def _encryption(
        self, backup_id: str, table: str
    ) -> tuple[BackupCipher | None, Encryption | None]:
        if self.key is None:
            return None, None
        from core.backup.encryption import new_cipher

        return new_cipher(backup_id, table, self.key)

    def _check_count(self, table: ChosenTable, rows: int) -> None:
        name = table.schema.table
        expected = self.source.count(name, where=table.where, work=self.work)
        if rows != expected:
            raise DatabaseError(
                f"The backup of {name} was discarded, because rows are missing",
                cause=f"Read: {format_counted(rows, 'row')}; counted: {expected}.",
                remedy=self.source.missing_rows_remedy
                if not table.where
                else "Use a condition that always selects the same rows, for example without "
                "random().",
                subject=name,
            )

    def _manifest(
        self, table: ChosenTable, tally: Tally, backup_id: str, seconds: float
    ) -> Manifest:
        origin, schema = self.source.origin, table.schema
        return Manifest(
            id=backup_id,
            table=schema.table,
            taken=self.taken,
            seconds=round(seconds, 3),
            snapshot=self.snapshot,
            tool=TOOL,
            source=Source(self.source.engine, self.source.version, self.source.name),
            schema=schema,
            rows=tally.rows,
            content=tally.content.hexdigest(),
            parts=tuple(tally.parts),
            note=self.note,
            host=origin.host,
            path=origin.path,
            parts_format=self.source.parts_format,
            fingerprint=self.source.fingerprint(schema, where=table.where, work=self.work),
            ddl=self.source.ddl(schema),
            filter=table.where,
        )

    def _within(self, table: str) -> Work:
        """Return a `Work` that reports the progress of a table as progress of the run."""
        before, total = self.done, sum(self.expected.values())

        def report(progress: Progress) -> None:
            done = before + progress.done
            # The total is an estimate, which may be less.
            self.work.report(Progress(done, max(done, total), "rows", table))

        return replace(self.work, report=report)

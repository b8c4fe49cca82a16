"""Backup of tables from one snapshot, as parts with hashes and a manifest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

from core.backup.archive import (
    TOOL,
    PartsForm,
    Tally,
    weakest_verdict,
    write_manifest,
    write_parts,
)
from core.backup.choice import check_not_empty
from core.backup.databases import open_database
from core.backup.databases.address import resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.encryption import BackupCipher, encrypted_manifest, new_cipher
from core.backup.encryption_keys import BackupKey, read_key
from core.backup.keys import folder, new_id
from core.backup.orphans import remove_own_orphans
from core.backup.runs import records_run
from core.backup.store import BucketStore, Store
from core.backup.unfinished import unfinished_backup
from core.effects import BY_HAND, attaching_partial, stating_effect
from core.errors import Corrupt, DatabaseError, InvalidInput, NotSupported
from core.model.backup import Backup, BackupReport, Encryption, Manifest, Skipped, Source
from core.model.objects import Verdict
from core.model.tables import TableSchema
from core.objects.bucket import HasBucket
from core.units import format_counted, utc_now
from core.work import Progress, Work, default_work


@records_run
def backup(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    tables: Sequence[str] | None = None,
    note: str = "",
    encrypt_with: str = "",
) -> BackupReport:
    """Back up tables from one consistent view of the database.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress (rows of all tables).
        database: The path of an SQLite file, a URL such as `postgresql://user@host/database`, or
            `secret:NAME` of a secret with the address.
        tables: The names of the tables; None means all tables, of which those that could not be
            restored are reported as skipped.
        note: A note that is shown with the backup. It is not encrypted.
        encrypt_with: The key that encrypts the backups: `secret:NAME` or `keyring:NAME`; empty for
            backups that are not encrypted.

    Raises:
        DatabaseError: When the database cannot be read.
        NotFound: When a table or the key does not exist.
        NotSupported: When a table could not be restored, because its schema requires functions,
            collations or modules of the program that created it.
        InvalidInput: When the name of a table is empty or not valid in a key.
    """
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    store = BucketStore(workspace.bucket)
    key = read_key(encrypt_with, store.secrets, work) if encrypt_with else None
    with open_database(address, work=work) as source:
        return back_up(store, source, tables, note, work, key=key)


def back_up(
    store: Store,
    source: Database,
    tables: Sequence[str] | None,
    note: str,
    work: Work,
    *,
    key: BackupKey | None = None,
) -> BackupReport:
    """Back up tables of an open database to any store; see `backup`."""
    started = time.monotonic()
    remove_own_orphans(store, work)
    with source.snapshot():
        schemas, skipped = _schemas(source, tables)
        total = sum(source.count(schema.table) for schema in schemas)
        run = _Run(store, source, note, work, total, key)

        def report() -> BackupReport:
            return BackupReport(tuple(run.made), time.monotonic() - started, run.verdict, skipped)

        with attaching_partial(report):
            run.all(schemas)
    return report()


def _schemas(
    source: Database, tables: Sequence[str] | None
) -> tuple[list[TableSchema], tuple[Skipped, ...]]:
    """Return the tables to back up, all of which are restorable, and the skipped ones.

    A specified table is never skipped: its error ends the run before anything is written.
    """
    if tables is not None:
        for name in tables:
            check_not_empty(table=name)
        if not tables:
            raise InvalidInput("No table was chosen", remedy="Choose at least one table.")
        return [_provable(source, name) for name in dict.fromkeys(tables)], ()
    schemas, skipped = [], []
    for table in source.tables():
        if table.former_name or table.derived:
            continue
        try:
            schemas.append(_provable(source, table.name))
        except (NotSupported, Corrupt, InvalidInput) as error:
            problem = " ".join(part for part in (error.summary, error.cause) if part)
            skipped.append(Skipped(table.name, problem, error.remedy))
    if not schemas and not skipped:
        raise InvalidInput(
            "The database has no tables to back up",
            remedy="Check that it is the correct file.",
            subject=source.name,
        )
    return schemas, tuple(skipped)


def _provable(source: Database, table: str) -> TableSchema:
    schema = source.schema(table)
    source.prove_restorable(schema)
    folder(schema.table, utc_now(), new_id())  # checks that the name is valid in a key
    return schema


@dataclass(slots=True)
class _Run:
    """A run over several tables with `total` rows, of which `done` are written."""

    store: Store
    source: Database
    note: str
    work: Work
    total: int
    key: BackupKey | None
    done: int = 0
    snapshot: str = field(default_factory=lambda: str(uuid4()))
    verdict: Verdict = Verdict.SHA256
    made: list[Backup] = field(default_factory=list)

    def all(self, schemas: Sequence[TableSchema]) -> None:
        """Back tables up one after the other; a failure leaves the backups made before it."""
        with stating_effect("backed up", decisive=(BY_HAND,)) as attempts:
            for schema in schemas:
                self.made.append(self.one(schema))
                attempts.made = True

    def one(self, schema: TableSchema) -> Backup:
        """Back up one table and commit it."""
        started, taken, backup_id = time.monotonic(), utc_now(), new_id()
        with unfinished_backup(self.store, folder(schema.table, taken, backup_id)) as unfinished:
            rows = self.source.dump(schema, work=self.work)
            watched = self._within(schema.table)
            cipher, record = self._encryption(backup_id, schema.table)
            form = PartsForm(backup_id, self.source.parts_format, cipher)
            tally = write_parts(self.store, unfinished, rows, form, watched)
            self._check_count(schema.table, tally.rows)
            manifest = self._manifest(schema, tally, backup_id, taken, time.monotonic() - started)
            if cipher is not None and record is not None:
                manifest = encrypted_manifest(manifest, cipher, record)
            written, verdict = write_manifest(self.store, unfinished, manifest, self.work)
        self.done += tally.rows
        verdict = weakest_verdict((verdict, tally.verdict))
        self.verdict = weakest_verdict((self.verdict, verdict))
        return replace(written, checked=f"written, {verdict.value}")

    def _encryption(
        self, backup_id: str, table: str
    ) -> tuple[BackupCipher | None, Encryption | None]:
        return (None, None) if self.key is None else new_cipher(backup_id, table, self.key)

    def _check_count(self, table: str, rows: int) -> None:
        expected = self.source.count(table)
        if rows != expected:
            raise DatabaseError(
                "The backup was discarded, because rows are missing",
                cause=f"Read: {format_counted(rows, 'row')}; counted: {expected}.",
                remedy="Run `PRAGMA integrity_check` on the database.",
                subject=table,
            )

    def _manifest(
        self, schema: TableSchema, tally: Tally, backup_id: str, taken: datetime, seconds: float
    ) -> Manifest:
        origin = self.source.origin
        return Manifest(
            id=backup_id,
            table=schema.table,
            taken=taken,
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
            fingerprint=self.source.fingerprint(schema, work=self.work),
            ddl=self.source.ddl(schema),
        )

    def _within(self, table: str) -> Work:
        """Return a `Work` that reports the progress of a table as progress of the run."""
        before = self.done

        def report(progress: Progress) -> None:
            self.work.report(Progress(before + progress.done, self.total, "rows", table))

        return replace(self.work, report=report)

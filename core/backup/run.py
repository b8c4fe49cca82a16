"""Backing tables up: one snapshot, hashed parts, a manifest at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from core.backup.archive import TOOL, commit, write_parts
from core.backup.databases import open_database
from core.backup.databases.base import Database
from core.backup.keys import folder, new_id
from core.backup.listing import entry
from core.backup.store import BucketStore, HasBucket, Store
from core.errors import DatabaseError, InvalidInput
from core.model.backup import Backup, BackupReport, Manifest, Source
from core.model.tables import TableSchema
from core.units import utc_now
from core.work import Progress, Work, default_work


def backup(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    tables: Sequence[str] | None = None,
    note: str = "",
) -> BackupReport:
    """Back tables up, all from one consistent view of the database.

    Args:
        workspace: Gives the bucket.
        work: Cancel token and progress (rows of all tables).
        database: A path to an SQLite file, or its URL.
        tables: Their names; None means every table that can be backed up.
        note: A remark to find it by.

    Raises:
        DatabaseError: When the database cannot be read.
        NotFound: When it has no such table.
        InvalidInput: When a table's name cannot be part of a key.
    """
    with open_database(database) as source:
        return back_up(BucketStore(workspace.bucket), source, tables, note, default_work(work))


def back_up(
    store: Store, source: Database, tables: Sequence[str] | None, note: str, work: Work
) -> BackupReport:
    """As `backup`, from an open database into any store."""
    started = time.monotonic()
    with source.snapshot():
        schemas = [source.schema(table) for table in _wanted(source, tables)]
        run = _Run(store, source, note, work, sum(source.count(s.table) for s in schemas))
        backups = tuple(run.one(schema) for schema in schemas)
    return BackupReport(backups, time.monotonic() - started)


def _wanted(source: Database, tables: Sequence[str] | None) -> Sequence[str]:
    if tables is None:
        every = [t.name for t in source.tables() if not t.problem and not t.kept_from]
        if not every:
            raise InvalidInput("The database has no tables to back up", subject=source.name)
        return every
    if not tables:
        raise InvalidInput("No table was chosen", remedy="Name at least one table.")
    return list(dict.fromkeys(tables))


@dataclass(slots=True)
class _Run:
    """One run over several tables; `total` rows, of which `done` are written."""

    store: Store
    source: Database
    note: str
    work: Work
    total: int
    done: int = 0
    snapshot: str = ""

    def one(self, schema: TableSchema) -> Backup:
        """Back one table up and commit it."""
        self.snapshot = self.snapshot or str(uuid4())
        started, taken, backup_id = time.monotonic(), utc_now(), new_id()
        place = folder(schema.table, taken, backup_id)
        rows = self.source.dump(schema, work=self.work)
        tally = write_parts(self.store, place, rows, backup_id, self._within(schema.table))
        expected = self.source.count(schema.table)
        if tally.rows != expected:
            raise DatabaseError(
                "The backup was not kept: rows are missing",
                cause=f"{tally.rows} rows were read, {expected} are counted.",
                subject=schema.table,
            )
        self.done += tally.rows
        manifest = Manifest(
            id=backup_id,
            table=schema.table,
            taken=taken,
            seconds=round(time.monotonic() - started, 3),
            snapshot=self.snapshot,
            tool=TOOL,
            source=Source(self.source.engine, self.source.version, self.source.name),
            schema=schema,
            rows=tally.rows,
            content=tally.content.hexdigest(),
            parts=tuple(tally.parts),
            note=self.note,
        )
        return entry(manifest, commit(self.store, place, manifest, self.work))

    def _within(self, table: str) -> Work:
        """Progress of one table told as progress of the run."""
        before = self.done

        def report(progress: Progress) -> None:
            self.work.report(Progress(before + progress.done, self.total, "rows", table))

        return Work(self.work.token, report, self.work.batch)

"""Restore drill: a backup is restored into a scratch table, compared, and removed again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from core.backup.arguments import check_not_empty
from core.backup.choice import Wanted, find
from core.backup.conversion import converted
from core.backup.databases import engine_of, open_database, origin_of
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.databases.roll_back import RollBack
from core.backup.drift import drift
from core.backup.drills import record_drill
from core.backup.listing import backups_in
from core.backup.manifest import from_bytes
from core.backup.other_databases import note_others
from core.backup.package import Package, fetch_package, refuse_broken
from core.backup.restore import BY_COUNT, BY_FINGERPRINT, BY_HASH, BY_VALUE
from core.backup.row_progress import report_waiting, reporting_rows
from core.backup.store import BucketStore, Store
from core.backup.verifications import record_verification
from core.errors import Cancelled, Corrupt, InvalidInput, StorageError
from core.hints import Hint
from core.local.spool import spool
from core.model.backup import Backup, BackupState
from core.model.restore import Content
from core.model.tables import TableSchema
from core.model.verification import DrillReport
from core.objects.bucket import HasBucket
from core.units import format_counted
from core.work import Progress, Work, default_work

#: The engine that can use a temporary file, and such a file's name.
_FILE_ENGINE, _SCRATCH_FILE = "SQLite", "scratch.db"
#: The engines that remove a table with the transaction that has created it, also after a crash.
_TRANSACTIONAL = frozenset({"PostgreSQL", _FILE_ENGINE})
#: What a report shows if the rows differ.
_DIFFERENT = "different"


def drill(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str,
    backup_id: str | None = None,
    into: str = "",
) -> DrillReport:
    """Restore a backup into a scratch table, compare it, and remove the table.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress.
        table: The table of the backup.
        backup_id: The id of the backup; by default the newest of the table that is of the database
            `into`, or else of its engine.
        into: The address of a database of the same engine, in which a scratch table is created and
            never committed; empty for SQLite, for which a temporary file is used.

    Returns:
        The report; its `problems` are empty if rows and schema are the same.

    Raises:
        Corrupt: When the backup is damaged.
        DatabaseError: When the scratch database reports an error. The drill does not count.
        InvalidInput: When `into` is missing, or is a database of another engine.
        NotFound: When the backup does not exist.
    """
    work = default_work(work)
    check_not_empty(table=table)
    store = BucketStore(workspace.bucket)
    address = resolve_address(into, secrets_of(workspace), work) if into else None
    which = newest_of_engine(store, table, address, work) if address and not backup_id else None
    which = which or find(store, table, work, Wanted.of(backup_id, None))
    notes = () if backup_id else note_others(store, which, work, why=_why(which, address))
    report = drill_of_backup(store, which, address, work)
    return replace(report, notes=(*notes, *report.notes))


def _why(used: Backup, into: DatabaseAddress | None) -> str:
    """Return why a backup is used for a drill without an id."""
    if into is None:
        return "the newest of all"
    if used.origin.differs(origin_of(into)):
        return f"the newest of {used.origin.engine}"
    return "that of the scratch database"


def newest_of_engine(store: Store, table: str, into: DatabaseAddress, work: Work) -> Backup | None:
    """Return the newest backup of a table of the scratch database, or else of any of its engine.

    Raises:
        Corrupt: A newer backup, which may be of this database or engine, is broken.
    """
    engine, here = engine_of(into).engine, origin_of(into)
    listed = backups_in(store, table, work)
    own = [each for each in listed if each.origin.database and not each.origin.differs(here)]
    if any(not each.filter and each.state is not BackupState.BROKEN for each in own):
        # Broken ones whose database is not known remain: they may be of this one.
        listed = tuple(each for each in listed if not each.origin.differs(here))
    for backup in listed:
        broken = backup.state is BackupState.BROKEN
        if broken or (backup.origin.engine == engine and not backup.filter):
            refuse_broken(backup)
            return backup
    return None


def drill_of_backup(
    store: Store, backup: Backup, into: str | DatabaseAddress | None, work: Work
) -> DrillReport:
    """Run the restore drill of a listed backup in any store, and record it; see `drill`."""
    _require_engine(store, backup, into, work)
    started = time.monotonic()
    place = _Place("a temporary file" if into is None else "")
    try:
        with _scratch(into, work) as target, fetch_package(store, backup, None, work) as fetched:
            place.name = place.name or target.name
            found = _ScratchRestore(target, converted(fetched, target, None), work, place)
            found.run()
            remains = target.exists(place.table)
    except StorageError as error:
        if isinstance(error, Corrupt):
            record_drill(store, backup, place.name, _DIFFERENT, error.reason[:500])
        if not isinstance(error, Cancelled):
            error.effect = _effect(into, place)
        raise
    record_verification(store, backup, "drill")
    record_drill(store, backup, place.name, found.verified, " ".join(found.problems)[:500])
    return DrillReport(
        backup,
        place.name,
        found.schema.table,
        found.package.rows,
        found.verified,
        time.monotonic() - started,
        tuple(found.notes),
        tuple(found.problems),
        place.table if remains else "",
        found.remains_because if remains else "",
    )


def _require_engine(
    store: Store, backup: Backup, into: str | DatabaseAddress | None, work: Work
) -> None:
    """Check, before anything is downloaded, that the scratch database has the backup's engine.

    Raises:
        InvalidInput: It has another engine, or none was named for a server's backup.
    """
    if backup.state is not BackupState.COMPLETE:
        return
    engine = backup.origin.engine or from_bytes(store.read(backup.key, work=work)).source.engine
    given = engine_of(_SCRATCH_FILE if into is None else into)
    if given.engine == engine:
        return
    if into is None:
        raise InvalidInput(
            f"The restore drill of a {engine} backup needs a scratch database",
            cause="Only SQLite can use a temporary file.",
            remedy="Name a database for a temporary table. Nothing in it is changed.",
            hints=Hint.SCRATCH_DATABASE,
            subject=backup.table,
        )
    raise InvalidInput(
        f"The scratch database is {given.engine}, but the backup is of {engine}",
        cause="A restore into another engine does not prove that the backup can be restored.",
        remedy=f"Name a database of {engine}.",
        hints=Hint.SCRATCH_DATABASE,
        subject=backup.table,
    )


@contextmanager
def _scratch(into: str | DatabaseAddress | None, work: Work) -> Iterator[Database]:
    if into is not None:
        with open_database(into, write=True, work=work) as target:
            yield target
        return
    with spool() as folder:
        file = str(folder / "drill.db")
        with open_database(file, write=True, create=True, work=work) as target:
            yield target


@dataclass(slots=True)
class _Place:
    """Where a drill creates its scratch table: the names of the database and, then, of the table."""

    name: str
    table: str = ""


def _effect(into: str | DatabaseAddress | None, place: _Place) -> str:
    """Return what is left of the scratch table of a drill that failed."""
    if into is None:
        return "The temporary file was removed."
    if not place.table:
        return "No scratch table was created."
    removed = f"The scratch table in {place.name} was removed."
    if engine_of(into).engine in _TRANSACTIONAL:
        return removed
    try:
        # Another connection, since that of the drill may be the reason of the failure.
        with open_database(into, work=Work()) as target:
            if not target.exists(place.table):
                return removed
            remains = "remains"
    except StorageError:
        remains = "may remain"
    return (
        f"The scratch table {place.table} {remains} in {place.name}. The next restore drill in this "
        "database removes it."
    )


class _ScratchRestore:
    """Steps of a drill inside a transaction that is rolled back in every case."""

    def __init__(self, target: Database, package: Package, work: Work, place: _Place) -> None:
        self._target = target
        self._place = place
        self._work = work
        self.package = package
        self.schema = package.schema
        self.verified = _DIFFERENT
        self.notes: list[str] = list(package.problems)
        self.problems: list[str] = []
        self.remains_because = ""

    def run(self) -> None:
        """Create and load a scratch table, compare it, and roll back."""
        try:
            self._restore()
        except RollBack as end:
            self.remains_because = end.failure.reason if end.failure else ""

    def _restore(self) -> None:
        report_waiting(self.package.rows, self._work)
        with self._target.change(work=self._work):
            self.schema = self._scratch_schema()
            bare = replace(self.schema, indexes=(), triggers=(), sequence=None)
            target = self._target
            shadow = replace(
                bare, table=target.free_name(target.related_name(bare.table, "__restoring"))
            )
            self._place.table = shadow.table
            target.create(shadow)
            rows = self.package.pieces(long_rows=target.loads_long_rows)
            rows = reporting_rows(rows, self.package.rows, self._work)
            target.load(shadow, rows, work=self._work)
            self._compare_rows(shadow)
            target.publish(self.schema, shadow.table, "", triggers=True)
            # Also declares checks valid, which PostgreSQL adds without checking the rows.
            target.orphans(self.schema, "")
            self._compare_schema(shadow.table)
            raise RollBack  # the scratch table is never committed

    def _scratch_schema(self) -> TableSchema:
        """Return the schema of the scratch table, whose name is free.

        Foreign keys to other tables are omitted on servers: a scratch database does not have these
        tables, and a server refuses to create such a key.
        """
        target, schema = self._target, self.package.schema
        if target.engine == _FILE_ENGINE and not target.exists(schema.table):
            return schema
        own = tuple(k for k in schema.foreign_keys if target.same_name(k.table, schema.table))
        if len(own) != len(schema.foreign_keys):
            omitted = format_counted(len(schema.foreign_keys) - len(own), "foreign key")
            self.notes.append(f"Not part of the drill: {omitted} to other tables.")
        if schema.triggers:
            count = format_counted(len(schema.triggers), "trigger")
            self.notes.append(f"Not part of the drill: {count}.")
        name = target.free_name(target.related_name(schema.table, "__drill"))
        return target.renamed(replace(schema, foreign_keys=own), name)

    def _compare_rows(self, shadow: TableSchema) -> None:
        """Compare count and content; the server's fingerprint is enough if it is equal."""
        self._report("checking")
        package, target = self.package, self._target
        if package.fingerprint and package.fingerprint == target.fingerprint(
            shadow, like=package.fingerprint, work=self._work
        ):
            self.verified = BY_FINGERPRINT
            return
        found = target.content(shadow, work=self._work)
        if found.rows != package.rows:
            rows = format_counted(found.rows, "row")
            self.problems.append(f"Restored: {rows}; recorded: {package.rows}.")
        elif package.content is None:
            self.verified = BY_COUNT
        elif found == Content(package.rows, package.content):
            self.verified = BY_HASH
        elif target.same(shadow, package.pieces(), work=self._work):
            self.verified = BY_VALUE
        else:
            self.problems.append("The values of the restored rows differ from the backup.")

    def _compare_schema(self, shadow: str) -> None:
        """Compare the definition of the table; MariaDB names it only when a swap is committed."""
        target, name = self._target, self.schema.table
        swapped = target.exists(name)
        found = target.schema(name if swapped else shadow)
        if not swapped:  # its comment is a mark until then
            found = replace(found, comment=self.schema.comment)
        # Keys of the table to itself contain its name, which differs before the swap.
        expected = replace(self.schema, foreign_keys=())
        texts = drift(expected, replace(found, foreign_keys=()))
        self.problems += [f"The restored schema differs: {text}." for text in texts]
        if len(found.foreign_keys) != len(self.schema.foreign_keys):
            count = format_counted(len(found.foreign_keys), "foreign key")
            self.problems.append(f"Restored: {count}; recorded: {len(self.schema.foreign_keys)}.")

    def _report(self, step: str) -> None:
        self._work.check()
        self._work.report(Progress(self.package.rows, self.package.rows, "rows", step))

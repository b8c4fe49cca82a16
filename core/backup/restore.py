"""Restoring: load beside, prove, swap; all in one transaction, so that a failure changes nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from core.backup.databases import open_database
from core.backup.databases.base import Content, Database, Rows
from core.backup.listing import find
from core.backup.package import Package, fetched
from core.backup.preview import free_name, moment
from core.backup.store import BucketStore, HasBucket, Store
from core.errors import AlreadyExists, Conflict, Corrupt
from core.model.backup import Backup, RestoreReport
from core.model.tables import Index, TableSchema
from core.units import utc_now
from core.work import Progress, Work, default_work

BY_HASH, BY_VALUE, BY_COUNT = "by content hash", "by value", "by count only"


@dataclass(frozen=True, slots=True)
class Choices:
    """How to restore: `target` None replaces the table, a name makes a new one.

    `allow_orphans` accepts rows of other tables that will point to nothing; `with_triggers`
    creates the backup's triggers (code) instead of keeping today's.
    """

    target: str | None = None
    allow_orphans: bool = False
    with_triggers: bool = False


def restore(  # noqa: PLR0913 - keyword-only data of one request
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str,
    table: str,
    backup_id: str | None = None,
    at: str | datetime | None = None,
    target: str | None = None,
    allow_orphans: bool = False,
    with_triggers: bool = False,
) -> RestoreReport:
    """Restore a table from a backup, in place or under a new name.

    The backup is fetched and checked first. Then one transaction holds the database's lock: a
    shadow table is loaded, proven by count and content hash, and swapped in; the former table is
    kept under another name until `drop_kept` or `undo`. A kill at any moment leaves all as it was.

    Args:
        workspace: Gives the bucket.
        work: Cancel token and progress.
        database: A path to an SQLite file, or its URL; a missing file is made.
        table: Whose backup.
        backup_id: Which one; None takes the latest whole one, or the latest at `at`.
        at: A time (ISO 8601 when text; UTC when it has no zone).
        target: A new name; None restores in place.
        allow_orphans: Go on although rows of other tables will point to nothing.
        with_triggers: Create the backup's triggers; otherwise today's are kept.

    Raises:
        AlreadyExists: When `target` is taken.
        Conflict: When rows would point to nothing and that was not allowed.
        Corrupt: When the backup is not as it was written, or the loaded rows differ.
        DatabaseError: When the database refuses or is locked.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    which = find(store, table, work, backup_id=backup_id, at=moment(at))
    choices = Choices(target, allow_orphans, with_triggers)
    return restore_of(store, which, database, choices, work)


def restore_of(
    store: Store, backup: Backup, database: str, choices: Choices, work: Work
) -> RestoreReport:
    """As `restore`, for a listed backup in any store."""
    started = time.monotonic()
    name = choices.target or backup.table
    with open_database(database, write=True, create=True) as target:
        if choices.target is not None and target.exists(choices.target):
            raise AlreadyExists(
                f"There is a table {choices.target} already",
                remedy="Choose another name.",
                subject=choices.target,
            )
        today = target.schema(name) if target.exists(name) else None
        with fetched(store, backup, today, work) as package, target.change(work=work):
            swap = _Swap(target, package, name, choices, work)
            kept, verified = swap.run()
        return RestoreReport(
            backup,
            target.name,
            name,
            package.rows,
            kept,
            verified,
            time.monotonic() - started,
            (*package.problems, *swap.problems),
        )


class _Swap:
    """The steps inside the transaction."""

    def __init__(
        self, target: Database, package: Package, name: str, choices: Choices, work: Work
    ) -> None:
        self._target = target
        self._package = package
        self._choices = choices
        self._work = work
        self._today = target.schema(name) if target.exists(name) else None
        self._schema = self._final(name)
        self.problems: list[str] = []

    def run(self) -> tuple[str, str]:
        """Load, prove, swap and check; return the kept table's name and how it was proven."""
        name = self._schema.table
        bare = replace(self._schema, indexes=(), triggers=(), sequence=None)
        shadow = replace(bare, table=free_name(self._target, f"{name}__restoring"))
        self._target.create(shadow)
        self._load(shadow)
        verified = self._prove(shadow)
        self._tell("swapping")
        stamp = f"{name}__before_{utc_now():%Y%m%dT%H%M%SZ}"
        kept = free_name(self._target, stamp) if self._today else ""
        self._target.publish(self._schema, shadow.table, kept, triggers=True)
        self._check_orphans(kept)
        return kept, verified

    def _final(self, name: str) -> TableSchema:
        """The schema to build: of the backup, under the name asked for."""
        schema = self._package.schema
        if name.lower() != schema.table.lower():
            return self._renamed(schema, name)
        if self._choices.with_triggers:
            return schema
        return replace(schema, triggers=self._today.triggers if self._today else ())

    def _renamed(self, schema: TableSchema, name: str) -> TableSchema:
        own = schema.table.lower()
        foreign = tuple(
            replace(key, table=name) if key.table.lower() == own else key
            for key in schema.foreign_keys
        )
        indexes = tuple(self._free_index(index, name) for index in schema.indexes)
        return replace(schema, table=name, foreign_keys=foreign, indexes=indexes, triggers=())

    def _free_index(self, index: Index, table: str) -> Index:
        if not self._target.exists(index.name):
            return index
        return replace(index, name=free_name(self._target, f"{table}__{index.name}"))

    def _load(self, shadow: TableSchema) -> None:
        digest = hashlib.sha256()

        def hashed() -> Iterator[Rows]:
            for count, lines in self._package.pieces():
                digest.update(lines)
                yield count, lines

        def report(progress: Progress) -> None:
            self._work.report(replace(progress, total=self._package.rows))

        watched = Work(self._work.token, report, self._work.batch)
        self._target.load(shadow, hashed(), work=watched)
        if self._package.content not in (None, digest.hexdigest()):
            raise Corrupt(
                "The backup's rows are not those its manifest was written for",
                remedy="Choose another backup of the table. Nothing was changed.",
                subject=self._package.backup.key,
            )

    def _prove(self, shadow: TableSchema) -> str:
        self._tell("checking")
        package = self._package
        found = self._target.content(shadow, work=self._work)
        if package.content is None and found.rows == package.rows:
            return BY_COUNT
        if found == Content(package.rows, package.content or ""):
            return BY_HASH
        if package.content and self._target.same(shadow, package.pieces(), work=self._work):
            return BY_VALUE
        raise Corrupt(
            "The restored rows are not those of the backup",
            cause=f"{found.rows} rows were loaded, {package.rows} are recorded; contents differ.",
            remedy="Nothing was changed. Report this: it should not happen.",
            subject=shadow.table,
        )

    def _check_orphans(self, kept: str) -> None:
        more = self._target.orphans(self._schema, kept)
        if not more:
            return
        words = ", ".join(f"{count:,} in {table}" for table, count in more)
        if not self._choices.allow_orphans and self._choices.target is None:
            raise Conflict(
                "Rows would point to nothing",
                cause=f"Foreign keys to or from {self._schema.table} break: {words}.",
                remedy="Restore under a new name, or allow it on purpose. Nothing was changed.",
                subject=self._schema.table,
            )
        self.problems.append(f"Rows point to nothing now: {words}.")

    def _tell(self, step: str) -> None:
        self._work.check()
        self._work.report(Progress(self._package.rows, self._package.rows, "rows", step))

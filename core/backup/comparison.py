"""Comparison of two backups of a table: the rows that were added, changed and removed.

Equal hashes of all rows are enough to know that nothing changed. Otherwise DuckDB reads the rows of
both backups one after the other and stores only a hash of the key and one of the row, so that its
memory does not depend on the width of the rows. The values of the samples are read again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.backup.choice import Wanted, find
from core.backup.comparison_rows import RowReader, Sample, Side, check_engines, sides_of
from core.backup.drift import changes_between
from core.backup.package import Package, fetch_package, read_manifest
from core.backup.store import BucketStore, Store
from core.errors import Corrupt, InvalidInput, NotSupported
from core.local.spool import spool
from core.model.backup import Backup, BackupState, Manifest
from core.model.comparison import BackupComparison, ComparedRow, RowChange
from core.model.tables import TableSchema
from core.objects.bucket import HasBucket
from core.sql.session import open_session, run
from core.work import Work, default_work

#: The hashes of the rows to show, with rows identified by their key, or compared completely.
_BY_KEY = {
    RowChange.ADDED: "SELECT a.k FROM after a ANTI JOIN before b ON b.k = a.k ORDER BY a.rowid LIMIT ?",
    RowChange.CHANGED: "SELECT a.k FROM after a JOIN before b ON b.k = a.k WHERE b.r <> a.r "
    "ORDER BY a.rowid LIMIT ?",
    RowChange.REMOVED: "SELECT b.k FROM before b ANTI JOIN after a ON b.k = a.k ORDER BY b.rowid LIMIT ?",
}
_BY_ROW = {
    RowChange.ADDED: "SELECT r FROM changes WHERE d > 0 ORDER BY n LIMIT ?",
    RowChange.REMOVED: "SELECT r FROM changes WHERE d < 0 ORDER BY n LIMIT ?",
}
#: Most rows that are shown of each kind of change.
SAMPLES = 100
_MEMORY, _THREADS = "140MB", 2


def compare(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str,
    before: str,
    after: str | None = None,
    samples: int = SAMPLES,
) -> BackupComparison:
    """Compare two backups of a table.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        table: The table.
        before: The id of the first backup, or its beginning.
        after: The id of the second backup; by default the newest of the same database with all
            rows.
        samples: Most rows to return of those that were added, changed and removed.

    Raises:
        Corrupt: A backup is damaged.
        InvalidInput: Several ids begin with the given text.
        NotFound: There is no such backup.
        NotSupported: The backups are of different engines, or have no column in common.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    first = find(store, table, work, Wanted.of(before, None))
    # Without an id, a backup of another database with a table of this name is not meant.
    same = first.origin if after is None and first.origin.database else None
    second = find(store, table, work, Wanted.of(after, None, same))
    return compare_of(store, first, second, samples, work)


def compare_of(
    store: Store, before: Backup, after: Backup, samples: int, work: Work
) -> BackupComparison:
    """Compare two listed backups in any store; see `compare`."""
    started = time.monotonic()
    check_engines(before, before.origin.engine, after.origin.engine)  # before any download
    found = _by_hash(store, before, after, work)
    if found is None:
        with _packages(store, before, after, work) as packages, spool() as folder:
            found = _by_rows(*packages, folder, samples, work)
    notes = (*found.notes, *_filter_notes(before, after))
    return replace(found, notes=notes, seconds=time.monotonic() - started)


def _by_hash(store: Store, before: Backup, after: Backup, work: Work) -> BackupComparison | None:
    """Return the result if the hashes of all rows are equal; otherwise None."""
    if not before.state is after.state is BackupState.COMPLETE:
        return None
    first, second = (read_manifest(store, each, work)[0] for each in (before, after))
    if not _same_form(first, second) or first.content != second.content:
        return None
    return BackupComparison(
        before, after, 0, 0, 0, first.rows,
        columns=tuple(column.name for column in first.schema.stored),
        drift=changes_between(first.schema, second.schema),
        by_hash=True,
    )  # fmt: skip


def _same_form(first: Manifest, second: Manifest) -> bool:
    """Return whether equal lines of two backups are equal rows: CSV does not name its columns."""
    names = [[column.name for column in each.schema.stored] for each in (first, second)]
    engines = (first.source.engine, second.source.engine)
    return names[0] == names[1] and engines[0] == engines[1]


@contextmanager
def _packages(
    store: Store, before: Backup, after: Backup, work: Work
) -> Iterator[tuple[Package, Package]]:
    """Fetch and verify both backups; the other one defines the types of an old form."""
    schemas = [_schema(store, each, work) for each in (after, before)]
    with (
        spool() as folder,
        fetch_package(store, before, schemas[0], work, within=folder) as first,
        fetch_package(store, after, schemas[1], work, within=folder) as second,
    ):
        yield first, second


def _schema(store: Store, backup: Backup, work: Work) -> TableSchema | None:
    if backup.state is not BackupState.COMPLETE:
        return None
    return read_manifest(store, backup, work)[0].schema


def _by_rows(
    first: Package, second: Package, folder: Path, samples: int, work: Work
) -> BackupComparison:
    before, after = sides_of(first, second)
    if not before.columns:
        raise NotSupported(
            f"The backups {first.backup.id} and {second.backup.id} of {first.backup.table} have no column in common",
            remedy="Query or export each of them instead.",
            subject=first.backup.table,
        )
    encrypted = first.cipher is not None or second.cipher is not None
    with open_session(folder, encrypted=encrypted) as connection, _reading_errors(first):
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET threads = {_THREADS}")
        with run(connection, work):
            reader = RowReader(connection, folder, secrets.token_hex(16), work)
            reader.begin("comparing", first.rows + second.rows)
            for side in (before, after):
                reader.store_hashes(side)
            return _Comparison(reader, before, after).result(samples)


@contextmanager
def _reading_errors(package: Package) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:  # the statements are not the user's
        raise Corrupt(
            "The rows of the backups cannot be read as tables",
            cause=error.cause,
            remedy="Restore them under new names instead, and report this.",
            subject=package.backup.table,
        ) from error


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two sides whose hashes are stored as the tables `before` and `after`."""

    reader: RowReader
    before: Side
    after: Side

    def result(self, samples: int) -> BackupComparison:
        """Return the counts and the samples."""
        by_key = bool(self.before.key) and self._keys_are_unique()
        counts = self._counts_by_key() if by_key else self._counts_by_row()
        added, changed, removed, unchanged = counts
        rows: list[ComparedRow] = []
        if added or changed or removed:
            rows = self._samples(by_key=by_key, most=samples)
        notes = self.before.package.problems + self.after.package.problems
        if self.before.key and not by_key:
            notes += ("A key occurs twice in a backup, so that complete rows were compared.",)
        return BackupComparison(
            self.before.package.backup, self.after.package.backup,
            added, changed, removed, unchanged,
            by_key=self.before.key if by_key else (),
            columns=self.before.columns,
            rows=tuple(rows),
            drift=changes_between(self.before.package.schema, self.after.package.schema),
            notes=notes,
        )  # fmt: skip

    def _figures(self, sql: str) -> tuple[Any, ...]:
        return tuple(self.reader.connection.execute(sql).fetchall()[0])

    def _keys_are_unique(self) -> bool:
        # SQLite stores several NULLs in a primary key; a join would multiply their rows.
        return all(
            self._figures(f"SELECT count(*) = count(DISTINCT k) FROM {name}")[0]  # noqa: S608 - a constant
            for name in ("before", "after")
        )

    def _counts_by_key(self) -> tuple[int, int, int, int]:
        added, changed, removed, unchanged = self._figures(
            "SELECT count(*) FILTER (b.k IS NULL), count(*) FILTER (b.r <> a.r), "
            "count(*) FILTER (a.k IS NULL), count(*) FILTER (b.r = a.r) "
            "FROM before b FULL JOIN after a ON b.k = a.k"
        )
        return added, changed, removed, unchanged

    def _counts_by_row(self) -> tuple[int, int, int, int]:
        """Compare how often each row occurs; `changes` has the rows for which that differs."""
        self.reader.connection.execute(
            "CREATE TABLE changes AS SELECT r, sum(s)::BIGINT AS d, min(n) AS n FROM "
            "(SELECT r, 1 AS s, rowid AS n FROM after "
            "UNION ALL SELECT r, -1, rowid FROM before) GROUP BY r HAVING d <> 0"
        )
        added, removed = self._figures(
            "SELECT coalesce(sum(d) FILTER (d > 0), 0)::BIGINT, "
            "coalesce(-sum(d) FILTER (d < 0), 0)::BIGINT FROM changes"
        )
        return added, 0, removed, self.before.package.rows - removed

    def _samples(self, *, by_key: bool, most: int) -> list[ComparedRow]:
        """Return samples of each kind, in the order of the rows of the backups."""
        queries = _BY_KEY if by_key else _BY_ROW
        wanted = {
            change: [row[0] for row in self.reader.connection.execute(sql, [most]).fetchall()]
            for change, sql in queries.items()
        }
        both = wanted.get(RowChange.CHANGED, [])
        sides = (
            (self.before, [*wanted[RowChange.REMOVED], *both]),
            (self.after, [*wanted[RowChange.ADDED], *both]),
        )
        rows = sum(side.package.rows for side, hashes in sides if hashes)
        self.reader.begin("reading the differences", rows)
        column = "k" if by_key else "r"
        old, new = (self.reader.samples(side, hashes, column) for side, hashes in sides)
        return [
            self._row(change, old.get(each), new.get(each))
            for change in wanted
            for each in wanted[change]
        ]

    def _row(self, change: RowChange, before: Sample | None, after: Sample | None) -> ComparedRow:
        different: tuple[str, ...] = ()
        if before is not None and after is not None:
            pairs = zip(self.before.columns, before.digests, after.digests, strict=True)
            different = tuple(name for name, old, new in pairs if old != new)
        return ComparedRow(
            change, before.texts if before else (), after.texts if after else (), different
        )


def _filter_notes(before: Backup, after: Backup) -> Iterator[str]:
    for name, backup in (("first", before), ("second", after)):
        if backup.filter:
            yield f"The {name} backup contains only the rows that meet: {backup.filter}"

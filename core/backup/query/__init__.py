"""SQL on the rows of a backup, with DuckDB: nothing is restored and nothing is changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime

from core.backup.arguments import check_not_empty
from core.backup.choice import Wanted, find
from core.backup.other_databases import note_others
from core.backup.query.early_check import check_early
from core.backup.query.rows import loaded_backup
from core.backup.store import BucketStore, Store
from core.errors import InvalidInput
from core.model.backup import Backup
from core.objects.bucket import HasBucket
from core.sql.result import Cell, select
from core.work import Work, default_work

#: Rows of a result unless the caller sets a limit, and the largest limit.
LIMIT, LARGEST_LIMIT = 1_000, 1_000_000


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result of a query; `cut` is whether there are more than `limit` rows.

    `types` are DuckDB's names of the columns' types. `notes` name columns of the backup that are
    read as text, and other databases with backups of such a table, if none was chosen by its id.
    `seconds` is the time of everything, with download and verification.
    """

    backup: Backup
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    cut: bool
    limit: int
    seconds: float
    notes: tuple[str, ...] = ()


def query(  # noqa: PLR0913 - keyword arguments of one operation
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str,
    sql: str,
    backup_id: str | None = None,
    at: str | datetime | None = None,
    limit: int = LIMIT,
) -> QueryResult:
    """Run a SELECT statement on the rows of a backup, by default the newest of the table.

    The rows are the table with its own name, and also `backup`. Every part is verified before it is
    read. The statement cannot read or write files, networks or settings.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        table: The table whose backup is read.
        sql: One SELECT statement in the dialect of DuckDB.
        backup_id: The id of the backup, or its beginning.
        at: Use the newest backup up to this time.
        limit: Most rows of the result.

    Raises:
        InvalidInput: The statement is not one SELECT, or it cannot be run.
        NotFound: There is no such backup.
        Corrupt: The backup is damaged.
        LimitExceeded: The query needs too much memory.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    check_not_empty(query=sql)
    _check_limit(limit)
    which = find(store, table, work, Wanted.of(backup_id, at))
    notes = note_others(store, which, work) if backup_id is None else ()
    found = query_of(store, which, sql, limit, work)
    return replace(found, notes=(*notes, *found.notes))


def query_of(store: Store, backup: Backup, sql: str, limit: int, work: Work) -> QueryResult:
    """Run a query on a listed backup in any store; see `query`."""
    started = time.monotonic()
    check_early(store, backup, sql, work)
    with loaded_backup(store, backup, work) as loaded:
        found = select(loaded.connection, sql, limit + 1, work)
    return QueryResult(
        backup, found.columns, found.types, found.rows[:limit], len(found.rows) > limit, limit,
        time.monotonic() - started, loaded.notes,
    )  # fmt: skip


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_LIMIT:
        raise InvalidInput(
            f"The limit {limit} is out of range", remedy=f"Use 1 to {LARGEST_LIMIT:,} rows."
        )

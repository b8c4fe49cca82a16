"""SQL on the rows of a backup, with DuckDB: nothing is restored and nothing is changed."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.backup.choice import Wanted, check_not_empty, find
from core.backup.query.rows import LoadedBackup, loaded_backup
from core.backup.query.session import check_select, run
from core.backup.store import BucketStore, Store
from core.errors import InvalidInput
from core.model.backup import Backup
from core.objects.bucket import HasBucket
from core.work import Work, default_work

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

#: Rows of a result unless the caller sets a limit, and the largest limit.
LIMIT, LARGEST_LIMIT = 1_000, 1_000_000

#: A value of a result: a decimal, a time or a list is text; bytes are text such as `\\x00ff`.
Cell = None | bool | int | float | str

_NATIVE = frozenset(
    ["boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint",
     "uinteger", "ubigint", "uhugeint", "double", "decimal", "varchar", "blob"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result of a query; `cut` is whether there are more than `limit` rows.

    `types` are DuckDB's names of the columns' types. `notes` name columns of the backup that are read
    as text. `seconds` is the time of everything, with download and verification.
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
    return query_of(store, which, sql, limit, work)


def query_of(store: Store, backup: Backup, sql: str, limit: int, work: Work) -> QueryResult:
    """Run a query on a listed backup in any store; see `query`."""
    started = time.monotonic()
    with loaded_backup(store, backup, work) as loaded:
        columns, types, rows = select(loaded, sql, limit + 1, work)
    return QueryResult(
        backup, columns, types, rows[:limit], len(rows) > limit, limit,
        time.monotonic() - started, loaded.notes,
    )  # fmt: skip


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_LIMIT:
        raise InvalidInput(
            f"The limit {limit} is out of range", remedy=f"Use 1 to {LARGEST_LIMIT:,} rows."
        )


def select(
    loaded: LoadedBackup, sql: str, most: int, work: Work
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Return names and types of the columns, and up to `most` rows, of a SELECT statement."""
    check_select(loaded.connection, sql)
    with run(loaded.connection, work):
        found = loaded.connection.sql(sql)
        types = tuple(str(kind) for kind in found.types)
        values = ", ".join(_value_sql(number, kind) for number, kind in enumerate(found.types, 1))
        rows = found.limit(most).project(values).fetchall()
    cells = tuple(tuple(_cell(value) for value in row) for row in rows)
    return tuple(found.columns), types, cells


def _value_sql(number: int, kind: DuckDBPyType) -> str:
    """Return the SQL of a result column: Python's types do not represent all times of DuckDB."""
    if kind.id in _NATIVE:
        return f"#{number}"
    text = f"CAST(#{number} AS VARCHAR)"
    return f"CAST({text} AS DOUBLE)" if kind.id == "float" else text


def _cell(value: Any) -> Cell:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value  # type: ignore[no-any-return] # the select list has no other types

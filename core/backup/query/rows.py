"""Loading of a backup's rows into DuckDB, as a view with the columns and types of the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.backup.databases.postgresql.names import PUBLIC, TableName
from core.backup.package import Package, fetch_package
from core.backup.query.column_types import Plan, Typed, doubt, measure, plans, settled
from core.backup.query.row_files import RowFiles, row_files
from core.backup.store import Store
from core.errors import Corrupt, InvalidInput, LimitExceeded
from core.local.spool import spool
from core.model.backup import Backup
from core.sql.literals import quoted, text_literal
from core.sql.session import lock, open_session, run
from core.units import format_count
from core.work import Progress, Work

if TYPE_CHECKING:
    import duckdb

#: The view of the rows that exists in every session, whatever the name of the table is.
VIEW = "backup"
_RAW = "strongroom_rows"
#: Largest row in bytes that DuckDB reads by default: of JSON and of CSV.
_USUAL_ROW = {"jsonl": 16 << 20, "csv": 2 << 20}


@dataclass(frozen=True, slots=True)
class LoadedBackup:
    """The rows of a backup in a connection, as the views `backup` and the table's name.

    `raw_table` has the values as they are in the parts, in the columns `raw_columns`.
    """

    connection: duckdb.DuckDBPyConnection
    package: Package
    columns: tuple[Typed, ...]
    raw_table: str
    raw_columns: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about columns whose type differs from the declared one."""
        return tuple(column.note for column in self.columns if column.note)


@contextmanager
def loaded_backup(
    store: Store, backup: Backup, work: Work, *, locked: bool = True, exact: bool = False
) -> Iterator[LoadedBackup]:
    """Fetch and verify a backup, and yield its rows in a DuckDB session.

    Args:
        store: The store of the backup.
        backup: An entry of the list.
        work: Cancel token and progress.
        locked: Whether the session refuses files and changes: required for a user's statements.
        exact: Whether the values of JSON are loaded as their JSON text.

    Raises:
        Corrupt: The backup is damaged.
        StorageError: It cannot be read.
    """
    with (
        fetch_package(store, backup, None, work) as package,
        spool() as folder,
        open_session(folder, encrypted=package.cipher is not None) as connection,
    ):
        work.report(Progress(0, None, "rows", "loading"))
        with _reading_errors(backup), run(connection, work):
            columns = load(connection, package, folder, VIEW, exact=exact)
            package.held.clear()  # DuckDB has the rows, this memory is only needed once
            name_view(connection, backup.table, package.engine)
            if locked:
                lock(connection)
        raw_columns = tuple(f"c{number}" for number, _ in enumerate(columns))
        yield LoadedBackup(connection, package, columns, f"{_RAW}_{VIEW}", raw_columns)


@contextmanager
def _reading_errors(backup: Backup) -> Iterator[None]:
    """Translate an error of a statement that loads rows: the statement is not the user's."""
    try:
        yield
    except LimitExceeded as error:
        raise LimitExceeded(
            f"The rows of the backup {backup.id} are too long to be read as a table",
            cause=error.cause,
            remedy="Restore the backup under a new name, and query or export that table.",
            subject=backup.key,
        ) from error
    except InvalidInput as error:
        raise _unreadable(backup, error.cause) from error


def _unreadable(backup: Backup, cause: str) -> Corrupt:
    return Corrupt(
        f"The rows of the backup {backup.id} cannot be read as a table",
        cause=cause,
        remedy="Restore the backup instead, and report this.",
        subject=backup.key,
    )


def load(
    connection: duckdb.DuckDBPyConnection,
    package: Package,
    folder: Path,
    view: str,
    *,
    exact: bool = False,
) -> tuple[Typed, ...]:
    """Load the rows of a verified backup, and create a view with their types.

    Args:
        connection: A session that may still read files.
        package: The backup.
        folder: A private folder for the rows of an old-form backup.
        view: The name of the view.
        exact: Whether the values of JSON are loaded as their JSON text.

    Raises:
        Corrupt: DuckDB found another number of rows than the manifest has.
    """
    import duckdb

    found = plans(package.schema, package.engine)
    if exact and package.parts_format == "jsonl":
        found = _as_json(found)
    raw = f"{_RAW}_{view}"
    fits = True
    fitting = found
    try:
        _create(connection, raw, package, folder, found)
        if package.parts_format == "jsonl":
            fitting = _refined(connection, raw, found)
            fits = fitting == found
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        # A text in a column of doubles, which only SQLite allows, or a very long row.
        fitting = _as_json(found) if package.engine == "SQLite" else found
        fits = False
    if not fits:
        found = fitting
        connection.execute(f"DROP TABLE IF EXISTS {raw}")
        _create(connection, raw, package, folder, found, longest=_longest(package))
    _check_count(connection, raw, package)
    columns = _settle(connection, raw, found)
    names = ", ".join(f"{column.sql} AS {quoted(column.name)}" for column in columns)
    connection.execute(f"CREATE VIEW {quoted(view)} AS SELECT {names} FROM {raw}")  # noqa: S608 - all names are quoted
    return columns


def _as_json(found: Sequence[Plan]) -> tuple[Plan, ...]:
    return tuple(replace(plan, source="JSON") for plan in found)


def _refined(
    connection: duckdb.DuckDBPyConnection, raw: str, found: tuple[Plan, ...]
) -> tuple[Plan, ...]:
    """Return the plans; columns with values of other types are to be read as JSON."""
    doubts = ", ".join(doubt(plan) for plan in found)
    (results,) = connection.execute(f"SELECT {doubts} FROM {raw}").fetchall()  # noqa: S608 - all names are quoted
    return tuple(
        replace(plan, source="JSON") if doubted else plan
        for plan, doubted in zip(found, results, strict=True)
    )


def _longest(package: Package) -> int:
    """Return the size of the largest part in bytes, which no row exceeds."""
    return max((part.raw_size for part, _ in package.files), default=1 << 30) + 1


def _create(
    connection: duckdb.DuckDBPyConnection,
    raw: str,
    package: Package,
    folder: Path,
    found: Sequence[Plan],
    *,
    longest: int = 0,
) -> None:
    """Create the table `raw` with the rows of a backup; see `load`."""
    with row_files(package, folder, f"{raw}.rows") as files:
        connection.execute(_create_sql(raw, files, package, found, longest))


def _create_sql(
    raw: str, files: RowFiles, package: Package, found: Sequence[Plan], longest: int
) -> str:
    csv = package.parts_format == "csv"
    paths = ", ".join(text_literal(str(path)) for path in files.paths)
    names = [plan.raw if csv else plan.name for plan in found]
    types = ", ".join(
        f"{text_literal(n)}: '{plan.source}'" for n, plan in zip(names, found, strict=True)
    )
    size = max(longest, _USUAL_ROW[package.parts_format])
    common = f"[{paths}], columns = {{{types}}}, compression = '{files.compression}', auto_detect = false"
    if csv:
        source = (
            f"read_csv({common}, header = false, delim = ',', quote = '\"', escape = '\"', "
            f"nullstr = '', allow_quoted_nulls = false, new_line = '\\n', max_line_size = {size})"
        )
    else:
        source = (
            f"read_json({common}, format = 'newline_delimited', maximum_object_size = {size}, "
            "convert_strings_to_integers = false)"
        )
    values = ", ".join(
        f"CAST({quoted(n)} AS VARCHAR) AS {plan.raw}"
        if plan.source == "JSON"
        else f"{quoted(n)} AS {plan.raw}"
        for n, plan in zip(names, found, strict=True)
    )
    return f"CREATE TABLE {raw} AS SELECT {values} FROM {source}"  # noqa: S608 - all names are quoted


def _check_count(connection: duckdb.DuckDBPyConnection, raw: str, package: Package) -> None:
    """Check that DuckDB has read every row: the hashes prove the bytes, not how they are read."""
    found = connection.execute(f"SELECT count(*) FROM {raw}").fetchall()[0][0]  # noqa: S608 - all names are quoted
    if found != package.rows:
        raise _unreadable(
            package.backup,
            f"{format_count(found)} were read; the manifest has {format_count(package.rows)}.",
        )


def _settle(
    connection: duckdb.DuckDBPyConnection, raw: str, found: Sequence[Plan]
) -> tuple[Typed, ...]:
    measures = ", ".join(measure(plan) for plan in found)
    (measured,) = connection.execute(f"SELECT {measures} FROM {raw}").fetchall()  # noqa: S608 - all names are quoted
    columns = [
        replace(settled(plan, number), source=plan.source)
        for plan, number in zip(found, measured, strict=True)
    ]
    return tuple(with_free_names(columns))


def with_free_names(columns: Sequence[Typed]) -> Iterator[Typed]:
    """Yield the columns; names that differ only in case, which DuckDB ignores, get a number."""
    used: set[str] = set()
    for column in columns:
        name, number = column.name, 1
        while name.casefold() in used:
            number += 1
            name = f"{column.name}_{number}"
        used.add(name.casefold())
        note = column.note
        if name != column.name:
            note = (
                f"The column {column.name} is named {name}, because another differs only in case."
            )
        yield replace(column, name=name, note=note)


def name_view(connection: duckdb.DuckDBPyConnection, table: str, engine: str) -> None:
    """Create a view of the rows with the name of the table, which may have a schema (PostgreSQL)."""
    schema, name = "main", table
    if engine == "PostgreSQL":
        parsed = TableName.parse(name)
        schema, name = ("main" if parsed.schema == PUBLIC else parsed.schema), parsed.name
    if (schema, name.casefold()) == ("main", VIEW):
        return
    if schema != "main":
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
    connection.execute(f"CREATE VIEW {quoted(schema)}.{quoted(name)} AS FROM main.{VIEW}")

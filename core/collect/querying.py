"""SQL on collected tables and on the catalogue, and pages of the results.

A query reads only the tables that it was given: the session has no other files, no network and no
extensions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.catalog.catalog import open_catalog
from core.collect.ranged_folder import RangedFolder, missing_parts
from core.collect.report import QueryReport
from core.collect.tables import is_table, name_of, new_table, path_of
from core.errors import InvalidInput, NotFound
from core.local.atomic import translate_os_errors
from core.local.spool import spool
from core.objects.bucket import HasBucket
from core.sql.files import FORMATS, FileTarget, copy_query, copy_query_sql, format_of_name
from core.sql.literals import path_literal, quoted, text_literal
from core.sql.new_file import check_free, new_file
from core.sql.plan import Scan, scans_of
from core.sql.result import Selection, select
from core.sql.session import (
    check_select,
    lock_settings,
    open_session,
    reading_file,
    restrict,
    run,
)
from core.work import Work, default_work

if TYPE_CHECKING:
    import duckdb

#: The table of the catalogue in queries.
KEYS = "keys"
#: Rows of one page.
MOST_ROWS = 10_000
_READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
    ".json": "read_json",
}


def run_query(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    sql: str,
    tables: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    catalog: bool = False,
    path: str = "",
    file_format: str = "",
    overwrite: bool = False,
    formula_safe: bool = False,
) -> QueryReport:
    """Run one SELECT statement and write its result to a file, or to a new table of the window.

    Args:
        workspace: The services of a connection; without `catalog` no request is sent.
        work: Cancel token.
        sql: One SELECT statement in the dialect of DuckDB.
        tables: Names in the statement, each with the name of a table of the window.
        files: Names in the statement, each with a local file: Parquet, CSV or JSON lines.
        catalog: Whether the keys of the catalogue are the table `keys`.
        path: The file to write; empty for a new table.
        file_format: `csv`, `json`, `jsonl` or `parquet`; by default the ending of the file.
        overwrite: Whether an existing file is replaced.
        formula_safe: Whether an apostrophe precedes texts of a CSV that a spreadsheet would
            compute.

    Raises:
        AlreadyExists: The file exists.
        InvalidInput: The statement is not one SELECT, or it cannot be run.
        LimitExceeded: The query needs too much memory.
        NotFound: A table was removed, or there is no catalogue.
    """
    sources = {name: path_of(table) for name, table in (tables or {}).items()}
    sources |= {name: Path(file) for name, file in (files or {}).items()}
    target = target_of(path, file_format, formula_safe=formula_safe)
    query = Query(sql, target, sources, catalog=catalog, overwrite=overwrite)
    return run_on_sources(workspace, query, default_work(work))


@dataclass(frozen=True, slots=True)
class Query:
    """A statement, the file that its result becomes, and the files of its tables by their names."""

    sql: str
    target: FileTarget
    sources: Mapping[str, Path]
    catalog: bool = False
    overwrite: bool = False


def run_on_sources(
    workspace: HasBucket,
    query: Query,
    work: Work,
    folders: Mapping[str, RangedFolder] | None = None,
) -> QueryReport:
    """Run a query; see `run_query`.

    Args:
        workspace: The services of a connection.
        query: The statement and its tables.
        work: Cancel token.
        folders: Further tables, of which only the needed parts are read.

    Raises:
        ReadCompletelyError: The folders have to be read completely.
        StorageError: See `run_query`.
    """
    started = time.monotonic()
    folders, target = folders or {}, query.target
    check_free(target.path, overwrite=query.overwrite)
    with (
        spool() as folder,
        open_session(folder) as connection,
        new_file(target.path, overwrite=query.overwrite) as temporary,
    ):
        _prepare(workspace, connection, query, work, folders, temporary)
        with run(connection, work):
            if folders:
                scans = _scans(connection, query, temporary)
                for each in folders.values():
                    each.read_needed(connection, scans, work)
            lock_settings(connection)
            with missing_parts() if folders else nullcontext():
                report = write_result(connection, query.sql, target, temporary)
    return replace(report, seconds=time.monotonic() - started)


def plan_on_sources(
    workspace: HasBucket, query: Query, work: Work, folders: Mapping[str, RangedFolder]
) -> dict[str, tuple[int, int]]:
    """Return the bytes of folders that a query reads, and the requests for them; nothing is read.

    Args:
        workspace: See `run_on_sources`, as the others.
        query: The statement and its tables.
        work: Cancel token.
        folders: The folders.

    Raises:
        ReadCompletelyError: The folders have to be read completely.
        StorageError: See `run_query`.
    """
    with spool() as folder, open_session(folder) as connection:
        temporary = folder / "planned"
        _prepare(workspace, connection, query, work, folders, temporary)
        with run(connection, work):
            scans = _scans(connection, query, temporary)
            return {name: each.needed(connection, scans) for name, each in folders.items()}


def _prepare(
    workspace: HasBucket,
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    work: Work,
    folders: Mapping[str, RangedFolder],
    temporary: Path,
) -> None:
    """Create the tables of a statement, forbid everything else, and check the statement."""
    paths = [*query.sources.values(), temporary]
    _add_sources(connection, query.sources, work)
    for name, each in folders.items():
        with run(connection, work):
            each.attach(connection, name)
        paths += each.paths
    if query.catalog:
        open_catalog(workspace).create_table(connection, KEYS)
    restrict(connection, paths)
    check_select(connection, query.sql)


def _scans(
    connection: duckdb.DuckDBPyConnection, query: Query, temporary: Path
) -> tuple[Scan, ...]:
    """Return what a statement will scan, which is then what this session reads."""
    copy, _ = copy_query_sql(connection, query.sql, replace(query.target, path=temporary))
    scans = scans_of(connection, copy)
    if any(scan.most_rows is None for scan in scans):
        return tuple(replace(scan, most_rows=None) for scan in scans)
    # Several threads would also begin with later rows.
    connection.execute("SET threads = 1")
    return scans


def write_result(
    connection: duckdb.DuckDBPyConnection, sql: str, target: FileTarget, temporary: Path
) -> QueryReport:
    """Write the result of a SELECT statement, and return what was written.

    Args:
        connection: A session that may write the file.
        sql: The statement.
        target: The file or table that the result becomes.
        temporary: The file that is written, see `core.sql.new_file`.

    Raises:
        LocalIOError: The file cannot be written.
    """
    began = time.monotonic()
    with translate_os_errors(target.path, "written"):
        written = copy_query(connection, sql, replace(target, path=temporary))
    return QueryReport(
        path=str(target.path), table=name_of(target.path) if is_table(target.path) else "",
        rows=written.rows, columns=tuple(column.name for column in written.columns),
        types=tuple(column.type for column in written.columns), notes=written.notes,
        seconds=time.monotonic() - began, size=temporary.stat().st_size,
    )  # fmt: skip


def check_query(sql: str, path: str = "", *, overwrite: bool = False) -> None:
    """Check what can be checked of a query before the objects of a folder are read.

    Raises:
        AlreadyExists: The file exists.
        InvalidInput: The text is not one SELECT statement.
    """
    if path:
        check_free(Path(path), overwrite=overwrite)
    with spool() as folder, open_session(folder) as connection:
        check_select(connection, sql)


def read_page(
    _workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str,
    start: int = 0,
    count: int = 1000,
    order_by: str = "",
    descending: bool = False,
) -> Selection:
    """Return some rows of a table of the window, with all values as plain Python.

    Args:
        _workspace: Not used: no request is sent.
        work: Cancel token.
        table: The name of the table.
        start: The number of rows before the page.
        count: The number of rows, up to `MOST_ROWS`.
        order_by: The column by which the rows are sorted; empty for their own order.
        descending: Whether the largest values are first.

    Raises:
        NotFound: The table was removed.
    """
    path = path_of(table)
    source = f"SELECT * FROM read_parquet({text_literal(str(path))}, file_row_number = true)"  # noqa: S608 - a path of this program
    order = "file_row_number"
    if order_by:
        direction = "DESC" if descending else "ASC"
        order = f"{quoted(order_by)} {direction} NULLS LAST, {order}"
    sql = (
        f"SELECT * EXCLUDE (file_row_number) FROM ({source}) ORDER BY {order} "  # noqa: S608 - as above
        f"LIMIT {min(count, MOST_ROWS)} OFFSET {max(0, start)}"
    )
    with spool() as folder, open_session(folder) as connection:
        return select(connection, sql, MOST_ROWS, default_work(work))


def export_table(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str,
    path: str,
    file_format: str = "",
    overwrite: bool = False,
    formula_safe: bool = False,
) -> QueryReport:
    """Write a table of the window to a file.

    Args:
        workspace: Not used: no request is sent.
        work: Cancel token.
        table: The name of the table.
        path: See `run_query`, as `file_format`, `overwrite` and `formula_safe`.
        file_format: See `run_query`.
        overwrite: See `run_query`.
        formula_safe: See `run_query`.

    Raises:
        AlreadyExists: The file exists.
        NotFound: The table was removed.
    """
    return run_query(
        workspace, work, sql="SELECT * FROM result", tables={"result": table}, path=path,
        file_format=file_format, overwrite=overwrite, formula_safe=formula_safe,
    )  # fmt: skip


def _add_sources(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Path], work: Work
) -> None:
    """Create a view for each file."""
    with run(connection, work):
        for name, path in sources.items():
            reader = _READERS.get(path.suffix.lower())
            if reader is None:
                raise InvalidInput(
                    f"{path.name} cannot be queried",
                    remedy="Use files that end with .parquet, .csv, .json, .jsonl or .ndjson.",
                )
            if not path.is_file():
                raise NotFound(
                    f"The file {path} does not exist",
                    cause=f"It would be the table {name}.",
                    remedy="Correct the path; it names one file.",
                    subject=str(path),
                )
            with reading_file(path):
                connection.execute(
                    f"CREATE VIEW {quoted(name)} AS FROM {reader}({path_literal(path)})"
                )


def target_of(path: str, file_format: str, *, formula_safe: bool) -> FileTarget:
    """Return the file to write: a new table, or one in the format that its name ends with.

    Raises:
        InvalidInput: The format is unknown.
    """
    if not path:
        return FileTarget(new_table(), "parquet")
    chosen = file_format or format_of_name(Path(path))
    if chosen not in FORMATS:
        raise InvalidInput(
            f"The format of {Path(path).name} is unknown",
            remedy=f"Choose one of the formats {', '.join(FORMATS)}.",
        )
    # The other formats have no formulas.
    return FileTarget(Path(path), chosen, formula_safe and chosen == "csv", iso_times=True)

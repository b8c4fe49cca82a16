"""SQL on collected tables and on the catalogue, and pages of the results.

A query reads only the tables that it was given: the session has no other files, no network and no
extensions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.catalog.catalog import open_catalog
from core.collect.report import QueryReport
from core.collect.tables import is_table, name_of, new_table, path_of
from core.errors import InvalidInput
from core.local.atomic import translate_os_errors
from core.local.spool import spool
from core.objects.bucket import HasBucket
from core.sql.files import FORMATS, FileTarget, copy_query, format_of_name
from core.sql.literals import quoted, text_literal
from core.sql.new_file import check_free, new_file
from core.sql.result import Selection, select
from core.sql.session import check_select, open_session, reading_file, restrict, run
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
        formula_safe: Whether an apostrophe precedes texts of a CSV that a spreadsheet would compute.

    Raises:
        AlreadyExists: The file exists.
        InvalidInput: The statement is not one SELECT, or it cannot be run.
        LimitExceeded: The query needs too much memory.
        NotFound: A table was removed, or there is no catalogue.
    """
    work = default_work(work)
    started = time.monotonic()
    target = target_of(path, file_format, formula_safe=formula_safe)
    check_free(target.path, overwrite=overwrite)
    sources = {name: path_of(table) for name, table in (tables or {}).items()}
    sources |= {name: Path(file) for name, file in (files or {}).items()}
    with (
        spool() as folder,
        open_session(folder) as connection,
        new_file(target.path, overwrite=overwrite) as temporary,
    ):
        _add_sources(connection, sources, work)
        if catalog:
            open_catalog(workspace).create_table(connection, KEYS)
        restrict(connection, [*sources.values(), temporary])
        check_select(connection, sql)
        with run(connection, work):
            report = write_result(connection, sql, target, temporary)
    return replace(report, seconds=time.monotonic() - started)


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
        rows, columns = copy_query(connection, sql, replace(target, path=temporary))
    return QueryReport(
        path=str(target.path), table=name_of(target.path) if is_table(target.path) else "",
        rows=rows, columns=tuple(column.name for column in columns),
        types=tuple(column.type for column in columns), seconds=time.monotonic() - began,
        size=temporary.stat().st_size,
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
            with reading_file(path):
                connection.execute(
                    f"CREATE VIEW {quoted(name)} AS FROM {reader}({text_literal(str(path))})"
                )


def target_of(path: str, file_format: str, *, formula_safe: bool) -> FileTarget:
    """Return the file to write: a new table, or one in the format that its name ends with.

    Raises:
        InvalidInput: The format is unknown, or has no formulas.
    """
    if not path:
        return FileTarget(new_table(), "parquet")
    chosen = file_format or format_of_name(Path(path))
    if chosen not in FORMATS:
        raise InvalidInput(
            f"The format of {Path(path).name} is unknown",
            remedy=f"Choose one of the formats {', '.join(FORMATS)}.",
        )
    if formula_safe and chosen != "csv":
        raise InvalidInput(
            f"The format {chosen} has no formulas",
            remedy="Omit --formula-safe, or choose the format csv.",
        )
    return FileTarget(Path(path), chosen, formula_safe, iso_times=True)

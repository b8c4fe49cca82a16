"""The command `sql`: a SELECT statement on a folder, on collected files and on the catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.collect import show_problems
from core.cli.local_targets import OutputType
from core.cli.parameters import usage_error
from core.cli.query import Overwrite, RawCsv, is_number, text_of
from core.cli.selection import DryRun, ListAgain
from core.errors import ErrorKind
from core.units import format_counted, format_duration, format_estimated_cost, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.collect.report import FolderReport, QueryReport, StatementPlan
    from core.sql.result import Selection

_TABLE = re.compile(r"[A-Za-z_]\w*")
_FOLDER = "folder"


def sql(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    statement: Annotated[str, typer.Argument(help="One SELECT statement (DuckDB).")],
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            help="A table of the statement as NAME=FILE: a .parquet, .csv or .jsonl file, for "
            "example one that was collected. Several are allowed.",
        ),
    ] = None,
    folders: Annotated[
        list[str] | None,
        typer.Option(
            "--folder",
            help="A folder of a bucket as a table of the statement: s3://BUCKET/PREFIX/ or PREFIX/ "
            "(the table `folder`), or NAME=PREFIX/. Several are allowed.",
        ),
    ] = None,
    catalog: Annotated[
        bool,
        typer.Option("--catalog", help="Use the catalogue of the bucket as the table `keys`."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            click_type=OutputType(),
            help="The file to write: .csv, .json, .jsonl or .parquet.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows that are shown.")] = 1000,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor store objects on this computer.")
    ] = False,
    list_again: ListAgain = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    raw_csv: RawCsv = False,
) -> int:
    """Run SQL on folders, collected files or the catalogue; the statement can read nothing else.

    All objects of a folder that end with .csv, .tsv, .json, .jsonl, .ndjson or .parquet, also with
    .gz or .zst after that, are one table: equal names of columns are one column, and `object_key`
    has the key of the object. Numbers of folders and of Parquet files are exact; a column that only
    some files store in doubles is in doubles, which a note states. Other files of --table have the
    types that DuckDB detects, which are inexact for fractions. With --dry-run only objects, bytes
    and requests are shown that the statement needs; for folders of large Parquet files this reads
    their ends.

    Exit code 40 means that objects of a folder could not be read completely: they are listed.
    """
    cli: Cli = context.obj
    files = dict(_named(each) for each in tables or [])
    places = dict(_folder(each) for each in folders or [])
    _check_names(tables or [], folders or [], catalog=catalog)
    wanted: dict[str, Any] = {
        "sql": statement, "folders": places, "files": files, "catalog": catalog,
        "cache": not no_cache, "list_again": list_again,
    }  # fmt: skip
    if dry_run:
        return _plan(cli, wanted)
    from core.collect.folder_query import query_folders
    from core.collect.querying import check_query, read_page

    path = str(output or "")
    check_query(statement, path, overwrite=overwrite)
    with cli.out.work("Querying") as work:
        workspace = cli.opener.workspace(work)
        done = query_folders(
            workspace, work, **wanted, path=path, overwrite=overwrite, formula_safe=not raw_csv
        )
        report, loaded, found = done.result, done.folders, None
        assert report is not None
        if output is None:
            try:
                found = read_page(workspace, work, table=report.table, count=limit)
            finally:
                Path(report.path).unlink(missing_ok=True)
    results = {"report": report, "result": found, **({"folders": loaded} if loaded else {})}
    cli.out.result(results, lambda: _show(cli, report, found, loaded))
    return 0 if all(each.complete for each in loaded.values()) else ErrorKind.CORRUPT.value


def _folder(text: str) -> tuple[str, str]:
    """Return the name of a table and its folder."""
    name, equals, place = text.partition("=")
    return (name, place) if equals and _TABLE.fullmatch(name) else (_FOLDER, text)


def _check_names(tables: Sequence[str], folders: Sequence[str], *, catalog: bool) -> None:
    """Check that no two tables have one name, which has no case."""
    names = [_named(each)[0] for each in tables] + [_folder(each)[0] for each in folders]
    used = {"keys"} if catalog else set()
    for name in names:
        if name.casefold() in used:
            raise usage_error(
                f"Two tables have the name {name}",
                remedy="Give each another name, for example a=PREFIX/ and b=PREFIX/.",
            )
        used.add(name.casefold())


def _plan(cli: Cli, wanted: Mapping[str, Any]) -> int:
    from core.collect.folder_query import plan_query

    if not wanted["folders"]:
        raise usage_error("--dry-run is for --folder", remedy="Add --folder, or omit --dry-run.")
    with cli.out.work("Listing") as work:
        plans = plan_query(cli.opener.workspace(work), work, **wanted)
    values: Any = {
        name: {
            "plan": each.folder, "size": each.size, "gets": each.gets, "footers": each.footers,
            "cost": each.cost,
        }
        for name, each in plans.items()
    }  # fmt: skip
    cli.out.result(values, lambda: _show_plans(cli, plans))
    return 0


def _show_plans(cli: Cli, plans: Mapping[str, StatementPlan]) -> None:
    for name, found in plans.items():
        _show_plan(cli, name, found)


def _show_plan(cli: Cli, name: str, found: StatementPlan) -> None:
    from core.collect.catalogued import age_text

    folder = found.folder
    formats = ", ".join(f"{count:,} {form}" for form, count in folder.formats)
    size = format_size(folder.size)
    if found.footers or found.size != folder.size:
        size = f"{format_size(found.size)} of {size} are read"
    footers = format_counted(found.footers, "GET request")
    cli.out.line(
        f"{name}: {format_counted(folder.objects, 'object')} ({formats}), {size}, "
        f"{format_counted(found.gets, 'GET request')} "
        f"{f'besides {footers} for this plan ' if found.footers else ''}and "
        f"{format_counted(folder.lists, 'LIST request')}, {format_estimated_cost(found.cost)}"
    )
    if folder.other:
        cli.out.line(f"{format_counted(folder.other, 'object')} of other formats, not read")
    if folder.listed is not None:
        cli.out.line(age_text(folder.listed))
    if folder.archived:
        cli.out.line(
            f"! {format_counted(folder.archived, 'object')} in an archive class: unreadable"
        )


def _named(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise usage_error(
            f"{text!r} names no table", remedy="Write it as NAME=FILE, for example btc=btc.parquet."
        )
    return name, path


def _show(
    cli: Cli,
    report: QueryReport,
    found: Selection | None,
    loaded: Mapping[str, FolderReport],
) -> None:
    from core.collect.catalogued import age_text

    _show_result(cli, report, found)
    for name, each in loaded.items():
        cli.out.note(
            f"{name}: {format_counted(each.plan.objects, 'object')}, "
            f"{format_counted(each.rows, 'row')}, {format_counted(each.gets, 'GET request')}"
            f"{_share(each)}"
        )
        if each.plan.listed is not None:
            cli.out.note(age_text(each.plan.listed))
        for note in each.notes:
            cli.out.note(f"! {note}")
        show_problems(cli, each)


def _share(report: FolderReport) -> str:
    """Return the text about bytes if not all were read."""
    if report.received is None:
        return ""
    return f", {format_size(report.received)} of {format_size(report.plan.size)} read"


def _show_result(cli: Cli, report: QueryReport, found: Selection | None) -> None:
    rows, seconds = format_counted(report.rows, "row"), format_duration(report.seconds)
    for note in report.notes:
        cli.out.note(f"! {note}")
    if found is None:
        cli.out.line(f"{report.path}: {rows}, {format_size(report.size)}")
        return
    numbers = [number for number, kind in enumerate(found.types) if is_number(kind)]
    cells = [tuple(text_of(cell) for cell in row) for row in found.rows]
    cli.out.table(found.columns, cells, numbers=numbers)
    cli.out.note(f"{rows} in {seconds}")
    if len(found.rows) < report.rows:
        cli.out.note("! The result has more rows; use --limit or --output to get them.")

"""The command `sql`: a SELECT statement on a folder, on collected files and on the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.catalog import naming_refresh
from core.cli.collect import show_problems
from core.cli.parameters import usage_error
from core.cli.query import FormulaSafe, Overwrite, is_number, text_of
from core.cli.selection import DryRun, ListAgain
from core.errors import ErrorKind
from core.units import format_counted, format_duration, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.collect.report import FolderPlan, FolderReport, QueryReport
    from core.sql.result import Selection
    from core.work import Work
    from core.workspace import Workspace

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
        typer.Option("--output", "-o", help="The file to write: .csv, .json, .jsonl or .parquet."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows that are shown.")] = 1000,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor store objects on this computer.")
    ] = False,
    list_again: ListAgain = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    formula_safe: FormulaSafe = False,
) -> int:
    """Run SQL on folders, collected files or the catalogue; the statement can read nothing else.

    All objects of a folder that end with .csv, .tsv, .json, .jsonl, .ndjson or .parquet, also with
    .gz or .zst after that, are one table: equal names of columns are one column, and `object_key`
    has the key of the object. Numbers of folders and of Parquet files are exact; those of other
    files of --table have the types that DuckDB detects, which are inexact for fractions. With
    --dry-run only objects, bytes and requests of the folders are shown.

    Exit code 40 means that objects of a folder could not be read completely: they are listed.
    """
    cli: Cli = context.obj
    files = dict(_named(each) for each in tables or [])
    places = dict(_folder(each) for each in folders or [])
    if dry_run:
        return _plan(cli, places, cache=not no_cache, list_again=list_again)
    from core.collect.querying import check_query, read_page, run_query

    check_query(statement, str(output) if output else "", overwrite=overwrite)
    with cli.out.work("Querying") as work, naming_refresh():
        workspace = cli.opener.workspace(work)
        with _loaded(workspace, work, places, cache=not no_cache, list_again=list_again) as loaded:
            report = run_query(
                workspace, work, sql=statement, files=files, catalog=catalog,
                tables={name: each.table for name, each in loaded.items()},
                path=str(output) if output else "", overwrite=overwrite, formula_safe=formula_safe,
            )  # fmt: skip
        found = None
        if output is None:
            found = read_page(workspace, work, table=report.table, count=limit)
            Path(report.path).unlink(missing_ok=True)
    results = {"report": report, "result": found, **({"folders": loaded} if loaded else {})}
    cli.out.result(results, lambda: _show(cli, report, found, loaded))
    return 0 if all(each.complete for each in loaded.values()) else ErrorKind.CORRUPT.value


def _folder(text: str) -> tuple[str, str]:
    """Return the name of a table and its folder."""
    name, equals, place = text.partition("=")
    return (name, place) if equals and _TABLE.fullmatch(name) else (_FOLDER, text)


@contextmanager
def _loaded(
    workspace: Workspace, work: Work, places: Mapping[str, str], *, cache: bool, list_again: bool
) -> Iterator[dict[str, FolderReport]]:
    """Read folders, and yield their tables, which are removed at the end."""
    from core.collect.folder import load_folder
    from core.collect.tables import path_of

    loaded: dict[str, FolderReport] = {}
    try:
        for name, place in places.items():
            loaded[name] = load_folder(
                workspace, work, folder=place, cache=cache, list_again=list_again
            )
        yield loaded
    finally:
        for each in loaded.values():
            path_of(each.table).unlink(missing_ok=True)


def _plan(cli: Cli, places: Mapping[str, str], *, cache: bool, list_again: bool) -> int:
    from core.collect.folder import plan_folder

    if not places:
        raise usage_error("--dry-run is for --folder", remedy="Add --folder, or omit --dry-run.")
    with cli.out.work("Listing") as work:
        workspace = cli.opener.workspace(work)
        plans = {
            name: plan_folder(workspace, work, folder=place, cache=cache, list_again=list_again)
            for name, place in places.items()
        }
    values: Any = {
        name: {"plan": each, "gets": each.gets, "cost": each.cost} for name, each in plans.items()
    }
    cli.out.result(values, lambda: _show_plans(cli, plans))
    return 0


def _show_plans(cli: Cli, plans: Mapping[str, FolderPlan]) -> None:
    for name, found in plans.items():
        _show_plan(cli, name, found)


def _show_plan(cli: Cli, name: str, found: FolderPlan) -> None:
    from core.collect.catalogued import age_text

    formats = ", ".join(f"{count:,} {form}" for form, count in found.formats)
    cli.out.line(
        f"{name}: {format_counted(found.objects, 'object')} ({formats}), {format_size(found.size)}, "
        f"{format_counted(found.gets, 'GET request')} and "
        f"{format_counted(found.lists, 'LIST request')}, about ${found.cost:.4f}"
    )
    if found.other:
        cli.out.line(f"{format_counted(found.other, 'object')} of other formats, not read")
    if found.listed is not None:
        cli.out.line(age_text(found.listed))
    if found.archived:
        cli.out.line(
            f"! {format_counted(found.archived, 'object')} in an archive class: unreadable"
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
        )
        if each.plan.listed is not None:
            cli.out.note(age_text(each.plan.listed))
        for note in each.notes:
            cli.out.note(f"! {note}")
        show_problems(cli, each)


def _show_result(cli: Cli, report: QueryReport, found: Selection | None) -> None:
    rows, seconds = format_counted(report.rows, "row"), format_duration(report.seconds)
    if found is None:
        cli.out.line(f"{report.path}: {rows}, {format_size(report.size)}")
        return
    numbers = [number for number, kind in enumerate(found.types) if is_number(kind)]
    cells = [tuple(text_of(cell) for cell in row) for row in found.rows]
    cli.out.table(found.columns, cells, numbers=numbers)
    cli.out.note(f"{rows} in {seconds}")
    if len(found.rows) < report.rows:
        cli.out.note("! The result has more rows; use --limit or --output to get them.")

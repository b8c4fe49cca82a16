"""The command `sql`: a SELECT statement on collected files and on the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.catalog import naming_refresh
from core.cli.parameters import usage_error
from core.cli.query import FormulaSafe, Overwrite, is_number, text_of
from core.units import format_counted, format_duration, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.collect.querying import QueryReport
    from core.sql.result import Selection


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
    catalog: Annotated[
        bool,
        typer.Option("--catalog", help="Use the catalogue of the bucket as the table `keys`."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write: .csv, .json, .jsonl or .parquet."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows that are shown.")] = 1000,
    overwrite: Overwrite = False,
    formula_safe: FormulaSafe = False,
) -> None:
    """Run SQL on collected files or on the catalogue; the statement can read nothing else.

    Numbers of Parquet files have their exact types. Those of CSV and JSON files have the types that
    DuckDB detects, which are inexact for fractions.
    """
    from core.collect.querying import read_page, run_query

    cli: Cli = context.obj
    files = dict(_named(each) for each in tables or [])
    with cli.out.work("Querying") as work, naming_refresh():
        workspace = cli.opener.workspace(work)
        report = run_query(
            workspace, work, sql=statement, files=files, catalog=catalog,
            path=str(output) if output else "", overwrite=overwrite, formula_safe=formula_safe,
        )  # fmt: skip
        found = None
        if output is None:
            found = read_page(workspace, work, table=report.table, count=limit)
            Path(report.path).unlink(missing_ok=True)
    cli.out.result({"report": report, "result": found}, lambda: _show(cli, report, found))


def _named(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise usage_error(
            f"{text!r} names no table", remedy="Write it as NAME=FILE, for example btc=btc.parquet."
        )
    return name, path


def _show(cli: Cli, report: QueryReport, found: Selection | None) -> None:
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

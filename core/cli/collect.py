"""The command `collect`, which writes a time range of the bucket's data as one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.local_targets import OutputType
from core.cli.parameters import usage_error
from core.cli.query import Overwrite, RawCsv
from core.cli.selection import DryRun, ListAgain
from core.errors import ErrorKind
from core.units import format_counted, format_duration, format_estimated_cost, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.collect.report import CollectReport, Plan, ReadReport

#: Arguments of plans that Athena does not have.
_PLANNING = frozenset({"cache", "list_again"})
#: Problems that are listed one by one; all are in the output of --json.
_SHOWN = 20


def collect(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(help="ohlcv, trades, orderbook, user_trades, portfolio or analytics."),
    ],
    names: Annotated[
        list[str],
        typer.Argument(
            help="Symbols, users or report types; patterns such as 'BTC-*' are allowed."
        ),
    ],
    start: Annotated[
        str, typer.Option("--from", help="The first day or time of the rows (ISO 8601, UTC).")
    ],
    end: Annotated[
        str,
        typer.Option("--to", help="The last day, or the time before which the rows end."),
    ],
    timeframe: Annotated[
        str, typer.Option("--timeframe", help="The timeframe of candles, for example 1h.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            click_type=OutputType(),
            help="The file to write: .csv, .json, .jsonl or .parquet.",
        ),
    ] = None,
    file_format: Annotated[
        str,
        typer.Option(
            "--format", help="csv, json, jsonl or parquet; by default the ending of the file."
        ),
    ] = "",
    margin: Annotated[
        int | None,
        typer.Option(
            "--margin-hours",
            min=0,
            help="How far outside the range times in keys may be, for objects that are named "
            "after their first or last row. By default a day, or a hundred candles.",
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor store objects on this computer.")
    ] = False,
    list_again: ListAgain = False,
    dry_run: DryRun = False,
    athena: Annotated[
        bool,
        typer.Option(
            "--athena",
            help="Only print the table and the query of the range for Amazon Athena, and what the "
            "query would cost. With --yes it is run there, and its result is written.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Run the query of --athena.")] = False,
    overwrite: Overwrite = False,
    raw_csv: RawCsv = False,
) -> int:
    """Write the rows of a time range to one file, sorted by time and without repetitions.

    Numbers are exact: no decimal passes through a binary fraction. Of several candles with the same
    time, that of the later object counts. Objects that were read before, and have not changed, are
    read from a cache on this computer.

    Exit code 40 means that the table lacks rows, because objects could not be read completely: they
    are listed, and the name of the file contains `.partial`.
    """
    cli: Cli = context.obj
    common: dict[str, Any] = {
        "kind": kind, "names": names, "timeframe": timeframe, "start": start, "end": end,
        "margin": None if margin is None else margin * 3600.0, "cache": not no_cache,
        "list_again": list_again,
    }  # fmt: skip
    if yes and not athena:
        raise usage_error("--yes is for --athena", remedy="Omit --yes, or add --athena.")
    if dry_run or (athena and not yes):
        (_athena if athena else _plan)(cli, common)
        return 0
    if output is None:
        raise usage_error("The file is missing", remedy="Add -o FILE, or --dry-run.")
    target: dict[str, Any] = {
        "path": str(output), "file_format": file_format, "overwrite": overwrite,
        "formula_safe": not raw_csv,
    }  # fmt: skip
    if athena:
        _run_on_athena(cli, common, target)
        return 0
    from core.collect.collecting import collect as run_collect

    with cli.out.work("Collecting") as work:
        report = run_collect(cli.opener.workspace(work), work, **common, **target)
    cli.out.result(report, lambda: _show(cli, report))
    return 0 if report.complete else ErrorKind.CORRUPT.value


def _plan(cli: Cli, common: dict[str, Any]) -> None:
    from core.collect.collecting import plan

    with cli.out.work("Listing") as work:
        found = plan(cli.opener.workspace(work), work, **common)
    shown = {"gets": found.gets, "cost": found.cost}
    cli.out.result({"plan": found, **shown}, lambda: _show_plan(cli, found))


def _athena(cli: Cli, common: dict[str, Any]) -> None:
    from core.collect.athena import scan_cost
    from core.collect.collecting import plan_athena

    with cli.out.work("Listing") as work:
        texts, found = plan_athena(cli.opener.workspace(work), work, **common)
    cost = scan_cost(found.size)
    cli.out.result(
        {"statements": texts, "scanned_bytes": found.size, "cost": cost},
        lambda: cli.out.lines(texts.text.rstrip()),
    )
    cli.out.note(f"The query scans up to {format_size(found.size)}, {format_estimated_cost(cost)}.")


def _run_on_athena(cli: Cli, common: dict[str, Any], target: dict[str, Any]) -> None:
    from core.collect.athena_run import run_on_athena

    arguments = {name: value for name, value in common.items() if name not in _PLANNING}
    with cli.out.work("Querying") as work:
        report = run_on_athena(cli.opener.workspace(work), work, **arguments, **target)
    found = report.result
    rows, size = format_counted(found.rows, "row"), format_size(found.size)
    cli.out.result(report, lambda: cli.out.line(f"{found.path}: {rows}, {size}"))
    cli.out.note(
        f"Athena scanned {format_size(report.scanned)}, {format_estimated_cost(report.cost)}."
    )


def _show_plan(cli: Cli, found: Plan) -> None:
    from core.collect.catalogued import age_text

    cli.out.line(f"{format_counted(found.objects, 'object')}, {format_size(found.size)}")
    cli.out.line(
        f"{format_counted(found.gets, 'GET request')} and "
        f"{format_counted(found.lists, 'LIST request')}, {format_estimated_cost(found.cost)}"
    )
    if found.cached:
        cli.out.line(f"{format_counted(found.cached, 'object')} in the cache of this computer")
    if found.archived:
        cli.out.line(
            f"! {format_counted(found.archived, 'object')} in an archive class: unreadable"
        )
    if found.other:
        cli.out.line(f"! {format_counted(found.other, 'object')} with other names, not read")
    if found.listed is not None:
        cli.out.line(age_text(found.listed))
    for name in found.without:
        cli.out.line(f"! no objects of {name}")


def _show(cli: Cli, report: CollectReport) -> None:
    from core.collect.catalogued import age_text

    rows, size = format_counted(report.rows, "row"), format_size(report.size)
    cli.out.line(f"{report.path}: {rows}, {size}")
    cli.out.note(
        f"{format_counted(report.plan.objects, 'object')}, "
        f"{format_counted(report.gets, 'GET request')}, in {format_duration(report.seconds)}"
    )
    if report.plan.listed is not None:
        cli.out.note(age_text(report.plan.listed))
    for count, text in (
        (report.repeated, "repeated"),
        (report.revised, "replaced by a later object"),
        (report.conflicting, "replaced by a later row of the same object"),
        (report.outside, "outside the range"),
    ):
        if count:
            cli.out.note(f"{format_counted(count, 'row')} {text}")
    for note in report.notes:
        cli.out.note(f"! {note}")
    for name in report.plan.without:
        cli.out.note(f"! no objects of {name}")
    show_problems(cli, report)


def show_problems(cli: Cli, report: ReadReport) -> None:
    """List the objects that are missing from a table, completely or in part."""
    if report.complete:
        return
    count = format_counted(len(report.problems), "object")
    cli.out.note(f"! The table is not complete: {count} could not be read completely.")
    for problem in report.problems[:_SHOWN]:
        rows = f" ({format_counted(problem.rows, 'row')})" if problem.rows is not None else ""
        cli.out.note(f"  {problem.key}: {problem.reason}{rows}")
    if len(report.problems) > _SHOWN:
        cli.out.note(f"  … {len(report.problems) - _SHOWN} more; --json lists all of them")

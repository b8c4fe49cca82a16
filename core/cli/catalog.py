"""The commands `catalog refresh`, `catalog status` and `catalog remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.parameters import usage_error
from core.cli.selection import ANOTHER_BUCKET, prefix_of
from core.units import format_age, format_counted, format_estimated_cost, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.catalog import CatalogState, RefreshEstimate, RefreshReport


app = typer.Typer(
    help="The catalogue: the index of the bucket's keys on this computer.", no_args_is_help=True
)


@app.command("refresh")
def refresh(
    context: typer.Context,
    prefix: Annotated[
        str,
        typer.Argument(
            help="Only list this folder, which ends in a slash; with --inventory, the folder to which "
            f"the report is limited. {ANOTHER_BUCKET}"
        ),
    ] = "",
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="List all keys, which also finds changed and deleted objects of former days; with "
            "--inventory, the report has all keys of the bucket.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show how many LIST requests are needed.")
    ] = False,
    inventory: Annotated[
        list[Path] | None,
        typer.Option(
            "--inventory",
            help="Merge this file of a report of S3 Inventory, Parquet or CSV, without a request. Its "
            "manifest.json finds and checks all files of the report. Can be repeated.",
        ),
    ] = None,
) -> None:
    """List new keys and add them to the catalogue; the first time all keys are listed."""
    from core.catalog.catalog import open_catalog
    from core.catalog.inventory import import_inventory
    from core.catalog.refresh import refresh as run_refresh

    cli: Cli = context.obj
    prefix = prefix_of(cli, prefix)
    if inventory and (dry_run or (prefix and complete)):
        raise usage_error("--inventory excludes --dry-run, and a prefix excludes --complete")
    with cli.out.work("Listing") as work:
        workspace = cli.opener.workspace(work)
        if dry_run:
            estimate = open_catalog(workspace).estimate(prefix, complete=complete, work=work)
            cli.out.result(estimate, lambda: cli.out.line(estimate_text(estimate)))
            return
        if inventory:
            paths = [str(path) for path in inventory]
            confirmed = prefix if prefix or complete else None
            report = import_inventory(workspace, work, paths=paths, prefix=confirmed)
        else:
            report = run_refresh(workspace, work, prefix=prefix, complete=complete)
    cli.out.result(report, lambda: _show_report(cli, report))


def _show_report(cli: Cli, report: RefreshReport) -> None:
    from core.catalog.refresh import describe

    cli.out.line(describe(report))
    for note in report.notes:
        cli.out.note(f"! {note}")


def estimate_text(estimate: RefreshEstimate) -> str:
    """Return the sentence that describes what a refresh costs."""
    if estimate.requests is None or estimate.cost is None:
        return "The number of keys is not known yet: one LIST request for each thousand keys is needed."
    return (
        f"{format_counted(estimate.requests, 'LIST request')}, "
        f"{format_estimated_cost(estimate.cost)} "
        f"({estimate.prices})."
    )


@app.command("status")
def status(context: typer.Context) -> None:
    """Show what the catalogue contains, how old it is, and its size on the disk."""
    from core.catalog.catalog import open_catalog

    cli: Cli = context.obj
    with cli.out.work("Reading") as work:
        state = open_catalog(cli.opener.workspace(work)).state
    cli.out.result(_plain(state), lambda: _show_state(cli, state))


def _plain(state: CatalogState | None) -> Any:
    return {"objects": 0, "listed": {}} if state is None else state


def _show_state(cli: Cli, state: CatalogState | None) -> None:
    if state is None:
        cli.out.line("There is no catalogue of this bucket yet. Run `strongroom catalog refresh`.")
        return
    rows = [
        (prefix or "(complete bucket)", format_age(listed.recent), format_age(listed.complete))
        for prefix, listed in sorted(state.listed.items())
    ]
    cli.out.table(("Prefix", "New keys listed", "All keys listed"), rows)
    cli.out.note(
        f"{format_counted(state.objects, 'key')} of {state.bucket} in {format_size(state.disk)}."
    )


@app.command("remove")
def remove(context: typer.Context) -> None:
    """Remove the catalogue from this computer; the bucket is not changed."""
    from core.catalog.catalog import open_catalog

    cli: Cli = context.obj
    with cli.out.work("Removing") as work:
        open_catalog(cli.opener.workspace(work)).remove(work)
    cli.out.result({"removed": True}, lambda: cli.out.line("The catalogue was removed."))

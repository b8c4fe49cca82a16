"""`backups --thaw ID`: state, cost and time of the retrieval of an archived backup, and its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.units import format_cost, format_counted, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.thaw import ThawReport

Thaw = Annotated[
    str,
    typer.Option(
        metavar="ID",
        help="Show state, cost and time of the retrieval of a backup in GLACIER or DEEP_ARCHIVE, and "
        "request it with --yes.",
    ),
]
Tier = Annotated[
    str,
    typer.Option(
        help="With --thaw: Standard (default), Bulk (the cheapest) or Expedited (the fastest, not "
        "for DEEP_ARCHIVE)."
    ),
]
Days = Annotated[
    int,
    typer.Option(help="With --thaw: the objects are readable for so many days (default: 7)."),
]
ThawYes = Annotated[bool, typer.Option("--yes", help="With --thaw: request the retrieval.")]


@dataclass(frozen=True, slots=True)
class ThawRequest:
    """The options of `--thaw`; an empty tier and 0 days mean the defaults."""

    backup_id: str
    tier: str
    days: int


def thaw_backup(cli: Cli, table: str, request: ThawRequest, *, yes: bool) -> int:
    """Show the state of an archived backup, and request its retrieval with `yes`."""
    from core.backup import thaw

    with cli.out.work("Requesting" if yes else "Inspecting") as work:
        run = thaw.thaw if yes else thaw.plan_thaw
        report = run(
            cli.opener.workspace(work), work,
            backup_id=request.backup_id, table=table,
            mode=request.tier or thaw.MODES[0], days=request.days or thaw.DAYS,
        )  # fmt: skip
    cli.out.result(report, lambda: _show(cli, report, requested=yes))
    return 0


def check_thaw_options(thaw: str, tier: str, days: int, *, yes: bool) -> None:
    """Refuse the options of `--thaw` without it.

    Raises:
        InvalidInput: One of them is given.
    """
    for name, given in (("--tier", tier), ("--days", days), ("--yes", yes)):
        if given and not thaw:
            raise usage_error(
                f"{name} can only be used with --thaw", remedy=f"Add --thaw, or omit {name}."
            )


def _show(cli: Cli, report: ThawReport, *, requested: bool) -> None:
    for text in described(report):
        cli.out.line(text)
    if report.archived:
        cli.out.note(f"Estimated with the {report.prices}; other regions and contracts differ.")
    if requested:
        cli.out.note("Run the command again without --yes to see when the backup is readable.")
    elif report.archived:
        cli.out.note("Nothing was requested. Add --yes to request the retrieval.")


def described(report: ThawReport) -> list[str]:
    """Return the state of a retrieval as sentences."""
    name = f"backup {report.backup_id} of {report.table}"
    if report.ready:
        if report.until is None:
            return [f"{name}: every object can be read; no retrieval is necessary."]
        return [f"{name}: every object can be read until {iso_utc(report.until)}."]
    lines = [f"{name}: {', '.join(report.classes)}"]
    if report.archived:
        count = format_counted(report.archived, "object")
        lines.append(
            f"archived: {count} with {format_size(report.size)}; retrieval {report.mode}: estimated "
            f"{format_cost(report.cost)}, {report.duration}, readable for "
            f"{format_counted(report.days, 'day')}"
        )
    if report.requested:
        count = format_counted(report.requested, "object")
        lines.append(f"requested, in progress: {count}")
    if report.readable:
        lines.append(f"readable: {format_counted(report.readable, 'object')}")
    return lines

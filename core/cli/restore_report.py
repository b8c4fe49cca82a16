"""What `restore` shows of a restore before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cli.backups import named_backup
from core.units import format_counted, format_duration

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.restore import RestorePreview, RestoreReport


def show_new_table(cli: Cli, found: RestorePreview, name: str) -> None:
    """Show what a restore under another name would create.

    The differences of the preview are those from the present table, which does not change.
    """
    rows = format_counted(found.rows, "row")
    cli.out.line(f"{named_backup(found.backup)}, as {name}: a new table with {rows}")
    for text in found.problems:
        cli.out.line(f"! {text}")


def show_preview(cli: Cli, found: RestorePreview) -> None:
    """Show what a restore of a table would change."""
    difference = found.difference
    target = f"over {found.table}" if found.exists else "as a new table"
    cli.out.line(f"{named_backup(found.backup)}, {target}")
    cli.out.line(f"+ {format_counted(difference.added, 'row')} to add")
    cli.out.line(f"~ {format_counted(difference.changed, 'row')} to change")
    cli.out.line(f"- {format_counted(difference.removed, 'row')} to remove")
    for text in (*found.drift, *found.problems):
        cli.out.line(f"! {text}")
    for reference in found.incoming:
        columns = ", ".join(reference.columns)
        cli.out.line(f"foreign key into {found.table}: {reference.table} ({columns})")
    for dependant in found.dependants:
        if dependant.problem:
            cli.out.line(f"! {dependant}")
        elif dependant.kind != "foreign key":
            cli.out.line(f"depends on {found.table}: {dependant}")
    for trigger in found.triggers:
        cli.out.line(f"! trigger {trigger.name} is only restored with --with-triggers")
    for other, count in found.orphans:
        cli.out.line(
            f"! {format_counted(count, 'row')} of {other} would refer to missing rows: --allow-orphans"
        )


def show_report(cli: Cli, report: RestoreReport) -> None:
    """Show what a restore of a table has done."""
    rows, took = format_counted(report.rows, "row"), format_duration(report.seconds)
    cli.out.line(f"{report.table}: {rows} restored in {took}, {report.verified}")
    cli.out.line(f"from {named_backup(report.backup)}")
    if report.kept:
        cli.out.line(f"the former table is retained as {report.kept}")
    for text in report.problems:
        cli.out.line(f"! {text}")

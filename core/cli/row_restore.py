"""The options `--rows` and `--rows-where` of `restore`: single rows instead of the complete table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.backups import named_backup
from core.units import format_counted, format_duration

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.backup import Backup
    from core.model.row_restore import RowCounts, RowsPreview, RowsReport

RowKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--rows",
        metavar="KEY",
        help="Restore only the row with this primary key; repeatable. A key of several columns "
        'is a JSON array: ["BTC", 5].',
    ),
]
RowsWhere = Annotated[
    str,
    typer.Option(
        "--rows-where",
        metavar="CONDITION",
        help="Restore only the rows of the backup that meet this SQL condition (DuckDB). Rows that "
        "are not in the backup do not change.",
    ),
]


def restore_rows(cli: Cli, arguments: dict[str, Any], *, yes: bool) -> None:
    """Show what a restore of single rows would change, or restore them with `yes`.

    Args:
        cli: The program.
        arguments: Those of `core.backup.row_restore.restore_rows`.
        yes: Whether to restore.
    """
    from core.backup import row_restore

    if not yes:
        with cli.out.work("Comparing") as work:
            found = row_restore.preview_rows(cli.opener.workspace(work), work, **arguments)
        cli.out.result(found, lambda: _show_preview(cli, found))
        return
    with cli.out.work("Restoring") as work:
        report = row_restore.restore_rows(cli.opener.workspace(work), work, **arguments)
    cli.out.result(report, lambda: _show_report(cli, report))


def _show_preview(cli: Cli, found: RowsPreview) -> None:
    cli.out.line(_from(found.backup))
    _show_counts(cli, found.counts)
    for row in found.rows:
        cli.out.line(f"  {row.action.value}: {row.key}")
    for problem in found.problems:
        cli.out.line(f"! {problem}")
    cli.out.note("Nothing was changed. Add --yes to restore these rows.")


def _show_report(cli: Cli, report: RowsReport) -> None:
    rows, took = format_counted(report.counts.changes, "row"), format_duration(report.seconds)
    cli.out.line(f"{report.table}: {rows} changed in {took}, {report.verified}")
    cli.out.line(_from(report.backup))
    counts = report.counts
    cli.out.line(
        f"{counts.inserted:,} inserted, {counts.updated:,} updated, {counts.deleted:,} deleted, "
        f"{counts.unchanged:,} already as in the backup"
    )
    if report.former:
        cli.out.line(f"the former values are retained in {report.former}")
    for problem in report.problems:
        cli.out.line(f"! {problem}")


def _show_counts(cli: Cli, counts: RowCounts) -> None:
    cli.out.line(f"+ {format_counted(counts.inserted, 'row')} to insert")
    cli.out.line(f"~ {format_counted(counts.updated, 'row')} to update")
    cli.out.line(f"- {format_counted(counts.deleted, 'row')} to delete")
    if counts.unchanged:
        cli.out.line(f"  {format_counted(counts.unchanged, 'row')} already as in the backup")


def _from(backup: Backup) -> str:
    return f"from {named_backup(backup)}"

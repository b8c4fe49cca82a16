"""The command `drill`, which proves that a backup can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.backups import BackupId, named_backup
from core.cli.databases import without_password
from core.errors import ErrorKind
from core.units import format_counted, format_duration

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.verification import DrillReport


def drill(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table of the backup.")],
    backup_id: BackupId = "",
    into: Annotated[
        str,
        typer.Option(
            "--into",
            callback=without_password,
            help="A database of the same engine for a temporary table, as a path, a URL or "
            "secret:NAME. Required for servers; a backup of SQLite is restored to a temporary file.",
        ),
    ] = "",
) -> int:
    """Restore a backup into a scratch table, compare rows and schema, and remove the table.

    Exit code 0 means that the restored table is the same; `backups` then shows when this was
    proven. Exit code 40 means that it differs, or that the backup is damaged. With any other code
    the drill could not run and does not count.
    """
    from core.backup.drill import drill as run_drill

    cli: Cli = context.obj
    with cli.out.work("Restoring into a scratch table") as work:
        workspace = cli.opener.workspace(work)
        report = run_drill(workspace, work, table=table, backup_id=backup_id or None, into=into)
    cli.out.result(report, lambda: _show(cli, report))
    return ErrorKind.CORRUPT.value if report.problems else 0


def _show(cli: Cli, report: DrillReport) -> None:
    backup, took = report.backup, format_duration(report.seconds)
    cli.out.line(named_backup(backup))
    cli.out.line(
        f"{format_counted(report.rows, 'row')} restored into {report.target} in {took}: "
        f"{report.verified}"
    )
    for text in report.problems:
        cli.out.line(f"! {text}")
    for text in report.notes:
        cli.out.note(text)
    if report.proven:
        cli.out.line(f"The backup is proven: the restored table is the same. {report.end}")
    elif not report.problems:
        text = "The old form has no hash, so this does not prove the values of the rows."
        cli.out.line(f"{text} {report.end}")
    else:
        cli.out.line(f"The backup is not proven. {report.end}")

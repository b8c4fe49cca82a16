"""Several tables, or all of a database, in the command `restore`."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from core.cli.restore_report import show_preview, show_report
from core.errors import ErrorKind, StorageError
from core.model.restore import RestoreReport
from core.model.table_restores import TablesPreview, TablesReport
from core.units import format_counted, format_duration

if TYPE_CHECKING:
    from core.cli.common import Cli


def restore_several(
    cli: Cli, database: str, wanted: dict[str, Any], how: dict[str, Any], *, yes: bool
) -> int:
    """Show what a restore of several tables would change, or restore them with `yes`.

    Args:
        cli: The program.
        database: The address of the database.
        wanted: The fields of `core.backup.together.TablesWanted`.
        how: The fields of `core.backup.restore.Choices`.
        yes: Whether to restore.

    Returns:
        The exit code: 0, 23 if rows refer to missing rows afterwards, or 40 if a table was skipped,
        because all of its backups are broken.

    Raises:
        StorageError: A table could not be restored; those before it are shown before.
    """
    from core.backup.restore import Choices
    from core.backup.restore_tables import preview_tables, restore_tables
    from core.backup.together import TablesWanted

    chosen = TablesWanted(**wanted)
    if not yes:
        with cli.out.work("Comparing") as work:
            found = preview_tables(
                cli.opener.workspace(work), work, database=database, wanted=chosen
            )
        cli.out.result(found, lambda: _show_preview(cli, found))
        return ErrorKind.CORRUPT.value if found.skipped else 0
    try:
        with cli.out.work("Restoring", lambda report: _write_line(cli, report)) as work:
            report = restore_tables(
                cli.opener.workspace(work), work, database=database, wanted=chosen,
                choices=Choices(**how),
            )  # fmt: skip
    except StorageError as error:
        if isinstance(error.partial, TablesReport) and error.partial.tables:
            _write_report(cli, database, error.partial)
        raise
    _write_report(cli, database, report)
    if report.problems:
        return ErrorKind.CONFLICT.value
    return ErrorKind.CORRUPT.value if report.skipped else 0


def _write_line(cli: Cli, report: RestoreReport) -> None:
    """Write the report of a table as soon as it is restored, with `--json-lines`."""
    if cli.out.json_lines:
        cli.out.json_line(report)


def _write_report(cli: Cli, database: str, report: TablesReport) -> None:
    if cli.out.json_lines:
        # The tables were written before.
        rest = [field.name for field in fields(report) if field.name != "tables"]
        cli.out.json_line({name: getattr(report, name) for name in rest})
        return
    cli.out.result(report, lambda: _show_report(cli, database, report))


def _show_preview(cli: Cli, found: TablesPreview) -> None:
    for number, table in enumerate(found.tables):
        if number:
            cli.out.line("")
        show_preview(cli, table)
    _show_choice(cli, found)
    tables = format_counted(len(found.tables), "table")
    cli.out.note(f"Nothing was changed. Add --yes to restore {tables} in this order.")


def _show_choice(cli: Cli, found: TablesPreview | TablesReport) -> None:
    for note in found.notes:
        cli.out.line(f"! {note}")
    for left in found.skipped:
        cli.out.line(f"! {left.table} is skipped: {left.problem}")


def _show_report(cli: Cli, database: str, report: TablesReport) -> None:
    for table in report.tables:
        show_report(cli, table)
    for key in report.attached:
        cli.out.line(f"foreign key created: {key}")
    for problem in report.problems:
        cli.out.line(f"! {problem}")
    _show_choice(cli, report)
    took = format_duration(report.seconds)
    cli.out.line(f"{format_counted(len(report.tables), 'table')} restored in {took}")
    if report.remaining:
        cli.out.line(f"! not restored: {', '.join(report.remaining)}")
    for table in reversed(report.tables):
        if table.kept:
            # Names of tables may contain spaces and characters that a shell would interpret.
            arguments = shlex.join((database, table.table))
            cli.out.note(f"To undo {table.table}: strongroom restore {arguments} --undo --yes")

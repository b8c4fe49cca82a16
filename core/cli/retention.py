"""The command `retention`, and the pins and notes of the command `backups`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.parameters import usage_error
from core.units import format_counted, format_size, iso_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.cli.common import Cli
    from core.model.backup import Backup
    from core.model.retention import RetentionDecision, RetentionReport

_HEADS = ("Action", "Taken", "Table", "Size", "Id", "Database", "Reason")


def retention(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    table: Annotated[
        str, typer.Argument(help="Only backups of this table; by default of all tables.")
    ] = "",
    daily: Annotated[int, typer.Option(help="Retain the newest backup of so many days (UTC).")] = 0,
    weekly: Annotated[int, typer.Option(help="Retain the newest of so many weeks.")] = 0,
    monthly: Annotated[int, typer.Option(help="Retain the newest of so many months.")] = 0,
    yearly: Annotated[int, typer.Option(help="Retain the newest of so many years.")] = 0,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove; without this option only the plan is shown.")
    ] = False,
) -> int:
    """Show which backups a rule would remove, and remove them with --yes.

    Only days, weeks, months and years that have backups count. The rule applies to each table of
    each database separately. The newest backup, the last one that a restore drill has proven,
    pinned ones, those of the old form and damaged ones are never removed. The exit code is that of
    the first backup that could not be removed.
    """
    from core.backup.retention import apply_retention, plan_retention
    from core.model.retention import RetentionReport

    cli: Cli = context.obj
    with cli.out.work("Removing old backups" if yes else "Listing backups") as work:
        workspace = cli.opener.workspace(work)
        rule: dict[str, Any] = {
            "daily": daily, "weekly": weekly, "monthly": monthly, "yearly": yearly,
        }  # fmt: skip
        if yes:
            report = apply_retention(workspace, work, table=table or None, **rule)
        else:
            plan = plan_retention(workspace, work, table=table or None, **rule)
            report = RetentionReport(plan, (), 0)
    cli.out.result(report, lambda: _show(cli, report, removing=yes))
    return report.failed[0].kind.value if report.failed else 0


def _show(cli: Cli, report: RetentionReport, *, removing: bool) -> None:
    from core.model.retention import note_same_server

    cli.out.table(_HEADS, _rows(report.decisions), numbers=(3,))
    for failure in report.failed:
        cli.out.line(f"! {failure.key} was not removed: {failure.reason}")
        if failure.incomplete:
            cli.out.note("Its manifest is removed; `strongroom sweep` lists the remaining parts.")
    if note := note_same_server(report.decisions):
        cli.out.note(f"! {note}")
    leaving = [each.backup for each in report.decisions if not each.retained]
    if removing:
        removed = format_counted(len(report.removed), "backup")
        cli.out.note(f"{removed} removed, {format_size(report.size)}.")
        if report.versioned and report.removed:
            cli.out.note(
                "The bucket has versioning: the removed objects remain as older versions until a "
                "lifecycle rule removes them."
            )
    elif leaving:
        size = format_size(sum(backup.size for backup in leaving))
        count = format_counted(len(leaving), "backup")
        cli.out.note(f"Nothing was removed. Add --yes to remove {count}, {size}.")
    else:
        cli.out.note("There is nothing to remove.")


def _rows(decisions: Sequence[RetentionDecision]) -> list[tuple[str, ...]]:
    return [
        (
            "retain" if each.retained else "remove",
            iso_utc(each.backup.taken),
            each.backup.table,
            format_size(each.backup.size),
            each.backup.id,
            each.backup.source or "not recorded",
            " ".join(each.reasons),
        )
        for each in decisions
    ]


def change_pin(cli: Cli, table: str, pin: str, unpin: str, note: str) -> int:
    """Pin or unpin a backup: `backups TABLE --pin ID` and `backups TABLE --unpin ID`.

    Raises:
        InvalidInput: No table is given.
    """
    from core.backup import pins

    if not table:
        raise usage_error(
            "--pin and --unpin require a table", remedy="Add the name of the table before them."
        )
    with cli.out.work("Pinning" if pin else "Unpinning") as work:
        workspace = cli.opener.workspace(work)
        if pin:
            changed = pins.pin(workspace, work, table=table, backup_id=pin, note=note)
        else:
            changed = pins.unpin(workspace, work, table=table, backup_id=unpin)
    cli.out.result(changed, lambda: _show_pin(cli, changed))
    return 0


def change_note(cli: Cli, table: str, backup_id: str, note: str) -> int:
    """Change the note of a backup: `backups TABLE --id ID --note TEXT`.

    Raises:
        InvalidInput: No table or no backup is given.
    """
    from core.backup.notes import annotate

    if not table or not backup_id:
        raise usage_error(
            "--note requires a table and a backup",
            remedy="Add the name of the table, and --id or --pin with the id of the backup.",
        )
    with cli.out.work("Changing the note") as work:
        changed = annotate(
            cli.opener.workspace(work), work, table=table, backup_id=backup_id, note=note
        )
    cli.out.result(changed, lambda: _show_note(cli, changed))
    return 0


def _show_note(cli: Cli, backup: Backup) -> None:
    named = f"backup {backup.id} of {backup.table}, taken {iso_utc(backup.taken)}"
    cli.out.line(f"{named}: {backup.note}" if backup.note else f"{named}, has no note.")


def _show_pin(cli: Cli, backup: Backup) -> None:
    named = f"backup {backup.id} of {backup.table}, taken {iso_utc(backup.taken)}"
    if backup.pinned:
        cli.out.line(f"{named}, is pinned: retention never removes it.")
    else:
        cli.out.line(f"{named}, is not pinned.")

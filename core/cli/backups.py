"""The commands `backups` and `restore`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.common import seconds_of
from core.cli.databases import Database
from core.cli.parameters import usage_error
from core.cli.retention import change_note, change_pin
from core.cli.row_restore import RowKeys, RowsWhere, restore_rows
from core.cli.thaw import (
    Days,
    Thaw,
    ThawRequest,
    ThawYes,
    Tier,
    check_thaw_options,
    thaw_backup,
)
from core.errors import Corrupt, ErrorKind, NotFound
from core.units import format_count, format_counted, format_duration, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.backup import Backup, RestorePreview, RestoreReport, VerifyReport
    from core.model.connection import Profile

BackupId = Annotated[str, typer.Option("--id", help="The id of the backup; see `backups`.")]
_HEADS = ("Taken", "Table", "Rows", "Size", "Checked", "Id", "Database", "Note")


def backups(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="Only backups of this table.")] = "",
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Read a backup of the table completely and compare every hash."
        ),
    ] = False,
    backup_id: BackupId = "",
    pin: Annotated[
        str, typer.Option(metavar="ID", help="Pin a backup, so that `retention` never removes it.")
    ] = "",
    unpin: Annotated[str, typer.Option(metavar="ID", help="Remove the pin of a backup.")] = "",
    note: Annotated[
        str | None,
        typer.Option(
            help="With --id: the new note of the backup; may be empty. With --pin: the reason."
        ),
    ] = None,
    overdue: Annotated[
        str,
        typer.Option(
            help="Exit code 20 if the newest backup of a table is older, for example 26h, or has "
            "an abnormal size, or if a scheduled backup failed or was missed."
        ),
    ] = "",
    thaw: Thaw = "",
    tier: Tier = "",
    days: Days = 0,
    yes: ThawYes = False,
) -> int:
    """List backups, newest first, or verify one completely with --verify.

    The exit code is 40 if one of the listed backups is damaged and cannot be restored.
    """
    from core.backup.listing import list_backups
    from core.model.backup import BackupState

    cli: Cli = context.obj
    check_thaw_options(thaw, tier, days, yes=yes)
    if thaw:
        return thaw_backup(cli, table, ThawRequest(thaw, tier, days), yes=yes)
    if verify:
        return _verify(cli, table, backup_id)
    if pin or unpin or note is not None:
        text = note or ""
        return (
            change_pin(cli, table, pin, unpin, text)
            if pin or unpin
            else change_note(cli, table, backup_id, text)
        )
    if backup_id:
        raise usage_error(
            "--id can only be used with --verify or --note",
            remedy="Add one of them, or omit --id.",
        )
    with cli.out.work("Listing backups") as work:
        workspace = cli.opener.workspace(work)
        found = list_backups(workspace, work, table=table or None)
    rows = [_row(one) for one in _grouped(found)]
    cli.out.result(found, lambda: cli.out.table(_HEADS, rows, numbers=(2, 3)))
    problems = _overdue(cli, workspace.profile, table, found, overdue) if overdue else False
    broken = [one for one in found if one.state is BackupState.BROKEN]
    if not broken:
        return ErrorKind.NOT_FOUND.value if problems else 0
    cli.out.error(
        Corrupt(
            f"Damaged backups: {len(broken)} of {len(found)}",
            cause=f"{broken[0].id} of {broken[0].table}: {broken[0].problem}",
            remedy="Choose another backup to restore; a damaged one cannot be used.",
        )
    )
    return ErrorKind.CORRUPT.value


def _overdue(cli: Cli, profile: Profile, table: str, found: Sequence[Backup], limit: str) -> bool:
    """Report what is wrong with the newest backups, and return whether anything is."""
    from core.backup.health import findings
    from core.backup.runs import last_runs
    from core.backup.schedules import applies_to, schedules

    age = timedelta(seconds=seconds_of(limit))
    installed = [
        # What a schedule with conditions or patterns has done is known for all of its tables only.
        each
        if not table or each.where or each.include or each.exclude
        else replace(each, tables=(table,))
        for each in schedules().values()
        if applies_to(each, profile) and (not (table and each.tables) or table in each.tables)
    ]
    runs = [
        each for each in last_runs().values() if not (table and each.tables) or table in each.tables
    ]
    texts = [each.text for each in findings(found, installed, runs, overdue=age)]
    if not found:
        texts = texts or [f"There is no backup of {table}." if table else "There are no backups."]
    if not texts:
        return False
    cli.out.error(
        NotFound(
            f"Findings about backups: {len(texts)}",
            cause=" ".join(texts),
            remedy="Run `strongroom backup` again, and check what starts it.",
        )
    )
    return True


def _grouped(found: Sequence[Backup]) -> Iterator[Backup]:
    """Yield the backups grouped by database, newest first."""
    for source in dict.fromkeys(one.source for one in found):
        yield from (one for one in found if one.source == source)


def _row(one: Backup) -> tuple[str, ...]:
    rows = "" if one.rows is None else format_count(one.rows)
    checked = f"{one.checked}: {one.problem}" if one.problem else one.checked
    source = one.source or "not recorded"
    pinned = f"pinned: {one.pin_note}".rstrip(": ") if one.pinned else ""
    encrypted = f"encrypted with {one.encrypted_with}" if one.encrypted_with else ""
    archived = f"in {one.storage_class}" if one.storage_class else ""
    some = f"only rows where {one.filter}" if one.filter else ""
    note = "; ".join(text for text in (some, pinned, archived, encrypted, one.note) if text)
    return (
        iso_utc(one.taken), one.table, rows, format_size(one.size), checked, one.id, source, note
    )  # fmt: skip


def _verify(cli: Cli, table: str, backup_id: str) -> int:
    from core.backup.verify import verify

    if not table:
        raise usage_error(
            "--verify requires a table", remedy="Add the name of the table before --verify."
        )
    with cli.out.work("Verifying") as work:
        report = verify(cli.opener.workspace(work), work, table=table, backup_id=backup_id or None)
    cli.out.result(report, lambda: _show_verified(cli, report))
    return 0 if report.good else ErrorKind.CORRUPT.value


def _show_verified(cli: Cli, report: VerifyReport) -> None:
    cli.out.line(f"{_named(report.backup)}: {report.outcome}")
    for problem in report.problems:
        cli.out.line(f"! {problem}")


def _named(one: Backup) -> str:
    return f"backup {one.id} of {one.table}, taken {iso_utc(one.taken)}"


@dataclass(frozen=True, slots=True)
class _Request:
    """Arguments of `restore`; an empty text means that the argument was omitted."""

    database: str
    table: str
    backup_id: str
    at: str
    from_other_source: bool

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that the preview and the restore have in common."""
        return {
            "database": self.database,
            "table": self.table,
            "backup_id": self.backup_id or None,
            "at": self.at or None,
            "from_other_source": self.from_other_source,
        }


def restore(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    database_url: Database,
    table: Annotated[str, typer.Argument(help="The table to restore.")],
    backup_id: BackupId = "",
    at: Annotated[
        str, typer.Option(help="Use the newest backup up to this time (ISO 8601, UTC).")
    ] = "",
    name: Annotated[str, typer.Option("--as", help="Restore to a table with this name.")] = "",
    from_other_source: Annotated[
        bool,
        typer.Option(
            "--from-other-source", help="Use the newest backup, even if it is of another database."
        ),
    ] = False,
    allow_orphans: Annotated[
        bool,
        typer.Option(
            "--allow-orphans",
            help="Restore even if foreign keys of other tables would refer to missing rows.",
        ),
    ] = False,
    with_triggers: Annotated[
        bool,
        typer.Option(
            "--with-triggers", help="Also create the triggers of the backup, which are code."
        ),
    ] = False,
    with_grants: Annotated[
        bool,
        typer.Option(
            "--with-grants",
            help="Restore the owner (PostgreSQL) and the grants (also MariaDB) of the backup.",
        ),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the last restore: bring back the former table.")
    ] = False,
    drop_former: Annotated[
        bool,
        typer.Option("--drop-kept", help="Remove the former table that the last restore retained."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Restore; without this option only the preview is shown.")
    ] = False,
    rows: RowKeys = None,
    rows_where: RowsWhere = "",
) -> None:
    """Show what a restore would change, and restore with --yes; the former table is retained.

    With --rows only these rows change: a missing one is inserted, a different one is updated, and
    one that is not in the backup is deleted. --rows-where selects rows of the backup by an SQL
    condition. Their former values are retained for --undo.
    """
    cli: Cli = context.obj
    if undo or drop_former:
        _after(cli, database_url, table, put_back=undo, yes=yes)
        return
    request = _Request(database_url, table, backup_id, at, from_other_source)
    if rows or rows_where:
        chosen = {"keys": rows or (), "where": rows_where}
        restore_rows(cli, {**request.arguments(), **chosen}, yes=yes)
        return
    if not yes:
        _preview(cli, request, name)
        return
    how = {
        "allow_orphans": allow_orphans, "with_triggers": with_triggers, "with_grants": with_grants
    }  # fmt: skip
    _restore(cli, {**request.arguments(), **how, "target": name or None})


def _after(cli: Cli, database: str, table: str, *, put_back: bool, yes: bool) -> None:
    from core.backup import undo
    from core.backup.databases.address import resolve_address
    from core.workspace import Workspace

    with cli.out.work("Opening") as work:
        # Nothing is sent, except for the secret that an address names: only the lock of the
        # profile counts.
        workspace = Workspace.open(cli.opener.connection(work))
        address = resolve_address(database, workspace.secrets, work)
        name = undo.newest_former_table(address, table)
    verb = "put back" if put_back else "dropped"
    if yes:
        with cli.out.work("Changing") as work:
            change = undo.undo if put_back else undo.drop_former_table
            change(workspace, work, database=database, former=name)
        cli.out.result({"table": table, "kept": name}, lambda: cli.out.line(f"{name} is {verb}"))
        return
    cli.out.line(f"{name} would be {verb}")
    cli.out.note("Nothing was changed. Add --yes to do it.")


def _restore(cli: Cli, arguments: dict[str, Any]) -> None:
    from core.backup.restore import restore as run_restore

    with cli.out.work("Restoring") as work:
        report = run_restore(cli.opener.workspace(work), work, **arguments)
    cli.out.result(report, lambda: _show_report(cli, report))


def _preview(cli: Cli, request: _Request, name: str) -> None:
    from core.backup.preview import preview

    with cli.out.work("Comparing") as work:
        found = preview(cli.opener.workspace(work), work, **request.arguments())
    cli.out.result(found, lambda: _show_preview(cli, found, name))


def _show_preview(cli: Cli, found: RestorePreview, name: str) -> None:
    difference = found.difference
    target = f"as {name}" if name else f"over {found.table}" if found.exists else "as a new table"
    source = f" from {found.backup.source}" if found.backup.source else ""
    cli.out.line(f"{_named(found.backup)}{source}, {target}")
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
    cli.out.note("Nothing was changed. Add --yes to restore.")


def _show_report(cli: Cli, report: RestoreReport) -> None:
    rows, took = format_counted(report.rows, "row"), format_duration(report.seconds)
    cli.out.line(f"{report.table}: {rows} restored in {took}, {report.verified}")
    cli.out.line(f"from {_named(report.backup)}")
    if report.kept:
        cli.out.line(f"the former table is retained as {report.kept}")
    for text in report.problems:
        cli.out.line(f"! {text}")

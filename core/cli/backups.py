"""The command `backups`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.common import seconds_of
from core.cli.parameters import usage_error
from core.cli.retention import change_note, change_pin
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
from core.units import format_count, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.backup import Backup
    from core.model.connection import Profile
    from core.model.verification import VerifyReport

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
    if verify and not table:
        raise usage_error(
            "--verify requires a table", remedy="Add the name of the table before --verify."
        )
    if verify:
        return verify_backup(cli, table, backup_id)
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
    age = _age_of(overdue) if overdue else None  # an invalid one, before the backups are listed
    with cli.out.work("Listing backups") as work:
        workspace = cli.opener.workspace(work)
        found = list_backups(workspace, work, table=table or None)
    rows = [_row(one) for one in _grouped(found)]
    cli.out.result(found, lambda: _show(cli, table, rows))
    texts = [] if age is None else _problems(workspace.profile, table, found, age)
    broken = [one for one in found if one.state is BackupState.BROKEN]
    return _report_problems(cli, texts, broken, len(found))


def _show(cli: Cli, table: str, rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        cli.out.note(f"There is no backup of {table}." if table else "There are no backups.")
    cli.out.table(_HEADS, rows, numbers=(2, 3))


def _age_of(text: str) -> int:
    """Return the seconds after which a backup is overdue."""
    seconds = seconds_of(text)
    if not seconds:
        raise usage_error(
            f"--overdue {text} would report every backup",
            "Each backup is older than 0 seconds.",
            "Use the interval of the backups and some hours, for example 26h.",
        )
    return seconds


def _report_problems(cli: Cli, texts: Sequence[str], broken: Sequence[Backup], number: int) -> int:
    """Report findings and damaged backups in one error, and return the exit code.

    With `--json` standard error is one document, so there is only one error.
    """
    if not (texts or broken):
        return 0
    causes, remedies, summaries = list(texts), [], []
    if texts:
        summaries.append(f"Findings about backups: {len(texts)}")
        remedies.append("Run `strongroom backup` again, and check what starts it.")
    if broken:
        summaries.append(f"Damaged backups: {len(broken)} of {number}")
        causes.append(f"{broken[0].id} of {broken[0].table}: {broken[0].problem}")
        remedies.append("Choose another backup to restore; a damaged one cannot be used.")
    if not cli.out.as_json:  # a line each: a schedule may have many tables
        for text in causes:
            cli.out.note(f"! {text}")
        causes = []
    kind = Corrupt if broken else NotFound
    error = kind("; ".join(summaries), cause=" ".join(causes), remedy=" ".join(remedies))
    cli.out.error(error)
    return error.kind.value


def _problems(profile: Profile, table: str, found: Sequence[Backup], age: int) -> list[str]:
    """Return what is wrong with the newest backups, as sentences."""
    from core.backup.health import findings
    from core.backup.runs import last_runs
    from core.backup.schedules import applies_to, schedules
    from core.backup.store import place_of

    installed = [
        # What a schedule with conditions or patterns has done is known for all of its tables only.
        each
        if not table or each.where or each.include or each.exclude
        else replace(each, tables=(table,))
        for each in schedules().values()
        if applies_to(each, profile) and (not (table and each.tables) or table in each.tables)
    ]
    runs = [
        each
        for each in last_runs(place_of(profile)).values()
        if not (table and each.tables) or table in each.tables
    ]
    texts = [each.text for each in findings(found, installed, runs, overdue=timedelta(seconds=age))]
    if not found:
        texts = texts or [f"There is no backup of {table}." if table else "There are no backups."]
    return texts


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


def verify_backup(cli: Cli, table: str, backup_id: str) -> int:
    """Verify a backup, the newest one without an id; show the result and return the exit code."""
    from core.backup.verify import verify

    with cli.out.work("Verifying") as work:
        report = verify(cli.opener.workspace(work), work, table=table, backup_id=backup_id or None)
    cli.out.result(report, lambda: _show_verified(cli, report))
    return 0 if report.good else ErrorKind.CORRUPT.value


def _show_verified(cli: Cli, report: VerifyReport) -> None:
    cli.out.line(f"{named_backup(report.backup)}: {report.outcome}")
    for problem in report.problems:
        cli.out.line(f"! {problem}")
    for note in report.notes:
        cli.out.note(f"! {note}")


def named_backup(one: Backup) -> str:
    """Return id, table, time and database of a backup: tables of several may have the same name."""
    source = f" from {one.source}" if one.source else ""
    return f"backup {one.id} of {one.table}, taken {iso_utc(one.taken)}{source}"

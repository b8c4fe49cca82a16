"""`backup --resume`: completion of backups whose rows were read before the storage failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.units import format_count, format_counted, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.backup import BackupReport
    from core.model.backup_listing import UnsentBackup

Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Send what is missing of interrupted backups whose rows were all read; the arguments "
        "are their ids, by default all. With --dry-run they are only listed.",
    ),
]
Discard = Annotated[
    bool,
    typer.Option(
        "--discard",
        help="With --resume: remove these backups instead; shown first without --yes.",
    ),
]
ResumeYes = Annotated[bool, typer.Option("--yes", help="With --discard: remove them.")]


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """The options of `--resume`; no ids mean all backups that can be resumed."""

    ids: tuple[str, ...]
    discard: bool
    dry_run: bool
    yes: bool


def check_resume_options(*, resume: bool, discard: bool, yes: bool, others: bool) -> None:
    """Refuse options that contradict `--resume`, or need it.

    Raises:
        InvalidInput: Some do; the error names them.
    """
    if discard and not resume:
        raise usage_error(
            "--discard can only be used with --resume", remedy="Add --resume, or omit --discard."
        )
    if yes and not discard:
        raise usage_error(
            "--yes can only be used with --discard", remedy="Add --discard, or omit --yes."
        )
    if resume and others:
        raise usage_error(
            "--resume cannot be combined with the choice of tables and rows",
            cause="It only sends what was already read.",
            remedy="Give the ids of backups, or no arguments.",
        )


def resume_backups(cli: Cli, request: ResumeRequest) -> int:
    """Complete, list or remove interrupted backups."""
    if request.dry_run or (request.discard and not request.yes):
        _list(cli, request)
    elif request.discard:
        _discard(cli, request.ids)
    else:
        _resume(cli, request.ids)
    return 0


def _list(cli: Cli, request: ResumeRequest) -> None:
    from core.backup.resume import choose_unsent, resumable

    with cli.out.work("Listing interrupted backups") as work:
        found = choose_unsent(resumable(cli.opener.workspace(work), work), request.ids)
    cli.out.result(found, lambda: _show_list(cli, found, discard=request.discard))


def _show_list(cli: Cli, found: Sequence[UnsentBackup], *, discard: bool) -> None:
    heads = ("Taken", "Table", "Rows", "To send", "Id", "Database")
    rows = [
        (iso_utc(o.taken), o.table, format_count(o.rows), format_size(o.size), o.id, o.source)
        for o in found
    ]
    cli.out.table(heads, rows, numbers=(2, 3))
    if not found:
        cli.out.note("There is no interrupted backup that can be resumed.")
    elif discard:
        cli.out.note("Nothing was removed. Add --yes to remove these backups.")
    else:
        cli.out.note("Nothing was sent. Omit --dry-run to complete these backups.")


def _discard(cli: Cli, ids: Sequence[str]) -> None:
    from core.backup.resume import discard

    with cli.out.work("Removing") as work:
        found = discard(cli.opener.workspace(work), work, ids=ids)
    lines = [f"Removed: backup {each.id} of {each.table}" for each in found]
    cli.out.result(found, lambda: cli.out.lines("\n".join(lines) or "There was none."))


def _resume(cli: Cli, ids: Sequence[str]) -> None:
    from core.backup.resume import resume

    with cli.out.work("Resuming") as work:
        report = resume(cli.opener.workspace(work), work, ids=ids)
    cli.out.result(report, lambda: _show(cli, report))


def _show(cli: Cli, report: BackupReport) -> None:
    if not report.backups:
        cli.out.note("There is no interrupted backup that can be resumed.")
    for each in report.backups:
        cli.out.line(
            f"{each.table}: completed with {format_counted(each.rows or 0, 'row')}, "
            f"{format_size(each.size)}, {each.checked}"
        )
        cli.out.line(f"backup {each.id}, taken {iso_utc(each.taken)}")

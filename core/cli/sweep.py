"""The command `sweep`, which removes leftovers of interrupted transfers and backups."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.common import seconds_of
from core.cli.selection import ANOTHER_BUCKET, prefix_of
from core.units import format_age, format_count, format_size, utc_now

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.engine.leftovers import Leftovers
    from core.transfer.sweep import SweepReport


def sweep(
    context: typer.Context,
    prefix: Annotated[
        str, typer.Argument(help=f"Only leftovers below this prefix. {ANOTHER_BUCKET}")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the listed leftovers.")] = False,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than",
            help="With --remove: only leftovers that are older, for example 12h or 7d. Leftovers "
            "of a killed process of this machine are removed at any age.",
        ),
    ] = "7d",
) -> int:
    """List unfinished uploads and parts of unfinished backups, and remove them with --remove.

    S3 stores, and charges for, the parts of an upload that was neither completed nor aborted.
    Leftovers of a killed process of this machine are removed automatically when the next transfer
    or backup starts. Others may belong to a program that is still running elsewhere, and are only
    removed with --remove. Exit code 0 means that all of them were removed.
    """
    from core.engine.leftovers import find
    from core.engine.leftovers import remove as remove_leftovers
    from core.health.check_secrets import remove_left_check_secrets
    from core.transfer.sweep import SweepReport, sweep_at_start

    cli: Cli = context.obj
    prefix = prefix_of(cli, prefix)
    before = utc_now() - timedelta(seconds=seconds_of(older_than))
    report = SweepReport()
    with cli.out.work("Finding unfinished uploads") as work:
        workspace = cli.opener.workspace(work)
        found: Leftovers = find(workspace, work, prefix=prefix)
        chosen = _older(found, before)
        if remove:
            uploads = [(each.key, each.upload_id) for each in chosen.uploads]
            folders = [each.folder for each in chosen.parts]
            report = remove_leftovers(workspace, work, uploads=uploads, folders=folders)
            local = sweep_at_start(workspace.bucket, work)
            remove_left_check_secrets(workspace.clients, work)
            report = SweepReport(report.uploads, local.files, report.failed)
    cli.out.result(
        _as_json(found, chosen, report), lambda: _show(cli, found, report, remove=remove)
    )
    return report.failed[0].kind.value if report.failed else 0


def _older(found: Leftovers, before: datetime) -> Leftovers:
    """Return the leftovers to remove: old ones, and those of killed processes of this machine."""
    from core.engine.leftovers import Leftovers
    from core.transfer.sweep import Owner

    uploads = [u for u in found.removable if u.owner is Owner.OURS or u.began < before]
    parts = [p for p in found.parts if p.mine or (p.modified is not None and p.modified < before)]
    return Leftovers(tuple(uploads), tuple(parts))


def _as_json(found: Leftovers, chosen: Leftovers, report: SweepReport) -> dict[str, Any]:
    failed = {each.key for each in report.failed}
    # The report names keys only, and several uploads may have the same key: one failure leaves all
    # of them marked as not removed.
    ids = {each.upload_id for each in chosen.uploads if each.key in {*report.uploads} - failed}
    uploads = [
        {
            "key": each.key,
            "upload_id": each.upload_id,
            "began": each.began,
            "size": each.size,
            "owner": each.owner.value,
            "initiator": each.initiator,
            "removed": each.upload_id in ids,
        }
        for each in found.uploads
    ]
    parts = [
        {
            "folder": each.folder,
            "table": each.table,
            "objects": each.objects,
            "size": each.size,
            "modified": each.modified,
            "owner": "ours" if each.mine else "others",
            "removed": each.folder in report.uploads,
        }
        for each in found.parts
    ]
    return {
        "uploads": uploads,
        "backup_parts": parts,
        "files_removed": list(report.files),
        "failed": [{"key": each.key, "reason": each.reason} for each in report.failed],
        "problem": found.problem,
    }


def _show(cli: Cli, found: Leftovers, report: SweepReport, *, remove: bool) -> None:
    rows = [
        (
            "upload",
            format_age(each.began),
            "unknown" if each.size is None else format_size(each.size),
            each.owner.value,
            each.key,
        )
        for each in found.uploads
    ]
    rows += [
        (
            "backup parts",
            format_age(each.modified) if each.modified else "",
            format_size(each.size),
            "ours" if each.mine else "others",
            each.folder,
        )
        for each in found.parts
    ]
    cli.out.table(("What", "Begun", "Size", "Whose", "Key"), rows, numbers=(2,))
    for text in _notes(found, report, remove=remove):
        cli.out.note(text)


def _notes(found: Leftovers, report: SweepReport, *, remove: bool) -> list[str]:
    notes = [found.problem] if found.problem else []
    notes += [f"not removed: {each.key}: {each.reason}" for each in report.failed]
    left = len(found.uploads) + len(found.parts)
    if remove:
        gone = len(report.uploads)
        notes.append(f"{format_count(gone)} removed, {format_count(left - gone)} not removed")
    elif left:
        notes.append("Nothing was removed. --remove removes leftovers that are older than 7 days.")
    else:
        notes.append("There are no unfinished uploads and no parts of unfinished backups.")
    return notes

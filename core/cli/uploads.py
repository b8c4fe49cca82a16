"""The command `uploads`, which lists and aborts unfinished multipart uploads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.common import seconds_of
from core.cli.parameters import usage_error
from core.cli.selection import ANOTHER_BUCKET, prefix_of
from core.units import format_age, format_count, format_counted, format_size, utc_now

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.transfer.sweep import SweepReport, UnfinishedUpload
    from core.work import Work

_HEADS = ("Begun", "Size", "Whose", "Initiator", "Key", "Upload id")
_DEFAULT_AGE = "7d"


def uploads(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    prefix: Annotated[
        str, typer.Argument(help=f"Only uploads below this prefix. {ANOTHER_BUCKET}")
    ] = "",
    mine: Annotated[
        bool,
        typer.Option(
            "--mine",
            help="Only uploads that this computer, or the user of the profile, has begun.",
        ),
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Show which uploads would be aborted, or abort them.")
    ] = False,
    upload_id: Annotated[
        list[str] | None,
        typer.Option("--upload-id", help="With --abort: only this upload; repeatable."),
    ] = None,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than",
            help="With --abort: only uploads that are older, for example 12h or 7d. Those of a "
            "killed process of this computer are aborted at any age.",
        ),
    ] = _DEFAULT_AGE,
    expire_after: Annotated[
        int | None,
        typer.Option(
            "--expire-after",
            min=1,
            metavar="DAYS",
            help="Add a lifecycle rule: the server itself aborts unfinished uploads after so many "
            "days.",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="With --abort and --expire-after: do it."),
    ] = False,
) -> int:
    """List unfinished multipart uploads, whose parts are stored and billed but not listed.

    Uploads of a running process of this computer are never aborted. Those of killed processes of
    this computer ("ours") are aborted automatically when the next transfer starts. Others may still
    be running elsewhere. Exit code 0 means that all chosen uploads were aborted.
    """
    cli: Cli = context.obj
    prefix = prefix_of(cli, prefix)
    if expire_after is not None:
        if abort:
            raise usage_error("--abort and --expire-after cannot be combined")
        return _expire(cli, expire_after, yes=yes)
    before = utc_now() - timedelta(seconds=seconds_of(older_than))
    from core.transfer.sweep import Owner, SweepReport, list_unfinished, remove_unfinished

    with cli.out.work("Finding unfinished uploads") as work:
        workspace = cli.opener.workspace(work)
        found = list_unfinished(workspace, work, prefix=prefix)
        foreign = any(each.initiator and each.owner is Owner.OTHERS for each in found)
        # Without an initiator to compare with, the request would be in vain.
        own = _own_names(cli, work) if foreign else frozenset()
        found = tuple(each for each in found if not mine or _is_mine(each, own))
    chosen = _chosen(found, upload_id, before) if abort else []
    report = SweepReport()
    if chosen and yes:
        with cli.out.work("Aborting uploads") as work:
            pairs = [(each.key, each.upload_id) for each in chosen]
            report = remove_unfinished(workspace, work, uploads=pairs)
    rows = _rows(found, chosen, own, report, done=yes)
    cli.out.result(rows, lambda: _show(cli, rows, report, abort=abort, yes=yes))
    return report.failed[0].kind.value if report.failed else 0


def _own_names(cli: Cli, work: Work) -> frozenset[str]:
    """Return the names by which the server may report the user as the initiator of an upload."""
    from core.errors import StorageError

    try:
        who = cli.opener.workspace(work).identity(work=work)
    except StorageError:  # a server without STS
        work.check()
        return frozenset()
    return frozenset({who.arn, who.user})


def _is_mine(upload: UnfinishedUpload, own: frozenset[str]) -> bool:
    from core.transfer.sweep import Owner

    return upload.owner is not Owner.OTHERS or upload.initiator in own


def _chosen(
    found: Sequence[UnfinishedUpload], ids: list[str] | None, before: datetime
) -> list[UnfinishedUpload]:
    """Return the uploads to abort.

    Raises:
        InvalidInput: a requested upload does not exist, or is sent by this computer at the moment.
    """
    from core.transfer.sweep import Owner

    free = [each for each in found if each.owner is not Owner.RUNNING]
    if not ids:
        return [each for each in free if each.owner is Owner.OURS or each.began < before]
    known = {each.upload_id: each for each in free}
    for each in ids:
        if each not in known:
            raise usage_error(
                f"There is no unfinished upload {each} that can be aborted",
                "It does not exist, or a process of this computer is sending it.",
                "List the unfinished uploads with `strongroom uploads`.",
            )
    return [known[each] for each in dict.fromkeys(ids)]


def _rows(
    found: Sequence[UnfinishedUpload],
    chosen: Sequence[UnfinishedUpload],
    own: frozenset[str],
    report: SweepReport,
    *,
    done: bool,
) -> list[dict[str, Any]]:
    failed = {failure.number: failure.reason for failure in report.failed}
    ends = {each.upload_id: failed.get(number, "") for number, each in enumerate(chosen)}
    return [
        {
            "key": each.key,
            "upload_id": each.upload_id,
            "began": each.began,
            "size": each.size,
            "owner": each.owner.value,
            "initiator": each.initiator,
            "same_user": each.initiator in own,
            "chosen": each.upload_id in ends,
            "aborted": done and each.upload_id in ends and not ends[each.upload_id],
            "problem": ends.get(each.upload_id, ""),
        }
        for each in found
    ]


def _whose(row: dict[str, Any]) -> str:
    return "same user" if row["same_user"] and row["owner"] == "others" else str(row["owner"])


def _show(
    cli: Cli, rows: Sequence[dict[str, Any]], report: SweepReport, *, abort: bool, yes: bool
) -> None:
    shown = [row for row in rows if row["chosen"]] if abort else rows
    table = [
        (
            format_age(row["began"]),
            "unknown" if row["size"] is None else format_size(row["size"]),
            _whose(row),
            row["initiator"],
            row["key"],
            row["upload_id"],
        )
        for row in shown
    ]
    cli.out.table(_HEADS, table, numbers=(1,))
    for row in rows:
        if row["problem"]:
            cli.out.note(f"not aborted: {row['key']}: {row['problem']}")
    cli.out.note(_summary(rows, report, abort=abort, yes=yes))


def _summary(rows: Sequence[dict[str, Any]], report: SweepReport, *, abort: bool, yes: bool) -> str:
    size = format_size(sum(row["size"] or 0 for row in rows if row["chosen"] or not abort))
    if not rows:
        return "There are no unfinished uploads."
    if not abort:
        count = format_counted(len(rows), "unfinished upload")
        return f"{count}, {size}. --abort removes them; --expire-after 7 lets the server do it."
    chosen = sum(row["chosen"] for row in rows)
    if not chosen:
        return f"None of {format_counted(len(rows), 'unfinished upload')} is old enough."
    if not yes:
        count = format_counted(chosen, "upload")
        return f"Nothing was aborted. Add --yes to abort {count}, {size}."
    done = format_count(len(report.uploads))
    return f"{done} of {format_counted(chosen, 'upload')} aborted"


def _expire(cli: Cli, days: int, *, yes: bool) -> int:
    """Add or replace the lifecycle rule that aborts unfinished uploads."""
    from core.lifecycle.store import read, save
    from core.lifecycle.templates import abort_unfinished

    rule = abort_unfinished(days=days)
    with cli.out.work("Reading lifecycle rules") as work:
        bucket = cli.opener.workspace(work).bucket
        before = read(bucket, work=work)
        after = before.merged(rule)
        if yes and not after.same_as(before):
            save(bucket, before, after, work=work)
    age = format_counted(days, "day")
    value = {"rule": rule.raw(), "saved": yes, "rules": len(after.rules)}

    def show() -> None:
        if not yes:
            cli.out.note(f"The rule {rule.rule_id} would abort unfinished uploads after {age}. "
                         "Add --yes to save it; other rules stay unchanged.")  # fmt: skip
        else:
            cli.out.line(f"The server aborts unfinished uploads after {age}.")

    cli.out.result(value, show)
    return 0

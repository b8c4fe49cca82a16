"""The command `sync`, which makes a prefix equal to a local folder or a folder equal to a prefix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.parameters import usage_error
from core.cli.selection import Address, DryRun, Exclude, Include, bucket_of
from core.cli.transfers import SECONDS, LimitRate, Pace, Parallel, RetrySeconds, transfer_work
from core.cli.upload_options import StorageClass
from core.errors import ErrorKind, InvalidInput
from core.units import format_count, format_counted, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.cli.transfer_report import Files
    from core.objects.bucket import Bucket
    from core.transfer.sync_values import SyncPlan, SyncReport

_SCHEME = "s3://"
_HEADS = ("Action", "Size", "Name", "Reason")


class Compare(StrEnum):
    """How files of equal size are compared."""

    HASH = "hash"
    TIME = "time"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class _Place:
    """The bucket of an address, as operations need it."""

    bucket: Bucket


@dataclass(frozen=True, slots=True)
class _Sides:
    """The arguments of a command: which side is the source, and both addresses."""

    direction: str
    folder: Path
    address: Address


def sync(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A folder, or s3://BUCKET/PREFIX.")],
    target: Annotated[
        str,
        typer.Argument(
            help="s3://BUCKET/PREFIX, or a folder. Without BUCKET (s3:///PREFIX) the bucket of the "
            "profile is used."
        ),
    ],
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete files of the target that the source lacks.")
    ] = False,
    dry_run: DryRun = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete without a plan that is shown first.")
    ] = False,
    max_delete: Annotated[
        int | None,
        typer.Option(
            "--max-delete",
            min=0,
            help="The maximum number of deletions. Without this option, an empty source deletes "
            "nothing, and more than 10 deletions are refused if they exceed half of the target.",
        ),
    ] = None,
    compare: Annotated[
        Compare,
        typer.Option(
            help="How files of equal size are compared: by the hash that is stored with the "
            "object, by the modification time (faster), or not at all."
        ),
    ] = Compare.HASH,
    include: Include = None,
    exclude: Exclude = None,
    storage_class: StorageClass = "",
    limit_rate: LimitRate = "",
    parallel: Parallel = 0,
    retry_seconds: RetrySeconds = SECONDS,
) -> int:
    """Make a target equal to a source: one is a local folder, the other a prefix of the bucket.

    New files are added and different ones replaced; with --delete, files that the source does not
    have are deleted. Deletions require --yes, are done last, and only if every file was
    transferred. In a bucket with versioning, deleted objects can be restored from the trash. Local
    files, and objects of other buckets, are deleted permanently. Names that the patterns leave out
    are neither transferred nor deleted. After an interruption, run the command again.

    Exit code 0 means that the target equals the source. Otherwise the exit code is that of the
    cause, as for put and get; 24 if too many files would be deleted.
    """
    cli: Cli = context.obj
    sides = _sides(source, target)
    if storage_class and sides.direction == "download":
        raise usage_error(
            "--storage-class has no effect on a download",
            remedy="Omit it, or use a bucket as the target.",
        )
    pace = Pace(retry_seconds, limit_rate, parallel)
    from core.cli.transfer_report import FileLines
    from core.transfer.sync import check_deletions
    from core.transfer.sync import sync as run_sync
    from core.transfer.sync_plan import plan_sync
    from core.transfer.sync_values import SyncAction, SyncCancelled

    with transfer_work(cli, "Comparing", pace) as work:
        place = _Place(bucket_of(cli, sides.address, work))
        plan = plan_sync(
            place, work, folder=str(sides.folder), prefix=sides.address.key,
            direction=sides.direction, compare=compare.value, delete=delete,
            include=include or (), exclude=exclude or (),
        )  # fmt: skip
    deletions = plan.count(SyncAction.DELETE)
    if dry_run or (deletions and not yes):
        _show_plan(cli, plan, dry_run=dry_run)
        return 0
    check_deletions(deletions, plan.source_files, plan.target_files, max_delete)
    lines = FileLines(cli.out, _files(plan))
    with transfer_work(cli, "Synchronizing", pace, lines.take) as work:
        try:
            report = run_sync(
                place, work, **plan.arguments(), max_delete=max_delete,
                options={"storage_class": storage_class} if storage_class else None,
            )  # fmt: skip
        except SyncCancelled as error:
            report = error.report
    return _show_report(cli, plan, report)


def _sides(source: str, target: str) -> _Sides:
    """Return which of the two arguments is the local folder.

    Raises:
        InvalidInput: both or none of them are addresses of a bucket.
    """
    remote = [text.startswith(_SCHEME) for text in (source, target)]
    if sum(remote) != 1:
        raise usage_error(
            "One of SOURCE and TARGET must be an address of a bucket, the other a folder",
            "An address of a bucket starts with s3://.",
            "Use for example: strongroom sync reports s3://BUCKET/reports/",
        )
    address, folder = (source, target) if remote[0] else (target, source)
    direction = "download" if remote[0] else "upload"
    return _Sides(direction, Path(folder), Address.of(address))


def _show_plan(cli: Cli, plan: SyncPlan, *, dry_run: bool) -> None:
    items = [
        {
            "action": item.action.value,
            "key": item.key,
            "path": item.path,
            "size": item.size,
            "reason": item.reason.value,
        }
        for item in plan.items
    ]
    if cli.out.json_lines:
        cli.out.result([*items, _counts(plan)], lambda: None)
    else:
        as_json = {**_counts(plan), "items": items}
        cli.out.result(as_json, lambda: _write_plan(cli, plan, dry_run=dry_run))


def _counts(plan: SyncPlan) -> dict[str, Any]:
    from core.transfer.sync_values import SyncAction

    return {
        "direction": plan.direction.value,
        "bucket": plan.bucket,
        "prefix": plan.prefix,
        "folder": plan.folder,
        "refused": [
            {"key": each.key, "path": each.path, "reason": each.reason} for each in plan.refused
        ],
        "add": plan.count(SyncAction.ADD),
        "replace": plan.count(SyncAction.REPLACE),
        "delete": plan.count(SyncAction.DELETE),
        "unchanged": plan.unchanged,
        "size": plan.size,
        "recoverable": plan.recoverable,
    }


def _write_plan(cli: Cli, plan: SyncPlan, *, dry_run: bool) -> None:
    from core.cli.hints import remedy_with_options
    from core.transfer.sync import check_deletions
    from core.transfer.sync_values import SyncAction

    rows = [
        (
            item.action.value,
            format_size(item.size),
            item.key.removeprefix(plan.prefix),
            item.reason.value,
        )
        for item in plan.items
    ]
    cli.out.table(_HEADS, rows, numbers=(1,))
    for each in plan.refused:
        cli.out.note(f"cannot be transferred: {each.path}: {each.reason}")
    cli.out.note(
        f"{format_count(plan.count(SyncAction.ADD))} to add, "
        f"{format_count(plan.count(SyncAction.REPLACE))} to replace, "
        f"{format_count(plan.count(SyncAction.DELETE))} to delete, "
        f"{format_count(plan.unchanged)} unchanged; {format_size(plan.size)} to transfer."
    )
    deletions = plan.count(SyncAction.DELETE)
    if deletions:
        cli.out.note(_effect_of_deletions(plan))
        try:
            check_deletions(deletions, plan.source_files, plan.target_files)
        except InvalidInput as error:
            cli.out.note(f"{error.summary}. {error.cause} {remedy_with_options(error)}")
    if dry_run:
        cli.out.note("Nothing was changed.")
    else:
        count = format_counted(deletions, "file")
        cli.out.note(f"Nothing was changed. Add --yes to carry out the plan and delete {count}.")


def _effect_of_deletions(plan: SyncPlan) -> str:
    from core.transfer.sync_values import SyncDirection

    if plan.direction is SyncDirection.DOWNLOAD:
        return "Local files are deleted permanently."
    if plan.recoverable:
        return "The bucket has versioning: deleted objects can be restored from the trash."
    if plan.recoverable is None:
        return "It is unknown whether the bucket has versioning: deletions may be permanent."
    return "The bucket has no versioning: objects are deleted permanently."


def _show_report(cli: Cli, plan: SyncPlan, report: SyncReport) -> int:
    """Write the outcome and return the exit code."""
    from core.cli.transfer_report import report_as_json, write_lines

    if cli.out.json_lines:
        write_lines(cli.out, report.transfer, _files(plan))
        cli.out.json_line({"state": "synchronized", **_deletions(plan, report)})
    else:
        as_json = {**report_as_json(report.transfer, _files(plan)), **_deletions(plan, report)}
        cli.out.result(as_json, lambda: _write_report(cli, plan, report))
    if report.transfer.cancelled:
        return ErrorKind.CANCELLED.value
    return 0 if report.kind is None else report.kind.value


def _deletions(plan: SyncPlan, report: SyncReport) -> dict[str, Any]:
    return {
        "unchanged": plan.unchanged,
        "refused": [
            {"key": each.key, "reason": each.reason, "kind": each.kind.name.lower()}
            for each in report.refused
        ],
        "deleted": list(report.deleted),
        "not_deleted": [
            *({"key": each.key, "reason": each.message} for each in report.failed),
            *({"key": key, "reason": why} for key, why in report.left),
        ],
    }


def _files(plan: SyncPlan) -> Files:
    from core.cli.transfer_report import Files
    from core.transfer.sync_values import SyncAction

    items = [item for item in plan.items if item.action is not SyncAction.DELETE]
    return Files(
        [item.key for item in items], [item.path for item in items], [item.size for item in items]
    )


def _write_report(cli: Cli, plan: SyncPlan, report: SyncReport) -> None:
    from core.cli.transfer_report import by_reason, write_report

    for failure in report.refused:
        cli.out.note(f"failed {failure.key}: {failure.reason}")
    left = [*((each.key, each.message) for each in report.failed), *report.left]
    for line in by_reason("not deleted", left):
        cli.out.note(line)
    verb = "uploaded" if plan.direction.value == "upload" else "downloaded"
    write_report(cli.out, report.transfer, _files(plan), verb)
    cli.out.line(
        f"deleted {format_counted(len(report.deleted), 'file')}; "
        f"{format_count(plan.unchanged)} unchanged"
    )

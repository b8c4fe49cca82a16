"""The commands `cp` and `mv`, which copy and move objects within and between buckets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.local_targets import check_key_target
from core.cli.selection import (
    Address,
    DryRun,
    Exclude,
    Existing,
    Include,
    Literal,
    Recursive,
    bucket_of,
    check_patterns,
    decision,
    matching_of,
    name_filter,
)
from core.cli.transfers import SECONDS, LimitRate, Pace, Parallel, RetrySeconds, transfer_work
from core.units import format_counted, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.objects.bucket import Bucket
    from core.transfer.moved import MoveReport
    from core.transfer.relocation import CopyPlan
    from core.transfer.values import IfExists
    from core.work import Work

_HEADS = ("Action", "Size", "Source", "Target")
#: The action of a plan for two addresses that may reach one object.
_UNCLEAR = "none if it is the same object"

Source = Annotated[
    str,
    typer.Argument(help="A key, a pattern such as 'logs/*.json', or with --recursive a prefix."),
]
Target = Annotated[
    str,
    typer.Argument(help="A key, or a prefix that ends with a slash. s3://BUCKET/KEY names another "
                   "bucket, for the source, too."),
]  # fmt: skip
IfExistsOption = Annotated[
    Existing | None,
    typer.Option(
        "--if-exists",
        help="What happens if the target exists: skip (the default), overwrite, or overwrite only "
        "if the content differs, if the source is newer, or if the size differs.",
    ),
]
SourceProfile = Annotated[
    str,
    typer.Option(
        "--source-profile",
        help="Read the objects with this stored profile, for example from another server. Their "
        "bytes then pass through this computer.",
    ),
]


def _command(*, move: bool, text: str) -> Callable[..., int]:
    """Return one of the two commands, which have the same arguments and options."""

    def command(  # noqa: PLR0913, PLR0917 - the options of one command
        context: typer.Context,
        source: Source,
        target: Target,
        recursive: Recursive = False,
        include: Include = None,
        exclude: Exclude = None,
        literal: Literal = None,
        if_exists: IfExistsOption = None,
        source_profile: SourceProfile = "",
        dry_run: DryRun = False,
        limit_rate: LimitRate = "",
        parallel: Parallel = 0,
        retry_seconds: RetrySeconds = SECONDS,
    ) -> int:
        wanted = _Wanted(
            source, target, recursive, include, exclude, literal, if_exists, source_profile
        )
        pace = Pace(retry_seconds, limit_rate, parallel)
        return _run(context.obj, wanted, pace, dry_run=dry_run, move=move)

    command.__doc__ = text
    return command


cp = _command(
    move=False,
    text="""Copy objects, with metadata, tags and storage class; every copy is compared with its source.

    The server copies the bytes itself, large objects in parts. Existing objects are skipped unless
    --if-exists is set. With --recursive or a pattern, the target is a prefix, to which the names
    below the folder of the source are appended. --limit-rate only limits copies from another
    server, whose bytes pass through this computer.

    Exit code 0 means that every object was copied, or skipped by that decision. Otherwise it is
    that of the most frequent cause, for example 13 no permission, 20 no such object, 23 an object
    was replaced during the copy, 26 it is archived, 30-33 the service or the network, 130
    interrupted.
    """,
)
mv = _command(
    move=True,
    text="""Move objects: copy each, verify the copy, and only then delete the source.

    An object that was replaced in the meantime is not deleted. After an interruption an object may
    exist under both keys, and never under none; the same command completes the move. In a bucket
    with versioning, the sources can be restored from the trash. A pattern needs --pattern, so that
    a repeated command for a key with such characters moves no other objects. Everything else, and
    the exit codes, are those of cp.
    """,
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The arguments of both commands."""

    source: str
    target: str
    recursive: bool
    include: list[str] | None
    exclude: list[str] | None
    literal: bool | None
    if_exists: Existing | None
    profile: str


@dataclass(frozen=True, slots=True)
class _Place:
    """The bucket of the copies, as the operation needs it."""

    bucket: Bucket


def _run(cli: Cli, wanted: _Wanted, pace: Pace, *, dry_run: bool, move: bool) -> int:
    from core.cli.transfer_report import FileLines, Files, show_report
    from core.transfer.copies import copy_objects, move_objects
    from core.transfer.moved import MoveReport
    from core.transfer.plan import existing_objects
    from core.transfer.relocation import plan_copy
    from core.transfer.values import TransferCancelled

    choice = decision(wanted.if_exists)
    check_key_target(wanted.target, "mv" if move else "cp")
    source, target = Address.of(wanted.source), Address.of(wanted.target)
    with transfer_work(cli, "Listing", pace) as work:
        place = _Place(bucket_of(cli, target, work))
        origin = bucket_of(cli, source, work, profile=wanted.profile)
        plan = plan_copy(
            origin, place.bucket, work, text=source.key, target=target.key,
            recursive=wanted.recursive, names=name_filter(wanted.include, wanted.exclude),
            matching=matching_of(wanted.literal),
        )  # fmt: skip
        if dry_run:
            known, _others = existing_objects(place.bucket, plan.targets, work)
            unclear = _unclear(plan, origin, place.bucket, work)
            return _show_plan(cli, plan, {*known}, unclear, choice, move=move)
        if move:
            check_patterns(plan.objects)
    files = Files(plan.objects.keys, plan.targets, plan.objects.sizes, "target")
    lines = FileLines(cli.out, files)
    run = move_objects if move else copy_objects
    with transfer_work(cli, "Moving" if move else "Copying", pace, lines.take) as work:
        try:
            report = run(place, work, **plan.arguments(), source=origin, if_exists=choice.value)
        except TransferCancelled as error:
            report = error.report
    if not isinstance(report, MoveReport):
        return show_report(cli.out, report, files, "copied")
    if text := report.unanswered_text():
        cli.out.note(f"{text}. The same command again moves what is left.")
    return show_report(cli.out, report, files, "moved", _unanswered(report))


def _unanswered(report: MoveReport) -> dict[str, list[dict[str, str]]]:
    """Return the objects of a move whose deletion or copy was not answered, as JSON types."""
    return {
        name: [{"key": each.key, "target": each.target} for each in objects]
        for name, objects in (
            ("unanswered", report.unanswered),
            ("unanswered_copies", report.unanswered_copies),
        )
    }


def _unclear(plan: CopyPlan, source: Bucket, bucket: Bucket, work: Work) -> set[str]:
    """Return the keys that both buckets have and that may be one object; nothing is stored."""
    from core.transfer.other_object import Targets

    both = {*plan.objects.keys} & {*plan.targets}
    # One of them shows it: the two buckets are the same, or they are not.
    same = bool(both) and Targets(source, bucket, work).seem_same(min(both))
    return both if same else set()


def _show_plan(
    cli: Cli,
    plan: CopyPlan,
    existing: set[str],
    unclear: set[str],
    choice: IfExists,
    *,
    move: bool,
) -> int:
    """Show what would be done with each object."""
    verb = "move" if move else "copy"
    rows: list[dict[str, Any]] = [
        {
            "action": _UNCLEAR
            if target in unclear
            else _action(verb, choice)
            if target in existing
            else verb,
            "size": size,
            "key": key,
            "target": target,
        }
        for key, target, size in zip(
            plan.objects.keys, plan.targets, plan.objects.sizes, strict=True
        )
    ]

    def show() -> None:
        table = [(row["action"], format_size(row["size"]), row["key"], row["target"])
                 for row in rows]  # fmt: skip
        cli.out.table(_HEADS, table, numbers=(1,))
        count, size = format_counted(len(rows), "object"), format_size(plan.objects.size)
        cli.out.note(f"{count}, {size}. Nothing was changed.")

    cli.out.result(rows, show)
    return 0


def _action(verb: str, choice: IfExists) -> str:
    """Return what happens with an object whose target exists."""
    from core.transfer.values import IfExists

    if choice is IfExists.SKIP:
        return "skip, it exists"
    return f"{verb}, {choice.value}"

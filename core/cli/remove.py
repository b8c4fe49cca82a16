"""The commands `rm` and `undelete`, which delete objects and restore them from the trash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.output import ResultLines
from core.cli.selection import (
    Address,
    DryRun,
    Exclude,
    Include,
    Literal,
    Recursive,
    bucket_of,
    check_patterns,
    common_address,
    matching_of,
    name_filter,
)
from core.cli.transfer_report import by_reason
from core.cli.transfers import RetrySeconds, transfer_work
from core.errors import ErrorKind, StorageError
from core.units import format_count, format_counted, format_size, iso_utc
from core.work import RETRY_SECONDS

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.objects.bucket import Bucket
    from core.objects.deleting import Deleted, DeleteReport, FailedDelete
    from core.objects.trash import DeletedObject
    from core.transfer.selection import SelectedObjects
    from core.work import Work

_SECONDS = int(RETRY_SECONDS)

Yes = Annotated[
    bool, typer.Option("--yes", help="Do it; without this option only the plan is shown.")
]


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of each key: `done`, `failed` with a reason, or `left` after an interrupt.

    `arrived` are objects that were stored below the prefixes in the meantime, and not deleted.
    `unanswered` are keys of `failed` or `left` that may be deleted all the same: the answers to
    their requests never came.
    """

    done: Sequence[dict[str, Any]]
    failed: Sequence[dict[str, Any]]
    left: Sequence[str]
    code: int
    arrived: Sequence[str] = ()
    unanswered: Sequence[str] = ()


def rm(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    keys: Annotated[
        list[str],
        typer.Argument(
            help="Keys, patterns such as 'logs/*.json', or with --recursive prefixes. "
            "s3://BUCKET/KEY names another bucket."
        ),
    ],
    recursive: Recursive = False,
    include: Include = None,
    exclude: Exclude = None,
    literal: Literal = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Annotated[
        str,
        typer.Option(
            help="The name of the bucket, which confirms that several objects are deleted "
            "permanently."
        ),
    ] = "",
    retry_seconds: RetrySeconds = _SECONDS,
) -> int:
    """Show which objects would be deleted, and delete them with --yes.

    In a bucket with versioning, deleted objects are in the trash: `strongroom undelete` restores
    them. In any other bucket they are deleted permanently, and more than one object is only deleted
    with --confirm. A pattern needs --pattern, so that a repeated command for a key with such
    characters deletes no other objects.

    Exit code 0 means that all of them were deleted. Otherwise it is that of the cause, for example
    13 no permission, 20 no such object, 30-33 the service or the network, 130 interrupted.
    """
    from core.objects.versioning import versioning
    from core.transfer.selection import select_objects

    cli: Cli = context.obj
    address, texts = common_address(keys)
    with transfer_work(cli, "Listing", retry_seconds) as work:
        bucket = bucket_of(cli, address, work)
        found = select_objects(
            bucket, work, texts=texts, recursive=recursive, names=name_filter(include, exclude),
            matching=matching_of(literal),
        )  # fmt: skip
        # Unknown counts as permanent: without the permission to read the state, no trash is
        # certain.
        permanent = not versioning(bucket, work=work)
    if dry_run or not yes:
        _show_plan(cli, found, bucket, permanent=permanent)
        return 0
    check_patterns(found)
    _check_confirmation(found, bucket.name, confirm, permanent=permanent)
    lines = ResultLines(cli.out)
    with transfer_work(cli, "Deleting", retry_seconds) as work:
        # With a filter, objects that do not match stay below the prefix.
        folders = texts if recursive and not include and not exclude else ()
        etags = found.etags if permanent else ()
        result = _deleted(bucket, found, etags, folders, work, lines)
    _show_result(cli, result, "deleted", lines)
    return result.code


def _check_confirmation(
    found: SelectedObjects, bucket: str, confirm: str, *, permanent: bool
) -> None:
    if not permanent or len(found.keys) == 1 or confirm == bucket:
        return
    raise StorageError(
        f"{format_counted(len(found.keys), 'object')} would be deleted permanently",
        cause="Versioning is not enabled in the bucket, so that they could not be restored.",
        remedy=f"Add --confirm {bucket}.",
        subject=f"s3://{bucket}",
        kind=ErrorKind.USAGE,
    )


def _deleted(
    bucket: Bucket,
    found: SelectedObjects,
    etags: Sequence[str],
    folders: Sequence[str],
    work: Work,
    lines: ResultLines,
) -> _Result:
    from core.objects.deleting import DeleteReport, delete_many

    sizes = dict(zip(found.keys, found.sizes, strict=True))

    def rows(deleted: Sequence[Deleted]) -> list[dict[str, Any]]:
        return [{"key": each.key, "size": sizes[each.key], "marker": each.marker}
                for each in deleted]  # fmt: skip

    def write(part: DeleteReport) -> None:
        lines.write(_line_rows("deleted", rows(part.deleted), _failed_rows(part.failed)))

    error: StorageError | None = None
    try:
        report = delete_many(
            bucket, found.keys, etags=etags, folders=folders, work=work, ended=write
        )
    except StorageError as caught:
        if not isinstance(caught.partial, DeleteReport):
            raise
        error, report = caught, caught.partial
    ended = {each.key for each in report.deleted} | {each.key for each in report.failed}
    left = [key for key in found.keys if key not in ended]
    result = _result(rows(report.deleted), report.failed, left, error)
    return replace(result, arrived=report.arrived, unanswered=report.unanswered)


def _failed_rows(failed: Sequence[FailedDelete]) -> list[dict[str, Any]]:
    return [
        {"key": each.key, "reason": each.message or each.code, "code": each.code}
        for each in failed
    ]  # fmt: skip


def _line_rows(
    verb: str,
    done: Sequence[dict[str, Any]],
    failed: Sequence[dict[str, Any]],
    left: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Yield the line of each object with `--json-lines`."""
    yield from ({"state": verb, **row} for row in done)
    yield from ({"state": "failed", **row} for row in failed)
    yield from ({"state": "cancelled", "key": key} for key in left)


def _result(
    done: Sequence[dict[str, Any]],
    failed: Sequence[FailedDelete],
    left: Sequence[str],
    error: StorageError | None,
) -> _Result:
    """Return the result; after an error the remaining keys have failed by its reason."""
    from core.aws.fault_codes import fault_for

    rows = _failed_rows(failed)
    code = fault_for(failed[0].code, 500).error.kind.value if failed else 0
    if error is None:
        return _Result(done, rows, left, code)
    # After an interrupt nothing was attempted for the rest; after an error the same reason holds.
    if error.kind is not ErrorKind.CANCELLED:
        reason = " ".join(text for text in (f"{error.summary}.", error.cause) if text)
        rows += [{"key": key, "reason": reason, "code": error.kind.name.lower()} for key in left]
        left = ()
    return _Result(done, rows, left, error.kind.value)


def _show_plan(cli: Cli, found: SelectedObjects, bucket: Bucket, *, permanent: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"key": key, "size": size, "modified": modified, "permanent": permanent}
        for key, size, modified in zip(found.keys, found.sizes, found.modified, strict=True)
    ]

    def show() -> None:
        table = [(row["modified"], format_size(row["size"]), row["key"]) for row in rows]
        cli.out.table(("Modified", "Size", "Key"), table, numbers=(1,))
        count, size = format_counted(len(rows), "object"), format_size(found.size)
        yes = "--pattern --yes" if found.patterns else "--yes"
        if not permanent:
            cli.out.note(f"{count}, {size}. Nothing was deleted. Add {yes} to delete them; "
                         "`strongroom undelete` can restore them.")  # fmt: skip
        elif len(rows) == 1:
            cli.out.note(f"{count}, {size}. Nothing was deleted. Add {yes} to delete it "
                         "permanently: versioning is not enabled.")  # fmt: skip
        else:
            cli.out.note(f"{count}, {size}. Nothing was deleted. Add {yes} --confirm {bucket.name} "
                         "to delete them permanently: versioning is not enabled.")  # fmt: skip

    cli.out.result(rows, show)


def _show_result(cli: Cli, result: _Result, verb: str, lines: ResultLines) -> None:
    planned = len(result.done) + len(result.failed) + len(result.left)
    if cli.out.json_lines:
        lines.write(_line_rows(verb, result.done, result.failed, result.left))
        counts = {verb: len(result.done), "failed": len(result.failed)}
        cli.out.json_line(
            {
                "state": "ended",
                "planned": planned,
                **counts,
                "cancelled": len(result.left),
                "arrived": list(result.arrived),
                "unanswered": list(result.unanswered),
            }
        )
        return
    value = {
        "planned": planned,
        verb: result.done,
        "failed": result.failed,
        "cancelled": result.left,
        "arrived": result.arrived,
        "unanswered": result.unanswered,
    }

    def show() -> None:
        from core.objects.lost_answers import unanswered_text

        failed = [(row["key"], row["reason"].rstrip(".")) for row in result.failed]
        for line in by_reason("failed", failed, "object"):
            cli.out.note(line)
        if result.arrived:
            count = format_counted(len(result.arrived), "object")
            cli.out.note(
                f"{count} stored in the meantime and not deleted, first {result.arrived[0]}"
            )
        if text := unanswered_text(len(result.unanswered)):
            cli.out.note(
                f"{text}, first {result.unanswered[0]}: they may be deleted all the same. The same "
                "command again finds those that are not; in a bucket with versioning, "
                "`strongroom undelete` lists the others."
            )
        done, all_objects = format_count(len(result.done)), format_counted(planned, "object")
        text = f"{verb} {done} of {all_objects}; {format_count(len(result.failed))} failed"
        if result.left:
            text = f"{text}, {format_count(len(result.left))} cancelled"
        cli.out.line(text)

    cli.out.result(value, show)


def undelete(
    context: typer.Context,
    prefix: Annotated[
        str,
        typer.Argument(help="A key, or a prefix: all deleted objects whose keys begin with it."),
    ],
    include: Include = None,
    exclude: Exclude = None,
    yes: Yes = False,
    retry_seconds: RetrySeconds = _SECONDS,
) -> int:
    """Show deleted objects of a bucket with versioning, and restore them with --yes.

    A restored object has the content that it had before it was deleted. Exit code 0 means that all
    of them were restored.
    """
    from core.objects.trash import RestoreReport, restore

    cli: Cli = context.obj
    address = Address.of(prefix)
    names = name_filter(include, exclude)
    with transfer_work(cli, "Listing", retry_seconds) as work:
        bucket = bucket_of(cli, address, work)
        found = [each for each in _trash(bucket, address.key, work) if names.matches(each.key)]
    if not yes:
        _show_trash(cli, found)
        return 0
    lines, error = ResultLines(cli.out), None

    def write(part: RestoreReport) -> None:
        done = [{"key": key} for key in part.restored]
        lines.write(_line_rows("restored", done, _failed_rows(part.failed)))

    with transfer_work(cli, "Restoring", retry_seconds) as work:
        try:
            objects = [(each.key, each.markers) for each in found]
            report = restore(bucket, objects, work=work, ended=write)
        except StorageError as caught:
            if not isinstance(caught.partial, RestoreReport):
                raise
            error, report = caught, caught.partial
    ended = {*report.restored, *(each.key for each in report.failed)}
    done = [{"key": key} for key in report.restored]
    left = [each.key for each in found if each.key not in ended]
    result = _result(done, report.failed, left, error)
    _show_result(cli, result, "restored", lines)
    return result.code


def _trash(bucket: Bucket, prefix: str, work: Work) -> list[DeletedObject]:
    from core.objects.trash import list_trash

    page = list_trash(bucket, prefix, work=work)
    found = list(page.objects)
    while page.cursor is not None:
        page = list_trash(bucket, prefix, cursor=page.cursor, work=work)
        found += page.objects
    return found


def _show_trash(cli: Cli, found: Sequence[DeletedObject]) -> None:
    rows = [
        {"key": each.key, "size": each.size, "deleted": each.deleted, "modified": each.modified}
        for each in found
    ]

    def show() -> None:
        table = [(iso_utc(each.deleted), format_size(each.size), each.key) for each in found]
        cli.out.table(("Deleted", "Size", "Key"), table, numbers=(1,))
        count = format_counted(len(rows), "deleted object")
        cli.out.note(f"{count}. Nothing was restored. Add --yes to restore.")

    cli.out.result(rows, show)

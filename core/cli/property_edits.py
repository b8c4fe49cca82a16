"""The command `properties`, which changes properties of many objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.parameters import usage_error
from core.cli.selection import (
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
from core.cli.transfers import SECONDS, Pace, Parallel, RetrySeconds, transfer_work
from core.cli.upload_options import pairs_of
from core.errors import ErrorKind, StorageError
from core.units import format_count, format_counted, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.cli.output import ResultLines
    from core.objects.bucket import Bucket
    from core.objects.property_edits import PropertyEdit
    from core.transfer.edited import EditedObject, EditReport
    from core.transfer.selection import SelectedObjects
    from core.transfer.values import Failure

_TYPE = "Content-Type"


@dataclass(frozen=True, slots=True)
class _Place:
    """The bucket of the objects, as the operation needs it."""

    bucket: Bucket


def properties(  # noqa: PLR0913, PLR0917 - the options of one command
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
    storage_class: Annotated[
        str,
        typer.Option(
            "--storage-class", metavar="NAME", help="For example STANDARD_IA or DEEP_ARCHIVE."
        ),
    ] = "",
    content_type: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="The Content-Type, for example text/csv.")
    ] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="NAME=VALUE",
            help="Set Cache-Control, Content-Disposition, Content-Encoding, Content-Language, "
            "Content-Type or 'Website redirect'; repeatable.",
        ),
    ] = None,
    remove_header: Annotated[
        list[str] | None,
        typer.Option("--remove-header", metavar="NAME", help="Remove a header; repeatable."),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata", metavar="NAME=VALUE", help="Add or replace metadata; repeatable."
        ),
    ] = None,
    remove_metadata: Annotated[
        list[str] | None,
        typer.Option("--remove-metadata", metavar="NAME", help="Remove metadata; repeatable."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="KEY=VALUE", help="Add or replace a tag; repeatable."),
    ] = None,
    remove_tag: Annotated[
        list[str] | None,
        typer.Option("--remove-tag", metavar="KEY", help="Remove a tag; repeatable."),
    ] = None,
    literal: Literal = None,
    dry_run: DryRun = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this option only the plan is shown.")
    ] = False,
    parallel: Parallel = 0,
    retry_seconds: RetrySeconds = SECONDS,
) -> int:
    """Show which objects would get other properties and the price, and change them with --yes.

    Properties that are not named stay as they are. S3 changes tags in place; for all others each
    object is copied onto itself and compared with its former version. In a bucket with versioning
    that version remains, and `strongroom versions` restores it; in any other bucket the former
    properties are lost. The same command completes a change that was interrupted: objects that
    already have the properties are only read.

    Exit code 0 means that every object has the properties. Otherwise it is that of the most
    frequent cause, for example 13 no permission, 20 no such object, 23 another client has changed
    an object, 26 it is archived, 30-33 the service or the network, 130 interrupted.
    """
    from core.objects.versioning import versioning
    from core.transfer.selection import select_objects

    cli: Cli = context.obj
    edit = _edit(
        storage_class, content_type, header, remove_header,
        metadata, remove_metadata, tag, remove_tag,
    )  # fmt: skip
    address, texts = common_address(keys)
    pace = Pace(retry_seconds, parallel=parallel)
    with transfer_work(cli, "Listing", pace) as work:
        bucket = bucket_of(cli, address, work)
        found = select_objects(
            bucket, work, texts=texts, recursive=recursive, names=name_filter(include, exclude),
            matching=matching_of(literal),
        )  # fmt: skip
        lost = edit.copies and not versioning(bucket, work=work)
    if dry_run or not yes:
        _show_plan(cli, found, edit, lost=lost)
        return 0
    check_patterns(found)
    return _change(cli, _Place(bucket), found, edit, pace)


def _edit(  # noqa: PLR0913, PLR0917 - the values of the options
    storage_class: str,
    content_type: str,
    header: list[str] | None,
    remove_header: list[str] | None,
    metadata: list[str] | None,
    remove_metadata: list[str] | None,
    tag: list[str] | None,
    remove_tag: list[str] | None,
) -> PropertyEdit:
    """Return the change that the options name.

    Raises:
        InvalidInput: there is none, a value is not valid, or a name is both set and removed.
    """
    from core.objects.property_edits import PropertyEdit, check_edit

    headers = [*pairs_of("--header", header or ()), *((n, "") for n in remove_header or ())]
    if content_type:
        headers.append((_TYPE, content_type))
    for name, value in pairs_of("--header", header or ()):
        if not value:
            raise usage_error(
                f"--header {name}= has no value", remedy=f"Use --remove-header {name}."
            )
    edit = PropertyEdit(
        storage_class,
        tuple((_known(name), value) for name, value in headers),
        pairs_of("--metadata", metadata or ()),
        tuple(remove_metadata or ()),
        pairs_of("--tag", tag or ()),
        tuple(remove_tag or ()),
    )
    if not edit.copies and not edit.retags:
        raise usage_error(
            "No property is named",
            remedy="Name one, for example with --storage-class, --type, --metadata or --tag.",
        )
    return check_edit(edit)


def _known(name: str) -> str:
    """Return the name of a header as the program writes it, in any case of the letters."""
    from core.objects.properties import HEADERS

    return next((each for each in HEADERS if each.casefold() == name.casefold()), name)


def _change(cli: Cli, place: _Place, found: SelectedObjects, edit: PropertyEdit, pace: Pace) -> int:
    """Change the objects, show the report, also after an interrupt or an error, and return the code."""
    from core.cli.output import ResultLines
    from core.transfer.edited import EditReport
    from core.transfer.property_edits import edit_properties

    lines, error = ResultLines(cli.out), None
    with transfer_work(cli, "Changing properties", pace) as work:
        try:
            report = edit_properties(
                place, work, keys=found.keys, edit=edit,
                ended=lambda outcome: lines.write(_line_rows(outcome)),
            )  # fmt: skip
        except StorageError as caught:
            if not isinstance(caught.partial, EditReport):
                raise
            error, report = caught, caught.partial
    _show_report(cli, report, lines)
    if error is not None and error.kind is not ErrorKind.CANCELLED:
        raise error
    if report.cancelled:
        return ErrorKind.CANCELLED.value
    return report.kind.value if report.kind is not None else 0


def _show_plan(cli: Cli, found: SelectedObjects, edit: PropertyEdit, *, lost: bool) -> None:
    """Show the objects, what would be changed, and the price."""
    from core.transfer.property_edits import price_of, requests_text

    requests, cost = price_of(len(found.keys), edit)
    rows: list[dict[str, Any]] = [
        {"key": key, "size": size, "modified": modified}
        for key, size, modified in zip(found.keys, found.sizes, found.modified, strict=True)
    ]

    def show() -> None:
        table = [(row["modified"], format_size(row["size"]), row["key"]) for row in rows]
        cli.out.table(("Modified", "Size", "Key"), table, numbers=(1,))
        for text in _change_lines(edit):
            cli.out.note(text)
        count, size = format_counted(len(rows), "object"), format_size(found.size)
        price = requests_text(len(rows), edit)
        cli.out.note(f"{count}, {size}; {price}. Nothing was changed. Add --yes to change them.")
        if lost:
            cli.out.note("The bucket has no versioning: the former properties would be lost.")

    value = {
        "objects": rows,
        "change": asdict(edit),
        "requests": requests,
        "cost": cost,
        "undoable": not lost,
    }
    cli.out.result(value, show)


def _change_lines(edit: PropertyEdit) -> Iterator[str]:
    """Yield one line for each changed property."""
    if edit.storage_class:
        yield f"set storage class to {edit.storage_class}"
    for name, value in edit.headers:
        yield f"set {name} to {value}" if value else f"remove {name}"
    yield from (f"set metadata {name} to {value}" for name, value in edit.metadata)
    yield from (f"remove metadata {name}" for name in edit.removed_metadata)
    yield from (f"set tag {name} to {value}" for name, value in edit.tags)
    yield from (f"remove tag {name}" for name in edit.removed_tags)


def _show_report(cli: Cli, report: EditReport, lines: ResultLines) -> None:
    counts = {
        "planned": report.planned, "changed": len(report.changed),
        "unchanged": len(report.unchanged), "failed": len(report.failed),
        "cancelled": len(report.cancelled), "partly": len(report.partly),
        "unanswered": len(report.unanswered),
    }  # fmt: skip
    if cli.out.json_lines:
        lines.write(_line_rows(report))
        cli.out.json_line({"state": "ended", **counts})
        return
    value = {
        "planned": report.planned,
        "changed": [_changed_row(each) for each in report.changed],
        "unchanged": report.unchanged,
        "failed": [_failed_row(each) for each in report.failed],
        "cancelled": report.cancelled,
        "partly": [_changed_row(each) for each in report.partly],
        "unanswered": [each.key for each in report.unanswered],
    }
    cli.out.result(value, lambda: _write_text(cli, report))


def _changed_row(each: EditedObject) -> dict[str, Any]:
    # A change of tags alone makes no version; the former tags of a failed object are not stated.
    return {"key": each.key, "version_id": each.version_id}


def _failed_row(each: Failure) -> dict[str, Any]:
    return {
        "key": each.key, "reason": each.reason, "kind": each.kind.name.lower(),
        "summary": each.summary, "cause": each.cause, "remedy": each.remedy,
        "action": each.action,
    }  # fmt: skip


def _line_rows(report: EditReport) -> Iterator[dict[str, Any]]:
    """Yield the line of each object with `--json-lines`."""
    part = {each.key: each.version_id for each in report.partly}
    for each in report.changed:
        yield {"state": "changed", **_changed_row(each)}
    for key in report.unchanged:
        yield {"state": "unchanged", "key": key}
    for failure in report.failed:
        more = {"version_id": part[failure.key]} if failure.key in part else {}
        row = _failed_row(failure)
        yield {"state": "failed", **row, "partly": failure.key in part, **more}
    for key in report.cancelled:
        yield {"state": "cancelled", "key": key, "partly": key in part}


def _write_text(cli: Cli, report: EditReport) -> None:
    partly = {each.key for each in report.partly}
    failed = [
        (each.key, f"{each.reason}{' (changed in part)' if each.key in partly else ''}")
        for each in report.failed
    ]
    for line in by_reason("failed", failed, "object"):
        cli.out.note(line)
    if remedy := next((each.remedy for each in report.failed if each.remedy), ""):
        cli.out.note(remedy)
    if unanswered := report.unanswered_text():
        cli.out.note(f"{unanswered}. The same command again completes them.")
    done, planned = format_count(len(report.changed)), format_counted(report.planned, "object")
    text = f"changed {done} of {planned}"
    if report.unchanged:
        text = f"{text}, {format_count(len(report.unchanged))} already had the properties"
    text = f"{text}; {format_count(len(report.failed))} failed"
    if report.cancelled:
        text = f"{text}, {format_count(len(report.cancelled))} cancelled"
    cli.out.line(text)

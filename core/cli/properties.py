"""The commands `versions` and `tag` for the versions and the tags of one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.cli.selection import Address, bucket_of
from core.cli.upload_options import pairs_of
from core.errors import NotFound
from core.units import format_counted, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.upload_options import Pairs
    from core.objects.bucket import Bucket
    from core.objects.versions import ObjectVersion
    from core.work import Work

_Key = Annotated[
    str, typer.Argument(help="The key of the object. s3://BUCKET/KEY names another bucket.")
]


def versions(
    context: typer.Context,
    key: _Key,
    restore: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="Make a former version the current one by copying it; none is removed.",
        ),
    ] = "",
    delete: Annotated[
        str,
        typer.Option(metavar="ID", help="Show which version would be deleted, or delete it."),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="With --delete: delete the version permanently.")
    ] = False,
) -> None:
    """List the versions of an object, the current one first, or restore or delete one of them.

    Deleting a delete marker restores the object that it hides.
    """
    from core.objects.versions import list_versions

    if yes and not delete:
        raise usage_error("--yes can only be used with --delete", remedy="Omit --yes.")
    cli: Cli = context.obj
    address = Address.of(key)
    with cli.out.work("Listing versions") as work:
        bucket = bucket_of(cli, address, work)
        found = list_versions(bucket, address.key, work=work)
    if restore:
        _restore(cli, bucket, address.key, _chosen(bucket, address.key, found, restore))
    elif delete:
        _delete(cli, bucket, address.key, _chosen(bucket, address.key, found, delete), yes=yes)
    else:
        if not found:
            raise _missing(bucket, address.key, f"{address.key} has no versions")
        cli.out.result([asdict(each) for each in found], lambda: _show_versions(cli, found))


def _chosen(
    bucket: Bucket, key: str, found: Sequence[ObjectVersion], version_id: str
) -> ObjectVersion:
    """Return the version with an id.

    Raises:
        NotFound: there is none.
    """
    for each in found:
        if each.version_id == version_id:
            return each
    raise _missing(bucket, key, f"{key} has no version {version_id}")


def _missing(bucket: Bucket, key: str, summary: str) -> NotFound:
    return NotFound(
        summary,
        cause="The key or the id is not exactly that of a version, or the version was deleted.",
        remedy="List the objects with `strongroom ls` and the versions with `strongroom versions`.",
        subject=bucket.subject(key),
    )


def _restore(cli: Cli, bucket: Bucket, key: str, version: ObjectVersion) -> None:
    from core.objects.in_place import restore_version

    if version.marker:
        raise usage_error(
            f"The version {version.version_id} is a delete marker",
            cause="It has no content that could be restored.",
            remedy="Choose another version, or delete the marker with --delete.",
        )
    with cli.out.work("Restoring") as work:
        written = restore_version(bucket, key, version.version_id, work=work)
    value = {"key": key, "restored": version.version_id, "version_id": written.version_id}
    cli.out.result(value, lambda: cli.out.line(f"restored {key} from version {version.version_id}"))


def _delete(cli: Cli, bucket: Bucket, key: str, version: ObjectVersion, *, yes: bool) -> None:
    from core.objects.deleting import delete

    if yes:
        with cli.out.work("Deleting") as work:
            delete(bucket, key, version_id=version.version_id, work=work)

    def show() -> None:
        if yes:
            cli.out.line(f"deleted version {version.version_id} of {key} permanently")
        else:
            _show_versions(cli, (version,))
            cli.out.note("Nothing was deleted. Add --yes to delete this version permanently.")

    value = {"key": key, "version_id": version.version_id, "deleted": yes}
    cli.out.result(value, show)


def _show_versions(cli: Cli, found: Sequence[ObjectVersion]) -> None:
    rows = [
        (
            iso_utc(each.modified),
            "" if each.marker else format_size(each.size),
            _state(each),
            each.version_id,
        )
        for each in found
    ]
    cli.out.table(("Modified", "Size", "State", "Version"), rows, numbers=(1,))
    cli.out.note(f"{format_counted(len(rows), 'version')}.")


def _state(version: ObjectVersion) -> str:
    if version.marker:
        return "deleted" if version.current else "former delete marker"
    return "current" if version.current else "former"


def tag(
    context: typer.Context,
    key: _Key,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Add or replace a tag; repeatable."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="KEY", help="Remove a tag; repeatable."),
    ] = None,
) -> None:
    """Show the tags of an object, or change some of them."""
    cli: Cli = context.obj
    address = Address.of(key)
    new, old = dict(pairs_of("--set", assign or ())), [*(remove or ())]
    for name in old:
        if name in new:
            raise usage_error(f"The tag {name} cannot be set and removed at the same time")
    with cli.out.work("Changing tags" if new or old else "Reading tags") as work:
        bucket = bucket_of(cli, address, work)
        found = _changed_tags(bucket, address.key, new, old, work)

    def show() -> None:
        for name, value in found:
            cli.out.line(f"{name}={value}")
        cli.out.note(f"{format_counted(len(found), 'tag')}.")

    cli.out.result({"key": address.key, "tags": dict(found)}, show)


def _changed_tags(
    bucket: Bucket, key: str, new: dict[str, str], old: Sequence[str], work: Work
) -> Pairs:
    """Change tags, and return all tags of the object.

    Raises:
        NotFound: the object or a tag that is to be removed does not exist.
        StorageError: a request was denied or failed.
    """
    from core.objects.properties import change_tags
    from core.objects.tags import get_tags

    before = get_tags(bucket, key, "", work)
    if not new and not old:
        return before
    for name in old:
        if name not in dict(before):
            raise NotFound(
                f"The object has no tag {name}",
                cause="The name is not exactly that of a tag, or the tag was removed.",
                remedy=f"Show the tags with `strongroom tag {key}`.",
                subject=bucket.subject(key),
            )
    after = {name: value for name, value in {**dict(before), **new}.items() if name not in old}
    return change_tags(bucket, key, before, tuple(after.items()), work=work)

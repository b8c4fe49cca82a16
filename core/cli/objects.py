"""`ls`, `put`, `get`, `link`, `stats`: objects of the bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.common import seconds_of
from core.errors import AlreadyExists, NotFound
from core.units import format_count, format_duration, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.statistics import Share, StorageStatistics
    from core.transfer.values import TransferReport

_GROUPS = ("kinds", "tops", "classes")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for name, command in (("ls", ls), ("put", put), ("get", get), ("link", link), ("stats", stats)):
        app.command(name)(command)


def ls(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(help="What the keys begin with.")] = "",
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="List everything below, not one level.")
    ] = False,
) -> None:
    """List folders and objects."""
    from core.objects.level import page_of, rows_of

    cli: Cli = context.obj
    rows: list[dict[str, Any]] = []
    token: str | None = None
    with cli.out.work("Listing") as work:
        bucket = cli.opener.workspace(work).bucket
        while True:
            work.check()
            delimiter = "" if recursive else "/"
            page, token = page_of(bucket, prefix, delimiter=delimiter, token=token)
            rows += [{"key": folder, "folder": True} for folder in page.folders]
            rows += [
                {"key": r.key, "size": r.size, "modified": r.modified, "etag": r.etag}
                for r in rows_of(page)
            ]
            if token is None:
                break
    cli.out.result(rows, lambda: _show_rows(cli, rows))


def _show_rows(cli: Cli, rows: list[dict[str, Any]]) -> None:
    table = [
        ("", "folder", row["key"])
        if "folder" in row
        else (iso_utc(row["modified"]), format_size(row["size"]), row["key"])
        for row in rows
    ]
    cli.out.table(("Modified", "Size", "Key"), table, numbers=(1,))


def put(
    context: typer.Context,
    sources: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    target: Annotated[str, typer.Argument(help="A key, or a prefix that ends with a slash.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over objects that are there.")
    ] = False,
) -> int:
    """Upload files and folders; each is hashed, watched and confirmed."""
    cli: Cli = context.obj
    if len(sources) == 1 and sources[0].is_file() and target and not target.endswith("/"):
        return _put_one(cli, sources[0], target, overwrite=overwrite)
    from core.transfer.plan import plan_upload
    from core.transfer.upload import upload
    from core.transfer.values import IfExists

    with cli.out.work("Uploading") as work:
        workspace = cli.opener.workspace(work)
        plan = plan_upload(workspace, work, paths=[str(path) for path in sources], prefix=target)
        choice = IfExists.OVERWRITE if overwrite else IfExists.SKIP
        report = upload(workspace, work, **plan.arguments(choice))
    for path, why in plan.skipped:
        cli.out.note(f"skipped {path}: {why}")
    return _reported(cli, report, plan.keys, "uploaded")


def _put_one(cli: Cli, source: Path, key: str, *, overwrite: bool) -> int:
    with cli.out.work(f"Uploading {source.name}") as work:
        workspace = cli.opener.workspace(work)
        if not overwrite and workspace.s3.object_exists(key, work=work):
            raise AlreadyExists(
                f"{key} is there already",
                cause="Uploads never overwrite silently.",
                remedy="Choose another key, or add --overwrite.",
                subject=workspace.bucket.subject(key),
            )
        written = workspace.s3.upload_file(source, key, work=work)
    cli.out.result(
        written, lambda: cli.out.line(f"{key}  {format_size(written.size)}  {written.sha256}")
    )
    return 0


def get(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="A key, or with --recursive a prefix.")],
    target: Annotated[
        Path | None, typer.Argument(help="A file or folder; here by default.")
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Everything below the prefix.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over files that are there.")
    ] = False,
) -> int:
    """Download objects; each is verified before it appears under its name."""
    cli: Cli = context.obj
    if recursive:
        return _get_all(cli, key, target or Path(), overwrite=overwrite)
    from core.objects.names import safe_segments
    from core.objects.reading import download

    path = target or Path()
    if path.is_dir():
        path /= safe_segments(key)[-1]
    with cli.out.work(f"Downloading {path.name}") as work:
        bucket = cli.opener.workspace(work).bucket
        got = download(bucket, key, path, overwrite=overwrite, work=work)
    state = "verified" if got.verified else "no recorded hash to verify against"
    cli.out.result(got, lambda: cli.out.line(f"{got.path}  {format_size(got.size)}  {state}"))
    return 0


def _get_all(cli: Cli, prefix: str, folder: Path, *, overwrite: bool) -> int:
    from core.objects.listing import list_pages
    from core.transfer.download import download
    from core.transfer.values import IfExists

    choice = IfExists.OVERWRITE if overwrite else IfExists.SKIP
    with cli.out.work("Downloading") as work:
        workspace = cli.opener.workspace(work)
        pages = list(list_pages(workspace.bucket, prefix, work=work))
        keys = [key for page in pages for key in page.keys]
        sizes = [size for page in pages for size in page.sizes]
        if not keys:
            raise NotFound(
                f"There is nothing below {prefix}",
                remedy="Look with `strongroom ls`.",
                subject=workspace.bucket.subject(prefix),
            )
        report = download(
            workspace, work, keys=keys, sizes=sizes, folder=str(folder),
            below=prefix[: prefix.rfind("/") + 1], if_exists=choice.value,
        )  # fmt: skip
    return _reported(cli, report, tuple(keys), "downloaded")


def _reported(cli: Cli, report: TransferReport, keys: tuple[str, ...], verb: str) -> int:
    def show() -> None:
        for number, why in report.skipped:
            cli.out.note(f"skipped {keys[number]}: {why}")
        for failure in report.failed:
            cli.out.note(f"failed {failure.key}: {failure.summary}. {failure.cause}")
        moved = f"{format_size(report.size)} in {format_duration(report.seconds)}"
        cli.out.line(
            f"{verb} {len(report.done)} of {report.planned} files, {moved}; "
            f"{len(report.skipped)} skipped, {len(report.failed)} failed"
        )

    cli.out.result(report, show)
    return report.failed[0].kind.value if report.failed else 0


def link(
    context: typer.Context,
    keys: Annotated[list[str], typer.Argument(help="The objects.")],
    expires: Annotated[
        str, typer.Option(help="Life: seconds, or 30m, 12h, 7d. S3 allows 7 days at most.")
    ] = "1h",
    upload: Annotated[
        bool, typer.Option("--put", help="Let somebody upload under this key.")
    ] = False,
) -> None:
    """Make presigned links. Whoever has one has the right: mind where they go."""
    from core.links.ledger import Ledger
    from core.links.make import make_links

    cli: Cli = context.obj
    with cli.out.work("Signing") as work:
        workspace = cli.opener.workspace(work)
        made = make_links(
            workspace.bucket,
            keys,
            method="PUT" if upload else "GET",
            seconds=seconds_of(expires),
            made_by=workspace.profile.name,
            ledger=Ledger(),
            work=work,
        )
    rows = [
        {"key": one.key, "method": one.method, "url": one.url.reveal(), "expires": one.expires,
         "limited_by": one.limited_by}
        for one in made
    ]  # fmt: skip

    def show() -> None:
        for one in made:
            cli.out.line(one.url.reveal())
            why = f" ({one.limited_by})" if one.limited_by else ""
            cli.out.note(f"{one.method} {one.key} until {iso_utc(one.expires)}{why}")

    cli.out.result(rows, show)


def stats(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(help="Count only what is below.")] = "",
) -> None:
    """Count everything: how much is where. What it cost in LIST requests is told at the end."""
    from core.engine.scan_helper import scan_helper
    from core.statistics.scan import scan

    cli: Cli = context.obj
    with cli.out.work("Scanning") as work:
        workspace = cli.opener.workspace(work)
        with scan_helper(workspace.connection, work) as helper:
            found = scan(workspace, work, prefix=prefix, helper=helper)
    cli.out.result(found, lambda: _show_stats(cli, found))


def _show_stats(cli: Cli, found: StorageStatistics) -> None:
    def rows(name: str, shares: tuple[Share, ...]) -> list[tuple[str, str, str, str]]:
        return [
            (name, share.name, format_count(share.objects), format_size(share.size))
            for share in shares
        ]

    table = [("total", found.bucket, format_count(found.objects), format_size(found.size))]
    for group in _GROUPS:
        table += rows(group, getattr(found, group))
    cli.out.table(("By", "Name", "Objects", "Size"), table, numbers=(2, 3))
    cli.out.note(f"{found.list_calls} LIST requests")

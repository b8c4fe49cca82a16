"""The commands `put` and `get`, which upload and download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from core.errors import NotFound, StorageError
from core.units import format_size
from core.work import RETRY_SECONDS, RetryBudget, Work

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.objects import Written
    from core.transfer.plan import UploadPlan

T = TypeVar("T")

Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Overwrite existing objects or files; otherwise they are skipped."
    ),
]
RetrySeconds = Annotated[
    int,
    typer.Option(
        "--retry-seconds",
        min=0,
        help="How long to retry while nothing succeeds, for all files together; 0 disables "
        "retries.",
    ),
]
_SECONDS = int(RETRY_SECONDS)


def put(
    context: typer.Context,
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to upload.")],
    target: Annotated[str, typer.Argument(help="A key, or a prefix that ends with a slash.")],
    overwrite: Overwrite = False,
    retry_seconds: RetrySeconds = _SECONDS,
) -> int:
    """Upload files and folders; every stored object is compared with the hash of its file.

    Exit code 0 means that every file is in the bucket, or was skipped because its key exists and
    --overwrite is not set. A single file for a single key is never skipped: if the key exists, the
    exit code is 22. Files that were not uploaded are listed with the reason, and the exit code is
    that of the cause: 20 a source does not exist, 24 it is not a regular file or its name is not
    UTF-8, 41 it changed during the upload, 42 it cannot be read, 13 no permission, 30-33 the
    service or the network, 130 interrupted.
    """
    cli: Cli = context.obj
    if len(sources) == 1 and not sources[0].is_dir() and not target.endswith("/"):
        return _put_one(cli, sources[0], target, overwrite=overwrite, seconds=retry_seconds)
    from core.cli.transfer_report import show_report, uploaded_files
    from core.transfer.plan import plan_upload
    from core.transfer.upload import upload
    from core.transfer.values import IfExists, TransferCancelled

    choice = IfExists.OVERWRITE if overwrite else IfExists.SKIP
    with transfer_work(cli, "Uploading", retry_seconds) as work:
        workspace = cli.opener.workspace(work)
        plan: UploadPlan = plan_upload(
            workspace, work, paths=[str(path) for path in sources], prefix=target
        )
        try:
            report = upload(workspace, work, **plan.arguments(choice))
        except TransferCancelled as error:
            report = error.report
    return show_report(cli.out, report, uploaded_files(plan, choice), "uploaded")


def _put_one(cli: Cli, source: Path, key: str, *, overwrite: bool, seconds: int) -> int:
    from core.objects.conditions import refuse_existing
    from core.objects.parts import SINGLE_BYTES
    from core.objects.writing import upload
    from core.transfer.sources import find_sources
    from core.transfer.sweep import sweep_at_start

    found = find_sources([source])
    for path, _name, why in found.refused:
        raise StorageError(
            f"{path} cannot be uploaded",
            cause=f"{why.reason[:1].upper()}{why.reason[1:]}.",
            remedy="Correct the path.",
            subject=path,
            kind=why.kind,
        )
    with transfer_work(cli, f"Uploading {source.name}", seconds) as work:
        bucket = cli.opener.workspace(work).bucket
        sweep_at_start(bucket, work)

        def send(work: Work) -> Written:
            # S3 only checks the condition when a multipart upload is completed: check it before too.
            if not overwrite and found.sizes[0] > SINGLE_BYTES:
                refuse_existing(bucket, key, work)
            return upload(bucket, key, source, only_new=not overwrite, work=work)

        written = attempted(work, send)
    line = f"{key}  {format_size(written.size)}  {written.sha256}  {written.verdict.value}"
    cli.out.result(written, lambda: cli.out.line(line))
    if not written.race_free:
        from core.cli.transfer_report import unguarded_warning

        cli.out.note(unguarded_warning([key]))
    return 0


def get(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="A key, or with --recursive a prefix.")],
    target: Annotated[
        Path | None, typer.Argument(help="A file or folder; by default the current folder.")
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Download all objects below the prefix.")
    ] = False,
    overwrite: Overwrite = False,
    retry_seconds: RetrySeconds = _SECONDS,
) -> int:
    """Download objects; a file only appears under its name when it is complete and verified.

    Every object is compared with its listed size and ETag, and with a hash or checksum if one is
    stored: "verified (SHA-256)", "verified (CRC)", "verified (MD5)", or "size only" if there is
    none. With --recursive, exit code 0 means that every object was downloaded, or was skipped
    because its file exists and --overwrite is not set. Objects that were not downloaded are listed
    with the reason, and the exit code is that of the cause, for example 40 for corrupt bytes, 42
    for a file that cannot be written, 30-33 for the service or the network, 130 interrupted.
    """
    cli: Cli = context.obj
    if recursive:
        return _get_all(cli, key, target or Path(), overwrite=overwrite, seconds=retry_seconds)
    from core.objects.reading import download
    from core.transfer.local_names import local_name
    from core.transfer.sweep import sweep_at_start

    path = target or Path()
    if path.is_dir():
        path /= local_name(key, path)
    with transfer_work(cli, f"Downloading {path.name}", retry_seconds) as work:
        bucket = cli.opener.workspace(work).bucket
        sweep_at_start(bucket, work, [path.parent])
        got = attempted(
            work, lambda work: download(bucket, key, path, overwrite=overwrite, work=work)
        )
    line = f"{got.path}  {format_size(got.size)}  {got.verdict.value}"
    cli.out.result(got, lambda: cli.out.line(line))
    return 0


def _get_all(cli: Cli, prefix: str, folder: Path, *, overwrite: bool, seconds: int) -> int:
    from core.cli.transfer_report import downloaded_files, show_report
    from core.objects.listing import list_pages
    from core.transfer.download import download
    from core.transfer.values import IfExists, TransferCancelled

    with transfer_work(cli, "Downloading", seconds) as work:
        workspace = cli.opener.workspace(work)
        pages = list(list_pages(workspace.bucket, prefix, work=work))
        keys = [key for page in pages for key in page.keys]
        sizes = [size for page in pages for size in page.sizes]
        etags = [etag for page in pages for etag in page.etags]
        if not keys:
            raise NotFound(
                f"There are no objects below {prefix}",
                remedy="List the existing objects with `strongroom ls`.",
                subject=workspace.bucket.subject(prefix),
            )
        # The folder of the prefix: `logs/app` downloads `logs/app.log` as `app.log`.
        below = prefix[: prefix.rfind("/") + 1]
        choice = IfExists.OVERWRITE if overwrite else IfExists.SKIP
        try:
            report = download(
                workspace, work, keys=keys, sizes=sizes, etags=etags, folder=str(folder),
                below=below, if_exists=choice.value,
            )  # fmt: skip
        except TransferCancelled as error:
            report = error.report  # what was done until then is reported too
    files = downloaded_files(report, keys, sizes, below, folder)
    return show_report(cli.out, report, files, "downloaded")


@contextmanager
def transfer_work(
    cli: Cli, what: str, seconds: int, batch: Callable[[Any], None] | None = None
) -> Iterator[Work]:
    """Yield the `Work` of a command, with one retry budget for all of its requests."""
    with cli.out.work(what, batch) as work:
        yield replace(work, budget=RetryBudget(seconds))


def attempted(work: Work, send: Callable[[Work], T]) -> T:
    """Return the result of `send` for one file, with retries within the budget of the work."""
    from core.transfer.attempts import Attempts, work_with_budget

    attempts = Attempts(work_with_budget(work))
    return attempts.attempted(lambda: send(attempts.work_for(0, work.report)))

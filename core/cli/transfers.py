"""The command `put`, which uploads, and what the transfer commands have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from core.cli.common import bytes_of
from core.cli.local_targets import OutputType
from core.cli.parameters import usage_error
from core.cli.selection import (
    Address,
    DryRun,
    Exclude,
    ExistingOrBoth,
    Include,
    bucket_of,
    decision,
)
from core.cli.upload_options import (
    ChecksumOption,
    Compress,
    EncryptionOption,
    KmsKey,
    Metadata,
    StorageClass,
    Tags,
    upload_options,
)
from core.errors import StorageError
from core.model.upload_options import Checksum, Compression, Encryption
from core.units import format_counted, format_size
from core.work import RETRY_SECONDS, RetryBudget, Work

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.objects import Written
    from core.model.upload_options import UploadOptions
    from core.objects.bucket import Bucket
    from core.transfer.plan import UploadPlan
    from core.transfer.values import IfExists

T = TypeVar("T")

Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Overwrite existing objects or files; otherwise they are skipped."
    ),
]
IfExistsOption = Annotated[
    ExistingOrBoth | None,
    typer.Option(
        "--if-exists",
        help="What happens if the target exists: skip, overwrite, store under another name "
        "(keep-both), or overwrite only if the content differs, if the source is newer, or if the "
        "size differs.",
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
LimitRate = Annotated[
    str,
    typer.Option(
        "--limit-rate",
        metavar="BYTES",
        help="The maximum number of bytes per second, for example 500K or 10M.",
    ),
]
Parallel = Annotated[
    int, typer.Option(min=0, help="The maximum number of concurrent requests; 0 is automatic.")
]
HashListOption = Annotated[
    Path | None,
    typer.Option(
        "--hash-list",
        click_type=OutputType(),
        help="Write the SHA-256 of each transferred file to this file, which is replaced; "
        "`sha256sum -c` checks it.",
    ),
]
SECONDS = int(RETRY_SECONDS)
_HEADS = ("Action", "Size", "File", "Key")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a transfer uses the network: retry budget in seconds, and limits."""

    seconds: int = SECONDS
    rate: str = ""
    parallel: int = 0

    def work_for(self, work: Work) -> Work:
        """Return the work with a retry budget for all of its requests, and with the limits."""
        from core.limits import TransferLimits

        limits = None
        if self.rate or self.parallel:
            rate = bytes_of(self.rate) if self.rate else None
            if rate == 0:
                raise usage_error("--limit-rate is 0", remedy="Omit it for no limit.")
            limits = TransferLimits(rate, self.parallel or None)
        return replace(work, budget=RetryBudget(self.seconds), limits=limits)


def put(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(help="Files and folders to upload; - is standard input."),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="A key, or a prefix that ends with a slash. s3://BUCKET/KEY names another bucket."
        ),
    ],
    overwrite: Overwrite = False,
    if_exists: IfExistsOption = None,
    include: Include = None,
    exclude: Exclude = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="With -: the exact number of bytes. Another number stores nothing; without it at "
            "most 156 GiB are stored.",
        ),
    ] = None,
    storage_class: StorageClass = "",
    tag: Tags = None,
    metadata: Metadata = None,
    encryption: EncryptionOption = Encryption.DEFAULT,
    kms_key: KmsKey = "",
    checksum: ChecksumOption = Checksum.DEFAULT,
    compress: Compress = Compression.NONE,
    hash_list: HashListOption = None,
    dry_run: DryRun = False,
    limit_rate: LimitRate = "",
    parallel: Parallel = 0,
    retry_seconds: RetrySeconds = SECONDS,
) -> int:
    """Upload files and folders; every stored object is compared with the hash of its file.

    Exit code 0 means that every file is in the bucket, or was skipped because its key exists
    (--if-exists, by default skip). A single file for a single key is only skipped if --if-exists is
    set: otherwise, if the key exists, the exit code is 22. Files that were not uploaded are listed
    with the reason, and the exit code is that of the cause: 20 a source does not exist, 24 it is
    not a regular file or its name is not UTF-8, 41 it changed during the upload, 42 it cannot be
    read, 13 no permission, 30-33 the service or the network, 130 interrupted.
    """
    cli: Cli = context.obj
    pace = Pace(retry_seconds, limit_rate, parallel)
    choice = decision(if_exists, overwrite=overwrite)
    options = upload_options(storage_class, tag, metadata, encryption, kms_key, checksum, compress)
    listed = str(hash_list or "")
    if Path("-") in sources:
        _check_input(sources, choice, options, dry_run=dry_run or bool(listed))
        return _put_input(cli, target, size, choice, options, pace)
    address = Address.of(target)
    single = len(sources) == 1 and not sources[0].is_dir() and not target.endswith("/")
    if single and if_exists is None and not dry_run:
        written = _put_one(
            cli, sources[0], address, options, overwrite=overwrite, pace=pace, hash_list=listed
        )
        return _show_written(cli, written)
    from core.cli.transfer_report import FileLines, show_report, uploaded_files
    from core.transfer.plan import plan_upload
    from core.transfer.upload import upload
    from core.transfer.values import TransferCancelled

    name = address.key.rpartition("/")[2] if single else ""
    with transfer_work(cli, "Planning", pace) as work:
        place = Place(bucket_of(cli, address, work))
        plan: UploadPlan = plan_upload(
            place, work, paths=[str(path) for path in sources],
            prefix=address.key.removesuffix(name), exact=single or target.startswith("s3://"),
            include=include or (), exclude=exclude or (), name=name, options=options.as_dict(),
        )  # fmt: skip
    if dry_run:
        return _show_upload_plan(cli, plan, choice)
    files = uploaded_files(plan, choice)
    with transfer_work(cli, "Uploading", pace, FileLines(cli.out, files).take) as work:
        try:
            report = upload(
                place, work, **plan.arguments(choice), options=options.as_dict(), hash_list=listed
            )
        except TransferCancelled as error:
            report = error.report
    return show_report(cli.out, report, files, "uploaded")


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, as operations need it."""

    bucket: Bucket


def _check_input(
    sources: list[Path], choice: IfExists, options: UploadOptions, *, dry_run: bool
) -> None:
    """Refuse what standard input does not support."""
    from core.transfer.values import IfExists

    if len(sources) > 1 or dry_run or choice not in {IfExists.SKIP, IfExists.OVERWRITE}:
        raise usage_error(
            "Standard input can only be uploaded alone",
            cause="It cannot be combined with other files, --dry-run, --hash-list, or a comparison.",
            remedy="Use `strongroom put - KEY`, with --overwrite if the object may be replaced.",
        )
    if (options.checksum, options.compression) != (Checksum.DEFAULT, Compression.NONE):
        raise usage_error(
            "Standard input cannot be combined with --checksum or --compress",
            remedy="Compress it in the pipe, for example with zstd.",
        )


def _put_input(
    cli: Cli,
    target: str,
    size: int | None,
    choice: IfExists,
    options: UploadOptions,
    pace: Pace,
) -> int:
    from core.cli.streams import put_input
    from core.transfer.values import IfExists

    with transfer_work(cli, "Uploading standard input", pace) as work:
        # Not repeated after a failure: what was read cannot be read again.
        written = put_input(
            cli, target, work, size=size, overwrite=choice is IfExists.OVERWRITE, options=options
        )
    return _show_written(cli, written)


def _put_one(  # noqa: PLR0913 - the parts of one upload
    cli: Cli,
    source: Path,
    address: Address,
    options: UploadOptions,
    *,
    overwrite: bool,
    pace: Pace,
    hash_list: str,
) -> Written:
    from core.objects.hashing import hashing_ahead

    # A large file is hashed while the modules for the upload are imported, and the server prepared.
    ahead = nullcontext() if options.compresses(source.name) else hashing_ahead(source)
    with ahead as hashes:
        from core.objects.writing import upload
        from core.transfer.hash_list import check_hash_list
        from core.transfer.sweep import sweep_at_start

        hash_list = check_hash_list(hash_list)
        _check_source(source)
        with transfer_work(cli, f"Uploading {source.name}", pace) as work:
            bucket = bucket_of(cli, address, work)
            sweep_at_start(bucket, work)

            def send(work: Work) -> Written:
                return upload(
                    bucket, address.key, source, only_new=not overwrite, options=options,
                    ahead=hashes, work=work,
                )  # fmt: skip

            written = attempted(work, send)
    if hash_list:
        save_hash(hash_list, written.sha256 or "", address.key.rpartition("/")[2])
    return written


def _check_source(source: Path) -> None:
    """Refuse what cannot be uploaded.

    Raises:
        StorageError: the source does not exist, or is no readable file with a name in UTF-8.
    """
    from core.transfer.sources import find_sources

    for path, _name, why in find_sources([source]).refused:
        raise StorageError(
            f"{path} cannot be uploaded",
            cause=f"{why.reason[:1].upper()}{why.reason[1:]}.",
            remedy="Correct the path.",
            subject=path,
            kind=why.kind,
        )


def save_hash(path: str, sha256: str, name: str) -> None:
    """Write the hash list of a single file.

    Raises:
        LocalIOError: it cannot be written.
    """
    from core.local.atomic import write_atomically
    from core.transfer.hash_list import hash_line

    write_atomically(Path(path), hash_line(sha256, name).encode())


def _show_written(cli: Cli, written: Written) -> int:
    size, verdict = format_size(written.size), written.verdict.value
    cli.out.result(
        written, lambda: cli.out.line(f"{written.key}  {size}  {written.sha256}  {verdict}")
    )
    if not written.race_free:
        from core.cli.transfer_report import unguarded_warning

        cli.out.note(unguarded_warning([written.key]))
    return 0


def _show_upload_plan(cli: Cli, plan: UploadPlan, choice: IfExists) -> int:
    """Show what would be done with each file."""
    keys = plan.keys_when(choice)
    rows: list[dict[str, Any]] = [
        {"action": "upload", "size": size, "path": path, "key": keys[number], "reason": ""}
        for number, (path, size) in enumerate(zip(plan.paths, plan.sizes, strict=True))
    ]
    for number, row in enumerate(rows):
        if reason := plan.skip_reason(number, choice):
            row.update(action="skip", reason=reason)
        elif plan.existing[number]:
            row.update(action=choice.value)
    rows += [
        {"action": "refuse", "size": 0, "path": each.path, "key": each.key, "reason": each.reason}
        for each in plan.refused
    ]
    return show_plan(cli, rows, "file")


def show_plan(cli: Cli, rows: list[dict[str, Any]], noun: str) -> int:
    """Show the plan of a transfer, and return the exit code."""

    def show() -> None:
        table = [
            (
                f"{row['action']}: {row['reason']}" if row["reason"] else row["action"],
                format_size(row["size"]),
                row["path"],
                row["key"],
            )
            for row in rows
        ]
        cli.out.table(_HEADS, table, numbers=(1,))
        size = format_size(sum(row["size"] for row in rows if row["action"] != "skip"))
        cli.out.note(f"{format_counted(len(rows), noun)}, {size}. Nothing was changed.")

    cli.out.result(rows, show)
    return 0


@contextmanager
def transfer_work(
    cli: Cli, what: str, pace: Pace | int, batch: Callable[[Any], None] | None = None
) -> Iterator[Work]:
    """Yield the `Work` of a command, with one retry budget for all of its requests.

    Args:
        cli: the context of the command.
        what: the name of the operation.
        pace: the limits of the transfer, or the retry budget in seconds.
        batch: receives partial results.
    """
    with cli.out.work(what, batch) as work:
        yield (Pace(pace) if isinstance(pace, int) else pace).work_for(work)


def attempted(work: Work, send: Callable[[Work], T]) -> T:
    """Return the result of `send` for one file, with retries within the budget of the work."""
    from core.transfer.attempts import Attempts, work_with_budget

    attempts = Attempts(work_with_budget(work))
    return attempts.attempted(lambda: send(attempts.work_for(0, work.report)))

"""The command `get`, which downloads."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.local_targets import LocalTarget, TargetType
from core.cli.parameters import usage_error
from core.cli.selection import (
    Address,
    DryRun,
    Exclude,
    Include,
    Literal,
    bucket_of,
    decision,
    matching_of,
    name_filter,
)
from core.cli.transfers import (
    SECONDS,
    HashListOption,
    IfExistsOption,
    LimitRate,
    Overwrite,
    Pace,
    Parallel,
    Place,
    RetrySeconds,
    attempted,
    save_hash,
    show_plan,
    transfer_work,
)
from core.errors import NotFound, StorageError
from core.units import format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.objects.bucket import Bucket
    from core.transfer.selection import SelectedObjects
    from core.transfer.values import IfExists
    from core.work import Work


def get(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    key: Annotated[
        str,
        typer.Argument(
            help="A key, a pattern such as 'logs/*.json', or with --recursive a prefix. "
            "s3://BUCKET/KEY names another bucket."
        ),
    ],
    target: Annotated[
        LocalTarget | None,
        typer.Argument(
            click_type=TargetType(),
            help="A file or folder, by default the current folder; a name that ends with a slash is a "
            "folder, which is created. - is standard output.",
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Download all objects below the prefix.")
    ] = False,
    overwrite: Overwrite = False,
    if_exists: IfExistsOption = None,
    include: Include = None,
    exclude: Exclude = None,
    literal: Literal = None,
    hash_list: HashListOption = None,
    dry_run: DryRun = False,
    limit_rate: LimitRate = "",
    parallel: Parallel = 0,
    retry_seconds: RetrySeconds = SECONDS,
) -> int:
    """Download objects; a file only appears under its name when it is complete and verified.

    Every object is compared with its listed size and ETag, and with a hash or checksum if one is
    stored: "verified (SHA-256)", "verified (CRC)", "verified (MD5)", or "size only" if there is
    none. "not verifiable" means that the same bytes arrived twice, but the server's ETag is not the
    MD5 of its parts: servers other than AWS may compose it of other values. With --recursive or a
    pattern, exit code 0 means that every object was downloaded, or was skipped because its file
    exists (--if-exists, by default skip). Objects that were not downloaded are listed with the
    reason, and the exit code is that of the cause, for example 40 for corrupt bytes, 42 for a file
    that cannot be written, 30-33 for the service or the network, 130 interrupted.

    A large object whose download was cut, denied, killed, or ended by SIGTERM or a full disk
    continues from its last byte if the same object is downloaded to the same file within seven
    days; an object that was replaced starts again. The complete file is verified.

    Standard output (-) receives up to 8 MiB only when they are verified. The bytes of a larger
    object are written as they arrive: only exit code 0 shows that they are right.
    """
    from core.model.name_filter import is_pattern

    cli: Cli = context.obj
    pace = Pace(retry_seconds, limit_rate, parallel)
    choice = decision(if_exists, overwrite=overwrite)
    place = target or LocalTarget.of("")
    if place.path == Path("-"):
        alone = not (recursive or dry_run or hash_list or literal is False)
        return _get_output(cli, key, pace, alone=alone)
    place.check()
    address = Address.of(key)
    many = recursive or (is_pattern(address.key) and not literal)
    if not (many or dry_run or if_exists):
        wanted_list = str(hash_list or "")
        return _get_one(cli, address, place, overwrite=overwrite, pace=pace, hash_list=wanted_list)
    from core.transfer.selection import select_objects

    with transfer_work(cli, "Listing", pace) as work:
        bucket = bucket_of(cli, address, work)
        found = select_objects(
            bucket, work, texts=[address.key], recursive=recursive,
            names=name_filter(include, exclude), matching=matching_of(literal),
        )  # fmt: skip
    wanted = _Downloads.of(found, place, address.key, recursive=recursive)
    if dry_run:
        return _show_download_plan(cli, wanted, choice)
    return _get_all(cli, bucket, wanted, choice, pace, hash_list=str(hash_list or ""))


def _get_output(cli: Cli, key: str, pace: Pace, *, alone: bool) -> int:
    from core.cli.streams import get_output

    if not alone:
        raise usage_error(
            "Only one object can be written to standard output",
            remedy="Omit --recursive, --dry-run, --pattern and --hash-list, or download to a folder.",
        )
    with transfer_work(cli, f"Reading {key}", pace) as work:
        get_output(cli, key, work)
    return 0


def _get_one(
    cli: Cli, address: Address, target: LocalTarget, *, overwrite: bool, pace: Pace, hash_list: str
) -> int:
    from core.objects.reading import download
    from core.transfer.hash_list import check_hash_list
    from core.transfer.local_names import local_name
    from core.transfer.sweep import sweep_at_start

    key, hash_list = address.key, check_hash_list(hash_list)
    path = target.path
    if target.is_folder:
        path /= local_name(key, target.existing_folder)
    with transfer_work(cli, f"Downloading {path.name}", pace) as work:
        bucket = bucket_of(cli, address, work)
        sweep_at_start(bucket, work, [path.parent])
        try:
            got = attempted(
                work,
                lambda work: download(
                    bucket, key, path, overwrite=overwrite, resumable=True, work=work
                ),
            )
        except NotFound as error:
            raise _named_folder(bucket, key, work, error) from error
    if hash_list:
        save_hash(hash_list, got.sha256, path.name)
    line = f"{got.path}  {format_size(got.size)}  {got.verdict.value}"
    cli.out.result(got, lambda: cli.out.line(line))
    return 0


def _named_folder(bucket: Bucket, key: str, work: Work, error: NotFound) -> NotFound:
    """Return the error about a key that does not exist, which may be a folder."""
    from core.objects.level import page_of

    folder = f"{key.removesuffix('/')}/"
    with suppress(StorageError):  # keys may not be listed with every right to read
        page, _ = page_of(bucket, folder, size=1, work=work)
        if page.keys:
            return NotFound(
                f"{bucket.subject(folder)} is a folder, and no object",
                cause=f"It has objects, for example {page.keys[0]}.",
                remedy="Download all of them with --recursive, or name one.",
                subject=bucket.subject(folder),
            )
    return error


@dataclass(frozen=True, slots=True)
class _Downloads:
    """Objects and their folder; `name` is the local name of a single object, or empty."""

    objects: SelectedObjects
    folder: Path
    below: str
    name: str = ""

    @classmethod
    def of(
        cls, found: SelectedObjects, target: LocalTarget, text: str, *, recursive: bool
    ) -> _Downloads:
        from core.transfer.selection import folder_of

        # The folder of the prefix: `logs/app` downloads `logs/app.log` as `app.log`.
        below = found.keys[0].removesuffix(found.names[0])
        single = not recursive and found.keys == (text,) and not target.is_folder
        if single:
            return cls(found, target.path.parent, folder_of(text), target.path.name)
        return cls(found, target.path, below)

    def paths(self) -> list[Path | None]:
        """Return the local path of each object; None for folder markers."""
        from core.transfer.local_names import local_paths

        if self.name:
            return [self.folder / self.name]
        names = [key.removeprefix(self.below) for key in self.objects.keys]
        # The names depend on the file system, which only an existing folder shows.
        existing = next(each for each in (self.folder, *self.folder.absolute().parents)
                        if each.exists())  # fmt: skip
        found = local_paths(existing, names, self.objects.sizes)
        return [self.folder / each.relative_to(existing) if each else None for each in found]


def _show_download_plan(cli: Cli, wanted: _Downloads, choice: IfExists) -> int:
    """Show what would be done with each object."""
    from core.transfer.values import EXISTS, IfExists

    rows: list[dict[str, Any]] = []
    found = wanted.objects
    for key, size, path in zip(found.keys, found.sizes, wanted.paths(), strict=True):
        row = {"action": "download", "size": size, "path": str(path or ""), "key": key,
               "reason": ""}  # fmt: skip
        if path is None:
            row.update(action="skip", reason="it is the marker of a folder")
        elif path.exists() and choice is IfExists.SKIP:
            row.update(action="skip", reason=EXISTS)
        elif path.exists():
            row.update(action=choice.value)
        rows.append(row)
    return show_plan(cli, rows, "object")


def _get_all(
    cli: Cli, bucket: Bucket, wanted: _Downloads, choice: IfExists, pace: Pace, *, hash_list: str
) -> int:
    from core.cli.transfer_report import FileLines, Files, downloaded_files, show_report
    from core.transfer.download import download
    from core.transfer.values import TransferCancelled

    found = wanted.objects
    names = [wanted.name] if wanted.name else []
    paths = [str(path or "") for path in wanted.paths()] if cli.out.json_lines else []
    lines = FileLines(cli.out, Files(found.keys, paths, found.sizes))
    with transfer_work(cli, "Downloading", pace, lines.take) as work:
        try:
            report = download(
                Place(bucket), work, keys=found.keys, sizes=found.sizes, etags=found.etags,
                modified=found.modified, folder=str(wanted.folder), below=wanted.below,
                names=names, if_exists=choice.value, hash_list=hash_list,
            )  # fmt: skip
        except TransferCancelled as error:
            report = error.report  # what was done until then is reported too
    files = downloaded_files(report, found.keys, found.sizes, wanted.below, wanted.folder)
    if wanted.name and not report.renamed:
        files = Files(found.keys, [str(wanted.folder / wanted.name)], found.sizes)
    return show_report(cli.out, report, files, "downloaded")

"""Options and addresses that the commands for objects have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.units import format_counted

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.name_filter import NameFilter
    from core.objects.bucket import Bucket
    from core.transfer.selection import Matching, SelectedObjects
    from core.transfer.values import IfExists
    from core.work import Work

_SCHEME = "s3://"
#: A part of the help about a prefix.
ANOTHER_BUCKET = "s3://BUCKET/PREFIX names another bucket."


class Existing(StrEnum):
    """What happens if the target exists; the values are those of `--if-exists`."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    IF_DIFFERENT = "if-different"
    IF_NEWER = "if-newer"
    IF_SIZE_DIFFERS = "if-size-differs"


class ExistingOrBoth(StrEnum):
    """The same for transfers of files, which can also choose another name."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep-both"
    IF_DIFFERENT = "if-different"
    IF_NEWER = "if-newer"
    IF_SIZE_DIFFERS = "if-size-differs"


Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Choose all objects below the prefix.")
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Only names below the folder or prefix that match, for example '*.csv'; * also "
        "matches slashes; repeatable.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Not the names that match the pattern; repeatable."),
]
Literal = Annotated[
    bool | None,
    typer.Option(
        "--literal/--pattern",
        help="Whether texts with *, ? or [ are keys or patterns. Without it they are keys if such "
        "objects exist, else patterns.",
    ),
]
ListAgain = Annotated[
    bool,
    typer.Option(
        "--list-again",
        help="List the keys also if the catalogue has them: its new keys were listed within an hour, "
        "and all keys within a day.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the plan; nothing is changed.")]


def name_filter(include: list[str] | None, exclude: list[str] | None) -> NameFilter:
    """Return the filter of `--include` and `--exclude`."""
    from core.model.name_filter import NameFilter

    return NameFilter(tuple(include or ()), tuple(exclude or ()))


def matching_of(literal: bool | None) -> Matching:
    """Return what a text with `*`, `?` or `[` names, by `--literal` or `--pattern`."""
    from core.transfer.selection import Matching

    if literal is None:
        return Matching.EITHER
    return Matching.KEY if literal else Matching.PATTERN


def check_patterns(found: SelectedObjects) -> None:
    """Check that no text was taken for a pattern without `--pattern`.

    A command that was repeated after it has removed the object `a[1]` would otherwise remove `a1`.

    Raises:
        InvalidInput: a text is no key, and would be a pattern.
    """
    if not found.patterns:
        return
    objects = format_counted(len(found.keys), "other object")
    raise usage_error(
        f"There is no object {found.patterns[0]}",
        cause=f"As a pattern it selects {objects}.",
        remedy="Add --pattern if it is a pattern, or --literal if it is the key of an object.",
    )


def decision(choice: Existing | ExistingOrBoth | None, *, overwrite: bool = False) -> IfExists:
    """Return the decision for existing targets; skipping them is the default.

    Raises:
        InvalidInput: `--overwrite` and `--if-exists` are combined.
    """
    from core.transfer.values import IfExists

    if choice is None:
        return IfExists.OVERWRITE if overwrite else IfExists.SKIP
    if overwrite:
        raise usage_error(
            "--overwrite and --if-exists cannot be combined",
            remedy="--overwrite is the same as --if-exists overwrite.",
        )
    return IfExists[choice.name]


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the command line: a key or prefix, and its bucket if it names one."""

    bucket: str
    key: str

    @classmethod
    def of(cls, text: str) -> Address:
        """Parse `KEY`, or `s3://BUCKET/KEY`; `s3:///KEY` is in the bucket of the profile.

        Raises:
            InvalidInput: the text contains neither a bucket nor a key.
        """
        if not text.startswith(_SCHEME):
            return cls("", text)
        if text == _SCHEME:
            raise usage_error(
                f"{_SCHEME} names neither a bucket nor a key",
                "Often a variable is not set.",
                "Write s3://BUCKET/KEY, or s3:///KEY for a key in the bucket of the profile.",
            )
        bucket, _, key = text.removeprefix(_SCHEME).partition("/")
        return cls(bucket, key)


def prefix_of(cli: Cli, text: str) -> str:
    """Return the prefix of an address, whose bucket, if it names one, becomes that of the command.

    Raises:
        InvalidInput: `--bucket` names another bucket.
    """
    address = Address.of(text)
    if address.bucket:
        cli.opener.choose_bucket(address.bucket)
    return address.key


def keys_of(cli: Cli, texts: Sequence[str]) -> list[str]:
    """Return the keys of addresses, whose bucket, if they name one, becomes that of the command.

    Raises:
        InvalidInput: they, or `--bucket`, name different buckets.
    """
    address, keys = common_address(texts)
    if address.bucket:
        cli.opener.choose_bucket(address.bucket)
    return keys


def common_address(texts: Sequence[str]) -> tuple[Address, list[str]]:
    """Return the address of the bucket that all texts name, and their keys.

    Raises:
        InvalidInput: they name different buckets.
    """
    addresses = [Address.of(text) for text in texts]
    if len({each.bucket for each in addresses}) > 1:
        raise usage_error(
            "The addresses name different buckets",
            remedy="Run the command once for each bucket.",
        )
    return addresses[0], [each.key for each in addresses]


def bucket_of(cli: Cli, address: Address, work: Work, *, profile: str = "") -> Bucket:
    """Return the bucket of an address, by default that of the profile.

    Args:
        cli: the context of the command.
        address: the address.
        work: cancel token.
        profile: the name of a stored profile; empty for that of the command.

    Raises:
        StorageError: the profile does not exist, or its keys cannot be read.
    """
    from core.objects.bucket import Bucket

    opener = cli.opener
    workspace = opener.other_workspace(profile, work) if profile else opener.workspace(work)
    bucket = workspace.bucket
    return Bucket(bucket.clients, address.bucket) if address.bucket else bucket

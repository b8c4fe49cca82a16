"""Options of the objects that `put` stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.model.upload_options import Checksum, Compression, Encryption

if TYPE_CHECKING:
    from core.model.upload_options import UploadOptions

StorageClass = Annotated[
    str,
    typer.Option(
        "--storage-class", metavar="NAME", help="For example STANDARD_IA or DEEP_ARCHIVE."
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="A tag of the objects; repeatable."),
]
Metadata = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="NAME=VALUE", help="Metadata of the objects; repeatable."),
]
EncryptionOption = Annotated[
    Encryption,
    typer.Option("--encryption", help="Encryption at rest; by default that of the bucket."),
]
KmsKey = Annotated[
    str,
    typer.Option(
        "--kms-key", metavar="KEY", help="Encrypt with this KMS key: its id, alias or ARN."
    ),
]
ChecksumOption = Annotated[
    Checksum,
    typer.Option("--checksum", help="The checksum that S3 verifies and stores."),
]
Compress = Annotated[
    Compression,
    typer.Option(
        "--compress",
        help="Compress files before they are sent; .gz or .zst is appended to the keys, except "
        "that of a single file. Files that are already compressed stay unchanged.",
    ),
]


def upload_options(  # noqa: PLR0913, PLR0917 - the options of one command
    storage_class: str,
    tags: list[str] | None,
    metadata: list[str] | None,
    encryption: Encryption,
    kms_key: str,
    checksum: Checksum,
    compression: Compression,
) -> UploadOptions:
    """Return the options of the command line.

    Raises:
        InvalidInput: a tag or metadata has no equals sign, or a value is not valid.
    """
    from core.model.upload_options import UploadOptions
    from core.objects.options import check_options

    if kms_key and encryption is Encryption.DEFAULT:
        encryption = Encryption.KMS
    return check_options(
        UploadOptions(
            storage_class=storage_class,
            tags=pairs_of("--tag", tags or ()),
            metadata=pairs_of("--metadata", metadata or ()),
            encryption=encryption,
            kms_key=kms_key,
            checksum=checksum,
            compression=compression,
        )
    )


def pairs_of(option: str, texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of the values of an option.

    Raises:
        InvalidInput: a value has no name or no equals sign.
    """
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise usage_error(
                f"{option} {text} has no name and value",
                remedy=f"Write it as {option} NAME=VALUE.",
            )
        found.append((name, value))
    return tuple(found)

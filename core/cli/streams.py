"""Standard input and standard output as the file `-` of `put` and `get`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from core.cli.parameters import usage_error
from core.cli.selection import Address, bucket_of
from core.errors import Corrupt
from core.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.cli.common import Cli
    from core.model.objects import Written
    from core.model.upload_options import UploadOptions
    from core.objects.object_reader import ObjectReader
    from core.work import Work

#: Objects up to this size are verified before their first byte is written.
_HELD_BYTES = 8 * 1024 * 1024


def put_input(
    cli: Cli,
    target: str,
    work: Work,
    *,
    size: int | None,
    overwrite: bool,
    options: UploadOptions,
) -> Written:
    """Store standard input under a key.

    Args:
        cli: the context of the command.
        target: the key, or an address with a bucket.
        work: cancel token, progress and retry budget.
        size: the exact number of bytes, if it is known.
        overwrite: whether an existing object is replaced.
        options: storage class, tags, metadata and encryption.

    Raises:
        InvalidInput: the target is a prefix, or the input has another size.
        StorageError: nothing was stored.
    """
    from core.objects.options import check_options, parameters_of
    from core.objects.streams import upload_stream
    from core.transfer.sweep import sweep_at_start

    address = Address.of(target)
    if not address.key or address.key.endswith("/"):
        raise usage_error(
            "Standard input needs a key",
            cause=f"{target} is a prefix, and the input has no name.",
            remedy="Add a name to the target.",
        )
    bucket = bucket_of(cli, address, work)
    sweep_at_start(bucket, work)
    properties = {**parameters_of(check_options(options)), "Metadata": dict(options.metadata)}
    return upload_stream(
        bucket, address.key, sys.stdin.buffer, size=size, properties=properties,
        only_new=not overwrite, work=work,
    )  # fmt: skip


def get_output(cli: Cli, source: str, work: Work) -> None:
    """Write an object to standard output, and report what its bytes were compared with.

    Up to 8 MiB are verified before the first byte is written. A larger object is verified at the
    end: then the exit code is the only sign that the output is not valid.

    Raises:
        NotFound: the object does not exist.
        Corrupt: the bytes differ from the recorded hash.
        StorageError: the object could not be read completely.
    """
    from core.objects.object_reader import ObjectReader, inspect

    if cli.out.as_json:
        raise usage_error(
            "--json and standard output cannot be combined",
            remedy="Omit --json, or download the object to a file.",
        )
    address = Address.of(source)
    bucket = bucket_of(cli, address, work)
    reader = ObjectReader(bucket, address.key, inspect(bucket, address.key, work), work)
    held = reader.size <= _HELD_BYTES
    for chunk in _chunks(reader, held=held):
        cli.out.content(chunk)
    if not held:
        _check_written(reader)
    cli.out.note(f"{address.key}  {format_size(reader.size)}  {reader.verdict.value}")


def _chunks(reader: ObjectReader, *, held: bool) -> Iterator[bytes]:
    while chunk := reader.read(_HELD_BYTES):
        if held:
            reader.check()
        yield chunk


def _check_written(reader: ObjectReader) -> None:
    try:
        reader.check()
    except Corrupt as error:
        error.cause += " The bytes that were written to standard output are not valid."
        raise

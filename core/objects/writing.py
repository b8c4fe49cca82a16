"""Upload of bytes in one request, and of files in one request or in parts."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.aws.limits import METADATA_BYTES
from core.effects import states_effect
from core.errors import InvalidInput
from core.layout.building import check_key
from core.model.objects import Written
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256, Stamp, changed, sha256_of, unreadable
from core.objects.parts import SINGLE_BYTES, PartLoop
from core.objects.single import SinglePut
from core.units import format_counted
from core.work import Progress, Work, default_work


@states_effect("written")
def put(  # noqa: PLR0913 - one write; all but the first three by name
    bucket: Bucket,
    key: str,
    data: bytes,
    *,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    only_new: bool = False,
    work: Work | None = None,
) -> Written:
    """Store bytes under a key in one request, and verify the stored object.

    Args:
        bucket: the bucket.
        key: at most 1,024 bytes.
        data: the content.
        metadata: user metadata, stored exactly as given; at most 2 KB together.
        content_type: derived from the extension of the key if None.
        only_new: never overwrite an object.
        work: cancel token.

    Raises:
        AlreadyExists: `only_new`, and another object has the key.
        InvalidInput: the key or the metadata is not valid.
        Corrupt: the stored bytes differ from those that were sent, even after several attempts.
        StorageError: the write was denied or failed.
    """
    work = default_work(work)
    work.check()
    arguments = _arguments(bucket, key, metadata, content_type)
    return SinglePut(bucket, arguments, data, work, only_new=only_new).run()


@states_effect("written", ("PutObject", "CompleteMultipartUpload"))
def upload(  # noqa: PLR0913 - one write; all but the first three by name
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    only_new: bool = False,
    work: Work | None = None,
) -> Written:
    """Upload a file to a key, with its SHA-256 as metadata, and verify the stored object.

    If the file changes while it is uploaded, nothing is stored. With `only_new` no object is
    overwritten, not even one that appears during the upload.

    Raises:
        AlreadyExists: `only_new`, and another object has the key.
        SourceChanged: the file changed while it was read.
        LocalIOError: the file cannot be read.
        InvalidInput: the key or the metadata is not valid, or the file is too large.
        Corrupt: the stored bytes differ from those that were sent, even after several attempts.
        StorageError: the upload was denied or failed; nothing was stored.
    """
    work = default_work(work)
    # Taken before the hash, so that any change from here on is detected.
    stamp = Stamp.of(path)
    digest = sha256_of(path, work)
    stamp.check(path)
    arguments = _arguments(bucket, key, {**(metadata or {}), SHA256: digest}, content_type)
    if stamp.size <= SINGLE_BYTES:
        data = _content(path, digest)
        written = SinglePut(bucket, arguments, data, work, only_new=only_new).run()
    else:
        written = PartLoop(bucket, path, arguments, stamp, digest, work, only_new=only_new).run()
    work.report(Progress(stamp.size, stamp.size, "bytes", key))
    return written


def _content(path: Path, digest: str) -> bytes:
    """Return the bytes of a file, and check their hexadecimal SHA-256 `digest`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    # Read a second time: these bytes must be those whose hash is stored as metadata.
    if hashlib.sha256(data).hexdigest() != digest:
        raise changed(path)
    return data


def _arguments(
    bucket: Bucket, key: str, metadata: Mapping[str, str] | None, content_type: str | None
) -> dict[str, Any]:
    return {
        "Bucket": bucket.name,
        "Key": check_key(key),
        "Metadata": check_metadata(metadata or {}),
        "ContentType": content_type or guess_type(key),
    }


def guess_type(key: str) -> str:
    """Return the content type for the extension of a key; gzip as in the data contract."""
    # `mimetypes` would return the type of the decompressed content.
    if key.endswith(".gz"):
        return "application/gzip"
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Check metadata for the limits of S3's headers, and return it.

    Raises:
        InvalidInput: names or values are not printable ASCII, or more than 2 KB together.
    """
    plain = {str(name): str(value) for name, value in metadata.items()}
    for name, value in plain.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            raise InvalidInput(
                f"The metadata {name!r} cannot be stored",
                cause="S3 transmits metadata in headers, which must be printable ASCII.",
                remedy="Use ASCII characters only, or store the text in the object.",
                subject=name,
            )
    size = sum(len(name) + len(value) for name, value in plain.items())
    if size > METADATA_BYTES:
        raise InvalidInput(
            "The metadata is too large",
            cause=f"It has {format_counted(size, 'byte')}; S3 allows {METADATA_BYTES}.",
            remedy="Shorten it, or store the text in the object.",
        )
    return plain

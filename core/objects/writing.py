"""Writes objects: bytes in one request, files by the path that fits their size."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.aws.faults import translated
from core.aws.limits import METADATA_BYTES
from core.errors import AlreadyExists, Conflict, InvalidInput, NotFound, StorageError
from core.layout.building import check_key
from core.model.objects import Written
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256, Stamp, changed, sha256_of, unreadable
from core.objects.parts import SINGLE_BYTES, PartLoop
from core.objects.reading import head
from core.work import Progress, Work, default_work


def put(  # noqa: PLR0913 - one write; all but the first three by name
    bucket: Bucket,
    key: str,
    data: bytes,
    *,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    if_none_match: bool = False,
    work: Work | None = None,
) -> Written:
    """Store bytes under a key in one request.

    Args:
        bucket: the bucket.
        key: at most 1,024 bytes.
        data: the content.
        metadata: user metadata, stored exactly as given; at most 2 KB together.
        content_type: guessed from the key's ending if None.
        if_none_match: refuse to write over an object that is there.
        work: cancel.

    Raises:
        AlreadyExists: `if_none_match`, and another object has the key.
        InvalidInput: the key or the metadata cannot be stored.
        StorageError: the write was denied or failed; nothing was stored.
    """
    default_work(work).check()
    arguments = _arguments(bucket, key, metadata, content_type)
    if if_none_match:
        arguments["IfNoneMatch"] = "*"
    try:
        with translated("s3:PutObject", bucket.subject(key)):
            answer = bucket.client.put_object(Body=data, **arguments)
    except Conflict as error:
        if not if_none_match:
            raise
        return _ours_or_theirs(bucket, key, data, error)
    digest = hashlib.sha256(data).hexdigest()
    return Written(
        key, answer.get("ETag", "").strip('"'), len(data), answer.get("VersionId"), digest
    )


def upload(
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    work: Work | None = None,
) -> Written:
    """Store a file under a key, with its SHA-256 as metadata, and confirm what the server has.

    The file is hashed, sent, and watched meanwhile: if it changes, nothing is stored.

    Raises:
        SourceChanged: the file changed while it was read.
        LocalIOError: the file cannot be read.
        InvalidInput: the key or the metadata cannot be stored, or the file is too large.
        StorageError: the upload was denied or failed; nothing was stored.
    """
    work = default_work(work)
    stamp = Stamp.of(path)
    digest = sha256_of(path, work)
    stamp.check(path)
    arguments = _arguments(bucket, key, {**(metadata or {}), SHA256: digest}, content_type)
    if stamp.size <= SINGLE_BYTES:
        written = _put_file(bucket, path, arguments, digest, work)
    else:
        written = PartLoop(bucket, path, arguments, stamp, digest, work).run()
    work.report(Progress(stamp.size, stamp.size, "bytes", key))
    return written


def _put_file(
    bucket: Bucket, path: Path, arguments: dict[str, Any], digest: str, work: Work
) -> Written:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise changed(path)
    work.check()
    key = arguments["Key"]
    with translated("s3:PutObject", bucket.subject(key)):
        answer = bucket.client.put_object(Body=data, **arguments)
    etag = answer.get("ETag", "").strip('"')
    return Written(key, etag, len(data), answer.get("VersionId"), digest)


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
    """Return the content type that a key's ending suggests; the contract's for gzip."""
    if key.endswith(".gz"):
        return "application/gzip"
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata that S3 can carry in headers.

    Raises:
        InvalidInput: names or values are not printable ASCII, or more than 2 KB together.
    """
    plain = {str(name): str(value) for name, value in metadata.items()}
    for name, value in plain.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            raise InvalidInput(
                f"The metadata {name!r} cannot be stored",
                cause="S3 carries metadata in headers, which are printable ASCII.",
                remedy="Use plain letters, or put the text into the object.",
                subject=name,
            )
    size = sum(len(name) + len(value) for name, value in plain.items())
    if size > METADATA_BYTES:
        raise InvalidInput(
            "The metadata is too large",
            cause=f"It has {size} bytes, S3 takes {METADATA_BYTES}.",
            remedy="Shorten it, or put the text into the object.",
        )
    return plain


def _ours_or_theirs(bucket: Bucket, key: str, data: bytes, error: StorageError) -> Written:
    """Tell a conflict from the echo of our own write, whose first answer was lost."""
    try:
        there = head(bucket, key)
    except NotFound:
        raise error from None
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if there.size == len(data) and there.etag == md5:
        return Written(
            key, there.etag, there.size, there.version_id, hashlib.sha256(data).hexdigest()
        )
    raise AlreadyExists(
        f"{key} is there already",
        cause=f"An object of {there.size} bytes was stored {there.modified:%d %b %Y %H:%M} UTC.",
        remedy="Choose another key, or delete that object first.",
        subject=bucket.subject(key),
        details=error.details,
    )

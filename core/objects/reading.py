"""Reads objects: their head, a range of bytes, or all of it, compared before it counts."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from core.aws.faults import translated
from core.errors import Corrupt, ServiceError, StorageError, local_io_error
from core.local.partial_files import create_partial
from core.model.objects import ObjectInfo, Verdict
from core.objects.bodies import chunks_of
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.fetching import Breaks, Fetch, Fetched, Listed, content_range
from core.objects.hashing import SHA256
from core.objects.local_files import already_exists, move_into_place, set_aside
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was downloaded completely; `verdict` is what its bytes were compared with."""

    path: Path
    size: int
    sha256: str
    verdict: Verdict

    @property
    def verified(self) -> bool:
        """Whether the bytes were compared with a hash; otherwise only their number was."""
        return self.verdict is not Verdict.SIZE_ONLY


def head(
    bucket: Bucket, key: str, *, version_id: str | None = None, work: Work | None = None
) -> ObjectInfo:
    """Return what the server knows of an object without reading it.

    Raises:
        NotFound: there is no such object.
        AccessDenied: `s3:GetObject` is missing, or the object is missing and `s3:ListBucket` too.
    """
    work = default_work(work)
    work.check()
    with translated("s3:HeadObject", bucket.subject(key), work):
        answer = bucket.client.head_object(Bucket=bucket.name, Key=key, **_version(version_id))
    size, modified, etag = answer.get("ContentLength"), answer.get("LastModified"), etag_of(answer)
    if size is None or modified is None or not etag:
        raise ServiceError(
            "The answer does not describe an object",
            cause="It lacks its length, its time or its ETag.",
            remedy="Try again; check the endpoint of the profile and proxies on the way.",
            subject=bucket.subject(key),
        )
    metadata = dict(answer.get("Metadata", {}))
    return ObjectInfo(
        key=key,
        size=size,
        modified=modified,
        etag=etag,
        content_type=answer.get("ContentType", ""),
        storage_class=answer.get("StorageClass", "STANDARD"),
        metadata=metadata,
        version_id=answer.get("VersionId"),
        encryption=answer.get("ServerSideEncryption"),
        content_encoding=answer.get("ContentEncoding"),
        sha256=metadata.get(SHA256),
    )


def read(
    bucket: Bucket,
    key: str,
    *,
    start: int = 0,
    length: int | None = None,
    version_id: str | None = None,
    work: Work | None = None,
) -> bytes:
    """Return `length` bytes of an object from `start` on; all of it by default.

    A range beyond the object's end gives what there is. A read of the whole object is compared
    with the hash that the server has, a range with its announced bounds.

    Raises:
        NotFound: there is no such object.
        Corrupt: the bytes do not have the recorded hash.
        StorageError: the read was denied or failed.
    """
    work = default_work(work)
    work.check()
    if length == 0:
        return b""
    if start == 0 and length is None:
        return fetch(bucket, key, version_id=version_id, work=work)[0]
    breaks = Breaks(work)
    while True:
        answer = _ranged(bucket, key, start, length, version_id, work)
        if answer is None:
            return b""
        try:
            with (
                closing(answer["Body"]),
                translated("s3:GetObject", bucket.subject(key), work),
            ):
                return _part_of(answer, start, length, work)
        except StorageError as error:
            breaks.wait(error)


def fetch(
    bucket: Bucket, key: str, *, version_id: str | None = None, work: Work | None = None
) -> tuple[bytes, Fetched]:
    """Return a whole object, and what its bytes were compared with.

    Raises:
        NotFound: there is no such object.
        Corrupt: the bytes do not have the recorded hash.
        StorageError: the read was denied or failed.
    """
    file = BytesIO()
    fetched = Fetch(bucket, key, file, default_work(work), version=_version(version_id)).run()
    return file.getvalue(), fetched


def _ranged(
    bucket: Bucket, key: str, start: int, length: int | None, version_id: str | None, work: Work
) -> dict[str, Any] | None:
    """Return the answer to a ranged GET; None for a range behind the object's end."""
    last = "" if length is None else start + length - 1
    with translated("s3:GetObject", bucket.subject(key), work):
        try:
            answer: dict[str, Any] = bucket.client.get_object(
                Bucket=bucket.name, Key=key, Range=f"bytes={start}-{last}", **_version(version_id)
            )
        except bucket.client.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 416:
                return None  # an empty object, or a start at or after its end
            raise
    return answer


def _part_of(answer: dict[str, Any], start: int, length: int | None, work: Work) -> bytes:
    """Return the asked bytes of an answer; one of the whole object is cut to them."""
    found = content_range(answer)
    first, last, size = found or (0, int(answer["ContentLength"]) - 1, int(answer["ContentLength"]))
    end = size if length is None else min(size, start + length)
    if found and (first, last) != (start, end - 1):
        raise ServiceError(
            "The server sent another range than the one asked for",
            cause=f"It sent “{answer['ContentRange']}”.",
            remedy="Try again; if it stays, a proxy on the way alters answers.",
        )
    data, wanted = bytearray(), end - first
    with closing(chunks_of(answer["Body"], work)) as chunks:
        for chunk in chunks:
            data += chunk
            if not found and len(data) >= wanted:  # the rest of a body that is too long
                break
    if len(data) < wanted:
        raise ServiceError(f"{len(data)} of {wanted} bytes arrived", remedy="Try again.")
    return bytes(data[start - first : wanted])


def download(  # noqa: PLR0913 - all but the first three by name
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    overwrite: bool = False,
    version_id: str | None = None,
    expected_size: int | None = None,
    expected_etag: str | None = None,
    work: Work | None = None,
) -> Downloaded:
    """Download an object into a file that appears only when it is complete and compared.

    The bytes go to a temporary name beside `path`, are hashed on the way, flushed to the disk,
    and renamed. A stream that breaks is continued with `If-Match`, so two states never mix.

    Args:
        bucket: the bucket.
        key: the object.
        path: the file.
        overwrite: replace a file that exists; otherwise none is, also not one that appears
            meanwhile.
        version_id: a version other than the newest.
        expected_size: the size in bytes by the listing that the caller has.
        expected_etag: the ETag by that listing.
        work: cancel and progress.

    Raises:
        AlreadyExists: the file exists and `overwrite` is False.
        Corrupt: the bytes do not have the recorded hash or length; they are stored as `….corrupt`.
        LocalIOError: the file cannot be written; nothing is left behind.
        StorageError: the download was denied or failed; nothing is left behind.
    """
    work = default_work(work)
    if path.exists() and not overwrite:
        raise already_exists(path)
    etag = expected_etag.strip('"') if expected_etag else None
    listed = Listed(expected_size, etag)
    try:
        return _download(bucket, key, path, overwrite, _version(version_id), listed, work)
    except OSError as error:
        raise local_io_error(error, f"{path.name} cannot be written", path) from error


def _download(  # noqa: PLR0913, PLR0917 - the arguments of `download`
    bucket: Bucket,
    key: str,
    path: Path,
    overwrite: bool,
    version: dict[str, str],
    listed: Listed,
    work: Work,
) -> Downloaded:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, handle = create_partial(path)
    with os.fdopen(handle, "wb") as file:
        try:
            try:
                fetched = Fetch(bucket, key, file, work, version=version, listed=listed).run()
            except Corrupt as error:
                file.flush()
                error.remedy += f" The bytes are stored as {set_aside(temporary, path).name}."
                raise
            file.flush()
            os.fsync(file.fileno())
            move_into_place(temporary, path, overwrite=overwrite)
        finally:
            temporary.unlink(missing_ok=True)
    return Downloaded(path, fetched.size, fetched.sha256, fetched.verdict)


def _version(version_id: str | None) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}

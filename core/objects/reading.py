"""Reading of objects: metadata, a range of bytes, or verified downloads."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from core.aws.faults import translated
from core.errors import (
    CONNECTION_KINDS,
    TRANSIENT_KINDS,
    AccessDenied,
    Cancelled,
    Conflict,
    Corrupt,
    ErrorKind,
    LocalIOError,
    NotFound,
    ServiceError,
    StorageError,
    local_io_error,
)
from core.local.new_folders import NewFolders
from core.local.partial_downloads import PartialDownload
from core.local.partial_files import already_exists, move_into_place, set_aside
from core.local.partial_records import Source
from core.model.listing import ObjectInfo
from core.model.objects import Verdict
from core.objects.bodies import chunks_of, content_range
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.fetching import Fetch, Fetched, Listed
from core.objects.hashing import SHA256
from core.objects.interruptions import Interruptions
from core.objects.level import page_of
from core.units import format_counted
from core.work import Work, default_work

#: Kinds of errors after which the bytes of a large object remain for the next download.
#: A permission can be granted again. An object that was replaced leaves none.
_CONTINUED_KINDS = CONNECTION_KINDS | TRANSIENT_KINDS | {ErrorKind.ACCESS_DENIED}
#: The same of errors of the operating system: space can be freed.
_DISK_IS_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A completely downloaded file; `verdict` is what its bytes were compared with."""

    path: Path
    size: int
    sha256: str
    verdict: Verdict

    @property
    def verified(self) -> bool:
        """Whether the bytes were compared with a hash, and not only by their number."""
        return self.verdict.compared


def head(
    bucket: Bucket, key: str, *, version_id: str | None = None, work: Work | None = None
) -> ObjectInfo:
    """Return the metadata of an object (HeadObject).

    Raises:
        NotFound: the object does not exist.
        AccessDenied: `s3:GetObject` is missing, or the object does not exist and `s3:ListBucket` is
            missing.
    """
    work = default_work(work)
    work.check()
    try:
        with translated("s3:HeadObject", bucket.subject(key), work):
            answer = bucket.client.head_object(Bucket=bucket.name, Key=key, **_version(version_id))
    except AccessDenied:
        if version_id is None and _is_absent(bucket, key, work):
            raise NotFound(
                f"{bucket.subject(key)} does not exist",
                remedy="Check the name (case matters) and list what exists.",
                subject=bucket.subject(key),
            ) from None
        raise
    size, modified, etag = answer.get("ContentLength"), answer.get("LastModified"), etag_of(answer)
    # A proxy may answer HEAD with its own headers, which do not describe an object.
    if size is None or modified is None or not etag:
        raise ServiceError(
            "The answer does not describe an object",
            cause="The length, the modification time or the ETag is missing.",
            remedy="Try again. Check the endpoint of the profile and any proxy in between.",
            subject=bucket.subject(key),
        )
    # S3 returns no StorageClass for STANDARD (S3 API reference, HeadObject).
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


def _is_absent(bucket: Bucket, key: str, work: Work) -> bool:
    """Return whether a listing proves that an object does not exist; False if it is denied.

    S3 denies HEAD of an object that does not exist unless all keys of the bucket may be listed.
    With rights on one prefix only, the key itself can still be listed. Source: S3 API reference,
    HeadObject, "Permissions".
    """
    try:
        page, _token = page_of(bucket, key, size=1, work=work)
    except AccessDenied:
        return False
    # The key itself sorts before all others that begin with it.
    return key not in page.keys


def read(  # noqa: PLR0913 - all but the first two by name
    bucket: Bucket,
    key: str,
    *,
    start: int = 0,
    length: int | None = None,
    version_id: str | None = None,
    etag: str = "",
    work: Work | None = None,
) -> bytes:
    """Return `length` bytes of an object from the offset `start`; by default all bytes.

    A range beyond the end of the object is shortened. A complete object is compared with the
    server's hash, a range with its declared bounds.

    Args:
        bucket: the bucket.
        key: the object.
        start: the first byte.
        length: the number of bytes; None for all that follow.
        version_id: the version, by default the newest.
        etag: the ETag, without quotes, that a range must belong to; empty for any.
        work: cancel token and the bandwidth limit.

    Raises:
        Conflict: the object has another ETag.
        NotFound: the object does not exist.
        Corrupt: the bytes differ from the recorded hash.
        StorageError: the read was denied or failed.
    """
    work = default_work(work)
    work.check()
    if length == 0:
        return b""
    # Only a complete object can be compared with the hash that S3 stores.
    if start == 0 and length is None:
        return fetch(bucket, key, version_id=version_id, work=work)[0]
    breaks = Interruptions(work)
    more = _version(version_id) | ({"IfMatch": f'"{etag}"'} if etag else {})
    while True:
        answer = _ranged(bucket, key, start, length, more, work)
        if answer is None:
            return b""
        # Some servers ignore the condition.
        if etag and etag_of(answer) != etag:
            answer["Body"].close()
            raise Conflict(
                f"{key} was replaced while it was read",
                cause="Another client has stored a new object under this key.",
                remedy="Read it again.",
                subject=bucket.subject(key),
            )
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
    """Return a complete object, and what its bytes were compared with.

    Raises:
        NotFound: the object does not exist.
        Corrupt: the bytes differ from the recorded hash.
        StorageError: the read was denied or failed.
    """
    file = BytesIO()
    fetched = Fetch(bucket, key, file, default_work(work), version=_version(version_id)).run()
    return file.getvalue(), fetched


def _ranged(
    bucket: Bucket, key: str, start: int, length: int | None, more: dict[str, str], work: Work
) -> dict[str, Any] | None:
    """Return the answer to a ranged GET, or None for a range beyond the end of the object.

    `more` has further parameters of botocore.
    """
    # Both ends of an HTTP range are included (RFC 9110, section 14.1.2).
    last = "" if length is None else start + length - 1
    with translated("s3:GetObject", bucket.subject(key), work):
        try:
            answer: dict[str, Any] = bucket.client.get_object(
                Bucket=bucket.name, Key=key, Range=f"bytes={start}-{last}", **more
            )
        # The general translation of 416 is an error, but an empty range is a valid result here.
        except bucket.client.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 416:
                return None  # an empty object, or a start at or after its end
            raise
    return answer


def _part_of(answer: dict[str, Any], start: int, length: int | None, work: Work) -> bytes:
    """Return the requested bytes of an answer, also if it contains the complete object."""
    found = content_range(answer)
    first, last, size = found or (0, int(answer["ContentLength"]) - 1, int(answer["ContentLength"]))
    end = size if length is None else min(size, start + length)
    # A server without ranges sends the complete object (200): then the part is cut out below.
    if found and (first, last) != (start, end - 1):
        raise ServiceError(
            "The server sent a different range than the requested one",
            cause=f"It sent “{answer['ContentRange']}”.",
            remedy="Try again. If it happens again, check whether a proxy modifies answers.",
        )
    data, wanted = bytearray(), end - first
    with closing(chunks_of(answer["Body"], work)) as chunks:
        for chunk in chunks:
            data += chunk
            if not found and len(data) >= wanted:  # discard the rest of a body that is too long
                break
    if len(data) < wanted:
        raise ServiceError(
            f"Only {len(data)} of {format_counted(wanted, 'byte')} arrived", remedy="Try again."
        )
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
    folders: NewFolders | None = None,
    resumable: bool = False,
    work: Work | None = None,
) -> Downloaded:
    """Download an object to a file, which only appears once it is complete and verified.

    The bytes are written to a temporary file beside `path`, hashed, flushed to the disk, and
    renamed. An interrupted download continues with `If-Match`, so two states are never mixed.

    Args:
        bucket: the bucket.
        key: the object.
        path: the file.
        overwrite: whether to replace an existing file; if False, a file that appears during the
            download is not replaced either.
        version_id: the version, by default the newest.
        expected_size: the size in bytes in the caller's listing.
        expected_etag: the ETag in that listing.
        folders: records the folders that are created; the caller removes the empty ones. Without
            it, they are removed if the download fails.
        resumable: whether the bytes of a large object remain after a kill, a pause, a failure of
            the connection, a denial or if the disk is full: the next download of the same object to
            the same file continues them.
        work: cancel token and progress.

    Raises:
        AlreadyExists: the file exists and `overwrite` is False.
        Corrupt: the bytes differ from the recorded hash or length; they are stored as `….corrupt`.
        LocalIOError: the file cannot be written.
        StorageError: the download was denied or failed. No temporary file remains, unless the
            download can be continued.
    """
    work = default_work(work)
    if path.exists() and not overwrite:
        raise already_exists(path)
    etag = expected_etag.strip('"') if expected_etag else None
    listed = Listed(expected_size, etag)
    own = NewFolders()
    source = Source(bucket.clients.endpoint_url or "", bucket.name, key, version_id or "")
    try:
        with own:
            part = _begin_partial(path, source if resumable else None, folders or own)
            with os.fdopen(part.handle, "wb") as file, _removed_unless_continued(part, path, work):
                fetch = Fetch(
                    bucket, key, file, work, version=_version(version_id), listed=listed,
                    path=part.path, part=part,
                )  # fmt: skip
                return _completed(fetch, part, file, path, overwrite=overwrite)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> LocalIOError:
    return local_io_error(error, f"{path.name} cannot be written", path)


def _completed(
    fetch: Fetch, part: PartialDownload, file: BinaryIO, path: Path, *, overwrite: bool
) -> Downloaded:
    """Run a download, and give its file the final name."""
    try:
        fetched = fetch.run()
    except Corrupt as error:
        file.flush()
        error.remedy += f" The bytes are stored as {set_aside(part.path, path).name}."
        raise
    file.flush()
    # Before the rename: after a power failure the final name must not have an empty file.
    os.fsync(file.fileno())
    move_into_place(part.path, path, overwrite=overwrite)
    return Downloaded(path, fetched.size, fetched.sha256, fetched.verdict)


@contextmanager
def _removed_unless_continued(part: PartialDownload, path: Path, work: Work) -> Iterator[None]:
    """Remove the temporary file after the block, unless a later download can continue it.

    The error then states how many bytes are stored.
    """
    try:
        yield
    except StorageError as error:
        paused = isinstance(error, Cancelled) and work.token.paused
        if not (paused or error.kind in _CONTINUED_KINDS) or not part.retain():
            part.remove()
        elif not paused:
            error.remedy = f"{error.remedy} {part.describe()}".strip()
        raise
    except OSError as error:
        if error.errno in _DISK_IS_FULL and part.retain():
            failed = _not_written(path, error)
            failed.remedy = f"{failed.remedy} {part.describe()}"
            raise failed from error
        part.remove()
        raise
    except BaseException:
        part.remove()
        raise
    part.complete()


def _begin_partial(path: Path, source: Source | None, folders: NewFolders) -> PartialDownload:
    folders.create(path.parent)
    try:
        return PartialDownload.begin(path, source)
    except FileNotFoundError:  # another download has failed, and has just removed the empty folder
        folders.create(path.parent)
        return PartialDownload.begin(path, source)


def _version(version_id: str | None) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}

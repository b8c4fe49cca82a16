"""Checksums of uploads, and verification of the stored object by the server's answer.

The checksum or the MD5 ETag that the server returns is compared with the local one. If it returns
neither, the object is read back. The hash in the object's metadata proves nothing, because the
client itself sent it.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from core.aws.faults import translated
from core.errors import Corrupt, NotFound, StorageError
from core.model.objects import Verdict, Written
from core.objects.bucket import Bucket
from core.objects.checksums import composite, digest_of, etag_of, expected_hashes
from core.objects.fetching import Fetch, Listed
from core.objects.unfinished import uncancelled_work
from core.work import CancelToken, Work

_log = logging.getLogger(__name__)

#: Maximum attempts to send bytes that are damaged in transit.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Hashes:
    """Hashes of the sent bytes; `parts` is 0 for a single request, else the number of parts."""

    md5: bytes
    crc32: bytes
    parts: int = 0

    @classmethod
    def of(cls, data: bytes) -> Hashes:
        """Return the hashes of the bytes of one request."""
        return cls(digest_of("md5", data), digest_of("crc32", data))

    @classmethod
    def composite(cls, parts: Iterable[Hashes]) -> Hashes:
        """Return the composite hashes of a multipart upload with these parts."""
        every = list(parts)
        return cls(
            composite("md5", (part.md5 for part in every)),
            composite("crc32", (part.crc32 for part in every)),
            len(every),
        )

    @property
    def etag(self) -> str:
        """The expected ETag, if the ETag is a hash of the bytes."""
        return self.md5.hex() + (f"-{self.parts}" if self.parts else "")


def integrity(bucket: Bucket, hashes: Hashes) -> dict[str, str]:
    """Return the parameters with which the server can verify the bytes of a request.

    AWS verifies, stores and returns a CRC32; all other servers support Content-MD5.
    """
    if bucket.clients.endpoint_url is None:
        return {"ChecksumCRC32": base64.b64encode(hashes.crc32).decode()}
    return {"ContentMD5": base64.b64encode(hashes.md5).decode()}


def confirmed(answer: Mapping[str, Any], hashes: Hashes) -> Verdict | None:
    """Compare the server's answer to a write with the sent bytes, and return the verdict.

    None means that the answer has no comparable hash or a different one; an ETag need not be an
    MD5.
    """
    # Only hashes of this side are compared: the metadata was sent by this client.
    found = {each.algorithm: each for each in expected_hashes(answer)}
    ours = {"crc32": hashes.crc32, "md5": hashes.md5}
    agree = {
        algorithm: found[algorithm].value == value and found[algorithm].parts == hashes.parts
        for algorithm, value in ours.items()
        if algorithm in found
    }
    # An ETag that differs may be no MD5; a CRC32 that differs is always an error.
    if agree.get("crc32") is False:
        return None
    if agree.get("md5"):
        return Verdict.MD5
    return Verdict.CRC if agree.get("crc32") else None


def read_back(
    bucket: Bucket, key: str, answer: Mapping[str, Any], size: int, sha256: str, work: Work
) -> Verdict | None:
    """Read an object that was just written, and compare it with the sent bytes.

    Args:
        bucket: the bucket.
        key: the object.
        answer: the answer to the write, with version and ETag.
        size: the number of sent bytes.
        sha256: their hexadecimal SHA-256.
        work: cancel.

    Returns:
        `Verdict.SHA256`, or None if the stored bytes differ or there are none.

    Raises:
        StorageError: the object could not be read.
    """
    version = answer.get("VersionId")
    # The version that was written, not the one that another client may have added since.
    named = {"VersionId": version} if version else {}
    sink = cast("BinaryIO", _Nowhere())
    # Without progress, which was reported while the bytes were sent.
    silent = Work(work.token, budget=work.budget)
    try:
        fetched = Fetch(
            bucket, key, sink, silent, version=named, listed=Listed(size, etag_of(answer) or None)
        ).run()
    except (Corrupt, NotFound):
        return None
    return Verdict.SHA256 if fetched.sha256 == sha256 else None


def discard(bucket: Bucket, key: str, answer: Mapping[str, Any], *, cancelled: bool) -> bool:
    """Delete an object that was just written, unless it has already been replaced.

    Args:
        bucket: the bucket.
        key: the object.
        answer: the answer to the write, with its version or its ETag.
        cancelled: whether the work was cancelled, which shortens the time limit.

    Returns:
        Whether the object no longer exists.
    """
    where = {"Bucket": bucket.name, "Key": key}
    version = answer.get("VersionId")
    try:
        with (
            uncancelled_work(cancelled=cancelled) as work,
            translated("s3:DeleteObject", bucket.subject(key), work),
        ):
            if version:
                bucket.client.delete_object(**where, VersionId=version)
                return True
            # Without a version id, a delete would remove another client's object that replaced it.
            if etag_of(bucket.client.head_object(**where)) == etag_of(answer):
                bucket.client.delete_object(**where)
                return True
    except StorageError as error:
        _log.warning("a rejected object could not be removed: %s", error.summary)
    return False


def repeat_until_stored(
    attempt: Callable[[], Written | None], token: CancelToken
) -> Written | None:
    """Return the first verified result of at most three attempts, or None if there is none.

    Args:
        attempt: writes and verifies once; None if the stored bytes differ from the sent ones.
        token: cancels the pauses between the attempts.

    Raises:
        Cancelled: the token was cancelled.
        StorageError: what an attempt has raised.
    """
    for number in range(1, ATTEMPTS + 1):
        written = attempt()
        if written is not None:
            return written
        if number < ATTEMPTS:
            # Only damaged bytes are repeated here; other failures have their own retries.
            token.wait(0.2 * number)
    return None


def damaged(bucket: Bucket, key: str, *, removed: bool) -> Corrupt:
    """Return the error for an object whose stored bytes differ from the sent ones."""
    return Corrupt(
        f"{key} was not stored correctly",
        cause=f"The stored bytes differ from the sent ones after {ATTEMPTS} attempts; the damaged "
        "object was removed."
        if removed
        else f"The stored bytes differ from the sent ones after {ATTEMPTS} attempts; the damaged "
        "object may still exist.",
        remedy="Check the network and any proxy in between, then upload it again.",
        subject=bucket.subject(key),
    )


class _Nowhere(io.RawIOBase):
    """File that discards its content, for downloads of which only the hash is needed."""

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return len(data)

    def seek(self, offset: int, _whence: int = 0, /) -> int:
        return offset

    def truncate(self, size: int | None = None, /) -> int:
        return size or 0

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
from core.model.upload_options import Checksum
from core.objects.bucket import Bucket
from core.objects.checksums import composite, digest_of, etag_of, expected_hashes
from core.objects.fetching import Fetch, Listed
from core.objects.unfinished import uncancelled_work
from core.work import CancelToken, Work

_log = logging.getLogger(__name__)

#: Maximum attempts to send bytes that are damaged in transit.
ATTEMPTS = 3
#: Algorithms, strongest first.
_STRENGTH = ("sha256", "sha1", "md5", "crc64nvme", "crc32c", "crc32")


@dataclass(frozen=True, slots=True)
class Hashes:
    """Hashes of the sent bytes by algorithm; `parts` is 0 for a single request, else their number.

    The algorithms are those of `Expected`, for example `md5` and `crc32`.
    """

    digests: Mapping[str, bytes]
    parts: int = 0

    @classmethod
    def of(cls, data: bytes, algorithms: Iterable[str] = ("md5", "crc32")) -> Hashes:
        """Return the hashes of the bytes of one request."""
        return cls({algorithm: digest_of(algorithm, data) for algorithm in algorithms})

    @classmethod
    def composite(cls, parts: Iterable[Hashes]) -> Hashes:
        """Return the composite hashes of a multipart upload with these parts."""
        every = list(parts)
        common = set.intersection(*({*part.digests} for part in every)) if every else set()
        return cls(
            {name: composite(name, (part.digests[name] for part in every)) for name in common},
            len(every),
        )

    @property
    def crc32(self) -> bytes:
        """The CRC32, big-endian."""
        return self.digests["crc32"]

    @property
    def etag(self) -> str:
        """The expected ETag, if the ETag is a hash of the bytes."""
        return self.digests["md5"].hex() + (f"-{self.parts}" if self.parts else "")


@dataclass(frozen=True, slots=True)
class Integrity:
    """The hash with which a server verifies the bytes of each request.

    `algorithm` is one of S3's checksums, for example `crc32`, which the server also stores, or
    `md5` for the header Content-MD5, which all servers support.
    """

    algorithm: str = "md5"

    @property
    def is_checksum(self) -> bool:
        """Whether it is one of S3's checksums, which have to be declared for an upload in parts."""
        return self.algorithm != "md5"

    @property
    def field(self) -> str:
        """Botocore's name of the parameter, and of the field of an answer."""
        return f"Checksum{self.algorithm.upper()}" if self.is_checksum else "ContentMD5"

    @property
    def header(self) -> str:
        """The name of the HTTP header."""
        return f"x-amz-checksum-{self.algorithm}" if self.is_checksum else "content-md5"

    def text_of(self, hashes: Hashes) -> str:
        """Return the value of the parameter and of the header."""
        return base64.b64encode(hashes.digests[self.algorithm]).decode()

    def parameters(self, hashes: Hashes) -> dict[str, str]:
        """Return botocore's parameter of the request."""
        return {self.field: self.text_of(hashes)}


def integrity(bucket: Bucket, checksum: Checksum = Checksum.DEFAULT) -> Integrity:
    """Return how the server verifies the bytes of a request that is sent once.

    AWS verifies, stores and returns a CRC32; all other servers support Content-MD5.
    """
    if checksum is not Checksum.DEFAULT:
        return Integrity(checksum.value.lower())
    return Integrity("crc32" if bucket.clients.endpoint_url is None else "md5")


def confirmed(answer: Mapping[str, Any], hashes: Hashes) -> Verdict | None:
    """Compare the server's answer to a write with the sent bytes, and return the verdict.

    None means that the answer has no comparable hash or a different one; an ETag need not be an
    MD5.
    """
    # Without the metadata, which this client has sent. Some servers return the checksum of the
    # complete object where others return that of the parts: it cannot be compared.
    found = {
        each.algorithm: each
        for each in expected_hashes({**answer, "Metadata": {}})
        if each.algorithm in hashes.digests and each.parts == hashes.parts
    }
    agree = {name: each.value == hashes.digests[name] for name, each in found.items()}
    # An ETag that differs may be no MD5; a checksum that differs is always an error.
    if any(not equal for algorithm, equal in agree.items() if algorithm != "md5"):
        return None
    for algorithm in sorted(agree, key=_STRENGTH.index):
        if agree[algorithm]:
            return found[algorithm].verdict
    return None


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

"""What is sent with an object's bytes, and how the server's answer confirms what it stored.

The confirmation is the server's: the checksum or the MD5 ETag that it returns is compared with
ours. Where it returns neither, the object is read back. The hash in the object's metadata proves
nothing here: the client sent it along itself.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from core.aws.faults import translated
from core.errors import Corrupt, NotFound, StorageError
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.checksums import composite, digest_of, etag_of, expected_hashes
from core.objects.fetching import Fetch, Listed
from core.objects.unfinished import work_of_its_own
from core.work import Work

_log = logging.getLogger(__name__)

#: Bytes that arrived damaged are sent again, so often altogether.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of what was sent; `parts` is 0 for one request, else the number of parts."""

    md5: bytes
    crc32: bytes
    parts: int = 0

    @classmethod
    def of(cls, data: bytes) -> Hashes:
        """Return the hashes of the bytes of one request."""
        return cls(digest_of("md5", data), digest_of("crc32", data))

    @classmethod
    def composite(cls, parts: Iterable[Hashes]) -> Hashes:
        """Return what the server gives for a multipart upload of these parts."""
        every = list(parts)
        return cls(
            composite("md5", (part.md5 for part in every)),
            composite("crc32", (part.crc32 for part in every)),
            len(every),
        )

    @property
    def etag(self) -> str:
        """The ETag of an object whose ETag is a hash of its bytes."""
        return self.md5.hex() + (f"-{self.parts}" if self.parts else "")


def integrity(bucket: Bucket, hashes: Hashes) -> dict[str, str]:
    """Return the parameters by which the server can verify the bytes of one request.

    AWS verifies, stores and returns a CRC32; of other servers Content-MD5 is understood by all.
    """
    if bucket.clients.endpoint_url is None:
        return {"ChecksumCRC32": base64.b64encode(hashes.crc32).decode()}
    return {"ContentMD5": base64.b64encode(hashes.md5).decode()}


def confirmed(answer: Mapping[str, Any], hashes: Hashes) -> Verdict | None:
    """Return what the server's answer to a write was compared with.

    None: it holds nothing that compares, or something that differs; an ETag need not be an MD5.
    """
    found = {each.algorithm: each for each in expected_hashes(answer)}
    ours = {"crc32": hashes.crc32, "md5": hashes.md5}
    agree = {
        algorithm: found[algorithm].value == value and found[algorithm].parts == hashes.parts
        for algorithm, value in ours.items()
        if algorithm in found
    }
    if agree.get("crc32") is False:
        return None
    if agree.get("md5"):
        return Verdict.MD5
    return Verdict.CRC if agree.get("crc32") else None


def read_back(
    bucket: Bucket, key: str, answer: Mapping[str, Any], size: int, sha256: str, work: Work
) -> Verdict | None:
    """Read an object that was just written and compare it with what was sent.

    Args:
        bucket: the bucket.
        key: the object.
        answer: the answer to the write: its version and its ETag.
        size: the bytes that were sent.
        sha256: their hexadecimal SHA-256.
        work: cancel.

    Returns:
        `Verdict.SHA256`, or None if other bytes, or none, are stored.

    Raises:
        StorageError: it could not be read.
    """
    version = answer.get("VersionId")
    named = {"VersionId": version} if version else {}
    sink = cast("BinaryIO", _Nowhere())
    silent = Work(work.token, budget=work.budget)
    try:
        fetched = Fetch(
            bucket, key, sink, silent, version=named, listed=Listed(size, etag_of(answer) or None)
        ).run()
    except (Corrupt, NotFound):
        return None
    return Verdict.SHA256 if fetched.sha256 == sha256 else None


def discard(bucket: Bucket, key: str, answer: Mapping[str, Any], *, cancelled: bool) -> bool:
    """Delete an object that was just written, unless another one has the key by now.

    Args:
        bucket: the bucket.
        key: the object.
        answer: the answer to the write: its version, or else its ETag.
        cancelled: whether the work was cancelled; then there is less time.

    Returns:
        Whether it is gone.
    """
    where = {"Bucket": bucket.name, "Key": key}
    version = answer.get("VersionId")
    try:
        with (
            work_of_its_own(cancelled=cancelled) as work,
            translated("s3:DeleteObject", bucket.subject(key), work),
        ):
            if version:
                bucket.client.delete_object(**where, VersionId=version)
                return True
            if etag_of(bucket.client.head_object(**where)) == etag_of(answer):
                bucket.client.delete_object(**where)
                return True
    except StorageError as error:
        _log.warning("an object that is not wanted could not be removed: %s", error.summary)
    return False


def damaged(bucket: Bucket, key: str, *, removed: bool) -> Corrupt:
    """Return the error for bytes that the server did not store as they were sent."""
    state = "the damaged object was removed" if removed else "the damaged object may still exist"
    return Corrupt(
        f"{key} was not stored as it was sent",
        cause=f"What the server has differs from what was sent, in {ATTEMPTS} attempts; {state}.",
        remedy="Check the network and proxies on the way, then upload it again.",
        subject=bucket.subject(key),
    )


class _Nowhere(io.RawIOBase):
    """A file that forgets what is written to it: only the hash of the bytes is wanted."""

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

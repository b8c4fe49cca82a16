"""The expected hash of an object's bytes, according to the server.

Sources: S3 user guide, "Checking object integrity" (checksums of a complete object, and composite
ones of the parts' checksums, `-N` for N parts); S3 API reference, `Object` (the ETag is the MD5 of
an object that was put in one part without SSE-KMS or SSE-C, and the MD5 of the parts' MD5s, `-N`,
after a multipart upload).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.aws.limits import MIB
from core.errors import Corrupt
from core.model.objects import Verdict
from core.objects import crc
from core.objects.hashing import SHA256

#: Size in bytes from which a hash that is computed in Python takes too long.
_SLOW_BYTES = MIB
#: Part sizes of common programs in bytes, for servers that do not report those of an object.
USUAL_PART_BYTES = tuple(mib * MIB for mib in (8, 5, 16, 10, 15, 50, 64, 32, 100, 128))
_MD5_ETAG = re.compile(r"([0-9a-f]{32})(?:-([1-9][0-9]{0,4}))?")
#: Field of botocore's answer, algorithm and verdict, strongest first and slow ones last.
_FIELDS = (
    ("ChecksumSHA512", "sha512", Verdict.SHA512),
    ("ChecksumSHA256", "sha256", Verdict.SHA256),
    ("ChecksumSHA1", "sha1", Verdict.SHA1),
    ("ChecksumCRC32", "crc32", Verdict.CRC),
    ("ChecksumMD5", "md5", Verdict.MD5),
)
_SLOW_FIELDS = (
    ("ChecksumCRC64NVME", "crc64nvme", Verdict.CRC),
    ("ChecksumCRC32C", "crc32c", Verdict.CRC),
)


class Hash(Protocol):
    """The common interface of `hashlib` objects and the CRCs of this module."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add bytes."""

    def digest(self) -> bytes:
        """Return the hash of the bytes so far."""


class _Crc:
    """A CRC with the interface of `hashlib`; its digest is big-endian, as in S3."""

    def __init__(self, step: Callable[[Any, int], int], size: int) -> None:
        self._step, self._size, self._value = step, size, 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


_MAKERS: dict[str, Callable[[], Hash]] = {
    "sha512": hashlib.sha512,
    "sha256": hashlib.sha256,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32": lambda: _Crc(crc.crc32, 4),
    "crc32c": lambda: _Crc(crc.crc32c, 4),
    "crc64nvme": lambda: _Crc(crc.crc64nvme, 8),
}


def hasher(algorithm: str) -> Hash:
    """Return a new hash by one of the algorithms of `Expected`."""
    return _MAKERS[algorithm]()


def digest_of(algorithm: str, data: bytes) -> bytes:
    """Return the hash of `data` by one of the algorithms of `Expected`."""
    made = _MAKERS[algorithm]()
    made.update(data)
    return made.digest()


def composite(algorithm: str, digests: Iterable[bytes]) -> bytes:
    """Return the composite hash of a multipart upload: the hash of the hashes of its parts."""
    return digest_of(algorithm, b"".join(digests))


@dataclass(frozen=True, slots=True)
class Expected:
    """A hash that the server reports for the bytes of an object.

    `parts` is 0 for a hash of the complete object, else the number of parts of a composite hash.
    """

    verdict: Verdict
    algorithm: str = ""
    value: bytes = b""
    parts: int = 0

    def is_slow(self, size: int) -> bool:
        """Return whether the hash of an object of `size` bytes takes too long to compute.

        Such objects are compared by another hash, or by their size.
        """
        return self.algorithm == "crc64nvme" and size > _SLOW_BYTES


#: The server reported no hash to compare with.
NOTHING = Expected(Verdict.SIZE_ONLY)
#: The server reported a hash that is not one of the bytes, see `is_doubtful`.
UNVERIFIABLE = Expected(Verdict.UNVERIFIABLE)


def is_doubtful(expected: Expected, endpoint_url: str | None) -> bool:
    """Return whether a difference from a hash does not prove that the bytes are damaged.

    Only AWS defines the ETag of an object of several parts as a hash of their MD5s. SeaweedFS
    composes it of other values if the server itself has copied the parts, as `aws s3 cp` and
    `rclone` let it copy large objects.

    Args:
        expected: the hash.
        endpoint_url: the custom URL of the server; None for AWS.
    """
    return endpoint_url is not None and expected.algorithm == "md5" and expected.parts > 0


def expected_hashes(answer: Mapping[str, Any]) -> tuple[Expected, ...]:
    """Return the hashes in botocore's answer to GET or HEAD, best first.

    Strongroom's own SHA-256 is first, then hashes of the complete object, then composites and slow
    algorithms.
    """
    # The only hash of the complete object that every server stores for every size.
    own = answer.get("Metadata", {}).get(SHA256, "").lower()
    if re.fullmatch(r"[0-9a-f]{64}", own):
        return (Expected(Verdict.SHA256, "sha256", bytes.fromhex(own)),)
    found = [*_checksums(answer, _FIELDS), *_etag_hash(answer)]
    # A hash of the complete object needs no sizes of parts, which some servers do not report.
    found.sort(key=lambda each: each.parts > 0)
    return (*found, *_checksums(answer, _SLOW_FIELDS))


def _checksums(
    answer: Mapping[str, Any], fields: tuple[tuple[str, str, Verdict], ...]
) -> Iterable[Expected]:
    for field, algorithm, verdict in fields:
        text, dash, parts = str(answer.get(field) or "").partition("-")
        try:
            value = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        # Servers also send placeholders in these fields, which would look like a difference.
        right_length = len(value) == len(digest_of(algorithm, b""))
        if right_length and (not dash or parts.isdecimal()):
            yield Expected(verdict, algorithm, value, int(parts) if dash else 0)


def _etag_hash(answer: Mapping[str, Any]) -> Iterable[Expected]:
    match = _MD5_ETAG.fullmatch(etag_of(answer).lower())
    if match and not etag_is_opaque(answer):
        yield Expected(Verdict.MD5, "md5", bytes.fromhex(match[1]), int(match[2] or 0))


def etag_of(answer: Mapping[str, Any]) -> str:
    """Return the ETag of an answer without quotes, or an empty string."""
    return str(answer.get("ETag") or "").strip('"')


def etag_is_opaque(answer: Mapping[str, Any]) -> bool:
    """Return whether the encryption of an object makes its ETag differ from a hash of its bytes."""
    return "kms" in str(answer.get("ServerSideEncryption") or "") or bool(
        answer.get("SSECustomerAlgorithm")
    )


class Digests:
    """Hashes bytes as they arrive: always with SHA-256, and with the server's algorithm."""

    def __init__(self, expected: Expected, part_size: int = 0) -> None:
        """Create the hashes.

        Args:
            expected: the hash to compare with.
            part_size: bytes of each part but the last; needed for a composite hash only.
        """
        self._expected, self._part_size = expected, part_size
        self._sha256 = hashlib.sha256()
        self._other = _MAKERS[expected.algorithm]() if self._needs_other() else None
        self._part_digests: list[bytes] = []
        self._in_part = 0

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        self._sha256.update(data)
        if self._other is None:
            return
        if not self._expected.parts:
            self._other.update(data)
            return
        view = memoryview(data)
        # A chunk of the download may contain the end of one part and the beginning of the next.
        while view:
            piece = view[: self._part_size - self._in_part]
            self._other.update(piece)
            self._in_part += len(piece)
            view = view[len(piece) :]
            if self._in_part == self._part_size:
                self._end_part()

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the bytes so far."""
        return self._sha256.hexdigest()

    def agree(self) -> bool:
        """Return whether the bytes have the expected hash; True if there is no expected hash."""
        if self._expected.verdict is Verdict.SIZE_ONLY:
            return True
        return self._found() == self._expected.value

    def _needs_other(self) -> bool:
        complete_sha256 = self._expected.algorithm == "sha256" and not self._expected.parts
        return bool(self._expected.algorithm) and not complete_sha256

    def _found(self) -> bytes:
        if self._other is None:
            return self._sha256.digest()
        if not self._expected.parts:
            return self._other.digest()
        # The last part is usually shorter than the others.
        if self._in_part:
            self._end_part()
        return composite(self._expected.algorithm, self._part_digests)

    def _end_part(self) -> None:
        assert self._other is not None
        self._part_digests.append(self._other.digest())
        self._other, self._in_part = _MAKERS[self._expected.algorithm](), 0


def corrupt_object(key: str, subject: str, size: int, details: str = "") -> Corrupt:
    """Return the error for an object whose bytes differ from the server's hash.

    Args:
        key: the object.
        subject: the object with its bucket.
        size: the number of its bytes.
        details: how they differ.
    """
    cause = "Its bytes differ from the hash that was recorded when it was stored."
    remedy = "Try again. If it happens again, use an older version or the original file."
    if key.endswith("/") and not size:
        # SeaweedFS has such a key as a folder, and the ETag of the content that was sent.
        cause = (
            "The server has the hash of some content, and returns none: it does not store the "
            "content of keys that end with a slash."
        )
        remedy = "Store the original content with a key that does not end with a slash."
    return Corrupt(
        f"{key} is corrupt", cause=cause, remedy=remedy, subject=subject, details=details
    )

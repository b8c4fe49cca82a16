"""Comparison of a local file with an object, without downloading the object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.aws.faults import translated
from core.errors import StorageError
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.checksums import (
    USUAL_PART_BYTES,
    Digests,
    Expected,
    expected_hashes,
    is_doubtful,
)
from core.objects.hashing import Stamp, chunks_of, sha256_of, unreadable
from core.objects.options import ORIGINAL_SHA256, ORIGINAL_SIZE
from core.work import Work, default_work

_MD5 = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether an object has the content of a file, and what was compared.

    `proven` is False if the server stores no hash of the object that can be compared; then `same`
    is False, since equal sizes prove nothing.
    """

    same: bool
    verdict: Verdict = Verdict.SIZE_ONLY
    proven: bool = True


def compare_file(
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    etag: str = "",
    compressed: bool = False,
    work: Work | None = None,
) -> Comparison:
    """Compare a file with an object by a hash that is stored with the object.

    Args:
        bucket: the bucket.
        key: the object.
        path: the file.
        etag: the listed ETag of an object of the same size, if it is known: if it is the MD5 of the
            file, no request is sent.
        compressed: whether the object is the compressed file: its metadata has the hash of the
            original one (`core.objects.options`).
        work: cancel token and retry budget.

    Raises:
        NotFound: the object does not exist.
        LocalIOError: the file cannot be read.
        StorageError: the request was denied or failed.
    """
    work = default_work(work)
    # A different MD5 proves nothing: with SSE-KMS and for multipart uploads the ETag is no MD5.
    if _MD5.fullmatch(etag) and _has_hash(path, _md5(etag), 0, work):
        return Comparison(same=True, verdict=Verdict.MD5)
    answer = _head(bucket, key, work, ChecksumMode="ENABLED")
    size = Stamp.of(path).size
    if compressed:
        return _compare_original(path, answer, size, work)
    if answer.get("ContentLength") != size:
        return Comparison(same=False)
    verdict = Verdict.SIZE_ONLY
    for expected, part_size in _comparable(bucket, key, answer, size, work):
        # A difference that proves nothing leaves the question open.
        if not is_doubtful(expected, bucket.clients.endpoint_url):
            verdict = expected.verdict
        if _has_hash(path, expected, part_size, work):
            return Comparison(same=True, verdict=expected.verdict)
        # The next one is compared too: a composite hash also differs if the sizes of the parts do,
        # and some servers report a composite hash as if it were one of the complete object.
    return Comparison(same=False, verdict=verdict, proven=verdict is not Verdict.SIZE_ONLY)


def _compare_original(path: Path, answer: dict[str, Any], size: int, work: Work) -> Comparison:
    """Compare a file with the hash of the file from which a compressed object was made."""
    metadata = answer.get("Metadata", {})
    if metadata.get(ORIGINAL_SIZE) != str(size):
        return Comparison(same=False, proven=ORIGINAL_SIZE in metadata)
    same = metadata.get(ORIGINAL_SHA256) == sha256_of(path, work)
    return Comparison(same, Verdict.SHA256)


def _md5(etag: str) -> Expected:
    return Expected(Verdict.MD5, "md5", bytes.fromhex(etag))


def _has_hash(path: Path, expected: Expected, part_size: int, work: Work) -> bool:
    digests = Digests(expected, part_size)
    try:
        with path.open("rb") as file:
            for chunk in chunks_of(file, work):
                digests.update(chunk)
    except OSError as error:
        raise unreadable(path, error) from error
    return digests.agree()


def _comparable(
    bucket: Bucket, key: str, answer: dict[str, Any], size: int, work: Work
) -> Iterator[tuple[Expected, int]]:
    """Yield the hashes that can be computed, best first, with the part size of composite ones."""
    for expected in expected_hashes(answer):
        if not expected.parts:
            if not expected.is_slow(size):
                yield expected, 0
        else:
            known = _part_size(bucket, key, expected.parts, size, work)
            # An equal hash proves a guessed size, a different one proves nothing.
            sizes = (known,) if known else USUAL_PART_BYTES
            for each in sizes:
                if (expected.parts - 1) * each < size <= expected.parts * each:
                    yield expected, each


def _part_size(bucket: Bucket, key: str, parts: int, size: int, work: Work) -> int:
    """Return the size of all parts but the last in bytes, or 0 if the server does not report it."""
    if parts == 1:
        return size
    try:
        first = int(_head(bucket, key, work, PartNumber=1).get("ContentLength", 0))
    except StorageError:  # not every server reports the parts of an object
        work.check()
        return 0
    # A server that ignores the number of the part returns the length of the object.
    return first if (parts - 1) * first < size <= parts * first else 0


def _head(bucket: Bucket, key: str, work: Work, **more: Any) -> dict[str, Any]:
    work.check()
    with translated("s3:HeadObject", bucket.subject(key), work):
        answer: dict[str, Any] = bucket.client.head_object(Bucket=bucket.name, Key=key, **more)
    return answer

"""Sequential reading of one state of an object, for standard output and for other servers."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from core.aws.faults import translated
from core.aws.limits import MIB
from core.errors import Conflict, ServiceError, StorageError
from core.model.objects import Verdict
from core.objects.bodies import chunks_of, content_range
from core.objects.bucket import Bucket
from core.objects.checksums import (
    NOTHING,
    UNVERIFIABLE,
    Digests,
    Expected,
    corrupt_object,
    etag_of,
    expected_hashes,
    is_doubtful,
)
from core.objects.interruptions import Interruptions
from core.work import Work

#: Bytes that are requested at once: an interruption repeats at most this many.
_CHUNK_BYTES = 8 * MIB


def inspect(bucket: Bucket, key: str, work: Work, **more: Any) -> dict[str, Any]:
    """Return botocore's answer to HeadObject, with the checksums that the server stores.

    Args:
        bucket: the bucket.
        key: the object.
        work: cancel and retry budget.
        more: further parameters, for example `PartNumber`.

    Raises:
        NotFound: the object does not exist.
        StorageError: the request was denied or failed.
    """
    with translated("s3:HeadObject", bucket.subject(key), work):
        answer: dict[str, Any] = bucket.client.head_object(
            Bucket=bucket.name, Key=key, ChecksumMode="ENABLED", **more
        )
    return answer


class ObjectReader:
    """Reads an object from its first to its last byte, and compares it with the server's hash.

    The bytes are requested in ranges of one ETag, so that two states are never mixed.
    """

    def __init__(self, bucket: Bucket, key: str, answer: dict[str, Any], work: Work) -> None:
        """Read the state of an object that `inspect` has returned."""
        self._bucket, self._key, self._work = bucket, key, work
        self._etag = etag_of(answer)
        #: The size of the object in bytes.
        self.size = int(answer["ContentLength"])
        self._expected, part = self._chosen(answer)
        self._digests = Digests(self._expected, part)
        self._done, self._chunk = 0, memoryview(b"")

    @property
    def verdict(self) -> Verdict:
        """What `check` compares the bytes with."""
        return self._expected.verdict

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of all bytes so far."""
        return self._digests.sha256

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end of the object.

        Raises:
            Conflict: the object was replaced since it was inspected.
            StorageError: the read was denied or failed.
            Cancelled: the work was cancelled.
        """
        found = bytearray()
        while len(found) < count and (self._chunk or self._done < self.size):
            if not self._chunk:
                self._chunk = memoryview(self._requested())
            taken = self._chunk[: count - len(found)]
            self._chunk = self._chunk[len(taken) :]
            found += taken
        return bytes(found)

    def check(self) -> None:
        """Compare all bytes with the server's hash, after the last one was read.

        Raises:
            Corrupt: they differ.
        """
        if self._digests.agree():
            return
        if is_doubtful(self._expected, self._bucket.clients.endpoint_url) and self._is_stable():
            self._expected = UNVERIFIABLE
            return
        raise corrupt_object(self._key, self._bucket.subject(self._key), self.size)

    def _is_stable(self) -> bool:
        """Read the object again, and return whether the same bytes arrive."""
        former, self._digests = self.sha256, Digests(NOTHING)
        self._done = 0
        while self._done < self.size:
            self._requested()
        return self.sha256 == former

    def _requested(self) -> bytes:
        """Request the next range, and repeat it after an interruption."""
        first = self._done
        last = min(first + _CHUNK_BYTES, self.size) - 1
        breaks = Interruptions(self._work)
        while True:
            try:
                data = self._range(first, last)
            except StorageError as error:
                breaks.wait(error)
                continue
            self._done = last + 1
            self._digests.update(data)
            return data

    def _range(self, first: int, last: int) -> bytes:
        self._work.check()
        data = bytearray()
        with translated("s3:GetObject", self._bucket.subject(self._key), self._work):
            answer = self._bucket.client.get_object(
                Bucket=self._bucket.name,
                Key=self._key,
                Range=f"bytes={first}-{last}",
                # A replaced object is refused (412).
                IfMatch=f'"{self._etag}"',
            )
            with closing(answer["Body"]), closing(chunks_of(answer["Body"], self._work)) as chunks:
                self._accept(answer, first, last)
                for chunk in chunks:
                    self._work.take(len(chunk))
                    data += chunk
                    if len(data) > last - first + 1:  # a server that sends without end
                        break
        if len(data) != last - first + 1:
            raise ServiceError(
                f"{self._key} was not received completely",
                cause="The server sent another number of bytes than it declared.",
                remedy="Try again.",
            )
        return bytes(data)

    def _accept(self, answer: dict[str, Any], first: int, last: int) -> None:
        """Check that an answer has the requested range of the same state."""
        if etag_of(answer) != self._etag:
            raise Conflict(
                f"{self._key} was replaced while it was read",
                cause="Another client has stored a new object under this key.",
                remedy="Read it again.",
                subject=self._bucket.subject(self._key),
            )
        # A server without ranges sends the complete object, which may be too large for the memory.
        found = content_range(answer) or (0, int(answer["ContentLength"]) - 1, self.size)
        if found != (first, last, self.size):
            raise ServiceError(
                "The server sent a different range than the requested one",
                cause=f"It sent “{answer.get('ContentRange', 'the complete object')}”.",
                remedy="Try again. If it happens again, check whether a proxy modifies answers.",
                subject=self._bucket.subject(self._key),
            )

    def _chosen(self, answer: dict[str, Any]) -> tuple[Expected, int]:
        """Return the hash to compare with and, for a composite hash, the size of the parts."""
        for expected in expected_hashes(answer):
            if not expected.parts and not expected.is_slow(self.size):
                return expected, 0
            if expected.parts and (part := self._size_of_parts(expected.parts)):
                return expected, part
        return NOTHING, 0

    def _size_of_parts(self, parts: int) -> int:
        """Return the size of all parts but the last, or 0 if it is unknown or they differ."""
        size = self.size if parts == 1 else self._size_of_part(1)
        if not (parts - 1) * size < self.size <= parts * size:
            return 0
        # A sample, because other tools may send parts of different sizes.
        differ = any(self._size_of_part(number) != size for number in {2, parts // 2, parts - 1})
        return 0 if parts > 2 and differ else size

    def _size_of_part(self, number: int) -> int:
        try:
            found = content_range(inspect(self._bucket, self._key, self._work, PartNumber=number))
        except StorageError:  # not every server reports the parts of an object
            self._work.check()
            return 0
        return found[1] - found[0] + 1 if found and found[2] == self.size else 0

"""Concurrent upload of the parts of a multipart upload, each confirmed by the server."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Protocol

from core.aws.direct_requests import DirectAnswer, DirectRequests
from core.aws.faults import translated
from core.effects import Result, note_attempt
from core.errors import Cancelled, StorageError
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of, expected_hashes
from core.objects.file_parts import LIMITED_BYTES, FilePart
from core.objects.sending import ATTEMPTS, Hashes, Integrity, confirmed, integrity
from core.work import CancelToken, Progress, Work

#: Number of parts that are sent concurrently; of a stream, memory holds at most two parts more.
IN_FLIGHT = 8
#: Number of parts of a file if one of at least so many bytes is sent within this time in seconds:
#: so many cover the latency of a distant server. On a slow network a pause would discard what was
#: sent of all of them.
_MORE, _LEAST_BYTES, _FAST_SECONDS = 16, 5 << 20, 0.5


@dataclass(frozen=True, slots=True)
class SentPart:
    """An uploaded part; `verdict` is None if the answer had no hash to compare with.

    `checksum` has the field of CompleteMultipartUpload that must repeat the part's checksum.
    """

    hashes: Hashes
    etag: str
    verdict: Verdict | None
    checksum: Mapping[str, str]

    def named(self, number: int) -> dict[str, Any]:
        """Return the part's entry for CompleteMultipartUpload, which must repeat its checksum."""
        return {"PartNumber": number, "ETag": f'"{self.etag}"', **self.checksum}


class Source(Protocol):
    """The bytes of one part, which can be read several times."""

    @property
    def size(self) -> int:
        """The number of bytes."""

    def blocks(self, work: Work) -> Iterator[memoryview]:
        """Yield the bytes, as fast as the limits of the work allow."""

    def body(self, work: Work) -> Any:
        """Return the bytes as botocore sends them."""

    def digests(self, algorithms: tuple[str, ...], work: Work) -> dict[str, bytes]:
        """Return hashes of the bytes; an error if they have changed."""


@dataclass(frozen=True, slots=True)
class _BytesPart:
    """A part in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def blocks(self, work: Work) -> Iterator[memoryview]:
        step = len(self.data) if work.limits is None else LIMITED_BYTES
        for at in range(0, len(self.data), step):
            block = memoryview(self.data)[at : at + step]
            work.check()
            work.take(len(block))
            yield block

    def body(self, work: Work) -> bytes:
        work.take(len(self.data))
        return self.data

    def digests(self, algorithms: tuple[str, ...], _work: Work) -> dict[str, bytes]:
        return dict(Hashes.of(self.data, algorithms).digests)


class Parts:
    """Sender of the parts of one upload; a failure or a cancel ends all of them at once."""

    def __init__(
        self,
        bucket: Bucket,
        where: dict[str, str],
        upload: str,
        total: int,
        work: Work,
        *,
        verified_by: Integrity | None = None,
    ) -> None:
        self._bucket, self._where, self._upload = bucket, where, upload
        self._total, self._work = total, work
        self._integrity = verified_by or integrity(bucket)
        self._subject = bucket.subject(where["Key"])
        # Separate from the user's token, so that a failed part also stops the others.
        self._stop = CancelToken()
        self._part_work = replace(work, token=self._stop)
        self._room = threading.Semaphore(IN_FLIGHT)
        self._slots, self._is_fast = threading.Semaphore(IN_FLIGHT), False
        self._lock = threading.Lock()
        self._sent = self._reused = 0
        self._failure: BaseException | None = None
        self._direct: DirectRequests | None = None
        self._stored: Mapping[int, Mapping[str, Any]] = {}

    def send(self, file: BinaryIO, size: int) -> tuple[list[SentPart], str]:
        """Send a file in parts of `size` bytes; return the parts and the SHA-256 of the file.

        Raises:
            StorageError: a part failed.
            Cancelled: the token of the work was cancelled.
        """
        digest = hashlib.sha256()
        sent = self._run(lambda pool: self._submit_all(pool, file, size, digest))
        return sent, digest.hexdigest()

    def send_parts(
        self, parts: Sequence[FilePart], stored: Mapping[int, Mapping[str, Any]] | None = None
    ) -> list[SentPart]:
        """Send parts of a local file, which are read while they are sent.

        Args:
            parts: all parts of the file.
            stored: parts that the server has, as ListParts returns them; those with the hash of
                the file's part are not sent again.

        Raises:
            SourceChanged: the bytes differ from those that were hashed before.
            OSError: the file cannot be read.
            StorageError: a part failed.
            Cancelled: the token of the work was cancelled.
        """
        self._stored = stored or {}
        return self._run(
            lambda pool: [pool.submit(self._part, part.number, part) for part in parts]
        )

    def _run(
        self, submit: Callable[[ThreadPoolExecutor], list[Future[SentPart]]]
    ) -> list[SentPart]:
        self._direct = DirectRequests(self._bucket.clients, self._bucket.name, self._where["Key"])
        with (
            self._work.token.on_cancel(self._stop.cancel),
            ThreadPoolExecutor(_MORE, "upload-part") as pool,
        ):
            try:
                return [future.result() for future in submit(pool)]
            except BaseException as error:
                self._stop.cancel()
                self._work.check()
                # The other parts end with `Cancelled`; the caller needs the reason.
                if self._failure is not None and isinstance(error, Cancelled):
                    raise self._failure from None
                raise

    def _submit_all(
        self, pool: ThreadPoolExecutor, file: BinaryIO, size: int, digest: Any
    ) -> list[Future[SentPart]]:
        futures: list[Future[SentPart]] = []
        while data := file.read(size):
            # Reading ahead is limited, since each waiting part occupies its size in memory.
            while not self._room.acquire(timeout=0.2):
                self._stop.check()
            self._stop.check()
            digest.update(data)
            futures.append(pool.submit(self._part, len(futures) + 1, _BytesPart(data)))
        return futures

    def _part(self, number: int, source: Source) -> SentPart:
        try:
            with self._slot(), self._part_work.slot():
                return self._confirmed(number, source)
        except Cancelled:
            raise
        except BaseException as error:
            with self._lock:
                self._failure = self._failure or error
            self._stop.cancel()
            raise
        finally:
            self._room.release()

    @contextmanager
    def _slot(self) -> Iterator[None]:
        """Wait until another part may be sent."""
        while not self._slots.acquire(timeout=0.2):
            self._stop.check()
        try:
            self._stop.check()
            yield
        finally:
            self._slots.release()

    def _note_speed(self, size: int, seconds: float) -> None:
        """Allow more parts at the same time after a fast one; short parts show nothing."""
        with self._lock:
            fast = not self._is_fast and size >= _LEAST_BYTES and seconds < _FAST_SECONDS
            self._is_fast |= fast
        for _ in range(_MORE - IN_FLIGHT if fast else 0):
            self._slots.release()

    def _confirmed(self, number: int, source: Source) -> SentPart:
        """Send a part, and repeat it if it was damaged in transit."""
        hashes = self._hashes(source)
        if (present := self._present(number, source, hashes)) is not None:
            return present
        for attempt in range(1, ATTEMPTS + 1):
            began = time.monotonic()
            answer = self._answer(number, source, hashes)
            self._note_speed(source.size, time.monotonic() - began)
            if self._integrity.is_checksum and self._integrity.field not in answer:
                # The server has ignored the checksum; its ETag may be an MD5.
                md5 = source.digests(("md5",), self._part_work)
                hashes = Hashes({**hashes.digests, **md5})
            verdict = confirmed(answer, hashes)
            comparable = bool(expected_hashes(answer))
            # Without a comparable hash the object is verified after its completion instead.
            if verdict is not None or not comparable or attempt == ATTEMPTS:
                return self._sent_part(answer, hashes, verdict)
            self._advance(-source.size)
        raise AssertionError

    def _sent_part(
        self, answer: Mapping[str, Any], hashes: Hashes, verdict: Verdict | None
    ) -> SentPart:
        field = self._integrity.field
        checksum = {field: self._integrity.text_of(hashes)} if field in answer else {}
        return SentPart(hashes, etag_of(answer), verdict, checksum)

    def _present(self, number: int, source: Source, hashes: Hashes) -> SentPart | None:
        """Return a part that the server has, if its size and hash are those of the file's part."""
        stored = self._stored.get(number)
        if stored is None or stored.get("Size") != source.size:
            return None
        # Some servers list only the ETag of a part, whose hash is then computed, too.
        listed = {each.algorithm for each in expected_hashes(stored) if not each.parts}
        missing = tuple(sorted(listed - {*hashes.digests}))
        further = source.digests(missing, self._part_work) if missing else {}
        verdict = confirmed(stored, Hashes({**hashes.digests, **further}))
        if verdict is None:
            return None
        self._advance(source.size, is_reused=True)
        checksum = self._integrity.parameters(hashes) if self._integrity.is_checksum else {}
        return SentPart(hashes, etag_of(stored), verdict, checksum)

    def _hashes(self, source: Source) -> Hashes:
        algorithm = self._integrity.algorithm
        # The CRC32 of a part of a file is known: then the file is only read to send it.
        if isinstance(source, FilePart) and algorithm == "crc32":
            return Hashes({"crc32": source.crc32.to_bytes(4, "big")})
        # Servers that ignore a chosen checksum return an ETag instead.
        elsewhere = self._bucket.clients.endpoint_url is not None
        algorithms = (algorithm, "md5") if elsewhere and algorithm != "md5" else (algorithm,)
        return Hashes(source.digests(algorithms, self._part_work))

    def _answer(self, number: int, source: Source, hashes: Hashes) -> Mapping[str, Any]:
        """Send a part once, with the retries of botocore if the direct request fails."""
        answer = self._sent_directly(number, source, hashes)
        if answer is not None:
            return answer
        # A refused hash may mean that the file has changed, which repetition would not heal.
        source.digests((), self._part_work)
        try:
            return self._sent_by_botocore(number, source, hashes)
        except StorageError:
            self._stop.check()
            source.digests((), self._part_work)
            raise

    def _sent_directly(
        self, number: int, source: Source, hashes: Hashes
    ) -> Mapping[str, Any] | None:
        """Send a part with a direct request; None if it was not successful."""
        direct = self._direct
        if direct is None or not direct.usable:
            return None
        blocks: Iterator[Sized] = source.blocks(self._part_work)
        if direct.is_plain and isinstance(source, FilePart):
            blocks = source.file_blocks(self._part_work)
        counted = _Counted(blocks, self._advance)
        headers = {
            "content-length": str(source.size),
            self._integrity.header: self._integrity.text_of(hashes),
        }
        query = {"partNumber": str(number), "uploadId": self._upload}
        with direct.sent(
            "UploadPart", "PUT", query=query, headers=headers, body=counted, work=self._part_work
        ) as answer:
            found = None if answer is None else _fields(answer)
            if answer is not None:
                answer.release()
        if not found or not found["ETag"]:
            direct.failed()
            self._advance(-counted.count)
            return None
        direct.succeeded()
        note_attempt("UploadPart", Result.CHANGE)
        if self._work.budget is not None:
            self._work.budget.succeeded()
        return found

    def _sent_by_botocore(self, number: int, source: Source, hashes: Hashes) -> Mapping[str, Any]:
        self._stop.check()
        with translated("s3:UploadPart", self._subject, self._part_work):
            answer: dict[str, Any] = self._bucket.client.upload_part(
                UploadId=self._upload,
                PartNumber=number,
                Body=source.body(self._part_work),
                **self._where,
                **self._integrity.parameters(hashes),
            )
        self._advance(source.size)
        return answer

    def _advance(self, count: int, *, is_reused: bool = False) -> None:
        """Report bytes that were sent, or fewer bytes if a part has to be sent again."""
        with self._lock:
            self._sent += count
            self._reused += count if is_reused else 0
            sent, reused = self._sent, self._reused
        key = self._where["Key"]
        self._work.report(Progress(sent, self._total, "bytes", key, reused=reused))


class _Counted:
    """Iterator of blocks that counts the bytes it has yielded."""

    def __init__(self, blocks: Iterator[Sized], advance: Callable[[int], None]) -> None:
        self._blocks, self._advance, self.count = blocks, advance, 0

    def __iter__(self) -> Iterator[Sized]:
        for block in self._blocks:
            self.count += len(block)
            self._advance(len(block))
            yield block


def _fields(answer: DirectAnswer) -> dict[str, Any]:
    """Return the fields of an answer to UploadPart, with botocore's names."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    names = {
        "ETag": "etag",
        "ServerSideEncryption": "x-amz-server-side-encryption",
        "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
        "ChecksumCRC32": "x-amz-checksum-crc32",
        "ChecksumCRC32C": "x-amz-checksum-crc32c",
        "ChecksumSHA1": "x-amz-checksum-sha1",
        "ChecksumSHA256": "x-amz-checksum-sha256",
    }
    return {field: headers.get(name, "") for field, name in names.items() if name in headers} | {
        "ETag": headers.get("etag", "")
    }

"""Concurrent upload of the parts of a multipart upload, each confirmed by the server."""

from __future__ import annotations

import base64
import hashlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

from core.aws.faults import translated
from core.errors import Cancelled
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of, expected_hashes
from core.objects.sending import ATTEMPTS, Hashes, confirmed, integrity
from core.work import CancelToken, Progress, Work

#: Number of parts that are sent concurrently; memory holds at most two parts more.
IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class SentPart:
    """An uploaded part; `verdict` is None if the answer had no hash to compare with."""

    hashes: Hashes
    etag: str
    verdict: Verdict | None
    checksummed: bool

    def named(self, number: int) -> dict[str, Any]:
        """Return the part's entry for CompleteMultipartUpload, which must repeat its checksum."""
        crc32 = base64.b64encode(self.hashes.crc32).decode()
        checksum = {"ChecksumCRC32": crc32} if self.checksummed else {}
        return {"PartNumber": number, "ETag": f'"{self.etag}"', **checksum}


class Parts:
    """Sender of the parts of one upload; a failure or a cancel ends all of them at once."""

    def __init__(
        self, bucket: Bucket, where: dict[str, str], upload: str, total: int, work: Work
    ) -> None:
        self._bucket, self._where, self._upload = bucket, where, upload
        self._total, self._work = total, work
        self._subject = bucket.subject(where["Key"])
        # Separate from the user's token, so that a failed part also stops the others.
        self._stop = CancelToken()
        self._part_work = Work(self._stop, budget=work.budget)
        self._room = threading.Semaphore(IN_FLIGHT)
        self._lock = threading.Lock()
        self._sent = 0
        self._failure: BaseException | None = None

    def send(self, file: BinaryIO, size: int) -> tuple[list[SentPart], str]:
        """Send a file in parts of `size` bytes; return the parts and the SHA-256 of the file.

        Raises:
            StorageError: a part failed.
            Cancelled: the token of the work was cancelled.
        """
        digest = hashlib.sha256()
        with (
            self._work.token.on_cancel(self._stop.cancel),
            ThreadPoolExecutor(IN_FLIGHT, "upload-part") as pool,
        ):
            try:
                futures = self._submit_all(pool, file, size, digest)
                sent = [future.result() for future in futures]
            except BaseException as error:
                self._stop.cancel()
                self._work.check()
                # The other parts end with `Cancelled`; the caller needs the reason.
                if self._failure is not None and isinstance(error, Cancelled):
                    raise self._failure from None
                raise
        return sent, digest.hexdigest()

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
            futures.append(pool.submit(self._part, len(futures) + 1, data))
        return futures

    def _part(self, number: int, data: bytes) -> SentPart:
        try:
            return self._confirmed(number, data)
        except Cancelled:
            raise
        except BaseException as error:
            with self._lock:
                self._failure = self._failure or error
            self._stop.cancel()
            raise
        finally:
            self._room.release()

    def _confirmed(self, number: int, data: bytes) -> SentPart:
        """Send a part, and repeat it if it was damaged in transit."""
        hashes = Hashes.of(data)
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._sent_once(number, data, hashes)
            verdict = confirmed(answer, hashes)
            comparable = bool(expected_hashes(answer))
            # Without a comparable hash the object is verified after its completion instead.
            if verdict is not None or not comparable or attempt == ATTEMPTS:
                self._report(len(data))
                return SentPart(hashes, etag_of(answer), verdict, "ChecksumCRC32" in answer)
        raise AssertionError

    def _sent_once(self, number: int, data: bytes, hashes: Hashes) -> dict[str, Any]:
        self._stop.check()
        with translated("s3:UploadPart", self._subject, self._part_work):
            answer: dict[str, Any] = self._bucket.client.upload_part(
                UploadId=self._upload,
                PartNumber=number,
                Body=data,
                **self._where,
                **integrity(self._bucket, hashes),
            )
        return answer

    def _report(self, size: int) -> None:
        with self._lock:
            self._sent += size
            sent = self._sent
        self._work.report(Progress(sent, self._total, "bytes", self._where["Key"]))

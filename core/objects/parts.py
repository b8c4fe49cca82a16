"""Large files: our own loop over parts, hashed on the way, aborted whole when anything fails."""

from __future__ import annotations

import hashlib
import logging
import math
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from core.aws.faults import translated
from core.aws.limits import MIB, OBJECT_BYTES, PART_COUNT
from core.errors import InvalidInput, NotFound, ServiceError, StorageError
from core.local.pending_uploads import note
from core.model.objects import Written
from core.objects.bucket import Bucket
from core.objects.hashing import Stamp, changed, unreadable
from core.objects.reading import head
from core.work import Progress, Work

_log = logging.getLogger(__name__)

#: Up to this size a file goes in one request.
SINGLE_BYTES = 8 * MIB
_PART_BYTES = 8 * MIB
#: Parts under way at the same time; memory is at most this many parts and two more.
_IN_FLIGHT = 8
_ABORT_ATTEMPTS = 3


def part_size(size: int) -> int:
    """Return the bytes of each part for an object of `size` bytes, the last one may be smaller.

    Raises:
        InvalidInput: S3 cannot hold an object of that size.
    """
    if size > OBJECT_BYTES:
        raise InvalidInput(
            "The file is larger than S3 can hold",
            cause=f"It has {size} bytes, an object has {OBJECT_BYTES} at most.",
            remedy="Split it.",
        )
    needed = math.ceil(size / PART_COUNT)
    return max(_PART_BYTES, math.ceil(needed / MIB) * MIB)


class PartLoop:
    """One multipart upload: create once, send parts, complete, confirm; abort on anything else."""

    def __init__(
        self,
        bucket: Bucket,
        path: Path,
        arguments: dict[str, Any],
        stamp: Stamp,
        digest: str,
        work: Work,
    ) -> None:
        self._bucket, self._path, self._arguments = bucket, path, arguments
        self._stamp, self._digest, self._work = stamp, digest, work
        self._key: str = arguments["Key"]
        self._where = {"Bucket": bucket.name, "Key": self._key}
        self._lock = threading.Lock()
        self._sent = 0

    def run(self) -> Written:
        """Upload the file.

        Raises:
            SourceChanged: the file is not the one that was hashed.
            StorageError: the upload failed; the parts were removed.
        """
        size = part_size(self._stamp.size)
        # Creating is not idempotent: a repeated call would leave an upload that nobody aborts.
        pending = note(self._bucket.clients.endpoint_url or "", self._bucket.name, self._key)
        try:
            with translated("s3:CreateMultipartUpload", self._bucket.subject(self._key)):
                answer = self._bucket.client_once.create_multipart_upload(**self._arguments)
        except BaseException as error:
            pending.failed(error)
            raise
        upload = answer["UploadId"]
        pending.created(upload)
        gone = True
        try:
            parts = self._send_all(upload, size)
            self._stamp.check(self._path)
            return self._completed(upload, parts)
        except BaseException:
            gone = self._abort(upload)
            raise
        finally:
            (pending.forget if gone else pending.abandon)()

    def _send_all(self, upload: str, size: int) -> list[dict[str, Any]]:
        digest = hashlib.sha256()
        room = threading.Semaphore(_IN_FLIGHT)
        try:
            with self._path.open("rb") as file, ThreadPoolExecutor(_IN_FLIGHT) as pool:
                futures = self._queue(pool, room, file, upload, size, digest)
                etags = [future.result() for future in futures]
        except OSError as error:
            raise unreadable(self._path, error) from error
        if digest.hexdigest() != self._digest:
            raise changed(self._path)
        return [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]

    def _queue(
        self,
        pool: ThreadPoolExecutor,
        room: threading.Semaphore,
        file: BinaryIO,
        upload: str,
        size: int,
        digest: Any,
    ) -> list[Future[str]]:
        futures: list[Future[str]] = []
        while data := file.read(size):
            while not room.acquire(timeout=0.2):
                self._work.check()
            self._work.check()
            failed = next((f for f in futures if f.done() and f.exception()), None)
            if failed is not None:
                break
            digest.update(data)
            future = pool.submit(self._send, upload, len(futures) + 1, data)
            future.add_done_callback(lambda _future: room.release())
            futures.append(future)
        return futures

    def _send(self, upload: str, number: int, data: bytes) -> str:
        self._work.check()
        with translated("s3:UploadPart", self._bucket.subject(self._key)):
            answer = self._bucket.client.upload_part(
                UploadId=upload, PartNumber=number, Body=data, **self._where
            )
        with self._lock:
            self._sent += len(data)
            sent = self._sent
        self._work.report(Progress(sent, self._stamp.size, "bytes", self._key))
        return str(answer["ETag"])

    def _completed(self, upload: str, parts: list[dict[str, Any]]) -> Written:
        try:
            with translated("s3:CompleteMultipartUpload", self._bucket.subject(self._key)):
                self._bucket.client.complete_multipart_upload(
                    UploadId=upload, MultipartUpload={"Parts": parts}, **self._where
                )
        except NotFound:
            _log.info("completing was answered by 'no such upload': asking what is there")
        there = head(self._bucket, self._key)
        if there.sha256 != self._digest or there.size != self._stamp.size:
            raise ServiceError(
                f"{self._key} was not stored as it was sent",
                cause=f"The server has {there.size} bytes with another hash.",
                remedy="Retry the upload.",
                subject=self._bucket.subject(self._key),
            )
        return Written(self._key, there.etag, there.size, there.version_id, self._digest)

    def _abort(self, upload: str) -> bool:
        """Remove the parts and return whether none is left: one under way may arrive later.

        Source: S3 API reference, AbortMultipartUpload.
        """
        for _ in range(_ABORT_ATTEMPTS):
            try:
                with translated("s3:AbortMultipartUpload", self._bucket.subject(self._key)):
                    self._bucket.client.abort_multipart_upload(UploadId=upload, **self._where)
            except NotFound:
                return True
            except StorageError as error:
                _log.warning("an unfinished upload could not be removed: %s", error.summary)
                return False
        return False

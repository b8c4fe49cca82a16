"""Multipart upload of large files, which is verified, and aborted after any failure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from core.aws.faults import translated
from core.aws.limits import MIB, OBJECT_BYTES, PART_COUNT
from core.errors import ErrorKind, InvalidInput, NotFound, StorageError
from core.local.pending_uploads import note
from core.model.objects import Verdict, Written
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.conditions import COMPLETE, ONLY_NEW
from core.objects.hashing import Stamp, changed, unreadable
from core.objects.part_sender import Parts, SentPart
from core.objects.probes import probe_completion
from core.objects.reading import head
from core.objects.sending import Hashes, confirmed, damaged, discard, read_back, repeat_until_stored
from core.objects.unfinished import abort, create
from core.units import format_counted
from core.work import Work

#: Files up to this size are sent in one request.
SINGLE_BYTES = 8 * MIB
_PART_BYTES = 8 * MIB
#: Kinds of errors after which the object may have been completed anyway.
_MAY_BE_DONE = frozenset(
    {ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.OFFLINE, ErrorKind.SERVICE}
)


def part_size(size: int) -> int:
    """Return the part size for an object of `size` bytes; the last part may be smaller.

    Raises:
        InvalidInput: the object is larger than S3 allows.
    """
    if size > OBJECT_BYTES:
        raise InvalidInput(
            "The file is larger than S3 allows",
            cause=f"It has {format_counted(size, 'byte')}; the maximum for an object is {OBJECT_BYTES}.",
            remedy="Split the file.",
        )
    needed = math.ceil(size / PART_COUNT)
    return max(_PART_BYTES, math.ceil(needed / MIB) * MIB)


class PartLoop:
    """One multipart upload: create it, send the parts, complete and verify it, or abort it."""

    def __init__(  # noqa: PLR0913 - one upload; the last by name
        self,
        bucket: Bucket,
        path: Path,
        arguments: dict[str, Any],
        stamp: Stamp,
        digest: str,
        work: Work,
        *,
        only_new: bool = False,
    ) -> None:
        self._bucket, self._path, self._arguments = bucket, path, arguments
        self._stamp, self._digest, self._work, self._only_new = stamp, digest, work, only_new
        self._key: str = arguments["Key"]
        self._where = {"Bucket": bucket.name, "Key": self._key}
        # Only AWS stores and returns this checksum; other servers verify Content-MD5 instead.
        self._checksummed = bucket.clients.endpoint_url is None

    def run(self) -> Written:
        """Upload the file.

        Raises:
            AlreadyExists: `only_new`, and another object has the key.
            SourceChanged: the file changed after it was hashed.
            Corrupt: the stored bytes differ from those that were sent.
            StorageError: the upload failed; the parts were removed.
        """
        if self._only_new:
            conditions.refuse_existing(self._bucket, self._key, self._work)
            # Before the parts are sent: afterwards the only test would be the completion itself.
            probe_completion(self._bucket, self._key, self._work)
        written = repeat_until_stored(self._attempt, self._work.token)
        if written is None:
            raise damaged(self._bucket, self._key, removed=True)
        return written

    def _attempt(self) -> Written | None:
        """Upload once; return None if the upload has to be repeated."""
        # Recorded before the request: if this process is killed, the next one aborts the upload.
        pending = note(self._bucket.clients.endpoint_url or "", self._bucket.name, self._key)
        try:
            upload = create(self._bucket, self._creation(), self._work)
        except BaseException as error:
            pending.failed(error)
            raise
        pending.created(upload)
        gone, written = False, None
        try:
            parts = self._send_all(upload)
            # Until the upload is completed, nothing of it is visible: a changed file leaves no
            # object.
            self._stamp.check(self._path)
            written = self._completed(upload, parts)
        finally:
            gone = written is not None or self._abort(upload)
            (pending.forget if gone else pending.abandon)()
        return written

    def _creation(self) -> dict[str, Any]:
        """Return the parameters of the upload; checksums of parts have to be declared."""
        announced = {"ChecksumAlgorithm": "CRC32"} if self._checksummed else {}
        return {**self._arguments, **announced}

    def _abort(self, upload: str) -> bool:
        return abort(self._bucket, self._key, upload, cancelled=self._work.token.cancelled)

    def _send_all(self, upload: str) -> list[SentPart]:
        size = part_size(self._stamp.size)
        parts = Parts(self._bucket, self._where, upload, self._stamp.size, self._work)
        try:
            with self._path.open("rb") as file:
                sent, digest = parts.send(file, size)
        except OSError as error:
            raise unreadable(self._path, error) from error
        # The digest in the metadata was computed before; other bytes mean that the file has
        # changed.
        if digest != self._digest:
            raise changed(self._path)
        return sent

    def _completed(self, upload: str, parts: list[SentPart]) -> Written | None:
        """Complete the upload and verify the object; return None if it has to be repeated."""
        hashes = Hashes.composite(part.hashes for part in parts)
        try:
            answer = self._complete(upload, [part.named(n) for n, part in enumerate(parts, 1)])
        # The answer may be lost after S3 has completed the upload, which is no failure.
        except StorageError as error:
            if error.kind not in _MAY_BE_DONE:
                raise
            return self._reconciled(error, hashes)
        verdict = confirmed(answer, hashes) if all(part.verdict for part in parts) else None
        if verdict is None:
            verdict = self._read_back(answer)
        if verdict is None:
            discard(self._bucket, self._key, answer, cancelled=self._work.token.cancelled)
            return None
        return self._written(etag_of(answer), answer.get("VersionId"), verdict)

    def _complete(self, upload: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
        if not self._only_new:
            return self._request_completion(upload, parts)
        # The lock includes the check of the key, for servers that do not check it themselves.
        with conditions.one_completion(self._bucket, self._key, self._work):
            known = conditions.is_supported(self._bucket, COMPLETE)
            if not known:
                conditions.refuse_existing(self._bucket, self._key, self._work)
            condition = ONLY_NEW if known is not False else {}
            return self._request_completion(upload, parts, **condition)

    def _request_completion(
        self, upload: str, parts: list[dict[str, Any]], **condition: Any
    ) -> dict[str, Any]:
        with translated("s3:CompleteMultipartUpload", self._bucket.subject(self._key), self._work):
            answer: dict[str, Any] = self._bucket.client.complete_multipart_upload(
                UploadId=upload, MultipartUpload={"Parts": parts}, **self._where, **condition
            )
        return answer

    def _reconciled(self, error: StorageError, hashes: Hashes) -> Written | None:
        """Determine whether the object was completed although the request failed or got no answer.

        Raises:
            AlreadyExists: `only_new`, and another object has the key.
            StorageError: `error`, if the object was not completed.
        """
        try:
            existing = head(self._bucket, self._key, work=self._work)
        except NotFound:
            if error.kind is ErrorKind.CONFLICT:
                return None  # S3 requires a new upload after a conflict (409)
            raise error from None
        # The SHA-256 in the metadata identifies this upload: the object is the one that was sent.
        if existing.size == self._stamp.size and existing.sha256 == self._digest:
            answer = {"ETag": existing.etag, "ServerSideEncryption": existing.encryption}
            verdict = confirmed(answer, hashes)
            if verdict is None:
                verdict = self._read_back({"VersionId": existing.version_id, **answer})
            if verdict is not None:
                return self._written(existing.etag, existing.version_id, verdict)
        if self._only_new and error.kind is ErrorKind.CONFLICT:
            conditions.record_support(self._bucket, COMPLETE, is_honoured=True)
            raise conditions.already_exists(self._bucket, existing, error.details)
        raise error

    def _read_back(self, answer: dict[str, Any]) -> Verdict | None:
        size = self._stamp.size
        return read_back(self._bucket, self._key, answer, size, self._digest, self._work)

    def _written(self, etag: str, version: str | None, verdict: Verdict) -> Written:
        known = conditions.is_supported(self._bucket, COMPLETE)
        return Written(
            self._key,
            etag,
            self._stamp.size,
            version,
            self._digest,
            verdict,
            race_free=not self._only_new or known is True,
        )

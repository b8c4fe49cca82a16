"""Multipart upload of large files, which is verified, and aborted after any failure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from core.errors import ErrorKind, InvalidInput, NotFound, NotSupported, StorageError
from core.model.objects import Verdict, Written
from core.model.upload_options import Checksum
from core.objects import conditions, part_checksums
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.completion import MAY_BE_DONE, OpenUpload, is_race_free, multipart_upload
from core.objects.conditions import COMPLETE
from core.objects.file_parts import FilePart, parts_of
from core.objects.hashing import FileHashes, Stamp, hash_parts, unreadable
from core.objects.part_sender import Parts, SentPart
from core.objects.part_sizes import part_size
from core.objects.reading import head
from core.objects.sending import Hashes, confirmed, damaged, discard, read_back, repeat_until_stored
from core.work import Work


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A local file with its state before it was hashed, and its hashes."""

    path: Path
    stamp: Stamp
    hashes: FileHashes

    @classmethod
    def of(cls, path: Path, stamp: Stamp, work: Work) -> Self:
        """Hash a file in the given state.

        Raises:
            InvalidInput: the file is larger than S3 allows.
            LocalIOError: the file cannot be read.
            Cancelled: the work was cancelled.
        """
        return cls(path, stamp, hash_parts(path, part_size(stamp.size), work))

    @property
    def parts(self) -> list[FilePart]:
        """The parts that are sent."""
        size = self.stamp.size
        return parts_of(self.path, size, part_size(size), self.hashes.crc32)


class PartLoop:
    """One multipart upload: create it, send the parts, complete and verify it, or abort it."""

    def __init__(
        self,
        bucket: Bucket,
        file: HashedFile,
        arguments: dict[str, Any],
        work: Work,
        *,
        only_new: bool = False,
        checksum: Checksum = Checksum.DEFAULT,
    ) -> None:
        self._bucket, self._file, self._arguments = bucket, file, arguments
        self._work, self._only_new, self._checksum = work, only_new, checksum
        self._key: str = arguments["Key"]
        self._size, self._digest = file.stamp.size, file.hashes.sha256
        self._is_repeated = False

    def run(self) -> Written:
        """Upload the file.

        Raises:
            AlreadyExists: `only_new`, and another object has the key.
            SourceChanged: the file changed after it was hashed.
            Corrupt: the stored bytes differ from those that were sent.
            StorageError: the upload failed; the parts were removed.
        """
        written = repeat_until_stored(self._attempt, self._work.token)
        if written is None:
            raise damaged(self._bucket, self._key, removed=True)
        return written

    def _attempt(self) -> Written | None:
        """Upload once; return None if the upload has to be repeated."""
        declared = part_checksums.declared(self._bucket, self._checksum)
        try:
            with multipart_upload(
                self._bucket,
                {**self._arguments, **declared},
                self._work,
                part_bytes=part_size(self._size),
            ) as upload:
                return self._filled(upload)
        except (InvalidInput, NotSupported):
            unknown = part_checksums.is_verified(self._bucket) is None
            if not unknown or self._checksum is not Checksum.DEFAULT:
                raise
        # Some servers refuse the declaration of a checksum: the upload is repeated without it.
        part_checksums.record_verified(self._bucket, verified=False)
        return self._attempt()

    def _filled(self, upload: OpenUpload) -> Written | None:
        parts = self._send_all(upload)
        # Until the upload is completed, nothing of it is visible: a changed file leaves no object.
        self._file.stamp.check(self._file.path)
        return self._completed(upload, parts)

    def _send_all(self, upload: OpenUpload) -> list[SentPart]:
        where = {"Bucket": self._bucket.name, "Key": self._key}
        parts = self._file.parts
        # Other parts of a continued upload must not be replaced by the test of the server.
        unsent = next((part.number for part in parts if part.number not in upload.stored), None)
        verified_by = part_checksums.chosen(
            self._bucket,
            self._checksum,
            {**where, "UploadId": upload.upload_id},
            unsent,
            self._work,
        )
        sender = Parts(
            self._bucket, where, upload.upload_id, self._size, self._work, verified_by=verified_by
        )
        try:
            sent = sender.send_parts(parts, upload.stored)
        except OSError as error:
            raise unreadable(self._file.path, error) from error
        if verified_by.is_checksum and self._checksum is Checksum.DEFAULT:
            part_checksums.confirm(self._bucket, returned=all(part.checksum for part in sent))
        return sent

    def _completed(self, upload: OpenUpload, parts: list[SentPart]) -> Written | None:
        """Complete the upload and verify the object; return None if it has to be repeated."""
        hashes = Hashes.composite(part.hashes for part in parts)
        named = [part.named(number) for number, part in enumerate(parts, 1)]
        try:
            answer = upload.complete(named, only_new=self._only_new)
        # A part that was damaged on the way and sent again: SeaweedFS may find the damaged one. A
        # new upload has no such part.
        except InvalidInput:
            if self._is_repeated:
                raise
            self._is_repeated = True
            return None
        # The answer may be lost after S3 has completed the upload, which is no failure.
        except StorageError as error:
            if error.kind not in MAY_BE_DONE:
                raise
            return self._reconciled(error, hashes)
        verdict = confirmed(answer, hashes) if all(part.verdict for part in parts) else None
        if verdict is None:
            verdict = self._read_back(answer)
        if verdict is None:
            discard(self._bucket, self._key, answer, cancelled=self._work.token.cancelled)
            return None
        return self._written(etag_of(answer), answer.get("VersionId"), verdict)

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
        if existing.size == self._size and existing.sha256 == self._digest:
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
        size = self._size
        return read_back(self._bucket, self._key, answer, size, self._digest, self._work)

    def _written(self, etag: str, version: str | None, verdict: Verdict) -> Written:
        race_free = is_race_free(self._bucket, only_new=self._only_new)
        return Written(
            self._key, etag, self._size, version, self._digest, verdict, race_free=race_free
        )

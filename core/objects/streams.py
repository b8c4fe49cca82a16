"""Upload of bytes that can be read only once, for example from standard input.

A few parts are in memory at a time, however long the stream is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, cast

from core.aws.limits import MIB, PART_COUNT
from core.effects import states_effect
from core.errors import Conflict, InvalidInput, StorageError, local_io_error
from core.hints import Hint
from core.layout.key_checks import check_key
from core.model.objects import Written
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.completion import MAY_BE_DONE, is_race_free, multipart_upload, prepare_only_new
from core.objects.hashing import SHA256
from core.objects.object_reader import inspect
from core.objects.part_sender import Parts, SentPart
from core.objects.part_sizes import SINGLE_BYTES, part_size
from core.objects.sending import Hashes, confirmed, damaged, discard, read_back
from core.objects.single import SinglePut
from core.objects.writing import check_metadata, guess_type
from core.units import format_count, format_counted, format_size
from core.work import Progress, Work, default_work

#: Bytes of a part of a stream whose size is unknown: 10,000 of them limit the size of the object.
_PART_BYTES = 16 * MIB
MOST_BYTES = _PART_BYTES * PART_COUNT

Confirm = Callable[[str], None]


def _accept(_sha256: str) -> None:
    """Accept any content: the default of `upload_stream`."""


@states_effect("written", ("PutObject", "CompleteMultipartUpload"))
def upload_stream(  # noqa: PLR0913 - one write; all but the first three by name
    bucket: Bucket,
    key: str,
    file: BinaryIO,
    *,
    size: int | None = None,
    properties: Mapping[str, Any] | None = None,
    only_new: bool = False,
    confirm: Confirm = _accept,
    work: Work | None = None,
) -> Written:
    """Store what a file contains until its end, for example standard input.

    Up to 8 MiB are sent in one request, with their SHA-256 as metadata; more is sent in parts,
    without it, because S3 expects the metadata before the first byte. The object appears when all
    bytes were sent and confirmed; otherwise nothing is stored.

    Args:
        bucket: the bucket.
        key: the key.
        file: read once, from its present position; `read` returns fewer bytes only at the end.
        size: the exact number of bytes, if it is known; another number is an error. Without it at
            most 156 GiB are stored.
        properties: botocore's parameters of the object, for example `Metadata` and `ContentType`.
        only_new: never overwrite an object.
        confirm: called with the hexadecimal SHA-256 of all bytes before the object appears; an
            exception that it raises ends the upload.
        work: cancel token, progress in bytes, and retry budget.

    Raises:
        AlreadyExists: `only_new`, and another object has the key.
        LocalIOError: the file cannot be read.
        InvalidInput: the key or a property is not valid, or the stream has another size.
        Corrupt: the stored bytes differ from those that were sent.
        StorageError: the upload was denied or failed; nothing was stored.
    """
    work = default_work(work)
    found = dict(properties or {})
    arguments = {
        "ContentType": guess_type(key),
        **found,
        "Bucket": bucket.name,
        "Key": check_key(key),
        "Metadata": check_metadata(found.get("Metadata", {})),
    }
    stream = _Stream(file, size, key)
    first = stream.read(SINGLE_BYTES + 1)
    if len(first) > SINGLE_BYTES:
        upload = _StreamUpload(bucket, arguments, work, only_new=only_new)
        return upload.run(stream.starting_with(first), confirm)
    digest = hashlib.sha256(first).hexdigest()
    confirm(digest)
    arguments["Metadata"] = check_metadata({**arguments["Metadata"], SHA256: digest})
    written = SinglePut(bucket, arguments, first, work, only_new=only_new).run()
    work.report(Progress(len(first), len(first), "bytes", key))
    return written


class _Stream:
    """A file that can be read once; `length` is the number of bytes so far."""

    def __init__(self, file: BinaryIO, size: int | None, key: str) -> None:
        self._file, self.size, self._key = file, size, key
        self.length, self._pending = 0, b""

    @property
    def part_size(self) -> int:
        """The size of the parts in bytes."""
        return _PART_BYTES if self.size is None else part_size(self.size)

    def starting_with(self, data: bytes) -> _Stream:
        """Return the stream with bytes put back, which `read` has returned."""
        self._pending = data
        return self

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end.

        Raises:
            InvalidInput: the stream is longer or shorter than expected.
            LocalIOError: it cannot be read.
        """
        data, self._pending = self._pending[:count], self._pending[count:]
        missing = count - len(data)
        try:
            more = self._file.read(missing) if missing else b""
        except OSError as error:
            raise local_io_error(error, "The input cannot be read", "standard input") from error
        self.length += len(more)
        self._check(ended=len(more) < missing)
        return data + more

    def _check(self, *, ended: bool) -> None:
        most = MOST_BYTES if self.size is None else self.size
        if self.length > most and self.size is None:
            raise InvalidInput(
                f"The input for {self._key} is longer than {format_size(MOST_BYTES)}",
                cause="S3 allows 10,000 parts, whose size is determined before the first byte.",
                remedy="State the exact number of bytes.",
                hints=Hint.INPUT_SIZE,
            )
        if self.length > most or (ended and self.size not in {None, self.length}):
            raise InvalidInput(
                f"The input for {self._key} does not have the expected size",
                cause=f"{format_counted(self.length, 'byte')} arrived instead of {format_count(self.size or 0)}.",
                effect="Nothing was stored.",
                remedy="Check the program that writes the input, or correct the size.",
            )


class _StreamUpload:
    """One multipart upload of a stream, which cannot be repeated."""

    def __init__(
        self, bucket: Bucket, arguments: dict[str, Any], work: Work, *, only_new: bool
    ) -> None:
        self._bucket, self._arguments, self._work = bucket, arguments, work
        self._key: str = arguments["Key"]
        self._only_new = only_new

    def run(self, stream: _Stream, confirm: Confirm) -> Written:
        if self._only_new:
            prepare_only_new(self._bucket, self._key, self._work)
        # AWS requires the checksums of parts to be declared; other servers verify Content-MD5.
        checksummed = self._bucket.clients.endpoint_url is None
        declared = {"ChecksumAlgorithm": "CRC32"} if checksummed else {}
        parts: list[SentPart] = []
        digest = ""
        try:
            with multipart_upload(
                self._bucket, {**self._arguments, **declared}, self._work
            ) as upload:
                parts, digest = self._sent(upload.upload_id, stream)
                confirm(digest)
                named = [part.named(number) for number, part in enumerate(parts, 1)]
                answer = upload.complete(named, only_new=self._only_new)
        except StorageError as error:
            if not parts or error.kind not in MAY_BE_DONE:
                raise
            answer = self._reconciled(error, parts)
        return self._verified(answer, parts, stream.length, digest)

    def _sent(self, upload: str, stream: _Stream) -> tuple[list[SentPart], str]:
        def report(progress: Progress) -> None:
            self._work.report(replace(progress, total=stream.size))

        place = {"Bucket": self._bucket.name, "Key": self._key}
        work = replace(self._work, report=report)
        sender = Parts(self._bucket, place, upload, stream.size or 0, work)
        return sender.send(cast("BinaryIO", stream), stream.part_size)

    def _reconciled(self, error: StorageError, parts: list[SentPart]) -> dict[str, Any]:
        """Return the answer to HeadObject if the object was completed although no answer came.

        Raises:
            AlreadyExists: `only_new`, and another object has the key.
            StorageError: `error`, if the object is not the one that was sent.
        """
        existing = self._head(error)
        if confirmed(existing, _hashes(parts)) is not None:
            return existing
        if self._only_new and error.kind is Conflict.kind:
            conditions.refuse_existing(self._bucket, self._key, self._work)
        raise error

    def _head(self, error: StorageError) -> dict[str, Any]:
        try:
            return inspect(self._bucket, self._key, self._work)
        except StorageError:
            self._work.check()
            raise error from None

    def _verified(
        self, answer: dict[str, Any], parts: list[SentPart], size: int, digest: str
    ) -> Written:
        every = all(part.verdict for part in parts)
        verdict = confirmed(answer, _hashes(parts)) if every else None
        if verdict is None:
            verdict = read_back(self._bucket, self._key, answer, size, digest, self._work)
        if verdict is None:
            cancelled = self._work.token.cancelled
            removed = discard(self._bucket, self._key, answer, cancelled=cancelled)
            raise damaged(self._bucket, self._key, removed=removed)
        race_free = is_race_free(self._bucket, only_new=self._only_new)
        version = answer.get("VersionId")
        return Written(
            self._key, etag_of(answer), size, version, digest, verdict, race_free=race_free
        )


def _hashes(parts: list[SentPart]) -> Hashes:
    return Hashes.composite(part.hashes for part in parts)

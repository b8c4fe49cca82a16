"""Download of complete objects, which is resumed after interruptions and then verified."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.aws.faults import translated
from core.errors import Conflict, Corrupt, ServiceError, StorageError
from core.local.partial_downloads import PartialDownload
from core.local.partial_records import Prefix
from core.model.objects import Verdict
from core.objects.bodies import chunks_of, content_range
from core.objects.bucket import Bucket
from core.objects.checksums import (
    NOTHING,
    UNVERIFIABLE,
    USUAL_PART_BYTES,
    Digests,
    Expected,
    corrupt_object,
    etag_of,
    expected_hashes,
    is_doubtful,
)
from core.objects.interruptions import Interruptions
from core.objects.ranges import (
    RANGE_BYTES,
    NoRangesError,
    ObjectState,
    RangedDownload,
    ReplacedError,
    hash_prefix,
)
from core.units import format_counted
from core.work import Progress, Work

#: Maximum number of downloads of an object whose bytes differ from the expected hash.
_FETCHES = 3
#: Objects with fewer ranges are downloaded with one request.
_FEWEST_RANGES = 2


@dataclass(frozen=True, slots=True)
class Listed:
    """Size and ETag of an object in a listing; None if unknown."""

    size: int | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A completely downloaded object; `verdict` is what its bytes were compared with."""

    size: int
    sha256: str
    etag: str
    verdict: Verdict


class _DifferentError(Exception):
    """The received bytes differ from the object on the server; the text states how."""


class Fetch:
    """Download of one object into a seekable file, which is empty or has its first bytes."""

    def __init__(  # noqa: PLR0913 - one download; the last by name
        self,
        bucket: Bucket,
        key: str,
        file: BinaryIO,
        work: Work,
        *,
        version: dict[str, str],
        listed: Listed = Listed(),
        path: Path | None = None,
        part: PartialDownload | None = None,
    ) -> None:
        """Prepare the download.

        Args:
            bucket: the bucket.
            key: the object.
            file: receives the bytes.
            work: cancel, progress, limits and retry budget.
            version: botocore's parameter of a version, or empty.
            listed: what a listing has shown.
            path: the path of `file`; with it, large objects are downloaded in several ranges at
                the same time.
            part: the file of `path`, if the download may be continued later; its bytes are used
                if they belong to the same state of the object.
        """
        self._bucket, self._key, self._file, self._work = bucket, key, file, work
        self._version, self._listed, self._path, self._part = version, listed, path, part
        self._subject = bucket.subject(key)
        self._breaks = Interruptions(work)
        self._former_sha256 = ""
        self._begin_with_nothing()

    def run(self) -> Fetched:
        """Download the object.

        Raises:
            NotFound: the object does not exist.
            Corrupt: its bytes differ from the server's hash, even after repeated downloads; the
                file contains the last ones.
            StorageError: the download was denied or failed.
        """
        for attempt in range(1, _FETCHES + 1):
            try:
                self._fetch()
                self._compare()
            except _DifferentError as error:
                if attempt == _FETCHES:
                    raise self._corrupt(str(error)) from None
                self._work.token.wait(0.2 * attempt)
                self._forget()
            else:
                break
        return Fetched(self._done, self._digests.sha256, self._etag, self._expected.verdict)

    def _forget(self) -> None:
        """Restart from the first byte."""
        if self._part is not None:
            self._part.reset()
        self._file.seek(0)
        self._file.truncate()
        self._begin_with_nothing()

    def _begin_with_nothing(self) -> None:
        self._done, self._total, self._reused, self._etag = 0, 0, 0, ""
        self._expected, self._part_size, self._guessed = NOTHING, 0, False
        self._digests = Digests(NOTHING)

    def _fetch(self) -> None:
        while not self._etag or self._done < self._total:
            prefix = self._part.prefix if self._part is not None else None
            size = self._total or self._listed.size or 0
            if self._path is not None and (prefix is not None or self._is_large(size)):
                self._fetch_ranges()
                continue
            with self._work.slot():
                self._fetch_once()

    def _fetch_once(self) -> None:
        """Download the missing bytes with one request, as far as it succeeds."""
        answer = self._request()
        if answer is None:
            self._forget()
            return
        try:
            with closing(answer["Body"]), translated("s3:GetObject", self._subject, self._work):
                self._accept(answer)
                # The size was unknown before: the rest is requested in ranges.
                if self._path is None or not self._is_large(self._total):
                    self._stream(answer["Body"])
        except Corrupt as error:  # botocore verifies some checksums itself
            raise _DifferentError(error.details or error.summary) from None
        except StorageError as error:
            self._breaks.wait(error)

    @staticmethod
    def _is_large(size: int) -> bool:
        return size > _FEWEST_RANGES * RANGE_BYTES

    def _fetch_ranges(self) -> None:
        """Download all bytes in ranges, or prepare another attempt."""
        assert self._path is not None
        if not self._etag:
            answer = self._head(ChecksumMode="ENABLED")
            self._begin(answer, etag_of(answer))
            if not self._is_large(self._total):
                return self._forget_and_stream()
        start = self._hash_prefix(self._path)
        if start is None:
            return self._forget()
        state = ObjectState(self._bucket, self._key, self._etag, self._total, self._version)
        try:
            RangedDownload(
                state, self._path, self._digests, self._work, self._advanced,
                start=start, hashed=self._note,
            ).run()  # fmt: skip
        except NoRangesError:
            return self._forget_and_stream()
        except ReplacedError as replaced:
            self._forget()
            self._wait_for_replaced(replaced.error)
            return None
        self._done = self._total
        return None

    def _hash_prefix(self, path: Path) -> int | None:
        """Hash the bytes that the file has from an earlier download, and return their number.

        None means that they do not belong to this state of the object, or were changed.
        """
        prefix = self._part.prefix if self._part is not None else None
        if prefix is None:
            return 0
        if (prefix.etag, prefix.size) != (self._etag, self._total):
            return None
        if not hash_prefix(path, prefix, self._digests, self._work):
            return None
        self._reused = prefix.done
        return prefix.done

    def _note(self, hashed: int) -> None:
        """Record the bytes that are in the file, so that a later download can continue."""
        if self._part is not None:
            self._part.note(Prefix(self._etag, self._total, hashed, self._digests.sha256))

    def _forget_and_stream(self) -> None:
        """Restart from the first byte, with one request for all bytes."""
        self._forget()
        self._path = None

    def _wait_for_replaced(self, error: StorageError) -> None:
        """Wait before a replaced object is downloaded from its beginning, within the limit.

        Raises:
            StorageError: the limit is reached.
        """
        self._breaks.wait(
            ServiceError(
                error.summary, cause=error.cause, remedy=error.remedy, subject=error.subject
            )
        )

    def _advanced(self, done: int) -> None:
        self._breaks.advanced(done)
        self._work.report(Progress(done, self._total, "bytes", self._key, reused=self._reused))

    def _request(self) -> dict[str, Any] | None:
        """Request the missing bytes, and return the answer, or None if the object was replaced."""
        # S3 only reports checksums if they are requested; they are not valid for a range.
        more: dict[str, Any] = {"ChecksumMode": "ENABLED"}
        if self._done:
            # If-Match, so that a replaced object is refused (412) and not appended to the old
            # bytes.
            more = {"Range": f"bytes={self._done}-", "IfMatch": f'"{self._etag}"'}
        try:
            with translated("s3:GetObject", self._subject, self._work):
                answer: dict[str, Any] = self._bucket.client.get_object(
                    Bucket=self._bucket.name, Key=self._key, **more, **self._version
                )
        except Conflict as error:
            if not self._done:
                raise
            # As a temporary error: the replaced object is downloaded from its beginning.
            self._wait_for_replaced(error)
            return None
        return answer

    def _accept(self, answer: dict[str, Any]) -> None:
        """Check that an answer continues the received bytes; otherwise restart."""
        found, etag = content_range(answer), etag_of(answer)
        if self._done and found == (self._done, self._total - 1, self._total):
            if etag == self._etag:
                return
            raise _DifferentError(
                f"the ETag changed from {self._etag} to {etag} during the download"
            )
        # Neither the requested range nor the complete object: the bytes cannot be placed.
        if found is not None and found != (0, found[2] - 1, found[2]):
            self._forget()
            raise ServiceError(
                "The server sent a different range than the requested one",
                cause=f"It sent “{answer['ContentRange']}”.",
                remedy="Try again. If it happens again, check whether a proxy modifies answers.",
                subject=self._subject,
            )
        self._begin(answer, etag)

    def _begin(self, answer: dict[str, Any], etag: str) -> None:
        """Process an answer that starts at the first byte, as servers without ranges send it."""
        # An answer from the first byte on replaces what was received.
        if self._done:
            self._forget()
        size = answer.get("ContentLength")
        if not etag or size is None:
            raise ServiceError(
                "The answer is not an object",
                cause="It has no ETag or no length.",
                remedy="Try again. Check the endpoint of the profile and any proxy in between.",
                subject=self._subject,
            )
        self._etag, self._total = etag, int(size)
        self._expected, self._part_size = self._chosen(answer)
        self._digests = Digests(self._expected, self._part_size)
        self._confirm_size()

    def _chosen(self, answer: dict[str, Any]) -> tuple[Expected, int]:
        """Return the hash to compare with and, for a composite hash, the size of the parts."""
        for expected in expected_hashes(answer):
            if not expected.parts:
                if not expected.is_slow(self._total):
                    return expected, 0
            elif size := self._size_of_parts(expected.parts):
                return expected, size
        return NOTHING, 0

    def _size_of_parts(self, parts: int) -> int:
        """Return the size of all parts but the last, or 0 if it is unknown or differs.

        If the server does not report it, common sizes are tried: a matching hash proves the size.
        """
        # With one part its size is that of the object, so no request is needed.
        known = self._total if parts == 1 else self._size_of_part(1)
        self._guessed = not known
        sizes = (known,) if known else USUAL_PART_BYTES
        # With n parts of this size, the last part must be between 1 byte and the size of the
        # others.
        fitting = (size for size in sizes if (parts - 1) * size < self._total <= parts * size)
        return next(fitting, 0)

    def _size_of_part(self, number: int) -> int:
        """Return the size of one part in bytes, or 0 if the server does not report it."""
        try:
            answer = self._head(PartNumber=number)
            found = content_range(answer)
        except StorageError:  # not every server reports the parts of an object
            self._work.check()
            return 0
        if found is None or etag_of(answer) != self._etag or found[2] != self._total:
            return 0
        return found[1] - found[0] + 1

    def _head(self, **more: Any) -> dict[str, Any]:
        with translated("s3:HeadObject", self._subject, self._work):
            answer: dict[str, Any] = self._bucket.client.head_object(
                Bucket=self._bucket.name, Key=self._key, **more, **self._version
            )
        return answer

    def _confirm_size(self) -> None:
        """Compare the length with the listing; request it again if they differ or it is unknown.

        The object may have been replaced since it was listed; then a second answer agrees.
        """
        listed = self._listed
        agrees = listed.size == self._total and listed.etag in {None, self._etag}
        hashed = self._expected.verdict is not Verdict.SIZE_ONLY
        if agrees or (hashed and listed.size is None):
            return
        answer = self._head()
        if (answer.get("ContentLength"), etag_of(answer)) != (self._total, self._etag):
            size = answer.get("ContentLength", "unknown")
            raise _DifferentError(
                f"the declared length is {format_counted(self._total, 'byte')}, but the object has {size}"
            )

    def _stream(self, body: Any) -> None:
        with closing(chunks_of(body, self._work)) as chunks:
            for chunk in chunks:
                # Before the write: a server that sends without end must not fill the disk.
                if self._done + len(chunk) > self._total:
                    raise _DifferentError(
                        f"more than {format_counted(self._total, 'byte')} arrived"
                    )
                self._file.write(chunk)
                self._digests.update(chunk)
                self._done += len(chunk)
                self._advanced(self._done)

    def _compare(self) -> None:
        if self._digests.agree():
            return
        # A composite hash can only be compared if the sizes of the parts are known.
        # A guessed size or parts of different sizes prove nothing about the bytes.
        unproven = self._guessed or (self._expected.parts > 2 and self._parts_differ())
        if unproven:
            self._expected = NOTHING
            self._confirm_size()
            return
        former, self._former_sha256 = self._former_sha256, self._digests.sha256
        # The same bytes twice: they were not damaged on the way.
        doubtful = is_doubtful(self._expected, self._bucket.clients.endpoint_url)
        if doubtful and self._former_sha256 == former:
            self._expected = NOTHING
            self._confirm_size()
            self._expected = UNVERIFIABLE
            return
        raise _DifferentError(
            f"expected {self._expected.algorithm} {self._expected.value.hex()}, "
            f"got sha256 {self._digests.sha256}"
        )

    def _parts_differ(self) -> bool:
        """Return whether the sizes of the parts differ, which makes the composite hash useless."""
        last = self._expected.parts - 1
        # A sample: one HEAD for each of up to 10,000 parts would take too long.
        numbers = {2, (last + 1) // 2, last} - {1}
        return any(self._size_of_part(number) not in {0, self._part_size} for number in numbers)

    def _corrupt(self, how: str) -> Corrupt:
        return corrupt_object(self._key, self._subject, self._done, how)

"""Fast upload of many small files."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from core.aws.http_connection import HttpAnswer
from core.aws.request_signer import RequestSigner
from core.effects import Result, note_attempt
from core.errors import Cancelled, StorageError
from core.model.objects import Verdict, Written
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256
from core.objects.sending import discard
from core.objects.small_loop import FEWEST, SMALL_BYTES, Exchange, SmallLoop
from core.objects.writing import guess_type, upload
from core.work import Work, default_work

_METADATA = f"x-amz-meta-{SHA256}"
_CHECKSUM, _VERSION = "x-amz-checksum-sha256", "x-amz-version-id"
#: Flags that not every operating system has.
_BINARY: int = getattr(os, "O_BINARY", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class SmallFile:
    """One file to send; `number` identifies it for the caller."""

    number: int
    path: str
    key: str


def upload_many(
    bucket: Bucket,
    files: Iterable[SmallFile],
    *,
    sent: Callable[[SmallFile, Written], None],
    only_new: bool = False,
    work: Work | None = None,
) -> list[SmallFile]:
    """Send small files, many at a time, each with its SHA-256 as metadata.

    Args:
        bucket: the target bucket.
        files: of at most `SMALL_BYTES`.
        sent: called in this thread for each file that the server has confirmed.
        only_new: never overwrite an object; requires a server that honours the condition.
        work: cancel.

    Returns:
        The files that were not sent; none of them has left an incomplete object.

    Raises:
        Cancelled: the token of `work` was cancelled.
        StorageError: there are no credentials, or the bucket cannot be found.
    """
    work = default_work(work)
    work.check()
    # The files are an iterator: a plan of a million files is never held twice.
    rest = iter(files)
    first = list(islice(rest, FEWEST))
    if len(first) < FEWEST:
        return first
    bucket.clients.note_use("s3", "PutObject")
    note_attempt("PutObject", Result.UNKNOWN)  # single attempts are not reported
    left: list[SmallFile] = []
    # The test of the server writes a second time, which only the regular upload does.
    if only_new and conditions.is_supported(bucket, conditions.PUT) is None:
        left += _first_alone(bucket, first.pop(), sent, work)
    # Without conditional writes each key must be checked before, which the regular upload does.
    if only_new and not conditions.is_supported(bucket, conditions.PUT):
        return [*left, *first, *rest]
    return left + _Sender(bucket, chain(first, rest), sent, work, only_new=only_new).run()


def _first_alone(
    bucket: Bucket, file: SmallFile, sent: Callable[[SmallFile, Written], None], work: Work
) -> list[SmallFile]:
    """Send one file with the regular upload, which determines whether conditions are honoured."""
    silent = Work(work.token, budget=work.budget)
    try:
        written = upload(bucket, file.key, Path(file.path), only_new=True, work=silent)
    except Cancelled:
        raise
    except StorageError:
        return [file]
    sent(file, written)
    return []


@dataclass(frozen=True, slots=True)
class _Sent:
    """The hashes of the bytes that were sent."""

    sha256: str
    md5: bytes


class _Sender(SmallLoop[SmallFile]):
    """Uploads of small files."""

    def __init__(
        self,
        bucket: Bucket,
        files: Iterator[SmallFile],
        sent: Callable[[SmallFile, Written], None],
        work: Work,
        *,
        only_new: bool,
    ) -> None:
        super().__init__(bucket, files, work)
        self._sent, self._only_new = sent, only_new
        # Only AWS stores and returns this checksum; other servers return an MD5 as the ETag.
        self._checksummed = bucket.clients.endpoint_url is None

    def prepared(self, file: SmallFile, signer: RequestSigner) -> Exchange[SmallFile] | None:
        data = _content(file.path)
        if data is None:
            return None
        digest = hashlib.sha256(data)
        sent = _Sent(digest.hexdigest(), hashlib.md5(data, usedforsecurity=False).digest())
        headers = {"content-type": guess_type(file.key), _METADATA: sent.sha256}
        if self._only_new:
            headers["if-none-match"] = "*"
        if self._checksummed:
            headers[_CHECKSUM] = base64.b64encode(digest.digest()).decode()
        else:  # servers that do not know the checksum verify this one
            headers["content-md5"] = base64.b64encode(sent.md5).decode()
        request = signer.signed("PUT", file.key, headers, data, sent.sha256)
        # Repeated, a conditional write would be refused because of the object that it has stored.
        return Exchange(file, request, len(data), sent, repeatable=not self._only_new)

    def accepted(self, exchange: Exchange[SmallFile], answer: HttpAnswer) -> bool:
        file, sent = exchange.file, exchange.state
        etag, version = (answer.header("etag") or "").strip('"'), answer.header(_VERSION)
        verdict = _verdict(sent, etag, answer)
        if verdict is None:
            if self._only_new and etag:
                # The regular upload would otherwise find the object, and report its key as used.
                stored = {"ETag": etag, "VersionId": version}
                cancelled = self._work.token.cancelled
                discard(self._bucket, file.key, stored, cancelled=cancelled)
            return False
        self._sent(file, Written(file.key, etag, exchange.size, version, sent.sha256, verdict))
        return True


def _verdict(sent: _Sent, etag: str, answer: HttpAnswer) -> Verdict | None:
    """Return what the answer confirms; the ETag of encrypted objects is no MD5."""
    if etag == sent.md5.hex():
        return Verdict.MD5
    checksum = answer.header(_CHECKSUM)
    same = checksum == base64.b64encode(bytes.fromhex(sent.sha256)).decode()
    return Verdict.SHA256 if same else None


def _content(path: str) -> bytes | None:
    """Return the bytes of a small file; None if it changes, or is no readable small file.

    The regular upload then tries again, and reports the error.
    """
    try:
        # A pipe in place of the file must not block.
        handle = os.open(path, os.O_RDONLY | _BINARY | _NO_WAIT)
        try:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode) or before.st_size > SMALL_BYTES:
                return None
            data = b""
            while piece := os.read(handle, before.st_size + 1 - len(data)):
                data += piece
        finally:
            os.close(handle)
        # By its path: another file may have taken its place.
        after = os.stat(path)  # noqa: PTH116 - thousands of files: a Path each would cost more
    except OSError:
        return None
    return data if _stamp(after) == _stamp(before) and len(data) == before.st_size else None


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino

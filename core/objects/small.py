"""Fast upload of many small files."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from core.aws.http_connection import HttpAnswer
from core.aws.request_signer import RequestSigner
from core.effects import Result, note_attempt
from core.errors import Cancelled, StorageError
from core.model.objects import Verdict, Written
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256
from core.objects.object_reader import inspect
from core.objects.sending import Hashes, confirmed, discard
from core.objects.small_loop import FEWEST, SMALL_BYTES, Exchange, SmallLoop
from core.objects.writing import guess_type, upload
from core.work import Work, default_work

_METADATA = f"x-amz-meta-{SHA256}"
_CHECKSUM, _VERSION = "x-amz-checksum-sha256", "x-amz-version-id"
#: Flags that not every operating system has.
_BINARY: int = getattr(os, "O_BINARY", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
#: Size in bytes from which the hashes of a file take longer than passing it to another thread.
_LARGER = 32 * 1024
#: Files that are read ahead, and threads that read them.
_FILES_AHEAD, _THREADS = 8, 2


class SmallFile(NamedTuple):
    """One file to send; a named tuple, since there may be many thousands of them.

    Attributes:
        number: identifies it for the caller.
        path: the file.
        key: the object.
        size: its expected size in bytes; from `_LARGER` on, files are read ahead.
    """

    number: int
    path: str
    key: str
    size: int = 0


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


def stored_upload(bucket: Bucket, key: str, path: Path, work: Work) -> Written | None:
    """Return the result of an upload of a small file whose answer was lost; None if it is another.

    An object of this program has the SHA-256 of the file as metadata. What it contains is shown by
    a hash that the server has computed.

    Raises:
        NotFound: the object does not exist.
        StorageError: the object could not be inspected.
        OSError: the file could not be read.
    """
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    answer = inspect(bucket, key, work)
    if answer.get("Metadata", {}).get(SHA256) != sha256 or answer["ContentLength"] != len(data):
        return None
    verdict = confirmed(answer, Hashes.of(data, ("md5", "crc32", "sha256")))
    if verdict is None:
        return None
    version = answer.get("VersionId")
    return Written(key, answer.get("ETag", ""), len(data), version, sha256, verdict)


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


class _Hashed(NamedTuple):
    """The bytes of a file and their hashes; no MD5 if the server does not need it."""

    data: bytes
    sha256: bytes
    md5: bytes | None


class _Ahead(Iterator[SmallFile]):
    """Yields files, and reads and hashes the larger ones ahead in other threads.

    MD5 takes a millisecond for 600 KB: more than all the rest of an upload.
    """

    def __init__(self, files: Iterator[SmallFile], *, with_md5: bool) -> None:
        self._files, self._with_md5 = files, with_md5
        self._waiting: deque[SmallFile] = deque()
        self._hashed: dict[int, Future[_Hashed | None]] = {}
        self._pool = ThreadPoolExecutor(_THREADS, "hash")

    def __next__(self) -> SmallFile:
        for file in islice(self._files, max(0, _FILES_AHEAD - len(self._waiting))):
            if file.size >= _LARGER and file.number not in self._hashed:
                self._hashed[file.number] = self._pool.submit(_hashed, file.path, self._with_md5)
            self._waiting.append(file)
        if not self._waiting:
            raise StopIteration
        return self._waiting.popleft()

    def hashed(self, file: SmallFile) -> _Hashed | None:
        """Return the bytes and hashes of a file; None if it is no readable small file."""
        future = self._hashed.pop(file.number, None)
        return _hashed(file.path, self._with_md5) if future is None else future.result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)


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
        # Only AWS stores and returns a SHA-256 as checksum; other servers return an MD5 as the
        # ETag.
        self._checksummed = bucket.clients.endpoint_url is None
        self._ahead = _Ahead(files, with_md5=not self._checksummed)
        super().__init__(bucket, self._ahead, work)
        self._sent, self._only_new = sent, only_new

    def run(self) -> list[SmallFile]:
        """Send the files and return those that were not sent."""
        try:
            return super().run()
        finally:
            self._ahead.close()

    def prepared(self, file: SmallFile, signer: RequestSigner) -> Exchange[SmallFile] | None:
        hashed = self._ahead.hashed(file)
        if hashed is None:
            return None
        sha256 = hashed.sha256.hex()
        headers = {"content-type": guess_type(file.key), _METADATA: sha256}
        if self._only_new:
            headers["if-none-match"] = "*"
        if hashed.md5 is None:
            headers[_CHECKSUM] = base64.b64encode(hashed.sha256).decode()
        else:  # servers that do not know the checksum verify this one
            headers["content-md5"] = base64.b64encode(hashed.md5).decode()
        request = signer.signed("PUT", file.key, headers, hashed.data, sha256)
        # Repeated, a conditional write would be refused because of the object that it has stored.
        state = hashed._replace(data=b"")  # the request has the bytes
        return Exchange(file, request, len(hashed.data), state, repeatable=not self._only_new)

    def accepted(self, exchange: Exchange[SmallFile], answer: HttpAnswer) -> bool:
        file, sent = exchange.file, exchange.state
        etag, version = (answer.header("etag") or "").strip('"'), answer.header(_VERSION)
        verdict = _verdict(exchange, etag, answer)
        if verdict is None:
            if self._only_new and etag:
                # The regular upload would otherwise find the object, and report its key as used.
                stored = {"ETag": etag, "VersionId": version}
                cancelled = self._work.token.cancelled
                discard(self._bucket, file.key, stored, cancelled=cancelled)
            return False
        sha256 = sent.sha256.hex()
        self._sent(file, Written(file.key, etag, exchange.size, version, sha256, verdict))
        return True


def _verdict(exchange: Exchange[SmallFile], etag: str, answer: HttpAnswer) -> Verdict | None:
    """Return what the answer confirms; the ETag of encrypted objects is no MD5."""
    sent: _Hashed = exchange.state
    if sent.md5 is not None and etag == sent.md5.hex():
        return Verdict.MD5
    if answer.header(_CHECKSUM) == base64.b64encode(sent.sha256).decode():
        return Verdict.SHA256
    if sent.md5 is None:
        body = exchange.request[len(exchange.request) - exchange.size :]
        return Verdict.MD5 if etag == _md5(body).hex() else None
    return None


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _hashed(path: str, with_md5: bool) -> _Hashed | None:
    """Return the bytes of a small file and their hashes; None as for `_content`."""
    data = _content(path)
    if data is None:
        return None
    return _Hashed(data, hashlib.sha256(data).digest(), _md5(data) if with_md5 else None)


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

"""Reads objects: their head, a range of bytes, or all of it into a file that is verified first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.aws.faults import translated
from core.errors import AlreadyExists, Corrupt, LocalIOError, StorageError
from core.local.atomic import fsync_folder
from core.local.partial_files import create_partial
from core.model.objects import ObjectInfo
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256, Expected
from core.work import Progress, Work, default_work

_CHUNK = 256 * 1024
#: A broken stream is continued where it broke, so often.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was downloaded whole. `verified` False: the object carries no usable hash."""

    path: Path
    size: int
    sha256: str
    verified: bool


def head(
    bucket: Bucket, key: str, *, version_id: str | None = None, work: Work | None = None
) -> ObjectInfo:
    """Return what is known of an object without reading it.

    Raises:
        NotFound: there is no such object.
        AccessDenied: `s3:GetObject` is missing, or the object is missing and `s3:ListBucket` too.
    """
    default_work(work).check()
    with translated("s3:HeadObject", bucket.subject(key)):
        answer = bucket.client.head_object(Bucket=bucket.name, Key=key, **_version(version_id))
    metadata = dict(answer.get("Metadata", {}))
    return ObjectInfo(
        key=key,
        size=answer["ContentLength"],
        modified=answer["LastModified"],
        etag=answer.get("ETag", "").strip('"'),
        content_type=answer.get("ContentType", ""),
        storage_class=answer.get("StorageClass", "STANDARD"),
        metadata=metadata,
        version_id=answer.get("VersionId"),
        encryption=answer.get("ServerSideEncryption"),
        content_encoding=answer.get("ContentEncoding"),
        sha256=metadata.get(SHA256),
    )


def read(
    bucket: Bucket,
    key: str,
    *,
    start: int = 0,
    length: int | None = None,
    version_id: str | None = None,
    work: Work | None = None,
) -> bytes:
    """Return `length` bytes of an object from `start` on; all of it by default.

    A range beyond the object's end gives what there is. A whole read is verified where the
    object carries a hash.

    Raises:
        NotFound: there is no such object.
        Corrupt: the bytes do not have the recorded hash.
        StorageError: the read was denied or failed.
    """
    work = default_work(work)
    work.check()
    last = "" if length is None else start + length - 1
    ranged = {} if start == 0 and length is None else {"Range": f"bytes={start}-{last}"}
    if length == 0:
        return b""
    with translated("s3:GetObject", bucket.subject(key)):
        try:
            answer = bucket.client.get_object(
                Bucket=bucket.name, Key=key, **ranged, **_version(version_id)
            )
        except bucket.client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") == "InvalidRange":
                return b""  # an empty object, or a start at or after its end
            raise
        with _woken(answer["Body"], work) as body:
            data = bytes(body.read())
    work.check()
    if not ranged:
        _verify(bucket, key, _expected(answer), hashlib.sha256(data).hexdigest(), _md5(data))
    return data


def download(
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    overwrite: bool = False,
    version_id: str | None = None,
    work: Work | None = None,
) -> Downloaded:
    """Download an object into a file that appears only when it is whole and verified.

    The bytes go to a temporary name beside `path`, are hashed on the way, flushed to the disk,
    and renamed. A stream that breaks is continued with `If-Match`, so two states never mix.

    Raises:
        AlreadyExists: the file is there and `overwrite` is False.
        Corrupt: the bytes do not have the recorded hash; they are kept as `….corrupt`.
        LocalIOError: the file cannot be written; nothing is left behind.
        StorageError: the download was denied or failed; nothing is left behind.
    """
    work = default_work(work)
    if path.exists() and not overwrite:
        raise AlreadyExists(
            f"{path.name} is there already",
            cause="Downloads never overwrite silently.",
            remedy="Choose another name or folder, or say that it may be overwritten.",
            subject=str(path),
        )
    try:
        return _Download(bucket, key, path, version_id, work).run()
    except OSError as error:
        raise LocalIOError(
            f"{path.name} cannot be written",
            cause=f"{error.strerror or error}.",
            remedy="Check the folder, its permissions and the free space, then retry.",
            subject=str(path),
        ) from error


class _Download:
    """One download: temporary file, stream, hash, and the rename at the end."""

    def __init__(
        self, bucket: Bucket, key: str, path: Path, version_id: str | None, work: Work
    ) -> None:
        self._bucket, self._key, self._path, self._work = bucket, key, path, work
        self._version = _version(version_id)
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._done, self._total = 0, 0
        self._expected, self._etag = Expected(), ""

    def run(self) -> Downloaded:
        folder = self._path.parent
        folder.mkdir(parents=True, exist_ok=True)
        temporary, handle = create_partial(self._path)
        with os.fdopen(handle, "wb") as file:
            try:
                self._fill(file)
                file.flush()
                os.fsync(file.fileno())
                self._check(temporary)
                temporary.replace(self._path)
                fsync_folder(folder)
            finally:
                temporary.unlink(missing_ok=True)
        verified = bool(self._expected.sha256 or self._expected.md5)
        return Downloaded(self._path, self._done, self._sha256.hexdigest(), verified)

    def _fill(self, file: BinaryIO) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                with translated("s3:GetObject", self._bucket.subject(self._key)):
                    self._stream(file)
            except StorageError as error:
                if not error.retryable or attempt == _ATTEMPTS - 1:
                    raise
                self._work.token.wait(0.2 * 2**attempt)
            if self._etag and self._done >= self._total:
                return
        raise Corrupt(
            f"{self._key} arrived incomplete",
            cause=f"{self._done} of {self._total} bytes came, in {_ATTEMPTS} attempts.",
            remedy="Check the network, then retry.",
            subject=self._bucket.subject(self._key),
        )

    def _stream(self, file: BinaryIO) -> None:
        more: dict[str, Any] = dict(self._version)
        if self._etag:
            more |= {"Range": f"bytes={self._done}-", "IfMatch": f'"{self._etag}"'}
        answer = self._bucket.client.get_object(Bucket=self._bucket.name, Key=self._key, **more)
        if not self._etag:
            self._etag = answer.get("ETag", "").strip('"') or "none"
            self._total = answer["ContentLength"]
            self._expected = _expected(answer)
        with _woken(answer["Body"], self._work) as body:
            for chunk in body.iter_chunks(_CHUNK):
                self._work.check()
                file.write(chunk)
                self._sha256.update(chunk)
                if self._expected.md5:
                    self._md5.update(chunk)
                self._done += len(chunk)
                self._work.report(Progress(self._done, self._total, "bytes", self._key))

    def _check(self, temporary: Path) -> None:
        try:
            _verify(
                self._bucket,
                self._key,
                self._expected,
                self._sha256.hexdigest(),
                self._md5.hexdigest(),
            )
        except Corrupt:
            temporary.replace(self._path.with_name(f"{self._path.name}.corrupt"))
            raise


def _expected(answer: dict[str, Any]) -> Expected:
    return Expected.of(
        answer.get("Metadata", {}),
        answer.get("ETag", "").strip('"'),
        answer.get("ServerSideEncryption", ""),
    )


def _verify(bucket: Bucket, key: str, expected: Expected, sha256: str, md5: str) -> None:
    right = expected.sha256 == sha256 if expected.sha256 else expected.md5 in {"", md5}
    if not right:
        raise Corrupt(
            f"{key} is corrupt",
            cause="Its bytes do not have the hash that was recorded when it was stored.",
            remedy="Retry; if it stays, take an older version or the original file.",
            subject=bucket.subject(key),
            details=f"expected {expected.sha256 or expected.md5}, got sha256 {sha256}",
        )


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _version(version_id: str | None) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}


@contextmanager
def _woken(body: Any, work: Work) -> Iterator[Any]:
    """Give up a read that hangs when a cancel comes, and close the stream in any case."""
    stream = body._raw_stream  # noqa: SLF001 - botocore offers no way to shut a stream down

    def wake() -> None:
        with suppress(OSError, ValueError):  # the read ended meanwhile: there is nothing to wake
            stream.shutdown()

    with work.token.on_cancel(wake):
        try:
            yield body
        except Exception:
            work.check()  # what a shutdown breaks is a cancel, not a failure
            raise
        finally:
            body.close()

"""Copies of large objects by the server, in parts that are copied concurrently."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from core.aws.faults import translated
from core.aws.limits import GIB, MIB, PART_COUNT
from core.errors import Cancelled, Conflict, NotAnS3Answer, NotSupported, StorageError
from core.model.upload_options import Pairs
from core.objects.bucket import Bucket
from core.objects.checksums import composite, etag_is_opaque, etag_of
from core.objects.completion import MAY_BE_DONE, multipart_upload, prepare_only_new
from core.objects.hashing import SHA256
from core.objects.object_reader import inspect
from core.objects.tags import get_tags, set_tags
from core.objects.versions import versioned
from core.work import CancelToken, Progress, Work

#: Smallest part, and number of parts that are copied at the same time. The server answers a part
#: only when it has copied it: with larger parts a slow server would exceed the time limit.
PART_BYTES = 512 * MIB
_IN_FLIGHT = 4
#: Properties of an object that CopyObject repeats by itself, and a multipart upload does not.
_REPEATED = (
    "Metadata", "ContentType", "CacheControl", "ContentDisposition", "ContentEncoding",
    "ContentLanguage", "Expires", "StorageClass", "WebsiteRedirectLocation",
)  # fmt: skip
_MD5_BYTES = 16


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """One copy: an object of `source` with HeadObject's answer, and its new place in `bucket`.

    Attributes:
        source: the bucket of the object.
        key: the object.
        answer: the answer to HeadObject; if `edited`, with the properties of the copy.
        bucket: the bucket of the copy.
        target: the key of the copy.
        only_new: whether an existing object is never replaced.
        version: the version of the object; empty for the newest.
        edited: whether the copy has other properties than the object.
        tags: the tags of the object, if they were read already.
    """

    source: Bucket
    key: str
    answer: dict[str, Any]
    bucket: Bucket
    target: str
    only_new: bool = False
    version: str = ""
    edited: bool = False
    tags: Pairs = ()

    @property
    def size(self) -> int:
        """The size of the object in bytes."""
        return int(self.answer["ContentLength"])

    @property
    def place(self) -> dict[str, str]:
        """Botocore's parameters of the copy."""
        return {"Bucket": self.bucket.name, "Key": self.target}

    @property
    def origin(self) -> dict[str, Any]:
        """Botocore's parameters of the source, with the condition that it has not changed."""
        # The condition is checked by S3 within the request, so the source cannot change unnoticed.
        named = {"Bucket": self.source.name, "Key": self.key, **versioned(self.version)}
        return {"CopySource": named, "CopySourceIfMatch": f'"{etag_of(self.answer)}"'}

    @property
    def encryption(self) -> dict[str, Any]:
        """The KMS key of the source, for a copy in the same bucket; others use their default."""
        if self.source != self.bucket or not self.answer.get("SSEKMSKeyId"):
            return {}
        # The bucket key reduces the number of billed requests to KMS; a copy does not inherit it.
        names = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")
        return {name: self.answer[name] for name in names if self.answer.get(name)}


class UnverifiablePartsError(Exception):
    """The server's ETags of copied parts are no MD5s, and no other hash is stored.

    SeaweedFS composes the ETag of the object from such ETags: every later comparison with the bytes
    of the object fails, although they are right.
    """


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    first: int
    last: int


def copy_in_parts(request: CopyRequest, work: Work) -> tuple[str, StorageError | None]:
    """Copy an object as a multipart upload.

    Returns:
        The expected ETag of the copy, empty if the server's ETags of the parts are no hashes; and
        the error of a completion that may have taken effect all the same, which the caller has to
        determine by inspecting the copy.

    Raises:
        AlreadyExists: `only_new`, and the target exists.
        Conflict: the source changed during the copy.
        UnverifiablePartsError: the copy could not be verified when it is read.
        StorageError: a request was denied or failed; no unfinished upload remains.
    """
    if request.only_new:
        prepare_only_new(request.bucket, request.target, work)
    creation = {**request.place, **properties_of(request, work), **request.encryption}
    etags: list[str] = []
    try:
        with multipart_upload(request.bucket, creation, work) as upload:
            etags = _Parts(request, upload.upload_id, work).copy()
            # Some servers ignore the condition: their copy could combine two states of the object.
            if request.bucket.clients.endpoint_url is not None:
                check_source(request, work)
            parts = [{"PartNumber": n, "ETag": f'"{etag}"'} for n, etag in enumerate(etags, 1)]
            upload.complete(parts, only_new=request.only_new)
    except StorageError as error:
        if not etags or error.kind not in MAY_BE_DONE:
            raise
        return _expected_etag(etags), error
    return _expected_etag(etags), None


def check_source(request: CopyRequest, work: Work) -> None:
    """Check that the object is still in the state in which it was inspected.

    Raises:
        Conflict: another client has replaced it.
        NotFound: it was deleted.
    """
    now = inspect(request.source, request.key, work, **versioned(request.version))
    if etag_of(now) != etag_of(request.answer):
        raise changed_source(request.source, request.key)


def changed_source(bucket: Bucket, key: str) -> Conflict:
    """Return the error for an object that is no longer the one that was to be copied."""
    return Conflict(
        f"{key} was replaced before it was copied",
        cause="Another client has stored a new object under this key; it was not copied.",
        remedy="Copy it again.",
        subject=bucket.subject(key),
    )


def properties_of(request: CopyRequest, work: Work) -> dict[str, Any]:
    """Return botocore's parameters that a copy repeats: headers, metadata, storage class, tags.

    Raises:
        StorageError: the tags cannot be read.
    """
    found = repeated_properties(request)
    tags = request.tags or tags_of(request, work)
    # Ceph RGW does not read “+” as a space.
    return {**found, "Tagging": urlencode(tags, quote_via=quote)} if tags else found


def repeated_properties(request: CopyRequest) -> dict[str, Any]:
    """Return botocore's parameters for the headers, the metadata and the storage class."""
    return {name: request.answer[name] for name in _REPEATED if request.answer.get(name)}


def tags_of(request: CopyRequest, work: Work) -> Pairs:
    """Return the tags of the object; none on a server without tags.

    Raises:
        StorageError: the tags cannot be read.
    """
    try:
        return get_tags(request.source, request.key, request.version, work)
    except NotSupported:
        return ()


def repeat_tags(request: CopyRequest, work: Work) -> None:
    """Set the tags of a copy again on a server that loses them.

    Raises:
        StorageError: the tags cannot be read or set.
    """
    if request.bucket.clients.endpoint_url is None:
        return
    tags = request.tags or tags_of(request, work)
    if not tags:
        return
    try:
        same = get_tags(request.bucket, request.target, "", work) == tags
    except NotAnS3Answer:
        same = False
    # Ceph RGW loses them if a copy replaces the metadata, and lists none after an upload in parts.
    if not same:
        set_tags(request.bucket, request.target, None, tags, work)


def _ranges(size: int) -> list[_Part]:
    # A multiple of MiB, as other tools expect it of the parts of an object.
    part = max(PART_BYTES, math.ceil(size / PART_COUNT / MIB) * MIB)
    assert part <= 5 * GIB
    return [
        _Part(number, first, min(first + part, size) - 1)
        for number, first in enumerate(range(0, size, part), 1)
    ]


def _expected_etag(etags: list[str]) -> str:
    try:
        digests = [bytes.fromhex(etag) for etag in etags]
    except ValueError:
        return ""
    if any(len(digest) != _MD5_BYTES for digest in digests):
        return ""
    return f"{composite('md5', digests).hex()}-{len(digests)}"


class _Parts:
    """Copies the parts of one upload; a failure or a cancel ends all of them at once."""

    def __init__(self, request: CopyRequest, upload: str, work: Work) -> None:
        self._request, self._upload, self._work = request, upload, work
        self._stop = CancelToken()
        self._lock = threading.Lock()
        self._copied = 0
        self._failure: BaseException | None = None

    def copy(self) -> list[str]:
        """Copy all parts, and return their ETags.

        Raises:
            StorageError: a part failed.
            Cancelled: the token of the work was cancelled.
        """
        with (
            self._work.token.on_cancel(self._stop.cancel),
            ThreadPoolExecutor(_IN_FLIGHT, "copy-part") as pool,
        ):
            try:
                first, *others = _ranges(self._request.size)
                etags = [self._part(first)]
                if not _expected_etag(etags) and not self._is_verifiable():
                    raise UnverifiablePartsError
                return etags + list(pool.map(self._part, others))
            except Cancelled:
                self._work.check()
                # The other parts end with `Cancelled`; the caller needs the reason.
                assert self._failure is not None
                raise self._failure from None

    def _is_verifiable(self) -> bool:
        """Return whether the bytes of the copy can be verified without its ETag."""
        answer = self._request.answer
        return SHA256 in answer.get("Metadata", {}) or etag_is_opaque(answer)

    def _part(self, part: _Part) -> str:
        try:
            etag = self._copied_part(part)
        except Cancelled:
            raise
        except BaseException as error:
            with self._lock:
                self._failure = self._failure or error
            self._stop.cancel()
            raise Cancelled("Cancelled") from error
        with self._lock:
            self._copied += part.last - part.first + 1
            copied = self._copied
        self._work.report(Progress(copied, self._request.size, "bytes", self._request.target))
        return etag

    def _copied_part(self, part: _Part) -> str:
        self._stop.check()
        request, limits = self._request, self._work.limits
        work = Work(self._stop, budget=self._work.budget, limits=limits)
        subject = request.bucket.subject(request.target)
        with work.slot(), translated("s3:UploadPartCopy", subject, work):
            answer = request.bucket.client.upload_part_copy(
                UploadId=self._upload,
                PartNumber=part.number,
                CopySourceRange=f"bytes={part.first}-{part.last}",
                **request.place,
                **request.origin,
            )
        return etag_of(answer["CopyPartResult"])

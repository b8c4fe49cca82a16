"""Conditional writes as in S3: of several concurrent writers of a key at most one succeeds.

moto checks `If-None-Match` of an upload some time before it stores the object, so that two
writers may both pass, and ignores the condition of a copy.
Source: S3 user guide, "Add preconditions to S3 operations with conditional requests".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from moto.s3.models import FakeKey, s3_backends

from core.demo.request_checks.principals import ACCOUNT, PARTITION
from core.demo.request_checks.refusals import Code, Refused
from core.demo.request_checks.request import Incoming

_FAILED = Code(
    412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"
)
_NO_KEY = Code(404, "NoSuchKey", "The specified key does not exist.")
_NOT_IMPLEMENTED = Code(
    501,
    "NotImplemented",
    "A header you provided implies functionality that is not implemented",
)
#: Locks for all keys together; two keys that share one only wait for each other.
_LOCKS = 64


class ConditionalWrites:
    """Checks of conditional writes; a key is locked from the check until it is stored."""

    def __init__(self) -> None:
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    @contextmanager
    def checked(self, request: Incoming) -> Iterator[None]:
        """Hold the lock of the key that a request stores; other requests pass at once.

        Raises:
            Refused: a condition of the request does not hold.
        """
        if not _stores_object(request):
            yield
            return
        with self._locks[hash((request.bucket, request.key)) % _LOCKS]:
            _check(request)
            yield


def _stores_object(request: Incoming) -> bool:
    """Return whether a request is PutObject, CopyObject or CompleteMultipartUpload."""
    if not request.key or request.has("partNumber"):
        return False
    return request.method == "PUT" or (request.method == "POST" and request.has("uploadId"))


def _check(request: Incoming) -> None:
    only_new, only_this = request.headers.get("if-none-match"), request.headers.get("if-match")
    if only_new is None and only_this is None:
        return
    if only_new not in {None, "*"}:
        raise Refused(_NOT_IMPLEMENTED, Header="If-None-Match")
    existing = _existing(request)
    # A client that lost the answer completes its upload again; its own object is no conflict.
    if only_new and existing is not None and not _is_repeated(request, existing):
        raise Refused(_FAILED, Condition="If-None-Match")
    if only_this is not None:
        _check_is(existing, only_this, request.key)


def _check_is(existing: FakeKey | None, etag: str, key: str) -> None:
    if existing is None:
        raise Refused(_NO_KEY, Key=key)
    if existing.etag.strip('"') != etag.strip('"'):
        raise Refused(_FAILED, Condition="If-Match")


def _existing(request: Incoming) -> FakeKey | None:
    """Return the object with the key, or None, also for a delete marker."""
    backend = s3_backends[ACCOUNT][PARTITION]
    if request.bucket not in backend.buckets:
        return None  # moto answers that there is no such bucket
    return backend.get_object(request.bucket, request.key)


def _is_repeated(request: Incoming, existing: FakeKey) -> bool:
    """Return whether the object is the result of the upload that a request completes again."""
    upload = request.param("uploadId")
    made_by = getattr(existing.multipart, "id", None)
    return upload is not None and made_by == upload

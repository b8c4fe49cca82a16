"""Versioning state of a bucket."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import AccessDenied, NotSupported
from core.objects.bucket import Bucket
from core.work import Work, default_work

#: How long an answer is used by `is_suspended`, in seconds: one request for the copies of a folder.
_VALID = 30.0
#: Connection -> bucket -> (whether versioning is suspended, when it was asked).
# Weak, so that a closed connection does not stay in memory.
_found: WeakKeyDictionary[ClientFactory, dict[str, tuple[bool, float]]] = WeakKeyDictionary()


def versioning(bucket: Bucket, *, work: Work | None = None) -> bool | None:
    """Return True if versioning is enabled, False if it is disabled or suspended, None if unknown.

    Unknown means that `s3:GetBucketVersioning` is missing or not supported; a deletion must then be
    treated as permanent.

    Raises:
        StorageError: the bucket does not exist, or the call failed.
    """
    status = _status(bucket, work)
    return None if status is None else status == "Enabled"


def is_suspended(bucket: Bucket, *, work: Work | None = None) -> bool:
    """Return whether versioning is suspended; False if that is unknown.

    The answer is up to half a minute old.

    Raises:
        StorageError: the bucket does not exist, or the call failed.
    """
    answers = _found.setdefault(bucket.clients, {})
    found, asked = answers.get(bucket.name, (False, -_VALID))
    if time.monotonic() - asked < _VALID:
        return found
    found = _status(bucket, work) == "Suspended"
    answers[bucket.name] = found, time.monotonic()
    return found


def _status(bucket: Bucket, work: Work | None) -> str | None:
    default_work(work).check()
    try:
        with translated("s3:GetBucketVersioning", bucket.subject()):
            answer = bucket.client.get_bucket_versioning(Bucket=bucket.name)
    except (AccessDenied, NotSupported):
        return None
    return str(answer.get("Status", ""))

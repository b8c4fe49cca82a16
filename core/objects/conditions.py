"""Conditional writes that never overwrite, and which servers honour `If-None-Match: *`.

AWS honours it for PutObject and CompleteMultipartUpload (S3 user guide, "Conditional writes").
Other servers honour it for both, for one, or silently ignore it; then two concurrent writers of one
key may both succeed, and the key can only be checked just before the write, which is reported.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists, NotFound
from core.local.locking import locked_while_waiting
from core.model.listing import ObjectInfo
from core.objects.bucket import Bucket
from core.objects.reading import head
from core.paths import data_dir
from core.units import format_moment, format_size
from core.work import Work

_log = logging.getLogger(__name__)

PUT, COMPLETE = "PutObject", "CompleteMultipartUpload"
#: The condition, as botocore's parameter.
ONLY_NEW: dict[str, Any] = {"IfNoneMatch": "*"}
#: Number of lock files that the keys share: the maximum of concurrent completions on a machine.
_LOCKS = 64
#: Connection -> bucket and operation -> whether the server honours the condition.
# Weak, so that a closed connection does not stay in memory.
_found: WeakKeyDictionary[ClientFactory, dict[tuple[str, str], bool]] = WeakKeyDictionary()


def is_supported(bucket: Bucket, operation: str) -> bool | None:
    """Return whether the server honours `If-None-Match` for an operation, or None if unknown."""
    if bucket.clients.endpoint_url is None:
        return True
    return _found.get(bucket.clients, {}).get((bucket.name, operation))


def record_support(bucket: Bucket, operation: str, *, is_honoured: bool) -> None:
    """Record whether a server honours the condition, and log once if it ignores it."""
    known = _found.setdefault(bucket.clients, {})
    if not is_honoured and known.get((bucket.name, operation)) is not False:
        _log.warning(
            "%s ignores conditional writes (If-None-Match, %s): Strongroom checks before each "
            "write that the key is free, but two programs that write one key at the same time may "
            "both succeed.",
            bucket.clients.endpoint_url,
            operation,
        )
    known[bucket.name, operation] = is_honoured


@contextmanager
def one_completion(bucket: Bucket, key: str, work: Work) -> Iterator[None]:
    """Serialize the completion of uploads to a key among the programs of this machine.

    AWS checks the condition and completes the upload in one step. SeaweedFS 4 does so in two:
    of two programs that complete at the same moment, both may succeed.
    """
    endpoint = bucket.clients.endpoint_url
    if endpoint is None:
        yield
        return
    name = hashlib.sha256("\n".join((endpoint, bucket.name, key)).encode()).hexdigest()
    # A lock for each key would leave a file for each key: two keys may share a lock.
    place = int(name[:8], 16) % _LOCKS
    path = data_dir() / "uploads" / f"completion-{place:02}.lock"
    with locked_while_waiting(path, work.token.wait):
        yield


def refuse_existing(bucket: Bucket, key: str, work: Work) -> None:
    """Raise an error if an object with the key exists.

    Raises:
        AlreadyExists: an object has the key.
        StorageError: the request failed.
    """
    try:
        existing = head(bucket, key, work=work)
    except NotFound as error:
        if type(error) is not NotFound:
            raise  # the bucket does not exist
        return
    raise already_exists(bucket, existing)


def already_exists(bucket: Bucket, existing: ObjectInfo, details: str = "") -> AlreadyExists:
    """Return the error for a key that already exists."""
    return AlreadyExists(
        f"{existing.key} already exists",
        cause=f"An object of {format_size(existing.size)} was stored "
        f"{format_moment(existing.modified)}.",
        remedy="Choose another key, or allow overwriting.",
        subject=bucket.subject(existing.key),
        details=details,
    )


def unreadable(bucket: Bucket, key: str, details: str = "") -> AlreadyExists:
    """Return the error for a key that the server's condition has refused, and that may not be read."""
    return AlreadyExists(
        f"{key} already exists",
        cause="The server refused to write it a second time, and its state may not be read: "
        "s3:GetObject is missing.",
        remedy="Choose another key, or allow overwriting.",
        subject=bucket.subject(key),
        details=details,
    )

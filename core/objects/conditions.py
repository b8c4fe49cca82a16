"""Writes that never overwrite: what a server makes of `If-None-Match: *`, found out once.

AWS honours it for PutObject and CompleteMultipartUpload (S3 user guide, "Conditional writes").
Other servers honour it for both, for one, or ignore it without a word; then two writers of one
key may both succeed, and all that can be done is to check just before the write, and to say so.
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
from core.model.objects import ObjectInfo
from core.objects.bucket import Bucket
from core.objects.reading import head
from core.paths import data_dir
from core.units import format_moment, format_size
from core.work import Work

_log = logging.getLogger(__name__)

PUT, COMPLETE = "PutObject", "CompleteMultipartUpload"
#: The condition, as botocore's parameter.
ONLY_NEW: dict[str, Any] = {"IfNoneMatch": "*"}
#: Files whose locks the keys share; so many uploads of one machine may be completed at once.
_LOCKS = 64
#: Connection -> bucket and operation -> whether the server honours the condition.
_found: WeakKeyDictionary[ClientFactory, dict[tuple[str, str], bool]] = WeakKeyDictionary()


def honoured(bucket: Bucket, operation: str) -> bool | None:
    """Return whether the server honours `If-None-Match` for an operation; None: not known yet."""
    if bucket.clients.endpoint_url is None:
        return True
    return _found.get(bucket.clients, {}).get((bucket.name, operation))


def learn(bucket: Bucket, operation: str, *, is_honoured: bool) -> None:
    """Remember what a server made of the condition, and report once that it ignored it."""
    known = _found.setdefault(bucket.clients, {})
    if not is_honoured and known.get((bucket.name, operation)) is not False:
        _log.warning(
            "%s ignores conditional writes (If-None-Match, %s): that a key is free is checked "
            "just before each write, but two programs that write one key at the same moment may "
            "both succeed.",
            bucket.clients.endpoint_url,
            operation,
        )
    known[bucket.name, operation] = is_honoured


@contextmanager
def one_completion(bucket: Bucket, key: str, work: Work) -> Iterator[None]:
    """Let one program of this machine at a time complete an upload to a key.

    AWS checks the condition and completes the upload in one step. SeaweedFS 4 does so in two:
    of two programs that complete at the same moment, both may succeed.
    """
    endpoint = bucket.clients.endpoint_url
    if endpoint is None:
        yield
        return
    name = hashlib.sha256("\n".join((endpoint, bucket.name, key)).encode()).hexdigest()
    place = int(name[:8], 16) % _LOCKS
    path = data_dir() / "uploads" / f"completion-{place:02}.lock"
    with locked_while_waiting(path, work.token.wait):
        yield


def refuse_existing(bucket: Bucket, key: str, work: Work) -> None:
    """Refuse a key that is taken.

    Raises:
        AlreadyExists: an object has the key.
        StorageError: it could not be asked.
    """
    try:
        existing = head(bucket, key, work=work)
    except NotFound as error:
        if type(error) is not NotFound:
            raise  # the bucket does not exist
        return
    raise already_exists(bucket, existing)


def already_exists(bucket: Bucket, existing: ObjectInfo, details: str = "") -> AlreadyExists:
    """Return the error for a key that another object has."""
    return AlreadyExists(
        f"{existing.key} already exists",
        cause=f"An object of {format_size(existing.size)} was stored "
        f"{format_moment(existing.modified)}.",
        remedy="Choose another key, or allow that it is overwritten.",
        subject=bucket.subject(existing.key),
        details=details,
    )

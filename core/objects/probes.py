"""Probes: small objects beside the user's key that test which features a server supports.

A probe is recorded before it is stored. If the process is killed or the server cannot be reached,
it is removed when the next transfer begins (`core.transfer.sweep`).
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from core.aws.faults import translated
from core.aws.limits import KEY_BYTES
from core.effects import not_counting_attempts
from core.errors import AccessDenied, Conflict, NotFound, NotSupported, ServiceError, StorageError
from core.local.pending_uploads import PendingUpload, note
from core.objects.bucket import Bucket
from core.objects.conditions import (
    COMPLETE,
    ONLY_NEW,
    PUT,
    is_supported,
    record_support,
    refuse_existing,
)
from core.objects.deleting import delete
from core.objects.reading import head
from core.objects.unfinished import abort, create, uncancelled_work
from core.work import Work

_log = logging.getLogger(__name__)

_MARK = ".strongroom-probe-"
_NAME = re.compile(rf"{re.escape(_MARK)}[0-9a-f]{{8}}\Z")
#: Size of a probe in bytes; an object of another size is not a probe.
_SIZE = 1
#: Maximum versions of a probe: the object, an upload completed over it, repeated requests.
_VERSIONS = 8
#: One test at a time: the first one of several threads is that of all.
_one_test = threading.Lock()


def probe_completion(bucket: Bucket, key: str, work: Work) -> None:
    """Test whether CompleteMultipartUpload honours `If-None-Match`, unless it is known.

    A second upload to the real key could overwrite the object, so the test uses a small object
    beside `key`, which is removed.
    """
    if is_supported(bucket, COMPLETE) is not None:
        return
    try:
        _Probe(bucket, _name_beside(key), work).run()
    except StorageError as error:
        work.check()
        _log.info("support for conditional writes could not be tested: %s", error.summary)


def refuse_existing_key(bucket: Bucket, key: str, operation: str, work: Work) -> None:
    """Raise an error if an object has the key, or if a write could replace one that is not seen.

    Without `s3:ListBucket` a missing key is denied as a forbidden one is. Then the server's
    condition of the write decides, which is tested with a probe.

    Args:
        bucket: the bucket.
        key: the key.
        operation: the write that follows, `PUT` or `COMPLETE` of `core.objects.conditions`.
        work: cancel token and retry budget.

    Raises:
        AccessDenied: it is not known whether the key exists, and the server has no conditional
            writes, or they could not be tested.
        AlreadyExists: an object has the key.
        StorageError: the request failed.
    """
    try:
        refuse_existing(bucket, key, work)
    except AccessDenied as error:
        if operation == COMPLETE:
            probe_completion(bucket, key, work)
        else:
            _probe_put(bucket, key, work)
        honoured = is_supported(bucket, operation)
        if honoured is None:
            raise  # the probe was refused, as the write would be: the user has no rights on the key
        if not honoured:
            raise _unseen(bucket, key, error) from error


def _unseen(bucket: Bucket, key: str, error: AccessDenied) -> AccessDenied:
    return AccessDenied(
        f"It is not known whether {key} exists",
        cause=f"s3:ListBucket is missing on {bucket.subject()}: without it, the server answers for "
        "a missing key as for a forbidden one. It has no conditional writes (If-None-Match), which "
        "would not replace an object.",
        remedy=f"Ask an administrator to grant s3:ListBucket on {bucket.subject()}, or allow "
        "overwriting.",
        subject=bucket.subject(key),
        details=error.details,
    )


def _probe_put(bucket: Bucket, key: str, work: Work) -> None:
    """Test whether PutObject honours `If-None-Match`, unless it is known; see `probe_completion`."""
    with _one_test:
        if is_supported(bucket, PUT) is not None:
            return
        name = _name_beside(key)
        probe = _Probe(bucket, name, work)
        try:
            with probe.stored(), translated(f"s3:{PUT}", bucket.subject(name), work):
                bucket.client.put_object(Bucket=bucket.name, Key=name, Body=b"1", **ONLY_NEW)
        except (Conflict, NotSupported) as error:
            record_support(bucket, PUT, is_honoured=isinstance(error, Conflict))
        except StorageError as error:
            work.check()
            _log.info("support for conditional writes could not be tested: %s", error.summary)
        else:
            record_support(bucket, PUT, is_honoured=False)


def _name_beside(key: str) -> str:
    """Return the key of a probe beside an object."""
    suffix = f"{_MARK}{uuid4().hex[:8]}"
    return key.encode()[: KEY_BYTES - len(suffix)].decode(errors="ignore") + suffix


@contextmanager
def stored_probe(bucket: Bucket, folder: str, work: Work) -> Iterator[str]:
    """Store a probe in a folder, yield its name without the folder, and remove it at the end.

    Args:
        bucket: the bucket.
        folder: the folder's prefix, empty or with a final slash.
        work: cancel token and retry budget.

    Raises:
        StorageError: it could not be stored.
    """
    name = f"{_MARK}{uuid4().hex[:8]}"
    probe = _Probe(bucket, folder + name, work)
    with probe.stored():
        yield name


def remove_probe(bucket: Bucket, key: str, work: Work) -> bool:
    """Remove all versions of a probe, and return False if there was none.

    Where versions may not be removed, it is only hidden by a delete marker.

    An object with another size or without the name of a probe is not touched.

    Raises:
        StorageError: it could not be removed.
    """
    if not _NAME.search(key):
        return True
    # Each deletion uncovers the next older version, until there is none.
    for number in range(_VERSIONS):
        try:
            found = head(bucket, key, work=work)
        except NotFound:
            return number > 0
        except AccessDenied:
            if not number:
                raise
            # It could be read before it was deleted: without `s3:ListBucket` it is gone.
            return True
        if found.size != _SIZE:
            return True
        _delete_or_hide(bucket, key, found.version_id, work)
    raise ServiceError(
        f"{key} could not be deleted",
        cause="The server confirmed that it was deleted, but it still exists.",
        remedy="Delete it yourself: it only served to test the server.",
        subject=bucket.subject(key),
    )


def _delete_or_hide(bucket: Bucket, key: str, version: str | None, work: Work) -> None:
    try:
        delete(bucket, key, version_id=version, work=work)
    except AccessDenied:
        if not version:
            raise
        # Without `s3:DeleteObjectVersion`: a delete marker at least hides it.
        delete(bucket, key, work=work)


class _Probe:
    """Test of a server: stores an object, completes a conditional upload over it, removes both."""

    def __init__(self, bucket: Bucket, key: str, work: Work) -> None:
        self._bucket, self._key, self._work = bucket, key, work
        self._where: dict[str, Any] = {"Bucket": bucket.name, "Key": key}
        self._endpoint = bucket.clients.endpoint_url or ""

    def run(self) -> None:
        """Determine and record whether the server honours the condition.

        Raises:
            StorageError: the test failed.
        """
        with self.stored():
            self._upload()

    @contextmanager
    def stored(self) -> Iterator[None]:
        """Store the object, and remove it at the end.

        Raises:
            StorageError: it could not be stored.
        """
        # A probe is no part of what the user writes: a failure afterwards has written nothing.
        with not_counting_attempts():
            pending = self._put()
            gone = False
            try:
                yield
            finally:
                try:
                    gone = self._remove()
                finally:
                    (pending.forget if gone else pending.abandon)()

    def _put(self) -> PendingUpload:
        """Store the object and return its record."""
        pending = note(self._endpoint, self._bucket.name, self._key, probe=True)
        try:
            with translated(f"s3:{PUT}", self._bucket.subject(self._key), self._work):
                self._bucket.client.put_object(Body=b"0", **self._where)
        except BaseException as error:
            pending.failed(error)
            raise
        return pending

    def _upload(self) -> None:
        """Create the multipart upload that is then completed over the object."""
        pending = note(self._endpoint, self._bucket.name, self._key)
        try:
            upload = create(self._bucket, self._where, self._work)
        except BaseException as error:
            pending.failed(error)
            raise
        gone = False
        try:
            pending.created(upload)
            self._complete(upload)
        finally:
            try:
                gone = abort(self._bucket, self._key, upload, cancelled=self._work.token.cancelled)
            finally:
                (pending.forget if gone else pending.abandon)()

    def _complete(self, upload: str) -> None:
        client, where = self._bucket.client, {**self._where, "UploadId": upload}
        try:
            with translated(f"s3:{COMPLETE}", self._bucket.subject(self._key), self._work):
                part = client.upload_part(PartNumber=1, Body=b"1", **where)
                parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
                client.complete_multipart_upload(MultipartUpload=parts, **where, **ONLY_NEW)
        # A refusal of the header is also an answer: such a server does not honour the condition.
        except (Conflict, NotSupported) as error:
            record_support(self._bucket, COMPLETE, is_honoured=isinstance(error, Conflict))
        else:
            record_support(self._bucket, COMPLETE, is_honoured=False)

    def _remove(self) -> bool:
        """Remove the object and return whether it no longer exists."""
        try:
            with uncancelled_work(cancelled=self._work.token.cancelled) as work:
                remove_probe(self._bucket, self._key, work)
        except StorageError as error:
            _log.warning("a probe could not be removed: %s", error.summary)
            return False
        return True

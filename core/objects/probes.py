"""Probes: small objects beside the user's key that test which features a server supports.

A probe is recorded before it is stored. If the process is killed or the server cannot be reached,
it is removed when the next transfer begins (`core.transfer.sweep`).
"""

from __future__ import annotations

import logging
import re
from typing import Any
from uuid import uuid4

from core.aws.faults import translated
from core.aws.limits import KEY_BYTES
from core.errors import Conflict, NotFound, NotSupported, ServiceError, StorageError
from core.local.pending_uploads import note
from core.objects.bucket import Bucket
from core.objects.conditions import COMPLETE, ONLY_NEW, PUT, is_supported, record_support
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


def probe_completion(bucket: Bucket, key: str, work: Work) -> None:
    """Test whether CompleteMultipartUpload honours `If-None-Match`, unless it is known.

    A second upload to the real key could overwrite the object, so the test uses a small object
    beside `key`, which is removed.
    """
    if is_supported(bucket, COMPLETE) is not None:
        return
    suffix = f"{_MARK}{uuid4().hex[:8]}"
    name = key.encode()[: KEY_BYTES - len(suffix)].decode(errors="ignore") + suffix
    try:
        _Probe(bucket, name, work).run()
    except StorageError as error:
        work.check()
        _log.info("support for conditional writes could not be tested: %s", error.summary)


def remove_probe(bucket: Bucket, key: str, work: Work) -> bool:
    """Remove all versions of a probe, and return False if there was none.

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
        if found.size != _SIZE:
            return True
        delete(bucket, key, version_id=found.version_id, work=work)
    raise ServiceError(
        f"{key} could not be deleted",
        cause="The server confirmed that it was deleted, but it still exists.",
        remedy="Delete it yourself: it only served to test the server.",
        subject=bucket.subject(key),
    )


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
        pending = note(self._endpoint, self._bucket.name, self._key, probe=True)
        try:
            with translated(f"s3:{PUT}", self._bucket.subject(self._key), self._work):
                self._bucket.client.put_object(Body=b"0", **self._where)
        except BaseException as error:
            pending.failed(error)
            raise
        gone = False
        try:
            self._upload()
        finally:
            try:
                gone = self._remove()
            finally:
                (pending.forget if gone else pending.abandon)()

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

"""Creation and clean-up of multipart uploads, so that no unfinished upload remains.

An upload that is neither completed nor aborted is invisible in listings, and S3 charges for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from core.aws.faults import translated
from core.errors import ErrorKind, NotFound, StorageError
from core.local.pending_uploads import running_ids
from core.objects.bucket import Bucket
from core.work import CancelToken, RetryBudget, Work

_log = logging.getLogger(__name__)

#: Time limits for aborting, in seconds: after a failure, and after a cancel.
_SECONDS, _SECONDS_AFTER_CANCEL = 5.0, 1.5
_ABORTS = 4
_CREATES = 3
#: Kinds of errors after which an upload may exist although its id is unknown.
_ANSWER_LOST = frozenset(
    {ErrorKind.OFFLINE, ErrorKind.SERVICE, ErrorKind.NOT_S3, ErrorKind.CANCELLED}
)
#: Kinds of errors after which aborting is not retried.
_NEVER_ABORTED = frozenset({ErrorKind.CANCELLED, ErrorKind.ACCESS_DENIED})
#: Kinds of errors after which the creation is retried.
_MAY_PASS = frozenset({ErrorKind.OFFLINE, ErrorKind.SERVICE, ErrorKind.NOT_S3, ErrorKind.THROTTLED})


def create(bucket: Bucket, arguments: dict[str, Any], work: Work) -> str:
    """Create a multipart upload and return its id.

    The creation is not idempotent: if the answer is lost, the created upload is found and aborted
    before another one is created.

    Args:
        bucket: the bucket.
        arguments: botocore's parameters, `Bucket` and `Key` among them.
        work: cancel and retry budget.

    Raises:
        StorageError: the request was denied or failed.
    """
    key = arguments["Key"]
    for attempt in range(1, _CREATES + 1):
        began = time.monotonic()
        try:
            with translated("s3:CreateMultipartUpload", bucket.subject(key), work):
                # Without automatic retries, which would create a second upload after a lost answer.
                answer = bucket.client_once.create_multipart_upload(**arguments)
            return str(answer["UploadId"])
        except StorageError as error:
            if error.kind in _ANSWER_LOST:
                _abort_lost(bucket, key, time.monotonic() - began, cancelled=work.token.cancelled)
            again = error.kind in _MAY_PASS and attempt < _CREATES
            if not again or (work.budget is not None and not work.budget.failed(began)):
                raise
            work.token.wait(0.2 * attempt)
    raise AssertionError  # the last attempt returns or raises


def abort(bucket: Bucket, key: str, upload: str, *, cancelled: bool) -> bool:
    """Abort an upload and return whether it no longer exists.

    A part may still arrive after an abort, so the abort is repeated until the server no longer
    knows the upload (S3 API reference, AbortMultipartUpload). A cancel does not interrupt this; it
    has a separate time limit.
    """
    where = {"Bucket": bucket.name, "Key": key, "UploadId": upload}
    aborted, gone = 0, None
    with uncancelled_work(cancelled=cancelled) as work:
        for _ in range(_ABORTS):
            try:
                with translated("s3:AbortMultipartUpload", bucket.subject(key), work):
                    bucket.client.abort_multipart_upload(**where)
                aborted += 1
                gone = _is_missing(bucket, key, where, work)
                if gone:
                    return True
                work.token.wait(0.05)
            except NotFound:
                return True
            except StorageError as error:
                _log.warning("an unfinished upload could not be removed: %s", error.summary)
                if error.kind in _NEVER_ABORTED:
                    return False
    # Without permission to list parts, several successful aborts are the only evidence.
    return aborted == _ABORTS and gone is None


def _is_missing(bucket: Bucket, key: str, where: dict[str, str], work: Work) -> bool | None:
    """Return whether the server no longer knows the upload, or None if the request is denied."""
    try:
        with translated("s3:ListParts", bucket.subject(key), work):
            bucket.client.list_parts(**where)
    except NotFound:
        return True
    except StorageError:
        work.check()
        return None
    return False


def _abort_lost(bucket: Bucket, key: str, seconds: float, *, cancelled: bool) -> None:
    """Find an upload that was created in the last `seconds`, and abort it.

    It must have exactly this key and no parts, must have been created after the request, and must
    not belong to a running process of this machine. If several match, none is aborted.
    """
    try:
        with uncancelled_work(cancelled=cancelled) as work:
            with translated("s3:ListMultipartUploads", bucket.subject(key), work):
                answer = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=key)
            found = _begun(answer, key, seconds)
            # With several candidates it is unknown which one belongs to this request.
            if len(found) != 1:
                return
            where = {"Bucket": bucket.name, "Key": key, "UploadId": found[0]}
            with translated("s3:ListParts", bucket.subject(key), work):
                if bucket.client.list_parts(**where).get("Parts"):
                    return
        abort(bucket, key, found[0], cancelled=cancelled)
    except StorageError as error:
        _log.info("an upload whose creation was not confirmed: %s", error.summary)


def _begun(answer: dict[str, Any], key: str, seconds: float) -> list[str]:
    """Return the ids of recent uploads of a key, measured by the server's clock."""
    try:
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        now = parsedate_to_datetime(date).astimezone(UTC)
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    # Two seconds of tolerance, because the server's date has whole seconds.
    since = now - timedelta(seconds=seconds + 2)
    running = running_ids()
    return [
        row["UploadId"]
        for row in answer.get("Uploads", ())
        if row["Key"] == key and row["Initiated"] >= since and row["UploadId"] not in running
    ]


@contextmanager
def uncancelled_work(*, cancelled: bool) -> Iterator[Work]:
    """Yield a `Work` that has a time limit and is not cancelled with the upload."""
    seconds = _SECONDS_AFTER_CANCEL if cancelled else _SECONDS
    token = CancelToken()
    timer = threading.Timer(seconds, token.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield Work(token, budget=RetryBudget(seconds))
    finally:
        timer.cancel()

"""Multipart uploads begin and end here: none stays behind, whatever happens in between.

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

#: How long aborting may take, in seconds: after a failure, and after a cancel.
_SECONDS, _SECONDS_AFTER_CANCEL = 5.0, 1.5
_ABORTS = 4
_CREATES = 3
#: Kinds of error after which an upload may have been created though we do not know its id.
_ANSWER_LOST = frozenset(
    {ErrorKind.OFFLINE, ErrorKind.SERVICE, ErrorKind.NOT_S3, ErrorKind.CANCELLED}
)
#: Kinds of error after which aborting is not tried again: the time is over, or it is forbidden.
_NEVER_ABORTED = frozenset({ErrorKind.CANCELLED, ErrorKind.ACCESS_DENIED})
#: Kinds of error after which creating is tried again.
_MAY_PASS = frozenset({ErrorKind.OFFLINE, ErrorKind.SERVICE, ErrorKind.NOT_S3, ErrorKind.THROTTLED})


def create(bucket: Bucket, arguments: dict[str, Any], work: Work) -> str:
    """Begin a multipart upload and return its id.

    Creating is not idempotent: when the answer is lost, what was created is found and aborted
    before another one is.

    Args:
        bucket: the bucket.
        arguments: botocore's parameters, `Bucket` and `Key` among them.
        work: cancel and retry budget.

    Raises:
        StorageError: it was denied or failed.
    """
    key = arguments["Key"]
    for attempt in range(1, _CREATES + 1):
        began = time.monotonic()
        try:
            with translated("s3:CreateMultipartUpload", bucket.subject(key), work):
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
    """Remove an upload and return whether it is gone.

    A part under way may still arrive after an abort, so it is repeated until the server does not
    know the upload any more (S3 API reference, AbortMultipartUpload). A cancel of the upload does
    not reach this; it has a time of its own.
    """
    where = {"Bucket": bucket.name, "Key": key, "UploadId": upload}
    aborted, gone = 0, None
    with work_of_its_own(cancelled=cancelled) as work:
        for _ in range(_ABORTS):
            try:
                with translated("s3:AbortMultipartUpload", bucket.subject(key), work):
                    bucket.client.abort_multipart_upload(**where)
                aborted += 1
                gone = _is_gone(bucket, key, where, work)
                if gone:
                    return True
                work.token.wait(0.05)
            except NotFound:
                return True
            except StorageError as error:
                _log.warning("an unfinished upload could not be removed: %s", error.summary)
                if error.kind in _NEVER_ABORTED:
                    return False
    return aborted == _ABORTS and gone is None


def _is_gone(bucket: Bucket, key: str, where: dict[str, str], work: Work) -> bool | None:
    """Whether the server does not know the upload any more; None if it may not be asked."""
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
    """Find the upload that a request of the last `seconds` created, and abort it.

    Only an upload of exactly this key that began after the request, that no process of this
    machine sends, and that has no part yet is taken for it; of several none is.
    """
    try:
        with work_of_its_own(cancelled=cancelled) as work:
            with translated("s3:ListMultipartUploads", bucket.subject(key), work):
                answer = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=key)
            found = _begun(answer, key, seconds)
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
    """Return the ids of the uploads of a key that began in the last seconds of the server."""
    try:
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        now = parsedate_to_datetime(date).astimezone(UTC)
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    since = now - timedelta(seconds=seconds + 2)
    running = running_ids()
    return [
        row["UploadId"]
        for row in answer.get("Uploads", ())
        if row["Key"] == key and row["Initiated"] >= since and row["UploadId"] not in running
    ]


@contextmanager
def work_of_its_own(*, cancelled: bool) -> Iterator[Work]:
    """Yield a work that a cancel of the upload does not end, but the time does."""
    seconds = _SECONDS_AFTER_CANCEL if cancelled else _SECONDS
    token = CancelToken()
    timer = threading.Timer(seconds, token.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield Work(token, budget=RetryBudget(seconds))
    finally:
        timer.cancel()

"""Removal of what interrupted transfers left behind.

Uploads and unfinished downloads that a killed process of this machine has recorded are removed
automatically. Other unfinished uploads may belong to a running program elsewhere: they are only
removed on request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from core.errors import Cancelled, StorageError
from core.local.partial_files import remove_partials
from core.local.pending_uploads import UploadRecord, of_dead_processes, running_ids
from core.objects.bucket import Bucket, HasBucket
from core.objects.check_objects import remove_check_object
from core.objects.multipart import MultipartUpload, abort, list_uploads, size_of
from core.objects.probes import remove_probe
from core.transfer.attempts import work_with_budget
from core.transfer.values import Failure
from core.units import utc_now
from core.work import INTERACTIVE_SECONDS, Progress, RetryBudget, Work, default_work

_log = logging.getLogger(__name__)

_THREADS = 8
#: Clock difference, in seconds, within which an upload without a known id is matched.
_CLOCKS_DIFFER = timedelta(minutes=2)
#: Time after its record within which a request of a killed process may still be processed.
_MAY_ARRIVE = timedelta(minutes=1)


class Owner(Enum):
    """Owner of an unfinished upload; the value is the displayed text."""

    RUNNING = "running here"
    OURS = "ours"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """An unfinished upload of the bucket; `size` is None if listing its parts is denied."""

    key: str
    upload_id: str
    began: datetime
    size: int | None
    owner: Owner
    initiator: str = ""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Result of a sweep: removed uploads and local files, and failures."""

    uploads: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()


def sweep_at_start(bucket: Bucket, work: Work, folders: Iterable[Path] = ()) -> SweepReport:
    """Remove what killed processes of this machine left in a bucket and in local folders.

    A failed clean-up is logged and does not raise; it is tried again next time.

    Args:
        bucket: the bucket of the transfer that is about to start.
        work: cancel token and retry budget.
        folders: local folders to search in addition to those that killed processes have recorded.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    files = tuple(str(path) for path in remove_partials(folders))
    endpoint = bucket.clients.endpoint_url or ""
    removed: list[str] = []
    failed: list[Failure] = []
    # The keys of this connection are only for its bucket; other records wait for theirs.
    here = [r for r in of_dead_processes() if (r.endpoint, r.bucket) == (endpoint, bucket.name)]
    for record in _without_waiting(here, bucket.name):
        try:
            gone = _remove_recorded(bucket, record, work)
        except Cancelled:
            raise
        except StorageError as error:
            _log.warning(
                "an unfinished upload of this machine could not be removed: %s", error.summary
            )
            failed.append(Failure.of(len(failed), record.key, error))
            if error.retryable:  # the transfer itself will report the error of the server
                break
        else:
            removed += [record.key] if gone else []
    return SweepReport(tuple(dict.fromkeys(removed)), files, tuple(failed))


def sweep(workspace: HasBucket, work: Work | None = None) -> SweepReport:
    """Remove what killed processes of this machine left behind (operation `transfer.sweep`).

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    return sweep_at_start(workspace.bucket, default_work(work))


def list_unfinished(
    workspace: HasBucket, work: Work | None = None, *, prefix: str = ""
) -> tuple[UnfinishedUpload, ...]:
    """Return the bucket's unfinished uploads, oldest first (operation `transfer.unfinished`).

    Args:
        workspace: the workspace with the bucket.
        work: cancel token and progress.
        prefix: only uploads whose keys start with this prefix.

    Raises:
        AccessDenied: `s3:ListBucketMultipartUploads` is missing.
        StorageError: the call failed.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    bucket = workspace.bucket
    # The user waits for the list: an outage is reported within the limit of an interactive call.
    found = list(list_uploads(bucket, prefix, work=replace(work, budget=None)))
    work = replace(work, budget=RetryBudget(INTERACTIVE_SECONDS))
    dead = {record.upload_id for record in of_dead_processes()}
    running = running_ids()

    def described(upload: MultipartUpload) -> UnfinishedUpload:
        size = _size_if_permitted(bucket, upload, work)
        owner = Owner.OURS if upload.upload_id in dead else Owner.OTHERS
        if upload.upload_id in running:
            owner = Owner.RUNNING
        return UnfinishedUpload(
            upload.key, upload.upload_id, upload.began, size, owner, upload.initiator
        )

    with ThreadPoolExecutor(_THREADS, "unfinished") as pool:
        return tuple(sorted(pool.map(described, found), key=lambda each: each.began))


def remove_unfinished(
    workspace: HasBucket, work: Work | None = None, *, uploads: Sequence[Sequence[str]]
) -> SweepReport:
    """Abort unfinished uploads (operation `transfer.remove_unfinished`).

    Args:
        workspace: the workspace with the bucket.
        work: cancel token and progress.
        uploads: pairs of key and upload id.

    Raises:
        Cancelled: the token of `work` was cancelled; some uploads may have been removed.
    """
    work = work_with_budget(default_work(work))
    removed: list[str] = []
    failed: list[Failure] = []
    for number, (key, upload_id) in enumerate(uploads):
        try:
            abort(workspace.bucket, key, upload_id, work=work)
        except Cancelled:
            raise
        except StorageError as error:
            failed.append(Failure.of(number, key, error))
        else:
            removed.append(key)
        work.report(Progress(number + 1, len(uploads), "uploads", key))
    requested = {(key, upload_id) for key, upload_id in uploads} - {
        (uploads[failure.number][0], uploads[failure.number][1]) for failure in failed
    }
    for record in of_dead_processes():
        # Without their uploads, the records of this machine would be searched for again.
        if (record.key, record.upload_id) in requested:
            record.forget()
    return SweepReport(tuple(removed), (), tuple(failed))


def _without_waiting(records: list[UploadRecord], bucket: str) -> list[UploadRecord]:
    """Return the records without those that a batch of the queue will continue."""
    if not any(record.fingerprint for record in records):
        return records
    from core.transfer.queue import waiting_keys  # not at the start of every transfer

    waiting = waiting_keys(bucket)  # it reads the orders of all batches
    return [
        record
        for record in records
        if not (record.fingerprint and record.upload_id and record.key in waiting)
    ]


def _remove_recorded(bucket: Bucket, record: UploadRecord, work: Work) -> bool:
    """Remove what a record is about; return False if that may still be created.

    A busy server may process the last request of a killed process later than this clean-up: the
    next one looks for it again.
    """
    found = True
    if record.probe:
        found = remove_probe(bucket, record.key, work)
        remove_check_object(bucket, record.key, work)
    elif record.upload_id:
        abort(bucket, record.key, record.upload_id, work=work)
    else:
        begun = _begun_then(bucket, record, work)
        found = bool(begun)
        for upload in begun:
            abort(bucket, upload.key, upload.upload_id, work=work)
    if not found and abs(utc_now() - record.began) < _MAY_ARRIVE:
        return False
    record.forget()
    return True


def _begun_then(bucket: Bucket, record: UploadRecord, work: Work) -> list[MultipartUpload]:
    """Return the uploads that may belong to a lost answer.

    They have the recorded key, were created when the request was sent, and have no parts, because
    the process never received the upload id.
    """
    running = running_ids()
    return [
        upload
        for upload in list_uploads(bucket, record.key, work=work)
        if upload.key == record.key
        and abs(upload.began - record.began) < _CLOCKS_DIFFER
        and upload.upload_id not in running
        # With parts it is another client's upload of the same key.
        and not size_of(bucket, upload, work=work)
    ]


def _size_if_permitted(bucket: Bucket, upload: MultipartUpload, work: Work) -> int | None:
    try:
        return size_of(bucket, upload, work=work)
    except Cancelled:
        raise
    except StorageError:
        return None

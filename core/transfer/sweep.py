"""What interrupted transfers have left: removed at once if it is ours, listed if it is not.

Ours are the uploads and the unfinished downloads that a process of this machine has recorded and
that no running process holds. Unfinished uploads of others may still be under way somewhere:
they are only removed when somebody asks for it.
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
from core.local.partial_files import sweep_partials
from core.local.pending_uploads import UploadRecord, of_dead_processes, running_ids
from core.objects.bucket import Bucket, HasBucket
from core.objects.check_objects import remove_check_object
from core.objects.multipart import MultipartUpload, abort, list_uploads, size_of
from core.objects.probes import remove_probe
from core.transfer.attempts import with_budget
from core.transfer.values import Failure
from core.work import INTERACTIVE_SECONDS, Progress, RetryBudget, Work, default_work

_log = logging.getLogger(__name__)

_THREADS = 8
#: An upload whose id we never learned was begun so close to the time that we noted: clocks differ.
_CLOCKS_DIFFER = timedelta(minutes=2)


class Owner(Enum):
    """Whose an unfinished upload is; the value is the word that people see."""

    RUNNING = "running here"
    OURS = "ours"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """An unfinished upload of the bucket; `size` is None where its parts may not be listed."""

    key: str
    upload_id: str
    began: datetime
    size: int | None
    owner: Owner
    initiator: str = ""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What was removed: keys of uploads, paths of local files, and what could not be."""

    uploads: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()


def sweep_at_start(bucket: Bucket, work: Work, folders: Iterable[Path] = ()) -> SweepReport:
    """Remove what dead processes of this machine left in this bucket and in local folders.

    A clean-up that fails is no reason not to start: it is logged, and tried again next time.

    Args:
        bucket: where a transfer is about to begin.
        work: cancel and retry budget.
        folders: local folders to search beside those that dead processes have recorded.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    files = tuple(str(path) for path in sweep_partials(folders))
    endpoint = bucket.clients.endpoint_url or ""
    removed: list[str] = []
    failed: list[Failure] = []
    for record in of_dead_processes():
        if (record.endpoint, record.bucket) != (endpoint, bucket.name):
            continue
        try:
            _remove_recorded(bucket, record, work)
        except Cancelled:
            raise
        except StorageError as error:
            _log.warning("an unfinished upload of ours could not be removed: %s", error.summary)
            failed.append(Failure.of(len(failed), record.key, error))
            if error.retryable:  # the transfer itself will say what is wrong with the server
                break
        else:
            removed.append(record.key)
    return SweepReport(tuple(dict.fromkeys(removed)), files, tuple(failed))


def sweep(workspace: HasBucket, work: Work | None = None) -> SweepReport:
    """Remove what dead processes of this machine left behind (operation `transfer.sweep`).

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    return sweep_at_start(workspace.bucket, default_work(work))


def list_unfinished(
    workspace: HasBucket, work: Work | None = None, *, prefix: str = ""
) -> tuple[UnfinishedUpload, ...]:
    """Return the bucket's unfinished uploads, oldest first (operation `transfer.unfinished`).

    Args:
        workspace: whose bucket it is.
        work: cancel and progress.
        prefix: what the keys begin with.

    Raises:
        AccessDenied: `s3:ListBucketMultipartUploads` is missing.
        StorageError: the call failed.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    bucket = workspace.bucket
    # A person waits for the list: an outage is reported after the time of one interactive call.
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
        workspace: whose bucket it is.
        work: cancel and progress.
        uploads: (key, upload id) of each.

    Raises:
        Cancelled: the token of `work` was cancelled; earlier ones are removed.
    """
    work = with_budget(default_work(work))
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
    asked = {(key, upload_id) for key, upload_id in uploads} - {
        (uploads[failure.number][0], uploads[failure.number][1]) for failure in failed
    }
    for record in of_dead_processes():
        if (record.key, record.upload_id) in asked:
            record.forget()
    return SweepReport(tuple(removed), (), tuple(failed))


def _remove_recorded(bucket: Bucket, record: UploadRecord, work: Work) -> None:
    if record.probe:
        remove_probe(bucket, record.key, work)
        remove_check_object(bucket, record.key, work)
    elif record.upload_id:
        abort(bucket, record.key, record.upload_id, work=work)
    else:
        for upload in _begun_then(bucket, record, work):
            abort(bucket, upload.key, upload.upload_id, work=work)
    record.forget()


def _begun_then(bucket: Bucket, record: UploadRecord, work: Work) -> list[MultipartUpload]:
    """Return the uploads that a lost answer may have been about.

    They have the recorded key, were begun when the request was sent, and have no part yet: the
    process never learned the id that it would have sent parts to.
    """
    running = running_ids()
    return [
        upload
        for upload in list_uploads(bucket, record.key, work=work)
        if upload.key == record.key
        and abs(upload.began - record.began) < _CLOCKS_DIFFER
        and upload.upload_id not in running
        and not size_of(bucket, upload, work=work)
    ]


def _size_if_permitted(bucket: Bucket, upload: MultipartUpload, work: Work) -> int | None:
    try:
        return size_of(bucket, upload, work=work)
    except Cancelled:
        raise
    except StorageError:
        return None

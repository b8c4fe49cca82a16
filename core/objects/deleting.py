"""Deletion of one or many objects, and undeletion in versioned buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.aws.fault_codes import BY_CODE
from core.aws.faults import translated
from core.aws.limits import DELETE_KEYS
from core.effects import attaching_partial, states_effect
from core.errors import Conflict, ErrorKind, NotFound, StorageError
from core.objects.bucket import Bucket, HasBucket
from core.objects.reading import head
from core.work import Progress, Work, default_work, finishing

#: The pause before the second request for keys with a temporary failure.
_PAUSE_SECONDS = 1.0
#: Seconds for which the answer to a request is waited for after a cancel: only it names the delete
#: markers that an undo needs.
_FINISHING_SECONDS = 0.7
_TEMPORARY = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVICE})
_NOT_REPORTED = "The server did not report the outcome for this key."


@dataclass(frozen=True, slots=True)
class Deleted:
    """One deleted key; `marker` is the version id of its delete marker on a versioned bucket."""

    key: str
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class FailedDelete:
    """A key that could not be deleted, and why."""

    key: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DeleteReport:
    """Outcome of a deletion of several keys; every key is in either `deleted` or `failed`."""

    deleted: tuple[Deleted, ...]
    failed: tuple[FailedDelete, ...]


@states_effect("deleted")
def delete(
    bucket: Bucket, key: str, *, version_id: str | None = None, work: Work | None = None
) -> Deleted:
    """Delete an object; an object that does not exist counts as deleted.

    With `version_id` that version is deleted permanently.

    Raises:
        StorageError: the delete was denied or failed.
    """
    work = default_work(work)
    work.check()
    more = {"VersionId": version_id} if version_id else {}
    with translated("s3:DeleteObject", bucket.subject(key), work):
        answer = bucket.client.delete_object(Bucket=bucket.name, Key=key, **more)
    # Without `DeleteMarker` this is the id of the version that was deleted.
    marker = answer.get("VersionId") if answer.get("DeleteMarker") else None
    return Deleted(key, marker)


@states_effect("deleted")
def delete_unchanged(bucket: Bucket, key: str, etag: str, *, work: Work | None = None) -> Deleted:
    """Delete an object if it still has the ETag `etag`; one that does not exist counts as deleted.

    AWS checks the ETag within the request. Other servers ignore the condition, so that it is checked
    just before.

    Raises:
        Conflict: the object has another ETag; it was not deleted.
        StorageError: the request was denied or failed.
    """
    work = default_work(work)
    condition = {"IfMatch": f'"{etag}"'}
    if bucket.clients.endpoint_url is not None:
        try:
            if head(bucket, key, work=work).etag != etag:
                raise _replaced(bucket, key)
        except NotFound:
            return Deleted(key)
        condition = {}
    with translated("s3:DeleteObject", bucket.subject(key), work):
        answer = bucket.client.delete_object(Bucket=bucket.name, Key=key, **condition)
    return Deleted(key, answer.get("VersionId") if answer.get("DeleteMarker") else None)


def _replaced(bucket: Bucket, key: str) -> Conflict:
    return Conflict(
        f"{key} was not deleted",
        cause="Another client has stored a new object under this key.",
        remedy="Inspect the new object, then delete it yourself if it is not needed.",
        subject=bucket.subject(key),
    )


@states_effect("restored")
def undelete(bucket: Bucket, key: str, marker: str, *, work: Work | None = None) -> None:
    """Undo a deletion by removing its delete marker.

    Raises:
        StorageError: the request was denied (`s3:DeleteObjectVersion`) or failed.
    """
    work = default_work(work)
    work.check()
    with translated("s3:DeleteObjectVersion", bucket.subject(key), work):
        bucket.client.delete_object(Bucket=bucket.name, Key=key, VersionId=marker)


def delete_many(bucket: Bucket, keys: Sequence[str], *, work: Work | None = None) -> DeleteReport:
    """Delete keys, 1,000 in each request, and check the reported outcome of every key.

    Keys whose failure may be temporary are tried a second time after a pause.

    Raises:
        StorageError: a request was denied or failed; the keys of earlier requests are deleted, and
            `partial` has their report.
        Cancelled: the token of `work` was cancelled; `partial` as above.
    """
    work = default_work(work)
    deleted: list[Deleted] = []
    failed: list[FailedDelete] = []

    def report() -> DeleteReport:
        return DeleteReport(tuple(deleted), tuple(failed))

    with attaching_partial(report):
        for start in range(0, len(keys), DELETE_KEYS):
            work.check()
            batch = keys[start : start + DELETE_KEYS]
            # S3 answers MalformedXML for the entire request if one of its keys is no valid XML
            # text.
            odd = [key for key in batch if not is_valid_xml_text(key)]
            _delete_batch(
                bucket, [key for key in batch if is_valid_xml_text(key)], deleted, failed, work
            )
            # Unlike `+=` of a list, this keeps those before an error.
            deleted.extend(delete(bucket, key, work=work) for key in odd)
            work.report(Progress(min(start + DELETE_KEYS, len(keys)), len(keys), "objects"))
    return report()


def delete_objects(
    workspace: HasBucket, work: Work | None = None, *, keys: Sequence[str]
) -> DeleteReport:
    """Delete objects of the workspace's bucket (operation `objects.delete_many`).

    On a versioned bucket each object gets a delete marker and can be restored.

    Raises:
        StorageError: a request was denied or failed; earlier requests have taken effect.
        Cancelled: the token of `work` was cancelled; earlier requests have taken effect.
    """
    return delete_many(workspace.bucket, keys, work=default_work(work))


def _delete_batch(
    bucket: Bucket,
    batch: list[str],
    deleted: list[Deleted],
    failed: list[FailedDelete],
    work: Work,
) -> None:
    """Delete keys with one request, and those with a temporary failure once more."""
    if not batch:
        return
    first = _answer_of(bucket, batch, work)
    deleted += first.deleted
    again = [each for each in first.failed if _is_temporary(each.code)]
    failed += [each for each in first.failed if not _is_temporary(each.code)]
    if not again:
        return
    try:
        # S3 answers 200 to the request, so that botocore does not repeat it for these keys.
        work.token.wait(_PAUSE_SECONDS)
        second = _answer_of(bucket, [each.key for each in again], work)
    except StorageError:
        failed += again
        raise
    deleted += second.deleted
    failed += second.failed


def _answer_of(bucket: Bucket, batch: list[str], work: Work) -> DeleteReport:
    """Send one DeleteObjects request, and return the outcome of every key."""
    with (
        finishing(work, _FINISHING_SECONDS) as rest,
        translated("s3:DeleteObjects", bucket.subject(), rest),
    ):
        answer = bucket.client.delete_objects(
            Bucket=bucket.name, Delete={"Objects": [{"Key": key} for key in batch]}
        )
    deleted = [
        Deleted(row["Key"], row.get("DeleteMarkerVersionId") if row.get("DeleteMarker") else None)
        for row in answer.get("Deleted", ())
    ]
    failed = [failed_delete(row["Key"], row, "s3:DeleteObject") for row in answer.get("Errors", ())]
    rows = (*answer.get("Deleted", ()), *answer.get("Errors", ()))
    # A key that is not in the answer counts as failed: no answer is no proof.
    silent = sorted({*batch} - {row["Key"] for row in rows})
    failed += [FailedDelete(key, "NotReported", _NOT_REPORTED) for key in silent]
    return DeleteReport(tuple(deleted), tuple(failed))


def failed_delete(key: str, error: Mapping[str, Any], action: str) -> FailedDelete:
    """Return the failure of one key; a denial names the missing action, as not all servers do.

    Args:
        key: the key.
        error: its entry in the answer to DeleteObjects.
        action: the IAM action that the deletion needs.
    """
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    if code == "AccessDenied" and action not in message:
        message = f"{message.rstrip('.') or 'Access denied'}: {action} is missing"
    return FailedDelete(key, code, message)


def _is_temporary(code: str) -> bool:
    """Return whether a deletion that failed with this code may succeed a second later.

    A key without a reported outcome is not repeated: it may be deleted, and in a bucket with
    versioning a second deletion would add another delete marker.
    """
    row = BY_CODE.get(code)
    return row is not None and row.error.kind in _TEMPORARY


def is_valid_xml_text(key: str) -> bool:
    """Return whether XML 1.0 can represent the key; other keys are deleted one by one."""
    # Line ends are valid, but a parser converts CR to LF, so all control characters are excluded.
    return all(char >= " " and char not in "\ufffe\uffff" for char in key)

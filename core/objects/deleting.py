"""Deletion of one or many objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from core.aws.fault_codes import BY_CODE
from core.aws.faults import translated
from core.aws.limits import DELETE_KEYS
from core.effects import attaching_partial, states_effect
from core.errors import AccessDenied, Conflict, ErrorKind, NoSuchBucket, NotFound, StorageError
from core.objects.bucket import Bucket, HasBucket
from core.objects.lost_answers import LostAnswers, SentRequests
from core.objects.reading import head
from core.objects.unchanged import arrived_keys, replaced_keys
from core.work import Progress, Work, default_work, finishing

#: The pause before the second request for keys with a temporary failure.
_PAUSE_SECONDS = 1.0
#: Seconds for which the answer to a request is waited for after a cancel: only it names the delete
#: markers that an undo needs.
_FINISHING_SECONDS = 0.7
_TEMPORARY = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVICE})
#: The codes of a condition that is not met, and of one on an object that does not exist.
_REPLACED_CODE, _GONE_CODES = "PreconditionFailed", frozenset({"NoSuchKey", "404"})
_REPLACED = "Another client has replaced it since it was listed; it was not deleted."
_NOT_REPORTED = "The server did not report the outcome for this key."


@dataclass(frozen=True, slots=True)
class Deleted:
    """One deleted key; `marker` is the version id of the delete marker whose removal restores it.

    While versioning is suspended there is none: the delete marker "null" has replaced the version
    "null", and without the marker, nothing or an older version would be visible.
    """

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
    """Outcome of a deletion of several keys; every key is in either `deleted` or `failed`.

    After a cancel or an error, the others were not deleted, or are in `unanswered`.

    Attributes:
        deleted: the deleted keys.
        failed: the keys that could not be deleted.
        arrived: objects that other clients have stored in the deleted folders in the meantime, and
            that were not deleted; at most 1,000.
        lost: the keys of requests of which at least one answer never came, with these requests.
    """

    deleted: tuple[Deleted, ...]
    failed: tuple[FailedDelete, ...]
    arrived: tuple[str, ...] = ()
    lost: tuple[tuple[tuple[str, ...], LostAnswers], ...] = ()

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The keys of which it is not known whether they were deleted."""
        known = {each.key for each in self.deleted} | {each.key for each in self.failed}
        sent = dict.fromkeys(key for keys, _lost in self.lost for key in keys)
        return tuple(key for key in sent if key not in known)


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
    return Deleted(key, _marker(answer, "VersionId"))


@states_effect("deleted")
def delete_unchanged(bucket: Bucket, key: str, etag: str, *, work: Work | None = None) -> Deleted:
    """Delete an object if it still has the ETag `etag`; one that does not exist counts as deleted.

    AWS checks the ETag within the request. Other servers ignore the condition, so that it is
    checked just before.

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
    try:
        with translated("s3:DeleteObject", bucket.subject(key), work):
            answer = bucket.client.delete_object(Bucket=bucket.name, Key=key, **condition)
    except NoSuchBucket:
        raise
    except NotFound:  # S3 answers so to a condition for an object that does not exist
        return Deleted(key)
    return Deleted(key, _marker(answer, "VersionId"))


def _marker(answer: Mapping[str, Any], name: str) -> str | None:
    """Return the id of a delete marker whose removal restores the object.

    Args:
        answer: what the server reports about one key.
        name: the field with the id.
    """
    marker = answer.get(name) if answer.get("DeleteMarker") else None
    return None if marker == "null" else marker


def _replaced(bucket: Bucket, key: str) -> Conflict:
    return Conflict(
        f"{key} was not deleted",
        cause="Another client has stored a new object under this key.",
        remedy="Inspect the new object, then delete it yourself if it is not needed.",
        subject=bucket.subject(key),
    )


def delete_many(
    bucket: Bucket,
    keys: Sequence[str],
    *,
    etags: Sequence[str] = (),
    folders: Sequence[str] = (),
    work: Work | None = None,
    ended: Callable[[DeleteReport], object] | None = None,
) -> DeleteReport:
    """Delete keys, 1,000 in each request, and check the reported outcome of every key.

    Keys whose failure may be temporary are tried a second time after a pause.

    Args:
        bucket: the bucket.
        keys: the keys.
        etags: the listed ETag of each key, empty if it is not known; an object with another one
            fails and is not deleted. AWS compares within the request, other servers are asked just
            before it.
        folders: the folders that are deleted with their objects; they are listed at the end.
        work: cancel token and progress.
        ended: called with the outcomes of each request as soon as they are known.

    Raises:
        StorageError: a request was denied or failed; the keys of earlier requests are deleted, and
            `partial` has their report.
        Cancelled: the token of `work` was cancelled; `partial` as above.
    """
    work = default_work(work)
    found = _Outcomes()
    listed = dict(zip(keys, etags, strict=True)) if etags else {}
    with attaching_partial(found.report):
        if listed and bucket.clients.endpoint_url is not None:
            keys = _without_replaced(bucket, keys, listed, found.failed, work)
            listed = {}
            if ended is not None and found.failed:
                ended(found.report())
        for start in range(0, len(keys), DELETE_KEYS):
            work.check()
            batch, before = keys[start : start + DELETE_KEYS], found.counts
            # A key that is no valid XML text makes the entire request MalformedXML.
            odd = [key for key in batch if not is_valid_xml_text(key)]
            plain = [key for key in batch if is_valid_xml_text(key)]
            _delete_batch(bucket, plain, listed, found, work)
            if listed:
                _delete_unreadable(bucket, listed, found, before[1], work)
            for key in odd:
                etag = listed.get(key, "")
                one = partial(delete_unchanged, etag=etag) if etag else delete
                with found.sending([key]):
                    found.deleted.append(one(bucket, key, work=work))
            if ended is not None:
                ended(found.report_since(before))
            work.report(Progress(min(start + DELETE_KEYS, len(keys)), len(keys), "objects"))
        if folders:
            known = {each.key for each in found.failed}
            found.arrived = arrived_keys(
                bucket, folders, known, replace(work, report=Work().report)
            )
    return found.report()


@dataclass(slots=True)
class _Outcomes:
    """What is known so far of a deletion; the attributes are those of `DeleteReport`."""

    deleted: list[Deleted] = field(default_factory=list)
    failed: list[FailedDelete] = field(default_factory=list)
    arrived: tuple[str, ...] = ()
    lost: list[tuple[tuple[str, ...], LostAnswers]] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of deleted and of failed keys."""
        return len(self.deleted), len(self.failed)

    def report(self) -> DeleteReport:
        """Return everything so far."""
        lost = tuple(self.lost)
        return DeleteReport(tuple(self.deleted), tuple(self.failed), self.arrived, lost)

    def report_since(self, counts: tuple[int, int]) -> DeleteReport:
        """Return the keys that were deleted and that failed since they had these numbers."""
        return DeleteReport(tuple(self.deleted[counts[0] :]), tuple(self.failed[counts[1] :]))

    @contextmanager
    def sending(self, keys: Sequence[str]) -> Iterator[None]:
        """Send a request for some keys in the block, and note whether it was answered."""
        sent = SentRequests(("DeleteObject", "DeleteObjects"))
        try:
            with sent.sending():
                yield
        finally:
            if sent.lost is not None:
                self.lost.append((tuple(keys), sent.lost))


def _without_replaced(
    bucket: Bucket,
    keys: Sequence[str],
    etags: Mapping[str, str],
    failed: list[FailedDelete],
    work: Work,
) -> list[str]:
    """Return the keys that still have the listed objects; the others have failed."""
    others = replaced_keys(bucket, etags, replace(work, report=Work().report))
    failed += [FailedDelete(key, _REPLACED_CODE, _REPLACED) for key in keys if key in others]
    return [key for key in keys if key not in others]


def _delete_unreadable(
    bucket: Bucket, etags: Mapping[str, str], found: _Outcomes, first: int, work: Work
) -> None:
    """Delete keys that S3 could not compare, since it does so only for those who may read them.

    A listing shows their ETags, too, just before the request. `first` is the number of the first
    failure of this batch.
    """
    failed = found.failed
    keys = [each.key for each in failed[first:] if each.code == "AccessDenied" and etags[each.key]]
    if not keys:
        return
    quiet = replace(work, report=Work().report)
    try:
        others = replaced_keys(bucket, {key: etags[key] for key in keys}, quiet, readable=False)
    except AccessDenied:
        return
    denied = {*keys}
    failed[first:] = [each for each in failed[first:] if each.key not in denied]
    failed += [FailedDelete(key, _REPLACED_CODE, _REPLACED) for key in keys if key in others]
    _delete_batch(bucket, [key for key in keys if key not in others], {}, found, work)


def delete_objects(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    keys: Sequence[str],
    etags: Sequence[str] = (),
    folders: Sequence[str] = (),
) -> DeleteReport:
    """Delete objects of the workspace's bucket (operation `objects.delete_many`).

    On a versioned bucket each object gets a delete marker and can be restored. `etags` and
    `folders` are those of `delete_many`.

    Raises:
        StorageError: a request was denied or failed; earlier requests have taken effect.
        Cancelled: the token of `work` was cancelled; earlier requests have taken effect.
    """
    return delete_many(
        workspace.bucket, keys, etags=etags, folders=folders, work=default_work(work)
    )


def _delete_batch(
    bucket: Bucket, batch: list[str], etags: Mapping[str, str], found: _Outcomes, work: Work
) -> None:
    """Delete keys with one request, and those with a temporary failure once more."""
    if not batch:
        return
    with found.sending(batch):
        first = _answer_of(bucket, batch, etags, work)
    found.deleted += first.deleted
    again = [each for each in first.failed if _is_temporary(each.code)]
    found.failed += [each for each in first.failed if not _is_temporary(each.code)]
    if not again:
        return
    keys = [each.key for each in again]
    try:
        # S3 answers 200 to the request, so that botocore does not repeat it for these keys.
        work.token.wait(_PAUSE_SECONDS)
        with found.sending(keys):
            second = _answer_of(bucket, keys, etags, work)
    except StorageError:
        if not found.lost or found.lost[-1][0] != tuple(keys):
            found.failed += again
        raise
    found.deleted += second.deleted
    found.failed += second.failed


def _answer_of(
    bucket: Bucket, batch: list[str], etags: Mapping[str, str], work: Work
) -> DeleteReport:
    """Send one DeleteObjects request, and return the outcome of every key."""
    with (
        finishing(work, _FINISHING_SECONDS) as rest,
        translated("s3:DeleteObjects", bucket.subject(), rest),
    ):
        answer = bucket.client.delete_objects(
            Bucket=bucket.name,
            Delete={"Objects": [_identifier(key, etags.get(key, "")) for key in batch]},
        )
    done, refused = answer.get("Deleted", ()), answer.get("Errors", ())
    deleted = [Deleted(row["Key"], _marker(row, "DeleteMarkerVersionId")) for row in done]
    failed: list[FailedDelete] = []
    for row in refused:
        key, code = row["Key"], row.get("Code")
        if not etags.get(key):
            failed.append(failed_delete(key, row, "s3:DeleteObject"))
        elif code in _GONE_CODES:
            deleted.append(Deleted(key))
        elif code == _REPLACED_CODE:
            failed.append(FailedDelete(key, code, _REPLACED))
        else:
            # S3 compares the ETag only for those who may read the object.
            failed.append(failed_delete(key, row, "s3:DeleteObject or s3:GetObject"))
    order = {key: number for number, key in enumerate(batch)}
    deleted.sort(key=lambda each: order.get(each.key, 0))  # Ceph RGW answers in any order
    # A key that is not in the answer counts as failed: no answer is no proof.
    silent = sorted({*batch} - {row["Key"] for row in (*done, *refused)})
    failed += [FailedDelete(key, "NotReported", _NOT_REPORTED) for key in silent]
    return DeleteReport(tuple(deleted), tuple(failed))


def _identifier(key: str, etag: str) -> dict[str, str]:
    return {"Key": key, "ETag": f'"{etag.strip(chr(34))}"'} if etag else {"Key": key}


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

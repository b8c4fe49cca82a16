"""Trash of a versioned bucket: listing and restoring of deleted objects.

A delete without a version id removes no data there. It adds a delete marker, which hides the object
until the marker is removed (S3 User Guide, "Managing delete markers"). Restoring an object
therefore copies no data, and no version of an object is removed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.aws.faults import not_an_s3_answer, translated
from core.aws.limits import DELETE_KEYS, LIST_KEYS
from core.effects import attaching_partial, states_effect
from core.objects.bucket import Bucket
from core.objects.deleting import FailedDelete, failed_delete, is_valid_xml_text
from core.objects.unlisted import absent_keys
from core.work import Progress, Work, default_work

_NOT_REPORTED = "The server did not report the outcome for this key."


@dataclass(frozen=True, slots=True)
class DeletedObject:
    """An object whose newest version is hidden by delete markers.

    Attributes:
        key: the object.
        size: the size in bytes of the version that a restore brings back.
        deleted: when it was deleted, aware, in UTC.
        modified: when that version was written.
        version_id: the id of that version.
        markers: the version ids of its newer delete markers: it may have been deleted twice.
        owner: the account that owns the newest marker, if the server reports it. S3 does not record
            the user.
    """

    key: str
    size: int
    deleted: datetime
    modified: datetime
    version_id: str
    markers: tuple[str, ...]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class _Markers:
    """Delete markers of a key whose versions are on the next page."""

    key: str
    versions: tuple[str, ...]
    deleted: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class TrashCursor:
    """Position in a listing of the trash, with delete markers whose versions are still missing."""

    key: str
    version_id: str
    open: _Markers | None = None


@dataclass(frozen=True, slots=True)
class TrashPage:
    """The deleted objects of one page of versions.

    Attributes:
        objects: in the order of their keys, often far fewer than the versions that were read.
        versions: the number of versions and delete markers that were read.
        cursor: the start of the next page; None on the last page.
    """

    objects: tuple[DeletedObject, ...]
    versions: int
    cursor: TrashCursor | None


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """Outcome of a restore; each key is in one of the columns.

    Attributes:
        restored: the objects that exist again.
        failed: those that could not be restored.
        present: those that had not been changed, although the answer to their change was lost.
    """

    restored: tuple[str, ...]
    failed: tuple[FailedDelete, ...]
    present: tuple[str, ...] = ()


def has_trash(bucket: Bucket, *, work: Work | None = None) -> bool:
    """Return whether deleted objects can be restored: versioning is enabled or suspended.

    Raises:
        AccessDenied: `s3:GetBucketVersioning` is missing.
        NotSupported: the server does not offer versioning.
        StorageError: the bucket does not exist, or the call failed.
    """
    work = default_work(work)
    work.check()
    with translated("s3:GetBucketVersioning", bucket.subject(), work):
        answer = bucket.client.get_bucket_versioning(Bucket=bucket.name)
    return answer.get("Status") in {"Enabled", "Suspended"}


def list_trash(
    bucket: Bucket,
    prefix: str = "",
    *,
    cursor: TrashCursor | None = None,
    page_size: int = LIST_KEYS,
    work: Work | None = None,
) -> TrashPage:
    """Return the deleted objects of one page of versions below a prefix, with one request.

    A key that only has delete markers is left out, because it has no version to restore.

    Args:
        bucket: the bucket.
        prefix: empty for the complete bucket.
        cursor: `TrashPage.cursor` of the previous page.
        page_size: the maximum number of versions to read, up to 1,000.
        work: cancel token.

    Raises:
        AccessDenied: `s3:ListBucketVersions` is missing.
        NotAnS3Answer: the page is incomplete, or the next page would be the same page.
        StorageError: the bucket does not exist, or the call failed.
    """
    work = default_work(work)
    work.check()
    start = {"KeyMarker": cursor.key, "VersionIdMarker": cursor.version_id} if cursor else {}
    # An empty version id marker would be refused.
    start = {name: value for name, value in start.items() if value}
    with translated("s3:ListObjectVersions", bucket.subject(prefix), work):
        answer = bucket.client.list_object_versions(
            Bucket=bucket.name, Prefix=prefix, MaxKeys=page_size, **start
        )
    subject = bucket.subject(prefix)
    rows = list(_rows(answer, subject))
    after = _after(answer, rows, subject)
    if after is not None and cursor is not None and _same_place(after, cursor):
        raise not_an_s3_answer(subject, "a list of versions whose next page would be the same page")
    objects, left = _deleted_objects(rows, cursor.open if cursor else None)
    if after is not None:
        after = replace(after, open=left)
    return TrashPage(tuple(objects), len(rows), after)


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


def restore(
    bucket: Bucket,
    objects: Sequence[tuple[str, Sequence[str]]],
    *,
    work: Work | None = None,
    ended: Callable[[RestoreReport], object] | None = None,
) -> RestoreReport:
    """Restore deleted objects by removing their delete markers, 1,000 in each request.

    Args:
        bucket: the bucket.
        objects: the keys, each with the version ids of its delete markers.
        work: cancel token and progress.
        ended: called with the outcomes of each request as soon as they are known.

    Raises:
        StorageError: a request was denied or failed; the keys of earlier requests are restored.
        Cancelled: the token of `work` was cancelled; the keys of earlier requests are restored.
    """
    work = default_work(work)
    pairs = [(key, marker) for key, markers in objects for marker in markers]
    failed: dict[str, FailedDelete] = {}
    # `report` reads it after an error: pairs before it were sent.
    start = 0

    def report() -> RestoreReport:
        # A key with several markers is restored only if every one of them was removed.
        left = {key for key, _marker in pairs[start:]}.union(failed)
        restored = tuple(key for key, _markers in objects if key not in left)
        return RestoreReport(restored, tuple(failed.values()))

    with attaching_partial(report):
        while start < len(pairs):
            work.check()
            batch = pairs[start : start + DELETE_KEYS]
            known = len(failed)
            for failure in _remove_batch(bucket, batch, work):
                failed.setdefault(failure.key, failure)
            start += len(batch)
            # A key whose last markers are in the next request has not ended.
            more = pairs[start][0] if start < len(pairs) else None
            for failure in absent_keys(bucket, {key for key, _ in batch} - {more}, work):
                failed.setdefault(failure.key, failure)
            if ended is not None:
                keys = dict.fromkeys(key for key, _marker in batch if key != more)
                restored = tuple(key for key in keys if key not in failed)
                ended(RestoreReport(restored, tuple(failed.values())[known:]))
            work.report(Progress(start, len(pairs), "delete markers"))
    return report()


@dataclass(frozen=True, slots=True)
class _Row:
    """One version (`size` in bytes) or one delete marker (`size` is None)."""

    key: str
    version_id: str
    modified: datetime
    latest: bool
    size: int | None
    owner: str


def _rows(answer: dict[str, Any], subject: str) -> Iterator[_Row]:
    """Yield the versions and delete markers of a page; both lists start with the newest.

    Raises:
        NotAnS3Answer: a row lacks its key or its version id.
    """
    # Markers first: botocore separates both lists and loses the order of the page.
    for name in ("DeleteMarkers", "Versions"):
        for row in answer.get(name, ()):
            needed = ["Key", "VersionId", "LastModified", "IsLatest"]
            if name == "Versions":
                needed.append("Size")
            if any(row.get(field) is None for field in needed):
                raise not_an_s3_answer(subject, "a list of versions with an incomplete entry")
            owner = row.get("Owner") or {}
            yield _Row(
                row["Key"],
                row["VersionId"],
                row["LastModified"],
                row["IsLatest"],
                row["Size"] if name == "Versions" else None,
                owner.get("DisplayName") or owner.get("ID") or "",
            )


def _after(answer: dict[str, Any], rows: Iterable[_Row], subject: str) -> TrashCursor | None:
    """Return the position where the listing continues, or None at its end.

    Ceph RGW encodes the keys of the rows but not the marker; botocore decodes both. A marker that
    is not a key of the page is therefore replaced by the key of its version.

    Raises:
        NotAnS3Answer: the page is truncated but has no marker.
    """
    if not answer.get("IsTruncated"):
        return None
    key, version = answer.get("NextKeyMarker", ""), answer.get("NextVersionIdMarker", "")
    if not key:
        raise not_an_s3_answer(subject, "a truncated list of versions without a marker")
    keys = {row.key for row in rows}
    # Version ids are unique in a bucket, except `null`, which many keys have.
    owners = {row.key for row in rows if row.version_id == version}
    if key not in keys and len(owners) == 1:
        key = owners.pop()
    return TrashCursor(key, version)


def _same_place(one: TrashCursor, other: TrashCursor) -> bool:
    return (one.key, one.version_id) == (other.key, other.version_id)


def _deleted_objects(
    rows: Iterable[_Row], left: _Markers | None
) -> tuple[list[DeletedObject], _Markers | None]:
    """Return the deleted objects of a page, and the markers whose versions may follow.

    `left` contains those of the previous page. Only the last key of a page can continue: in every
    order of keys, that is the key of its last delete marker.
    """
    by_key: dict[str, list[_Row]] = {left.key: []} if left is not None else {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    found: list[DeletedObject] = []
    open_: _Markers | None = None
    last = next((key for key in reversed(by_key) if _has_marker(by_key[key])), "")
    for key, group in by_key.items():
        # The first page of a key decided whether it is deleted: here its markers only follow.
        before = left if left is not None and left.key == key else None
        markers = _markers_of(group, before)
        version = next((row for row in group if row.size is not None), None)
        if markers is not None and version is not None:
            found.append(_deleted_object(markers, version, group))
        # Without a version on this page: it follows on the next page, or only markers are left.
        elif markers is not None and (key == last or not group):
            open_ = markers
    return found, open_


def _markers_of(rows: Sequence[_Row], before: _Markers | None) -> _Markers | None:
    """Return all delete markers of a deleted key, or None for a key that is not deleted."""
    markers = [row for row in rows if row.size is None]
    ids = tuple(row.version_id for row in markers)
    # The page that contained the newest marker has shown that the key is deleted.
    if before is not None:
        return replace(before, versions=before.versions + ids)
    latest = next((row for row in markers if row.latest), None)
    if latest is None:
        return None
    return _Markers(latest.key, ids, latest.modified, latest.owner)


def _deleted_object(markers: _Markers, version: _Row, rows: Iterable[_Row]) -> DeletedObject:
    """Return the deleted object with this newest version.

    Older markers, between its versions, are not removed. S3's times are whole seconds: a marker of
    the same second counts as newer, since removing one too many reveals the same version.
    """
    older = {row.version_id for row in rows if row.size is None and row.modified < version.modified}
    above = tuple(each for each in markers.versions if each not in older)
    assert version.size is not None
    return DeletedObject(
        markers.key,
        version.size,
        markers.deleted,
        version.modified,
        version.version_id,
        above,
        markers.owner,
    )


def _has_marker(rows: Iterable[_Row]) -> bool:
    return any(row.size is None for row in rows)


def remove_versions(
    bucket: Bucket, pairs: Sequence[tuple[str, str]], work: Work
) -> Iterator[FailedDelete]:
    """Remove versions or delete markers, 1,000 in each request, and yield those that remain.

    Args:
        bucket: the bucket.
        pairs: keys, each with the id of the version, which is deleted permanently.
        work: cancel token.

    Raises:
        StorageError: a request was denied or failed; earlier requests have taken effect.
    """
    for start in range(0, len(pairs), DELETE_KEYS):
        work.check()
        yield from _remove_batch(bucket, pairs[start : start + DELETE_KEYS], work)


def _remove_batch(
    bucket: Bucket, batch: Sequence[tuple[str, str]], work: Work
) -> Iterator[FailedDelete]:
    """Remove versions in one request, and yield those that could not be removed."""
    plain = [pair for pair in batch if is_valid_xml_text(pair[0])]
    for key, marker in batch:
        if not is_valid_xml_text(key):  # a request with several keys cannot represent this key
            undelete(bucket, key, marker, work=work)
    if not plain:
        return
    objects = [{"Key": key, "VersionId": marker} for key, marker in plain]
    with translated("s3:DeleteObjectVersion", bucket.subject(), work):
        answer = bucket.client.delete_objects(Bucket=bucket.name, Delete={"Objects": objects})
    removed = {
        # AWS reports the requested version, SeaweedFS the marker that it removed.
        (row["Key"], row.get("VersionId") or row.get("DeleteMarkerVersionId"))
        for row in answer.get("Deleted", ())
    }
    # A server may report an error without the version: it counts for every marker of the key.
    refused = {(row["Key"], row.get("VersionId")): row for row in answer.get("Errors", ())}
    for key, marker in plain:
        error = refused.get((key, marker)) or refused.get((key, None))
        if error is not None:
            yield failed_delete(key, error, "s3:DeleteObjectVersion")
        elif (key, marker) not in removed:
            yield FailedDelete(key, "NotReported", _NOT_REPORTED)

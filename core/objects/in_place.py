"""Copies of an object, or of one of its versions, onto its own key; nothing is ever deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.aws.faults import translated
from core.effects import attaching_partial, states_effect
from core.errors import Archived, ServiceError
from core.model.objects import ARCHIVE_CLASSES, Verdict, Written
from core.objects.acl import grants_of, repeat_grants
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.copying import SINGLE_BYTES, compare_answers
from core.objects.multipart_copy import (
    CopyRequest,
    copy_in_parts,
    repeat_tags,
    repeated_properties,
    tags_of,
)
from core.objects.object_reader import inspect
from core.objects.versions import versioned
from core.work import Work, default_work

#: Retention that a copy does not repeat by itself.
_LOCK = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")


def copy_onto(request: CopyRequest, work: Work) -> Written:
    """Copy an object onto its key, with the properties of `request.answer`.

    A copy that differs is only reported: without versions, deleting it would delete the object.

    Raises:
        Conflict: the object was replaced since it was inspected.
        Archived: the object is in an archive class and was not retrieved.
        ServiceError: the copy differs from its source.
        StorageError: the copy was denied or failed; `partial` is the copy if only its tags or its
            grants are missing.
    """
    _refuse_archived(request)
    request = replace(request, tags=tags_of(request, work))
    # Before the copy, which replaces them.
    grants = grants_of(request.source, request.key, request.version, work)
    version = _copied_at_once(request, work) if request.size <= SINGLE_BYTES else ""
    if request.size > SINGLE_BYTES:
        _etag, doubt = copy_in_parts(request, work)
        if doubt is not None:
            raise doubt
    found = inspect(request.bucket, request.target, work)
    verdict = compare_answers(request.answer, found)
    if verdict is None or int(found["ContentLength"]) != request.size:
        raise ServiceError(
            f"{request.target} is not an exact copy of its former version",
            cause="The size or the hash of the copy differs.",
            remedy="Restore a former version, if the bucket has versions.",
            subject=request.bucket.subject(request.target),
        )
    version = version or found.get("VersionId") or ""
    written = Written(
        request.target, etag_of(found), request.size, version or None, None, Verdict(verdict)
    )
    with attaching_partial(lambda: written):
        repeat_tags(request, work)
        repeat_grants(request.bucket, request.target, version, grants, work)
    return written


def _refuse_archived(request: CopyRequest) -> None:
    stored = request.answer.get("StorageClass", "STANDARD")
    readable = 'ongoing-request="false"' in request.answer.get("Restore", "")
    if request.edited or stored not in ARCHIVE_CLASSES or readable:
        return
    raise Archived(
        f"{request.key} is archived",
        cause=f"It is in the storage class {stored} and was not retrieved.",
        remedy="Request its retrieval first.",
        subject=request.source.subject(request.key),
    )


def _copied_at_once(request: CopyRequest, work: Work) -> str:
    with work.slot(), translated("s3:CopyObject", request.bucket.subject(request.target), work):
        answer = request.bucket.client.copy_object(
            **request.place,
            **request.origin,
            **_condition(request),
            **_encryption(request),
            **{name: request.answer[name] for name in _LOCK if request.answer.get(name)},
            **_stored_properties(request),
        )
    return str(answer.get("VersionId") or "")


def _stored_properties(request: CopyRequest) -> dict[str, Any]:
    """Return the parameters that replace headers and metadata; the server copies the tags."""
    found = repeated_properties(request)
    return {"MetadataDirective": "REPLACE", "TaggingDirective": "COPY", **found}


def _condition(request: CopyRequest) -> dict[str, str]:
    """Return the condition that the key still has the object that was inspected."""
    # Only AWS is known to honour it; for a former version, another object is current.
    if not request.edited or request.bucket.clients.endpoint_url is not None:
        return {}
    return {"IfMatch": f'"{etag_of(request.answer)}"'}


def _encryption(request: CopyRequest) -> dict[str, Any]:
    """Return the encryption of the object, which a copy would take from the bucket's default."""
    names = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")
    return {name: request.answer[name] for name in names if request.answer.get(name)}


@states_effect("restored", ("CopyObject", "CompleteMultipartUpload"))
def restore_version(
    bucket: Bucket, key: str, version_id: str, *, work: Work | None = None
) -> Written:
    """Make a former version the newest one by copying it; no version is removed.

    Args:
        bucket: the bucket.
        key: the object, which may be deleted.
        version_id: the version.
        work: cancel token and progress.

    Raises:
        NotFound: the version does not exist.
        Archived: the version is in an archive class and was not retrieved.
        StorageError: the copy was denied or failed.
    """
    work = default_work(work)
    answer = inspect(bucket, key, work, **versioned(version_id))
    request = CopyRequest(bucket, key, answer, bucket, key, version=version_id)
    return copy_onto(request, work)

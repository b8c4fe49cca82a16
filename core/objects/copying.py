"""Copies of objects within and between buckets, with metadata, tags and storage class.

The server copies the bytes itself if both buckets belong to one connection. Otherwise they are read
from one server and sent to the other.
"""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from core.aws.faults import translated
from core.aws.limits import GIB, MIB
from core.effects import states_effect
from core.errors import (
    AccessDenied,
    Conflict,
    InvalidInput,
    NotFound,
    ServiceError,
    StorageError,
)
from core.layout.key_checks import check_key
from core.model.objects import Verdict, Written
from core.objects import conditions
from core.objects.acl import grants_of, repeat_grants
from core.objects.bucket import Bucket
from core.objects.checksums import etag_is_opaque, etag_of, expected_hashes
from core.objects.completion import is_race_free
from core.objects.conditions import ONLY_NEW
from core.objects.hashing import SHA256
from core.objects.multipart_copy import (
    CopyRequest,
    UnverifiablePartsError,
    changed_source,
    check_source,
    copy_in_parts,
    properties_of,
    repeat_tags,
)
from core.objects.object_reader import ObjectReader, inspect
from core.objects.reading import fetch
from core.objects.sending import discard
from core.objects.streams import upload_stream
from core.objects.versioning import is_suspended
from core.work import Progress, Work, default_work

#: Objects up to this size are copied in one request. S3 allows 5 GiB, but answers only when it has
#: copied all bytes, which takes a slow server longer than the time limit of a request.
SINGLE_BYTES = GIB
#: Up to this size a copy is one request, with which every server stores the tags.
_WITH_TAGS = 5 * MIB


@states_effect("copied", ("CopyObject", "PutObject", "CompleteMultipartUpload"))
def copy(  # noqa: PLR0913 - one copy; all but the first three by name
    bucket: Bucket,
    key: str,
    target: str,
    *,
    source: Bucket | None = None,
    expected_etag: str = "",
    only_new: bool = False,
    with_grants: bool = False,
    work: Work | None = None,
) -> Written:
    """Copy an object to another key, with its metadata, tags, content type and storage class.

    The server copies the bytes, unless the source is on another server. The copy is verified by its
    size, its SHA-256 in the metadata and, if possible, by the hashes that the server reports for
    both objects. The source is not changed; if another client changes it during the copy, the copy
    fails.

    Args:
        bucket: the bucket of the copy.
        key: the object.
        target: the key of the copy.
        source: the bucket of the object, by default `bucket`; that of another connection is read
            and sent by this computer.
        expected_etag: the ETag in the caller's listing, without quotes; another one is an error.
        only_new: never overwrite an object.
        with_grants: repeat the grants of its ACL to others than its owner, too.
        work: cancel token and progress.

    Raises:
        NotFound: the object does not exist.
        AlreadyExists: `only_new`, and another object has the key `target`.
        Conflict: the object is not the listed one, or changed during the copy.
        InvalidInput: the target is the object itself, or is not a valid key.
        StorageError: the copy was denied or failed.
    """
    work = default_work(work)
    work.check()
    source = source or bucket
    same_server = source.clients is bucket.clients
    if same_server and (source.name, key) == (bucket.name, check_key(target)):
        raise InvalidInput(
            f"{key} cannot be copied to itself",
            remedy="Choose another key or another bucket.",
            subject=bucket.subject(key),
        )
    answer = inspect(source, key, work)
    if expected_etag and etag_of(answer) != expected_etag:
        raise changed_source(source, key)
    request = CopyRequest(source, key, answer, bucket, check_key(target), only_new)
    grants = grants_of(source, key, "", work) if with_grants else ()
    by_server = same_server and _is_copied_well(source, key, work)
    written = _copied(request, work) if by_server else _streamed(request, work)
    if request.size > _WITH_TAGS:
        repeat_tags(request, work)
    try:
        repeat_grants(bucket, request.target, written.version_id or "", grants, work)
    except StorageError:
        # A later move would take the copy without the grants for a finished one.
        stored = {"VersionId": written.version_id, "ETag": written.etag}
        discard(bucket, request.target, stored, cancelled=work.token.cancelled)
        raise
    work.report(Progress(request.size, request.size, "bytes", target))
    return written


def _is_copied_well(source: Bucket, key: str, work: Work) -> bool:
    """Return whether the server's own copy of an object is reliable."""
    if source.clients.endpoint_url is None:
        return True
    # SeaweedFS finds no object with the name of a folder as the source of a copy. Ceph RGW copies
    # the pointer to the newest version as well where versioning is suspended: when the source is
    # removed, the copy reads as empty.
    return not key.endswith("/") and not is_suspended(source, work=work)


def _copied(request: CopyRequest, work: Work) -> Written:
    if request.size <= SINGLE_BYTES:
        return _copied_at_once(request, work)
    try:
        return _copied_in_parts(request, work)
    except UnverifiablePartsError:
        return _streamed(request, work)


def _streamed(request: CopyRequest, work: Work) -> Written:
    """Read the object and send it, with the hashes of the bytes that were read."""
    reader = ObjectReader(request.source, request.key, request.answer, work)
    return upload_stream(
        request.bucket,
        request.target,
        cast("BinaryIO", reader),
        size=reader.size,
        properties=properties_of(request, work),
        only_new=request.only_new,
        confirm=lambda _sha256: reader.check(),
        work=work,
    )


def equal_content(
    source: Bucket, key: str, bucket: Bucket, target: str, work: Work, *, read: bool = False
) -> Verdict | None:
    """Compare two objects by size and by the hashes that the servers report.

    Args:
        source: the bucket of the first object.
        key: the first object.
        bucket: the bucket of the second object.
        target: the second object.
        work: cancel and retry budget.
        read: whether to read both objects if the servers report no hash of the same kind.

    Returns:
        None if they differ, else what shows that they are equal; `SIZE_ONLY` shows nothing.

    Raises:
        NotFound: one of them does not exist.
        StorageError: a request was denied or failed.
    """
    answers = inspect(source, key, work), inspect(bucket, target, work)
    if answers[0]["ContentLength"] != answers[1]["ContentLength"]:
        return None
    verdict = compare_answers(*answers)
    if verdict is not Verdict.SIZE_ONLY or not read:
        return verdict
    # `fetch` compares the bytes with the SHA-256 in the metadata, if there is one.
    stored = answers[0].get("Metadata", {}).get(SHA256)
    wanted = stored or fetch(source, key, work=work)[1].sha256
    return Verdict.SHA256 if fetch(bucket, target, work=work)[1].sha256 == wanted else None


def _copied_at_once(request: CopyRequest, work: Work) -> Written:
    honoured = request.bucket.clients.endpoint_url is None
    condition: dict[str, Any] = ONLY_NEW if request.only_new and honoured else {}
    # Only AWS is known to honour the condition for copies (S3 user guide, "Conditional writes").
    if request.only_new and not honoured:
        try:
            conditions.refuse_existing(request.bucket, request.target, work)
        except AccessDenied:
            # The condition of an upload decides where missing keys are denied.
            return _streamed(request, work)
    try:
        with work.slot(), translated("s3:CopyObject", request.bucket.subject(request.target), work):
            answer = request.bucket.client.copy_object(
                **request.place,
                **request.origin,
                **request.encryption,
                **condition,
                MetadataDirective="COPY",
                TaggingDirective="COPY",
                # Without it S3 stores the copy as STANDARD.
                StorageClass=request.answer.get("StorageClass", "STANDARD"),
            )
    except Conflict as error:
        return _reconciled(request, error, work)
    stored = {"VersionId": answer.get("VersionId"), **answer["CopyObjectResult"]}
    return _confirmed(request, stored, work)


def _copied_in_parts(request: CopyRequest, work: Work) -> Written:
    etag, doubt = copy_in_parts(request, work)
    if doubt is not None:
        return _reconciled(request, doubt, work, etag=etag)
    return _confirmed(request, {}, work, etag=etag)


def _confirmed(
    request: CopyRequest, stored: dict[str, Any], work: Work, *, etag: str = ""
) -> Written:
    """Return the verified copy; one that differs from its source is removed.

    Args:
        request: the copy.
        stored: the server's answer, with the version or the ETag of the copy.
        work: cancel and retry budget.
        etag: the expected ETag, if it is known.

    Raises:
        Conflict: the source was replaced during the copy.
        ServiceError: the copy differs.
    """
    try:
        written = _verified(request, work, version=stored.get("VersionId"), etag=etag)
    except NotFound:
        written = None
    if written is not None:
        return written
    discard(request.bucket, request.target, stored, cancelled=work.token.cancelled)
    check_source(request, work)
    raise ServiceError(
        f"{request.target} is not an exact copy of {request.key}",
        cause="The size or the hash of the copy differs.",
        remedy="Try again; the source is unchanged.",
        subject=request.bucket.subject(request.target),
    )


def _reconciled(
    request: CopyRequest, error: StorageError, work: Work, *, etag: str = ""
) -> Written:
    """Determine whether the copy exists although its request was refused or got no answer.

    Raises:
        AlreadyExists: `only_new`, and another object has the key.
        StorageError: `error`, if there is no copy.
    """
    try:
        written = _verified(request, work, etag=etag)
    except NotFound:
        raise error from None
    # botocore may have repeated a request whose answer was lost: then the object is the copy.
    if written is not None and written.verdict is not Verdict.SIZE_ONLY:
        return written
    if request.only_new and error.kind is Conflict.kind:
        conditions.refuse_existing(request.bucket, request.target, work)
    raise error


def _verified(
    request: CopyRequest, work: Work, *, version: str | None = None, etag: str = ""
) -> Written | None:
    """Compare the copy with its source; return None if they differ."""
    copied = inspect(request.bucket, request.target, work)
    own, theirs = (answer.get("Metadata", {}).get(SHA256) for answer in (copied, request.answer))
    size = int(copied["ContentLength"])
    verdict = compare_answers(request.answer, copied)
    right_etag = not etag or etag_of(copied) == etag or etag_is_opaque(copied)
    if size != request.size or own != theirs or not right_etag or verdict is None:
        return None
    version = version or copied.get("VersionId")
    race_free = _is_race_free(request)
    return Written(
        request.target, etag_of(copied), size, version, own, verdict, race_free=race_free
    )


def _is_race_free(request: CopyRequest) -> bool:
    if request.size > SINGLE_BYTES:
        return is_race_free(request.bucket, only_new=request.only_new)
    return not request.only_new or request.bucket.clients.endpoint_url is None


def compare_answers(source: dict[str, Any], copied: dict[str, Any]) -> Verdict | None:
    """Compare the hashes that the server reports for both objects; None if they differ."""
    # Without the metadata: the hash in it was copied, which proves nothing about the bytes.
    ours, theirs = (expected_hashes({**answer, "Metadata": {}}) for answer in (copied, source))
    found = {(each.algorithm, each.parts): each.value for each in ours}
    common = [each for each in theirs if (each.algorithm, each.parts) in found]
    for each in common:
        if found[each.algorithm, each.parts] == each.value:
            return each.verdict
    # Composite hashes differ if the parts do, although the bytes are the same.
    differ = any(not each.parts for each in common)
    return None if differ else Verdict.SIZE_ONLY

"""Copies objects within a bucket, with everything that belongs to them."""

from __future__ import annotations

from core.aws.faults import translated
from core.aws.limits import SINGLE_PUT_BYTES
from core.errors import NotSupported, ServiceError
from core.layout.building import check_key
from core.model.objects import ObjectInfo, Written
from core.objects.bucket import Bucket
from core.objects.checksums import etag_is_opaque
from core.objects.reading import head
from core.work import Work, default_work

_MD5_LETTERS = 32


def copy(bucket: Bucket, key: str, target: str, *, work: Work | None = None) -> Written:
    """Copy an object under another key: metadata, tags, type and class go along.

    The copy is confirmed by its size, our hash and, where it is one, the hash in its ETag; the
    source is not touched, and one that changes meanwhile is not copied.

    Raises:
        NotFound: there is no such object.
        NotSupported: it is larger than 5 GiB, which one request cannot copy.
        StorageError: the copy was denied or failed.
    """
    work = default_work(work)
    work.check()
    source = head(bucket, key, work=work)
    if source.size > SINGLE_PUT_BYTES:
        raise NotSupported(
            f"{key} is too large to be copied in one request",
            cause="S3 copies up to 5 GiB at once.",
            remedy="Download it and upload it under the new key.",
            subject=bucket.subject(key),
        )
    with translated("s3:CopyObject", bucket.subject(target), work):
        answer = bucket.client.copy_object(
            Bucket=bucket.name,
            Key=check_key(target),
            CopySource={"Bucket": bucket.name, "Key": key},
            CopySourceIfMatch=f'"{source.etag}"',
            MetadataDirective="COPY",
            TaggingDirective="COPY",
            StorageClass=source.storage_class,
        )
    there = head(bucket, target, work=work)
    one_part = "-" not in source.etag + there.etag  # a copy of several parts may become one
    same_hash = source.etag == there.etag or not one_part or _is_opaque(source, there)
    if there.size != source.size or there.sha256 != source.sha256 or not same_hash:
        raise ServiceError(
            f"{target} is not what {key} is",
            cause="Size or hash of the copy differ.",
            remedy="Retry; the source is as it was.",
            subject=bucket.subject(target),
        )
    return Written(target, there.etag, there.size, answer.get("VersionId"), there.sha256)


def _is_opaque(*objects: ObjectInfo) -> bool:
    """Whether one of the objects is encrypted so that its ETag is no hash of its bytes."""
    return any(
        etag_is_opaque({"ServerSideEncryption": each.encryption}) or len(each.etag) != _MD5_LETTERS
        for each in objects
    )

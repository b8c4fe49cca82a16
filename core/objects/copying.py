"""Copies objects within a bucket, with everything that belongs to them."""

from __future__ import annotations

from core.aws.faults import translated
from core.aws.limits import SINGLE_PUT_BYTES
from core.errors import NotSupported, ServiceError
from core.layout.building import check_key
from core.model.objects import Written
from core.objects.bucket import Bucket
from core.objects.reading import head
from core.work import Work, default_work


def copy(bucket: Bucket, key: str, target: str, *, work: Work | None = None) -> Written:
    """Copy an object under another key: metadata, tags, type and class go along.

    The copy is confirmed by its size and hash; the source is not touched.

    Raises:
        NotFound: there is no such object.
        NotSupported: it is larger than 5 GiB, which one request cannot copy.
        StorageError: the copy was denied or failed.
    """
    default_work(work).check()
    source = head(bucket, key)
    if source.size > SINGLE_PUT_BYTES:
        raise NotSupported(
            f"{key} is too large to be copied in one request",
            cause="S3 copies up to 5 GiB at once.",
            remedy="Download it and upload it under the new key.",
            subject=bucket.subject(key),
        )
    with translated("s3:CopyObject", bucket.subject(target)):
        answer = bucket.client.copy_object(
            Bucket=bucket.name,
            Key=check_key(target),
            CopySource={"Bucket": bucket.name, "Key": key},
            MetadataDirective="COPY",
            TaggingDirective="COPY",
            StorageClass=source.storage_class,
        )
    there = head(bucket, target)
    if there.size != source.size or there.sha256 != source.sha256:
        raise ServiceError(
            f"{target} is not what {key} is",
            cause="Size or hash of the copy differ.",
            remedy="Retry; the source is as it was.",
            subject=bucket.subject(target),
        )
    return Written(target, there.etag, there.size, answer.get("VersionId"), there.sha256)

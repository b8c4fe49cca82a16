"""Copies of objects within a bucket, with metadata, tags and storage class."""

from __future__ import annotations

from core.aws.faults import translated
from core.aws.limits import SINGLE_PUT_BYTES
from core.effects import states_effect
from core.errors import NotSupported, ServiceError
from core.layout.building import check_key
from core.model.objects import ObjectInfo, Written
from core.objects.bucket import Bucket
from core.objects.checksums import etag_is_opaque
from core.objects.reading import head
from core.work import Work, default_work

#: An ETag of another length is no MD5: that of a multipart upload ends in `-` and its parts.
_MD5_LETTERS = 32


@states_effect("copied", ("CopyObject", "CompleteMultipartUpload"))
def copy(bucket: Bucket, key: str, target: str, *, work: Work | None = None) -> Written:
    """Copy an object to another key, with its metadata, tags, content type and storage class.

    The copy is verified by its size, its SHA-256 in the metadata and, if possible, the hash in its
    ETag. The source is not changed; if another client changes it during the copy, the copy fails.

    Raises:
        NotFound: the object does not exist.
        NotSupported: the object is larger than 5 GiB, the limit of one copy request.
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
            # The condition is checked by S3 within the copy, so the source cannot change unnoticed.
            CopySourceIfMatch=f'"{source.etag}"',
            MetadataDirective="COPY",
            TaggingDirective="COPY",
            # Without it S3 stores the copy as STANDARD.
            StorageClass=source.storage_class,
        )
    there = head(bucket, target, work=work)
    one_part = "-" not in source.etag + there.etag  # a copy may have fewer parts
    same_hash = source.etag == there.etag or not one_part or _is_opaque(source, there)
    if there.size != source.size or there.sha256 != source.sha256 or not same_hash:
        raise ServiceError(
            f"{target} is not an exact copy of {key}",
            cause="The size or the hash of the copy differs.",
            remedy="Try again; the source is unchanged.",
            subject=bucket.subject(target),
        )
    return Written(target, there.etag, there.size, answer.get("VersionId"), there.sha256)


def _is_opaque(*objects: ObjectInfo) -> bool:
    """Return whether the encryption of either object makes its ETag differ from a hash."""
    return any(
        etag_is_opaque({"ServerSideEncryption": each.encryption}) or len(each.etag) != _MD5_LETTERS
        for each in objects
    )

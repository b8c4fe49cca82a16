"""Tags of objects."""

from __future__ import annotations

from core.aws.faults import translated
from core.model.upload_options import Pairs
from core.objects.bucket import Bucket
from core.objects.versions import versioned
from core.work import Work


def get_tags(bucket: Bucket, key: str, version_id: str, work: Work) -> Pairs:
    """Return the tags of an object, sorted by their keys (GetObjectTagging).

    Args:
        bucket: the bucket.
        key: the object.
        version_id: the version; empty for the newest.
        work: cancel and retry budget.

    Raises:
        AccessDenied: `s3:GetObjectTagging` is missing.
        NotSupported: the server has no tags.
        StorageError: the request was denied or failed.
    """
    with translated("s3:GetObjectTagging", bucket.subject(key), work):
        answer = bucket.client.get_object_tagging(
            Bucket=bucket.name, Key=key, **versioned(version_id)
        )
    return tuple(sorted((row["Key"], row["Value"]) for row in answer.get("TagSet", ())))


def set_tags(bucket: Bucket, key: str, version_id: str | None, tags: Pairs, work: Work) -> None:
    """Replace the tags of an object (PutObjectTagging, without tags DeleteObjectTagging).

    Args:
        bucket: the bucket.
        key: the object.
        version_id: the version; None for the newest.
        tags: pairs of key and value.
        work: cancel and retry budget.

    Raises:
        AccessDenied: `s3:PutObjectTagging` or `s3:DeleteObjectTagging` is missing.
        StorageError: the request was denied or failed.
    """
    if not tags:
        with translated("s3:DeleteObjectTagging", bucket.subject(key), work):
            bucket.client.delete_object_tagging(
                Bucket=bucket.name, Key=key, **versioned(version_id)
            )
        return
    with translated("s3:PutObjectTagging", bucket.subject(key), work):
        bucket.client.put_object_tagging(
            Bucket=bucket.name,
            Key=key,
            Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in tags]},
            **versioned(version_id),
        )

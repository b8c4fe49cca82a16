"""Tags of objects."""

from __future__ import annotations

from core.aws.faults import translated
from core.model.upload_options import Pairs
from core.objects.bucket import Bucket
from core.work import Work


def set_tags(bucket: Bucket, key: str, version_id: str | None, tags: Pairs, work: Work) -> None:
    """Replace the tags of an object (PutObjectTagging).

    Args:
        bucket: the bucket.
        key: the object.
        version_id: the version; None for the newest.
        tags: pairs of key and value.
        work: cancel and retry budget.

    Raises:
        AccessDenied: `s3:PutObjectTagging` is missing.
        StorageError: the request was denied or failed.
    """
    # Servers without versions return “null”, which not all of them accept in a request.
    named = {"VersionId": version_id} if version_id and version_id != "null" else {}
    with translated("s3:PutObjectTagging", bucket.subject(key), work):
        bucket.client.put_object_tagging(
            Bucket=bucket.name,
            Key=key,
            Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in tags]},
            **named,
        )

"""Versioning state of a bucket."""

from __future__ import annotations

from core.aws.faults import translated
from core.errors import AccessDenied, NotSupported
from core.objects.bucket import Bucket
from core.work import Work, default_work


def versioning(bucket: Bucket, *, work: Work | None = None) -> bool | None:
    """Return True if versioning is enabled, False if it is disabled or suspended, None if unknown.

    Unknown means that `s3:GetBucketVersioning` is missing or not supported; a deletion must then be
    treated as permanent.

    Raises:
        StorageError: the bucket does not exist, or the call failed.
    """
    default_work(work).check()
    try:
        with translated("s3:GetBucketVersioning", bucket.subject()):
            answer = bucket.client.get_bucket_versioning(Bucket=bucket.name)
    except (AccessDenied, NotSupported):
        return None
    return bool(answer.get("Status") == "Enabled")

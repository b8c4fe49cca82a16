"""Region of a bucket, read from the answer to HeadBucket, even from a refusal.

Source: the S3 API reference, HeadBucket: `x-amz-bucket-region` comes with 200, 301, 400 and 403.
"""

from __future__ import annotations

from typing import Any

from core.aws.faults import REGION_HEADER, translate
from core.errors import AccessDenied, CredentialsExpired, NotSupported, StorageError


def find_region(client: Any, bucket: str, home: str) -> str:
    """Return the region of a bucket, or `home` if the server does not report one but serves it.

    Raises:
        NoSuchBucket: the bucket does not exist.
        StorageError: the endpoint cannot be reached or does not speak S3.
    """
    try:
        answer = client.head_bucket(Bucket=bucket)
    except Exception as error:  # handled below: a refusal may contain the region
        region = _named(getattr(error, "response", None))
        if region:
            return region
        fault = translate(error, "s3:HeadBucket", f"s3://{bucket}")
        if fault is None:
            raise
        return _home_or_raise(fault, home)
    return _named(answer) or home


def _home_or_raise(fault: StorageError, home: str) -> str:
    """Return `home` if only HeadBucket was denied: other requests may be allowed."""
    if isinstance(fault, AccessDenied | NotSupported | CredentialsExpired):
        return home
    raise fault from None


def _named(answer: Any) -> str:
    meta = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    if meta.get("HTTPStatusCode") == 404:
        return ""
    return str(meta.get("HTTPHeaders", {}).get(REGION_HEADER, "") or "")

"""In which region a bucket lives: asked by HEAD, read from what AWS answers even when it refuses.

Source: the S3 API reference, HeadBucket: `x-amz-bucket-region` comes with 200, 301, 400 and 403.
"""

from __future__ import annotations

from typing import Any

from core.aws.faults import REGION_HEADER, translate
from core.errors import AccessDenied, CredentialsExpired, NotSupported, StorageError


def find_region(client: Any, bucket: str, home: str) -> str:
    """Return the bucket's region; `home` where the server does not tell and serves it anyway.

    Raises:
        NoSuchBucket: there is no such bucket.
        StorageError: the endpoint cannot be reached or does not speak S3.
    """
    try:
        answer = client.head_bucket(Bucket=bucket)
    except Exception as error:  # sorted below: a refusal may name the region, the rest goes on
        region = _named(getattr(error, "response", None))
        if region:
            return region
        fault = translate(error, "s3:HeadBucket", f"s3://{bucket}")
        if fault is None:
            raise
        return _home_or_raise(fault, home)
    return _named(answer) or home


def _home_or_raise(fault: StorageError, home: str) -> str:
    """Go on at home when only the HEAD was refused: reading and writing may be allowed still."""
    if isinstance(fault, AccessDenied | NotSupported | CredentialsExpired):
        return home
    raise fault from None


def _named(answer: Any) -> str:
    meta = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    if meta.get("HTTPStatusCode") == 404:
        return ""
    return str(meta.get("HTTPHeaders", {}).get(REGION_HEADER, "") or "")

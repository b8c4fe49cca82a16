"""Presigned links: SigV4 always, and the life that a link really has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.aws.faults import translated
from core.aws.limits import PRESIGN_SECONDS
from core.errors import InvalidInput, ServiceError
from core.layout.building import check_key
from core.objects.bucket import Bucket
from core.redaction import Secret
from core.units import format_duration, utc_now
from core.work import Work, default_work

#: Method and the operation that is signed for it.
METHODS: dict[str, str] = {
    "GET": "get_object",
    "PUT": "put_object",
    "HEAD": "head_object",
    "DELETE": "delete_object",
}


@dataclass(frozen=True, slots=True)
class Presigned:
    """A signed URL, which is a right: a secret until `expires_at` (aware, UTC).

    `limited_by` says in words why that is earlier than asked, or is empty.
    """

    url: Secret
    method: str
    asked_seconds: int
    expires_at: datetime
    limited_by: str


def presign(
    bucket: Bucket,
    key: str,
    *,
    method: str = "GET",
    expires: int = 3600,
    parameters: dict[str, Any] | None = None,
    work: Work | None = None,
) -> Presigned:
    """Return a link for one object; it is signed here, the object need not exist.

    Args:
        bucket: the bucket; its region is asked for once.
        key: the object.
        method: GET, PUT, HEAD or DELETE.
        expires: the life asked for, in seconds; S3 allows 7 days, and a link signed with
            temporary credentials ends with them (S3 user guide, `using-presigned-url`).
        parameters: more parameters of the operation, for example `ResponseContentType`.
        work: cancel.

    Raises:
        InvalidInput: the key, the method or the life cannot be signed.
        StorageError: the credentials cannot be had.
    """
    default_work(work).check()
    operation = METHODS.get(method.upper())
    if operation is None or expires <= 0:
        raise InvalidInput(
            f"A link for {method} with a life of {expires} seconds cannot be made",
            cause=f"Links are made for {', '.join(METHODS)}, for 1 second or more.",
            remedy="Choose one of these methods and a positive life.",
            subject=bucket.subject(key),
        )
    now = utc_now()
    seconds, limited_by = _real_seconds(bucket, expires, now)
    with translated(f"s3:{operation}", bucket.subject(key)):
        url = bucket.client.generate_presigned_url(
            operation,
            Params={"Bucket": bucket.name, "Key": check_key(key), **(parameters or {})},
            ExpiresIn=seconds,
            HttpMethod=method.upper(),
        )
    if "X-Amz-Algorithm=AWS4-HMAC-SHA256" not in url:
        raise ServiceError(
            "The link was not signed with Signature Version 4",
            cause="Older signatures know no limit and do not cover the whole link.",
            remedy="Report this: it is a bug.",
        )
    end = now + timedelta(seconds=seconds)
    return Presigned(Secret(url), method.upper(), expires, end, limited_by)


def _real_seconds(bucket: Bucket, asked: int, now: datetime) -> tuple[int, str]:
    """Return the life a link will have, and why if it is shorter than asked."""
    limits = [(PRESIGN_SECONDS, "S3 allows 7 days at most")]
    end = bucket.clients.credentials_expire()
    if end is not None:
        left = int((end - now).total_seconds())
        limits.append((left, f"the credentials that sign it end in {format_duration(left)}"))
    seconds, why = min(limits)
    if asked <= seconds:
        return asked, ""
    return max(1, seconds), why

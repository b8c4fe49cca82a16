"""Presigned URLs, always with SigV4, and their actual validity."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.aws.expiry import LONGEST_SESSION_SECONDS
from core.aws.faults import translated
from core.aws.limits import PRESIGN_SECONDS
from core.errors import CredentialsExpired, InvalidInput, ServiceError
from core.layout.key_checks import check_key
from core.objects.bucket import Bucket
from core.redaction import Secret
from core.units import format_counted, format_duration, utc_now
from core.work import Work, default_work

#: HTTP methods and the operations that are signed for them.
METHODS: dict[str, str] = {
    "GET": "get_object",
    "PUT": "put_object",
    "HEAD": "head_object",
    "DELETE": "delete_object",
}
_ROTATION = "a rotation deactivates the access key that signs it"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Validity of a link that is signed now.

    `expires_at` (aware, UTC) is its end, or the latest possible end if `known` is False: then the
    credentials that sign it are temporary with an unknown expiry. `limited_by` is the reason why
    the link may end earlier than requested, or empty.
    """

    expires_at: datetime
    known: bool = True
    limited_by: str = ""


@dataclass(frozen=True, slots=True)
class Presigned:
    """A presigned URL. It is a secret, because anyone with it can use it until it expires.

    `warning` states which clients cannot use the link, or is empty.
    """

    url: Secret
    method: str
    requested_seconds: int
    life: Lifetime
    warning: str = ""


def presign(  # noqa: PLR0913 - keyword-only data of one request
    bucket: Bucket,
    key: str,
    *,
    method: str = "GET",
    expires: int = 3600,
    parameters: dict[str, Any] | None = None,
    key_ends: datetime | None = None,
    work: Work | None = None,
) -> Presigned:
    """Return a link for one object. It is signed locally; the object need not exist.

    Args:
        bucket: the bucket; its region is determined once.
        key: the object.
        method: GET, PUT, HEAD or DELETE.
        expires: the requested validity in seconds: 1 to 604,800 (7 days).
        parameters: additional parameters of the operation, for example `ResponseContentType`.
        key_ends: when a planned rotation deactivates the access key that signs it, if known.
        work: cancel token.

    Raises:
        InvalidInput: the key, the method or the validity is not valid.
        CredentialsExpired: the credentials have expired.
        StorageError: the credentials cannot be obtained.
    """
    work = default_work(work)
    work.check()
    method = _checked_method(method, bucket.subject(key))
    requested = checked_seconds(expires)
    with translated(f"s3:{METHODS[method]}", bucket.subject(key), work):
        now = utc_now()
        life = lifetime_of(bucket, requested, now, key_ends)
        url = bucket.client.generate_presigned_url(
            METHODS[method],
            Params={"Bucket": bucket.name, "Key": check_key(key), **(parameters or {})},
            # Clamped to the credentials: S3 refuses the link after their end without a visible
            # reason.
            ExpiresIn=int((life.expires_at - now).total_seconds()),
            HttpMethod=method,
        )
    # A client configured elsewhere could sign with another version without an error.
    if "X-Amz-Algorithm=AWS4-HMAC-SHA256" not in url:
        raise ServiceError(
            "The link was not signed with Signature Version 4",
            cause="Older signatures have no time limit and do not cover the complete link.",
            remedy="Report this: it is a bug.",
        )
    return Presigned(Secret(url), method, requested, life, path_warning(key))


def checked_seconds(seconds: Any) -> int:
    """Check the validity of a link in seconds and return it; SigV4 allows up to 7 days.

    Raises:
        InvalidInput: it is not an integer from 1 to 604,800.
    """
    limit = f"S3 allows whole seconds from 1 to {PRESIGN_SECONDS:,} (7 days)."
    try:
        # Refuses floats and texts, which boto3 would pass on into the URL.
        given = operator.index(seconds)
    except TypeError:
        given = 0
    if isinstance(seconds, bool) or not 1 <= given <= PRESIGN_SECONDS:
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        small = number and abs(seconds) < 10**12  # Python refuses to write very long numbers
        shown = (
            format_counted(seconds, "second")
            if small
            else f"a value of type {type(seconds).__name__}"
        )
        raise InvalidInput(
            f"A link cannot be valid for {shown}", cause=limit, remedy="Choose another duration."
        )
    return given


def lifetime_of(
    bucket: Bucket, seconds: int, now: datetime, key_ends: datetime | None = None
) -> Lifetime:
    """Return the actual validity of a link that is signed now for `seconds`.

    A link expires with the credentials that sign it (S3 user guide, `using-presigned-url`).

    Args:
        bucket: the bucket, whose connection signs.
        seconds: the requested validity.
        now: the present time.
        key_ends: when a planned rotation deactivates the access key, if known.

    Raises:
        CredentialsExpired: the credentials have expired.
        StorageError: the credentials cannot be obtained.
    """
    life = _life_of_credentials(bucket, seconds, now)
    if key_ends is None or key_ends >= life.expires_at:
        return life
    left = int((key_ends - now).total_seconds())
    if left < 1:  # the rotation is overdue and may continue now
        return replace(life, known=False, limited_by=f"{_ROTATION}, which may happen at any time")
    why = f"{_ROTATION} in {format_duration(left)}"
    return Lifetime(now + timedelta(seconds=left), life.known, why)


def _life_of_credentials(bucket: Bucket, seconds: int, now: datetime) -> Lifetime:
    expiry = bucket.clients.credentials_expiry()
    if not expiry.known:
        longest = min(seconds, LONGEST_SESSION_SECONDS)
        why = (
            "it ends with the credentials that sign it, which are temporary with an unknown expiry"
        )
        return Lifetime(now + timedelta(seconds=longest), known=False, limited_by=why)
    if expiry.at is None:
        return Lifetime(now + timedelta(seconds=seconds))
    left = int((expiry.at - now).total_seconds())
    if left < 1:
        raise CredentialsExpired(
            "The credentials have expired",
            cause="Links that are signed with them do not work.",
            remedy="Sign in again, then create the link.",
            subject=bucket.clients.connection.profile.name,
        )
    if seconds <= left:
        return Lifetime(now + timedelta(seconds=seconds))
    why = f"the credentials that sign it end in {format_duration(left)}"
    return Lifetime(now + timedelta(seconds=left), limited_by=why)


def path_warning(key: str) -> str:
    """Return a warning for a key with `.` or `..` segments, or an empty string.

    Browsers and most HTTP libraries resolve such segments before they send a path (RFC 3986,
    section 5.2.4), also percent-encoded ones (WHATWG URL), and then request another key.
    """
    if not {".", ".."} & set(key.split("/")):
        return ""
    return (
        "the key has . or .. segments: the link only works with clients that send the path "
        "unchanged, for example curl --path-as-is; browsers request another key"
    )


def _checked_method(method: object, subject: str) -> str:
    found = method.upper() if isinstance(method, str) else ""
    if found not in METHODS:
        raise InvalidInput(
            f"A link for {method} cannot be created",
            cause=f"Links can be created for {', '.join(METHODS)}.",
            remedy="Choose one of these methods.",
            subject=subject,
        )
    return found

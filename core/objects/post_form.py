"""Signed forms with which a browser uploads a file without credentials (S3 "POST Object").

Unlike a presigned PUT, a form limits the size and the type of the file, and it can let the sender
choose the name below a prefix. Source: S3 API reference, "POST Policy".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.aws.faults import translated
from core.aws.limits import SINGLE_PUT_BYTES
from core.errors import InvalidInput, ServiceError
from core.layout.key_checks import check_key
from core.objects.bucket import Bucket
from core.objects.presign import Lifetime, checked_seconds
from core.redaction import Secret
from core.units import format_size, utc_now
from core.work import Work, default_work

#: S3 replaces it by the name of the sender's file.
FILE_NAME = "${filename}"


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What a form accepts: sizes in bytes (both inclusive), and the content type of the object.

    Without a content type, S3 stores `binary/octet-stream`.
    """

    largest: int = SINGLE_PUT_BYTES
    smallest: int = 0
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class SignedForm:
    """A signed form: the URL, and the fields that precede the file, as a JSON object.

    Anyone with the fields can upload until the form expires, so they are a secret.
    """

    url: str
    fields: Secret

    def revealed_fields(self) -> dict[str, str]:
        """Return the fields by name."""
        fields: dict[str, str] = json.loads(self.fields.reveal())
        return fields


def sign_form(
    bucket: Bucket,
    key: str,
    life: Lifetime,
    limits: UploadLimits | None = None,
    *,
    work: Work | None = None,
) -> SignedForm:
    """Return a form that uploads to a key, or below a prefix under the name of the sender's file.

    It is signed locally with Signature Version 4.

    Args:
        bucket: the bucket.
        key: the key, or a prefix that ends with a slash.
        life: when the form expires; see `core.objects.presign.lifetime_of`.
        limits: what it accepts; by default any file that one request can store.
        work: cancel token.

    Raises:
        InvalidInput: the key or a limit is not valid.
        ReadOnlyProfile: the profile is read-only.
        StorageError: the credentials cannot be obtained.
    """
    work = default_work(work)
    work.check()
    limits = checked_limits(limits or UploadLimits())
    # Signing a form sends no request and emits no event that the guard of the clients handles.
    bucket.clients.require_writable("A form for uploads")
    key = check_key(key + FILE_NAME if key.endswith("/") else key)
    # A policy must name each field of the form, and the form must have each field of the policy.
    fields = {"Content-Type": limits.content_type} if limits.content_type else {}
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", limits.smallest, limits.largest])
    left = checked_seconds(max(int((life.expires_at - utc_now()).total_seconds()), 1))
    with translated("s3:PutObject", bucket.subject(key), work):
        signed = bucket.client.generate_presigned_post(
            bucket.name, key, Fields=fields, Conditions=conditions, ExpiresIn=left
        )
    return _checked(signed["url"], signed["fields"])


def checked_limits(limits: UploadLimits) -> UploadLimits:
    """Check the limits of a form and return them.

    Raises:
        InvalidInput: a size is negative or larger than a single request may be, or the sizes are
            contradictory.
    """
    if not 0 <= limits.smallest <= limits.largest <= SINGLE_PUT_BYTES:
        raise InvalidInput(
            f"A form cannot accept files of {format_size(limits.smallest)} to "
            f"{format_size(limits.largest)}",
            cause=f"S3 stores at most {format_size(SINGLE_PUT_BYTES)} with one request.",
            remedy="Choose other limits.",
        )
    return limits


def _checked(url: str, fields: Mapping[str, str]) -> SignedForm:
    # A client configured elsewhere could sign with another version without an error.
    if fields.get("x-amz-algorithm") != "AWS4-HMAC-SHA256":
        raise ServiceError(
            "The form was not signed with Signature Version 4",
            cause="Older signatures do not cover the complete policy.",
            remedy="Report this: it is a bug.",
        )
    for name in ("x-amz-signature", "x-amz-security-token"):
        if name in fields:
            Secret(fields[name])  # the log filter masks it from now on
    return SignedForm(url, Secret(json.dumps(dict(fields))))

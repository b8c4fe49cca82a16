"""Presigned URLs for many keys: botocore signs the first one, and its form is repeated.

botocore needs about 0.5 ms for each URL, because it resolves endpoint, credentials and parameters
each time. They are equal for all keys, so only the path and the signature are computed here (AWS
General Reference, "Signature Version 4, query parameters").
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from core.layout.key_checks import check_key
from core.objects.bucket import Bucket
from core.objects.presign import Presigned, path_warning, presign
from core.redaction import Secret
from core.work import Work, default_work

#: Characters that S3 leaves unencoded in a path, beside letters, digits, `-`, `.` and `_`.
_SAFE = "/~"
_SIGNATURE = "&X-Amz-Signature="


@dataclass(frozen=True, slots=True)
class _Template:
    """The parts of a signed URL that do not depend on the key."""

    method: str
    origin: str
    host: str
    path: str
    query: str
    canonical_query: str
    head: str
    signing_key: bytes

    @classmethod
    def of(cls, url: str, key: str, method: str, secret_key: Secret) -> _Template | None:
        """Return the template of the URL for a key; None if it has another form than expected."""
        parts = urlsplit(url)
        query, found, _ = parts.query.partition(_SIGNATURE)
        path, encoded = parts.path, quote(key, safe=_SAFE)
        values = dict(parse_qsl(query, keep_blank_values=True))
        scope = values.get("X-Amz-Credential", "").partition("/")[2]
        fields = scope.split("/")
        if not found or not path.endswith(encoded) or len(fields) != 4:
            return None
        return cls(
            method=method,
            origin=f"{parts.scheme}://{parts.netloc}",
            host=parts.netloc,
            path=path.removesuffix(encoded),
            query=query,
            canonical_query="&".join(sorted(query.split("&"))),
            head=f"AWS4-HMAC-SHA256\n{values.get('X-Amz-Date', '')}\n{scope}\n",
            signing_key=_signing_key(secret_key, fields),
        )

    def url(self, key: str) -> str:
        """Return the URL for a key."""
        path = self.path + quote(key, safe=_SAFE)
        request = (
            f"{self.method}\n{path}\n{self.canonical_query}\nhost:{self.host}\n\nhost\n"
            "UNSIGNED-PAYLOAD"
        )
        text = self.head + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.digest(self.signing_key, text.encode(), "sha256").hex()
        return f"{self.origin}{path}?{self.query}{_SIGNATURE}{signature}"


def presign_many(  # noqa: PLR0913 - keyword-only data of one request
    bucket: Bucket,
    keys: Iterable[str],
    *,
    method: str = "GET",
    expires: int = 3600,
    parameters: dict[str, Any] | None = None,
    key_ends: datetime | None = None,
    work: Work | None = None,
) -> Iterator[Presigned]:
    """Yield a link for each key, all with the same options and the same expiry; see `presign`.

    Args:
        bucket: the bucket.
        keys: the objects, which need not exist.
        method: GET, PUT, HEAD or DELETE.
        expires: the requested validity in seconds: 1 to 604,800 (7 days).
        parameters: additional parameters of the operation that apply to all links.
        key_ends: when a planned rotation deactivates the access key that signs them, if known.
        work: cancel token.

    Raises:
        Cancelled: the token of `work` was cancelled.
        InvalidInput: a key, the method or the validity is not valid.
        CredentialsExpired: the credentials have expired.
        StorageError: the credentials cannot be obtained.
    """
    work = default_work(work)
    template: _Template | None = None
    first: Presigned | None = None
    for key in keys:
        work.check()
        if first is None or template is None:
            # Also for all keys of a server whose URLs have another form.
            link = presign(
                bucket, key,
                method=method, expires=expires, parameters=parameters, key_ends=key_ends, work=work,
            )  # fmt: skip
            template, first = _template_of(bucket, link, key), link
            yield link
            continue
        # The log filter masks the signature by its name. It would search each later message for
        # each of a million links.
        url = Secret(template.url(check_key(key)), remembered=False)
        yield Presigned(url, first.method, first.requested_seconds, first.life, path_warning(key))


def _template_of(bucket: Bucket, link: Presigned, key: str) -> _Template | None:
    """Return the template of a link if it reproduces the link exactly."""
    url = link.url.reveal()
    secret_key = bucket.clients.frozen_keys().secret_access_key
    template = _Template.of(url, key, link.method, secret_key)
    # Keys that were refreshed in between, or options that change the signed headers.
    return template if template is not None and template.url(key) == url else None


def _signing_key(secret_key: Secret, fields: list[str]) -> bytes:
    """Return the key for a scope of date, region, service and the constant `aws4_request`."""
    found = f"AWS4{secret_key.reveal()}".encode()
    for field in fields:
        found = hmac.digest(found, field.encode(), "sha256")
    return found

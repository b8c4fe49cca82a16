"""Signature version 4, verified like AWS, in the header and in the query of a presigned URL.

Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from core.aws.limits import CLOCK_SKEW_SECONDS, PRESIGN_SECONDS
from core.demo.request_checks.refusals import Code, Refusal, Refused
from core.demo.request_checks.request import Incoming

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
_STAMP = "%Y%m%dT%H%M%SZ"
_LINK_PARAMETERS = ("Credential", "Date", "Expires", "SignedHeaders", "Signature")


@dataclass(frozen=True, slots=True)
class Claim:
    """The signer that a request claims to have; proven only after `verify`."""

    access_key_id: str
    date: str
    region: str
    service: str
    stamp: str
    signed_headers: tuple[str, ...]
    signature: str
    token: str | None = None
    expires: int | None = None

    @property
    def scope(self) -> str:
        """The credential scope of the signing key."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def moment(self) -> datetime:
        """The time of the signature, in UTC."""
        return datetime.strptime(self.stamp, _STAMP).replace(tzinfo=UTC)

    @property
    def is_link(self) -> bool:
        """Whether the signature is in the query, as in a presigned URL."""
        return self.expires is not None


def claim_of(request: Incoming) -> Claim:
    """Return the signer that a request claims to have.

    Raises:
        Refused: it is not signed, signed in an old way, or its signature cannot be read.
    """
    header = request.headers.get("authorization", "")
    if header.startswith(ALGORITHM):
        return _from_header(request, header)
    if request.has("X-Amz-Algorithm") or request.has("X-Amz-Signature"):
        return _from_query(request)
    if header or request.has("AWSAccessKeyId"):
        message = "The authorization mechanism you have provided is not supported. Please use "
        raise Refused(Code(400, "InvalidRequest", message + ALGORITHM + "."))
    raise Refused(Refusal.ANONYMOUS)


def _from_header(request: Incoming, header: str) -> Claim:
    pairs = (part.strip().partition("=") for part in header[len(ALGORITHM) :].split(","))
    parts = {name: value for name, _, value in pairs}
    return claim_of_parts(
        parts.get("Credential", ""),
        stamp=request.headers.get("x-amz-date", ""),
        signed=parts.get("SignedHeaders", ""),
        signature=parts.get("Signature", ""),
        token=request.headers.get("x-amz-security-token"),
    )


def _from_query(request: Incoming) -> Claim:
    values = {name: request.param(f"X-Amz-{name}") or "" for name in _LINK_PARAMETERS}
    if not all(values.values()):
        _bad_link(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            "X-Amz-Expires parameters."
        )
    return claim_of_parts(
        values["Credential"],
        stamp=values["Date"],
        signed=values["SignedHeaders"],
        signature=values["Signature"],
        token=request.param("X-Amz-Security-Token"),
        expires=_seconds(values["Expires"]),
    )


def _seconds(text: str) -> int:
    if not text.isdecimal():
        _bad_link("X-Amz-Expires should be a number")
    if int(text) > PRESIGN_SECONDS:
        _bad_link(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given "
            f"X-Amz-Expires must be less than {PRESIGN_SECONDS} seconds"
        )
    return int(text)


def _bad_link(message: str) -> None:
    raise Refused(Code(400, "AuthorizationQueryParametersError", message))


def claim_of_parts(
    credential: str,
    *,
    stamp: str,
    signature: str,
    token: str | None,
    signed: str = "",
    expires: int | None = None,
) -> Claim:
    """Return the signer that the fields of a signature name.

    Args:
        credential: the access key and the scope, joined by slashes.
        stamp: the time of the signature.
        signature: the signature in hexadecimal digits.
        token: the session token, if any.
        signed: the names of the signed headers, which a form does not have.
        expires: the validity of a link in seconds.

    Raises:
        Refused: the credential or the time cannot be read.
    """
    parts = credential.split("/")
    try:
        datetime.strptime(stamp, _STAMP)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        raise Refused(Refusal.MALFORMED) from None
    if len(parts) != 5 or parts[4] != "aws4_request" or not stamp.startswith(parts[1]):
        raise Refused(Refusal.MALFORMED)
    names = tuple(signed.lower().split(";"))
    key, date, region, service, _ = parts
    return Claim(key, date, region, service, stamp, names, signature, token, expires)


def check_time(claim: Claim, now: datetime) -> None:
    """Refuse a request that was signed over 15 minutes ago, and an expired presigned URL.

    Raises:
        Refused: `RequestTimeTooSkewed`, or "Request has expired" for a link.
    """
    if claim.expires is None:
        if abs((now - claim.moment).total_seconds()) > CLOCK_SKEW_SECONDS:
            earliest = (now - timedelta(seconds=CLOCK_SKEW_SECONDS)).strftime(_STAMP)
            detail = f"{claim.stamp} is now earlier than {earliest} ({now:{_STAMP}} - 15 min.)"
            raise Refused(Refusal.SKEWED, detail=detail)
        return
    ends = claim.moment + timedelta(seconds=claim.expires)
    if now > ends:
        raise Refused(
            Code(403, "AccessDenied", "Request has expired"),
            Expires=f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            ServerTime=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        )
    if (claim.moment - now).total_seconds() > CLOCK_SKEW_SECONDS:
        raise Refused(Code(403, "AccessDenied", "Request is not valid yet"))


def verify(request: Incoming, claim: Claim, secret: str) -> bytes:
    """Check the signature and, if it is signed, the hash of the body; return the signing key.

    Raises:
        Refused: the signature or the body's hash does not match.
    """
    # S3 requires that the host is signed; a signature could otherwise be used on another host.
    if "host" not in claim.signed_headers:
        raise Refused(Refusal.WRONG_SIGNATURE)
    key = signing_key(claim, secret)
    canonical = _canonical(request, claim)
    text = f"{ALGORITHM}\n{claim.stamp}\n{claim.scope}\n{_sha256(canonical.encode())}"
    if not hmac.compare_digest(_hmac(key, text).hex(), claim.signature):
        raise Refused(Refusal.WRONG_SIGNATURE)
    _check_body(request, claim)
    return key


def signing_key(claim: Claim, secret: str) -> bytes:
    """Derive the key that signs requests of the claim's day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = _hmac(key, part)
    return key


def _canonical(request: Incoming, claim: Claim) -> str:
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in claim.signed_headers
    )
    lines = (
        request.method,
        quote(unquote_to_bytes(request.path), safe="/-_.~"),
        _canonical_query(request),
        headers,
        ";".join(claim.signed_headers),
        _payload(request, claim),
    )
    return "\n".join(lines)


def _canonical_query(request: Incoming) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in request.query
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _payload(request: Incoming, claim: Claim) -> str:
    """Return the hash that the signature covers, or the constant that replaces it."""
    declared = request.headers.get("x-amz-content-sha256")
    if claim.is_link:
        return declared or request.param("X-Amz-Content-Sha256") or UNSIGNED
    if claim.service == "s3" and declared is None:
        message = "Missing required header for this request: x-amz-content-sha256"
        raise Refused(Code(400, "InvalidRequest", message))
    return declared or _sha256(request.body)


def _check_body(request: Incoming, claim: Claim) -> None:
    declared = _payload(request, claim)
    if declared == UNSIGNED or declared.startswith("STREAMING-"):
        return
    if declared != _sha256(request.body):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise Refused(Code(400, "XAmzContentSHA256Mismatch", message))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

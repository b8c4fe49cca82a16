"""Bodies of S3 requests: chunked uploads are decoded, and every sent checksum is compared.

Source: Amazon S3 API reference, "Signature calculations ... chunked upload" and "trailing headers".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from core.demo.request_checks.refusals import Code, Refusal, Refused
from core.demo.request_checks.request import Incoming
from core.demo.request_checks.signature import UNSIGNED, Claim
from core.objects.checksums import digest_of

_NOTHING = hashlib.sha256(b"").hexdigest()
#: Checksum algorithms of S3, as in the name of the header, and the length of each in bytes.
_CHECKSUMS: Mapping[str, int] = {
    "crc32": 4,
    "crc32c": 4,
    "crc64nvme": 8,
    "sha1": 20,
    "sha256": 32,
}
_HEADER = "x-amz-checksum-"
#: Headers with the same prefix that are not checksums.
_NO_CHECKSUMS = frozenset({"algorithm", "mode", "type"})


@dataclass(frozen=True, slots=True)
class Body:
    """The decoded bytes of a body, and the headers to change for moto (None: removed)."""

    data: bytes
    changed: Mapping[str, str | None]


def body_of(request: Incoming, claim: Claim, key: bytes) -> Body:
    """Return the decoded body of an S3 request after its checks.

    Args:
        request: with a signature that has been verified.
        claim: the verified signature, on which the signatures of chunks depend.
        key: the signing key.

    Raises:
        Refused: the signature of a chunk, a checksum or the length does not match.
    """
    declared = request.headers.get("x-amz-content-sha256", "")
    body = Body(request.body, {})
    if declared.startswith("STREAMING-"):
        signed = declared.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        body = _unpacked(request, _Chunks(claim, key) if signed else None)
    headers = {**request.headers, **{k: v for k, v in body.changed.items() if v}}
    promised = request.headers.get("x-amz-trailer", "").lower()
    if promised and promised not in headers:
        message = "The trailing header that was announced is missing."
        raise Refused(Code(400, "MalformedTrailerError", message))
    _check(body.data, headers, of_upload=request.has("uploads") or _completes(request))
    return body


def _completes(request: Incoming) -> bool:
    return request.method == "POST" and request.has("uploadId")


class _Chunks:
    """The chain of chunk signatures: each covers the preceding one."""

    def __init__(self, claim: Claim, key: bytes) -> None:
        self._claim = claim
        self._key = key
        self._previous = claim.signature

    def check(self, extension: bytes, data: bytes) -> None:
        """Check that the signature of a chunk continues the chain."""
        declared = extension.partition(b"chunk-signature=")[2].decode("ascii", "replace")
        lines = (
            "AWS4-HMAC-SHA256-PAYLOAD",
            self._claim.stamp,
            self._claim.scope,
            self._previous,
            _NOTHING,
            hashlib.sha256(data).hexdigest(),
        )
        made = hmac.new(self._key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made, declared):
            raise Refused(Refusal.WRONG_SIGNATURE)
        self._previous = made


def _unpacked(request: Incoming, chain: _Chunks | None) -> Body:
    stream, parts = BytesIO(request.body), []
    while True:
        size, _, extension = stream.readline().strip().partition(b";")
        data = stream.read(_hexadecimal(size))
        if chain:
            chain.check(extension, data)
        # The last chunk is empty; the trailing headers follow it.
        if not data:
            break
        parts.append(data)
        stream.readline()
    content = b"".join(parts)
    if str(len(content)) != request.headers.get("x-amz-decoded-content-length"):
        raise _incomplete()
    return Body(content, {**_trailers(stream), **_as_plain(request)})


def _hexadecimal(text: bytes) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise _incomplete() from None


def _incomplete() -> Refused:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header."
    return Refused(Code(400, "IncompleteBody", message))


def _trailers(stream: BytesIO) -> dict[str, str]:
    lines = (line.decode("ascii", "replace").partition(":") for line in stream)
    return {name.strip().lower(): text.strip() for name, _, text in lines if text.strip()}


def _as_plain(request: Incoming) -> dict[str, str | None]:
    """Return the headers of the encoding, which moto must not decode again."""
    encodings = request.headers.get("content-encoding", "").split(",")
    remaining = ",".join(each.strip() for each in encodings if each.strip() != "aws-chunked")
    return {
        "x-amz-content-sha256": UNSIGNED,
        "x-amz-trailer": None,
        "x-amz-trailer-signature": None,
        "content-encoding": remaining or None,
    }


def _check(data: bytes, headers: Mapping[str, str], *, of_upload: bool) -> None:
    """Compare every sent checksum; that of a completed upload covers the complete object."""
    declared = headers.get("content-md5")
    if declared is not None:
        made = hashlib.md5(data, usedforsecurity=False).digest()
        if _binary(declared, 16) != made:
            raise Refused(
                Code(400, "BadDigest", "The Content-MD5 you specified did not match the body.")
            )
    sent = [name.removeprefix(_HEADER) for name in headers if name.startswith(_HEADER)]
    sent = [name for name in sent if name not in _NO_CHECKSUMS]
    if len(sent) > 1 or set(sent) - set(_CHECKSUMS):
        message = "Expecting a single x-amz-checksum- header of a known algorithm"
        raise Refused(Code(400, "InvalidRequest", message))
    if headers.get("x-amz-sdk-checksum-algorithm") and not sent and not of_upload:
        message = (
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found."
        )
        raise Refused(Code(400, "InvalidRequest", message))
    for name in () if of_upload else sent:
        value = _binary(headers[f"{_HEADER}{name}"], _CHECKSUMS[name])
        if value != digest_of(name, data):
            message = f"The {name.upper()} you specified did not match the calculated checksum."
            raise Refused(Code(400, "BadDigest", message))


def _binary(text: str, length: int) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if len(found) != length:
        raise Refused(Code(400, "InvalidDigest", "The checksum you specified was invalid."))
    return found

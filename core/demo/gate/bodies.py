"""Bodies as S3 takes them: chunked uploads unpacked, and every checksum that was sent checked.

Source: Amazon S3 API reference, "Signature calculations ... chunked upload" and "trailing headers".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

from core.demo.gate.refusals import Code, Refusal, Refused
from core.demo.gate.request import Incoming
from core.demo.gate.signature import UNSIGNED, Claim

_NOTHING = hashlib.sha256(b"").hexdigest()
_CHECKSUMS: Mapping[str, Callable[[bytes], bytes]] = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes themselves, and the headers that moto must see changed (None: removed)."""

    data: bytes
    changed: Mapping[str, str | None]


def body_of(request: Incoming, claim: Claim, key: bytes) -> Body:
    """Return an S3 request's body, unpacked and checked.

    Args:
        request: with a signature that has been verified.
        claim: what was verified; the signatures of chunks follow from it.
        key: the signing key.

    Raises:
        Refused: a chunk's signature, a checksum or the length is another.
    """
    told = request.headers.get("x-amz-content-sha256", "")
    body = Body(request.body, {})
    if told.startswith("STREAMING-"):
        signed = told.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        body = _unpacked(request, _Chunks(claim, key) if signed else None)
    _check(body.data, {**request.headers, **{k: v for k, v in body.changed.items() if v}})
    return body


class _Chunks:
    """The chain of chunk signatures: each covers the one before."""

    def __init__(self, claim: Claim, key: bytes) -> None:
        self._claim = claim
        self._key = key
        self._previous = claim.signature

    def check(self, extension: bytes, data: bytes) -> None:
        """Refuse a chunk whose signature is not the next in the chain."""
        told = extension.partition(b"chunk-signature=")[2].decode("ascii", "replace")
        lines = (
            "AWS4-HMAC-SHA256-PAYLOAD",
            self._claim.stamp,
            self._claim.scope,
            self._previous,
            _NOTHING,
            hashlib.sha256(data).hexdigest(),
        )
        made = hmac.new(self._key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made, told):
            raise Refused(Refusal.WRONG_SIGNATURE)
        self._previous = made


def _unpacked(request: Incoming, chain: _Chunks | None) -> Body:
    stream, parts = BytesIO(request.body), []
    while True:
        size, _, extension = stream.readline().strip().partition(b";")
        data = stream.read(_hexadecimal(size))
        if chain:
            chain.check(extension, data)
        if not data:
            break
        parts.append(data)
        stream.readline()
    whole = b"".join(parts)
    if str(len(whole)) != request.headers.get("x-amz-decoded-content-length"):
        raise _incomplete()
    return Body(whole, {**_trailers(stream), **_as_plain(request)})


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
    """The headers that told of the packing, which moto shall not undo once more."""
    encodings = request.headers.get("content-encoding", "").split(",")
    kept = ",".join(each.strip() for each in encodings if each.strip() != "aws-chunked")
    return {
        "x-amz-content-sha256": UNSIGNED,
        "x-amz-trailer": None,
        "x-amz-trailer-signature": None,
        "content-encoding": kept or None,
    }


def _check(data: bytes, headers: Mapping[str, str]) -> None:
    told = headers.get("content-md5")
    if told is not None:
        made = hashlib.md5(data, usedforsecurity=False).digest()
        if _binary(told, 16) != made:
            raise Refused(
                Code(400, "BadDigest", "The Content-MD5 you specified did not match the body.")
            )
    for name, checksum in _CHECKSUMS.items():
        told = headers.get(f"x-amz-checksum-{name}")
        if told is not None and _binary(told, len(checksum(b""))) != checksum(data):
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

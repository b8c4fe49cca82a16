"""Error answers in the format of each service: XML for S3 and query services, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from uuid import uuid4
from xml.sax.saxutils import escape

from core.demo.request_checks.request import Incoming


class Dialect(Enum):
    """Error format of a service."""

    S3 = "s3"
    QUERY = "query"
    JSON = "json"
    CBOR = "cbor"


@dataclass(frozen=True, slots=True)
class Code:
    """An error's status and code in one dialect."""

    status: int
    name: str
    message: str


_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a message of AWS
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method."
)
_EXPIRED = "The security token included in the request is expired"
#: A query service's and a JSON service's error for a key or token that does not exist.
_UNKNOWN_TOKEN = (
    Code(403, "InvalidClientTokenId", _TOKEN),
    Code(400, "UnrecognizedClientException", _TOKEN),
)


class Refusal(Enum):
    """Reason of a refusal: S3's code, a query service's and a JSON service's for each."""

    UNKNOWN_KEY = (
        Code(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        *_UNKNOWN_TOKEN,
    )
    WRONG_SIGNATURE = (
        Code(403, "SignatureDoesNotMatch", _MISMATCH),
        Code(403, "SignatureDoesNotMatch", _MISMATCH),
        Code(400, "InvalidSignatureException", _MISMATCH),
    )
    SKEWED = (
        Code(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
        Code(403, "SignatureDoesNotMatch", "Signature expired: {detail}"),
        Code(400, "InvalidSignatureException", "Signature expired: {detail}"),
    )
    ANONYMOUS = (
        Code(403, "AccessDenied", "Access Denied"),
        Code(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        Code(400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    )
    MALFORMED = (
        Code(400, "AuthorizationHeaderMalformed", "The authorization header is malformed."),
        Code(400, "IncompleteSignature", "The request signature does not conform to standards."),
        Code(400, "IncompleteSignatureException", "The request signature does not conform."),
    )
    WRONG_TOKEN = (
        Code(400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        *_UNKNOWN_TOKEN,
    )
    EXPIRED_TOKEN = (
        Code(400, "ExpiredToken", "The provided token has expired."),
        Code(403, "ExpiredToken", _EXPIRED),
        Code(400, "ExpiredTokenException", _EXPIRED),
    )
    DENIED = (
        Code(403, "AccessDenied", "{detail}"),
        Code(403, "AccessDenied", "{detail}"),
        Code(400, "AccessDeniedException", "{detail}"),
    )
    NO_SERVICE = (
        Code(501, "NotImplemented", "{detail}"),
        Code(501, "InvalidAction", "{detail}"),
        Code(501, "UnknownOperationException", "{detail}"),
    )

    def in_dialect(self, dialect: Dialect) -> Code:
        """Return the status, code and message of this refusal in a dialect."""
        s3, query, as_json = self.value
        return {Dialect.S3: s3, Dialect.QUERY: query}.get(dialect, as_json)


class Refused(Exception):  # noqa: N818 - named for what happened, as in `core.errors`
    """A refused request, which is answered with an error of the service."""

    def __init__(self, why: Refusal | Code, *, detail: str = "", **fields: str) -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail
        self.fields = fields

    def code(self, dialect: Dialect) -> Code:
        """Return status, code and final message in a dialect."""
        code = self.why if isinstance(self.why, Code) else self.why.in_dialect(dialect)
        return Code(code.status, code.name, code.message.replace("{detail}", self.detail))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is sent instead of moto's."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def dialect_of(request: Incoming, service: str) -> Dialect:
    """Return the error format of a service; that of S3 for a request that names no service."""
    if "smithy-protocol" in request.headers:
        return Dialect.CBOR
    if "x-amz-target" in request.headers:
        return Dialect.JSON
    return Dialect.S3 if service in {"", "s3"} else Dialect.QUERY


def answer_to(refused: Refused, request: Incoming, dialect: Dialect) -> Answer:
    """Return a refusal as an answer in the format of the service; a HEAD answer has no body."""
    code = refused.code(dialect)
    number = uuid4().hex[:16].upper()
    kind, body = _WRITERS[dialect](code, number, refused.fields)
    headers = {
        "Content-Type": kind,
        "x-amz-request-id": number,
        "x-amzn-requestid": number,
        **({"x-amz-bucket-region": refused.fields["Region"]} if "Region" in refused.fields else {}),
        **({"smithy-protocol": "rpc-v2-cbor"} if dialect is Dialect.CBOR else {}),
    }
    return Answer(code.status, headers, b"" if request.method == "HEAD" else body)


def _s3(code: Code, number: str, fields: Mapping[str, str]) -> tuple[str, bytes]:
    parts = {"Code": code.name, "Message": code.message, **fields, "RequestId": number}
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items())
    return (
        "application/xml",
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode(),
    )


def _query(code: Code, number: str, _fields: Mapping[str, str]) -> tuple[str, bytes]:
    error = f"<Type>Sender</Type><Code>{code.name}</Code><Message>{escape(code.message)}</Message>"
    text = f"<ErrorResponse><Error>{error}</Error><RequestId>{number}</RequestId></ErrorResponse>"
    return "text/xml", text.encode()


def _json(code: Code, _number: str, _fields: Mapping[str, str]) -> tuple[str, bytes]:
    body = {"__type": code.name, "message": code.message}
    return "application/x-amz-json-1.1", json.dumps(body).encode()


def _cbor(code: Code, _number: str, _fields: Mapping[str, str]) -> tuple[str, bytes]:
    texts = ("__type", code.name, "message", code.message)
    return "application/cbor", b"\xa2" + b"".join(map(_cbor_text, texts))


def _cbor_text(text: str) -> bytes:
    """Encode a text of up to 65,535 bytes (RFC 8949, major type 3)."""
    data = text.encode()
    return b"\x79" + len(data).to_bytes(2, "big") + data


_WRITERS = {Dialect.S3: _s3, Dialect.QUERY: _query, Dialect.JSON: _json, Dialect.CBOR: _cbor}

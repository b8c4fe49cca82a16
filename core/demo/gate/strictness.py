"""Limits of AWS that moto does not know: what passes them is refused here as there."""

from __future__ import annotations

from core.aws.limits import DELETE_KEYS, KEY_BYTES, METADATA_BYTES, SECRET_BYTES
from core.demo.gate.refusals import Code, Refused
from core.demo.gate.request import Incoming
from core.demo.gate.service_actions import body_of, operation_of

_WRITERS_OF_SECRETS = frozenset({"CreateSecret", "PutSecretValue", "UpdateSecret"})


def check_s3(request: Incoming, body: bytes) -> None:
    """Refuse an S3 request that is longer or larger than S3 takes.

    Args:
        request: the request; its own body may still be packed.
        body: the body unpacked.

    Raises:
        Refused: with the code S3 gives.
    """
    if len(request.key.encode("utf-8", "surrogateescape")) > KEY_BYTES:
        raise Refused(Code(400, "KeyTooLongError", "Your key is too long"), MaxSizeAllowed="1024")
    is_delete = request.method == "POST" and request.has("delete")
    if is_delete and body.count(b"<Object>") > DELETE_KEYS:
        message = "The XML you provided was not well-formed or did not validate"
        raise Refused(Code(400, "MalformedXML", message))
    prefix = "x-amz-meta-"
    told = (item for item in request.headers.items() if item[0].startswith(prefix))
    if sum(len(name) - len(prefix) + len(value) for name, value in told) > METADATA_BYTES:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise Refused(Code(400, "MetadataTooLarge", message), MaxSizeAllowed="2048")


def check_secret(request: Incoming) -> None:
    """Refuse a secret's value that Secrets Manager would not keep.

    Raises:
        Refused: it is longer than 65,536 bytes.
    """
    if operation_of(request) not in _WRITERS_OF_SECRETS:
        return
    value = body_of(request).get("SecretString")
    if isinstance(value, str) and len(value.encode()) > SECRET_BYTES:
        message = "1 validation error detected: Value at 'secretString' failed to satisfy "
        raise Refused(Code(400, "ValidationException", message + "constraint: length <= 65536"))

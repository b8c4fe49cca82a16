"""Limits and rules of AWS that moto does not enforce."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

from core.aws.limits import (
    DELETE_KEYS,
    KEY_BYTES,
    METADATA_BYTES,
    SECRET_BYTES,
    SECRET_DESCRIPTION_CHARS,
    SECRET_NAME_CHARS,
)
from core.demo.request_checks.policy_documents import check_policy
from core.demo.request_checks.principals import has_public_block
from core.demo.request_checks.refusals import Code, Refused
from core.demo.request_checks.request import Incoming
from core.demo.request_checks.service_actions import body_of, operation_of
from core.lifecycle.checks import problems

_WRITERS_OF_SECRETS = frozenset({"CreateSecret", "PutSecretValue", "UpdateSecret"})
_SECRET_NAME = re.compile(r"[\w/+=.@!-]+", re.ASCII)
#: Changes of a bucket for which S3 requires a checksum of the body.
_WITH_CHECKSUM = ("delete", "lifecycle", "policy")


def check_s3(request: Incoming, body: bytes) -> None:
    """Refuse an S3 request that exceeds a limit of S3 or breaks one of its rules.

    Args:
        request: the request, whose body may be encoded in chunks.
        body: the decoded body.

    Raises:
        Refused: with the error code of S3.
    """
    if len(request.key.encode("utf-8", "surrogateescape")) > KEY_BYTES:
        raise Refused(Code(400, "KeyTooLongError", "Your key is too long"), MaxSizeAllowed="1024")
    _check_metadata(request)
    if request.key or request.method not in {"PUT", "POST"}:
        return  # the following rules are for changes of a bucket
    _check_has_checksum(request)
    if request.has("delete"):
        _check_delete(body)
    elif request.has("lifecycle"):
        _check_lifecycle(body)
    elif request.has("policy"):
        check_policy(request.bucket, body, block_public=has_public_block(request.bucket))


def _check_metadata(request: Incoming) -> None:
    prefix = "x-amz-meta-"
    found = (item for item in request.headers.items() if item[0].startswith(prefix))
    if sum(len(name) - len(prefix) + len(value) for name, value in found) > METADATA_BYTES:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise Refused(Code(400, "MetadataTooLarge", message), MaxSizeAllowed="2048")


def _check_has_checksum(request: Incoming) -> None:
    """Source: S3 API reference, "Content-MD5 ... required" of the three operations."""
    needed = any(request.has(name) for name in _WITH_CHECKSUM)
    names = [*request.headers, *request.headers.get("x-amz-trailer", "").split(",")]
    given = any(n == "content-md5" or n.strip().startswith("x-amz-checksum-") for n in names)
    if needed and not given:
        message = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        raise Refused(Code(400, "InvalidRequest", message))


def _check_delete(body: bytes) -> None:
    try:
        root = ET.fromstring(body)  # noqa: S314 - on the loopback, from this machine's own user
    except ET.ParseError:
        raise _malformed() from None
    count = sum(child.tag.rpartition("}")[2] == "Object" for child in root)
    if not 0 < count <= DELETE_KEYS:
        raise _malformed()


def _check_lifecycle(body: bytes) -> None:
    try:
        rules = rules_of(body)
    except ValueError:
        raise _malformed() from None
    if not rules:
        raise _malformed()
    for _name, problem in problems(rules):
        raise Refused(Code(400, "InvalidRequest", problem.cause))


def _malformed() -> Refused:
    message = "The XML you provided was not well-formed or did not validate"
    return Refused(Code(400, "MalformedXML", message))


def check_secret(request: Incoming) -> None:
    """Refuse a secret that Secrets Manager would not store.

    Raises:
        Refused: the value is longer than 65,536 bytes, or the name or description is not valid.
    """
    operation = operation_of(request)
    if operation not in _WRITERS_OF_SECRETS:
        return
    requested = body_of(request)
    for field in ("SecretString", "SecretBinary"):
        value = requested.get(field)
        if isinstance(value, str) and _size(field, value) > SECRET_BYTES:
            raise _not_valid(f"Value at '{field}'", f"length <= {SECRET_BYTES}")
    name = requested.get("Name", "")
    if operation == "CreateSecret" and not _SECRET_NAME.fullmatch(name):
        raise Refused(Code(400, "ValidationException", "Invalid name. Must be a valid name"))
    if len(name) > SECRET_NAME_CHARS:
        raise _not_valid("Value at 'name'", f"length <= {SECRET_NAME_CHARS}")
    if len(requested.get("Description") or "") > SECRET_DESCRIPTION_CHARS:
        raise _not_valid("Value at 'description'", f"length <= {SECRET_DESCRIPTION_CHARS}")


def _size(field: str, value: str) -> int:
    """Return the bytes of a value; binary ones are sent in Base64."""
    if field == "SecretString":
        return len(value.encode("utf-8", "surrogatepass"))
    try:
        return len(base64.b64decode(value))
    except binascii.Error:
        return 0


def _not_valid(what: str, rule: str) -> Refused:
    message = f"1 validation error detected: {what} failed to satisfy constraint: {rule}"
    return Refused(Code(400, "ValidationException", message))


_LISTS = {
    "Transition": "Transitions",
    "NoncurrentVersionTransition": "NoncurrentVersionTransitions",
}
_NUMBERS = frozenset(
    {
        "Days",
        "DaysAfterInitiation",
        "NewerNoncurrentVersions",
        "NoncurrentDays",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
    }
)


def rules_of(body: bytes) -> list[dict[str, Any]]:
    """Return the rules of a PutBucketLifecycleConfiguration request.

    Raises:
        ValueError: the body is not well-formed, or a field that must be a number is not.
    """
    try:
        root = ET.fromstring(body)  # noqa: S314 - on the loopback, from this machine's own user
    except ET.ParseError:
        raise ValueError("the XML is not well-formed") from None
    return [_fields(rule) for rule in root if _name(rule) == "Rule"]


def _fields(element: Iterable[ET.Element]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        if name in _LISTS:
            found.setdefault(_LISTS[name], []).append(_fields(child))
        else:
            found[name] = _value(name, child)
    return found


def _value(name: str, element: ET.Element) -> Any:
    if len(element) or name in {"Filter", "And"}:
        return _fields(element)
    text = (element.text or "").strip() if name in _NUMBERS else element.text or ""
    if name in _NUMBERS:
        return int(text)
    return text == "true" if name == "ExpiredObjectDeleteMarker" else text


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]

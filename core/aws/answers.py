"""Checks that an answer is complete and comes from AWS before it is used.

botocore treats a truncated or empty body, or a web page with status 200, as an answer without
content. `check_answer` checks the raw answer: declared length, closed root element, expected form,
required headers; `missing_field` checks what botocore parsed. A failed check raises
`BadAnswerError`, which is handled like a failure of the connection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from botocore.exceptions import HTTPClientError

from core.units import format_counted

#: The root element of S3's answers (S3 API reference, "Response Syntax" of each operation).
_S3_ROOTS = {
    "ListObjectsV2": b"ListBucketResult",
    "ListObjects": b"ListBucketResult",
    "ListObjectVersions": b"ListVersionsResult",
    "ListBuckets": b"ListAllMyBucketsResult",
    "ListMultipartUploads": b"ListMultipartUploadsResult",
    "ListParts": b"ListPartsResult",
    "CreateMultipartUpload": b"InitiateMultipartUploadResult",
    "CompleteMultipartUpload": b"CompleteMultipartUploadResult",
    "CopyObject": b"CopyObjectResult",
    "UploadPartCopy": b"CopyPartResult",
    "DeleteObjects": b"DeleteResult",
    "GetBucketVersioning": b"VersioningConfiguration",
    "GetBucketLifecycleConfiguration": b"LifecycleConfiguration",
    "GetBucketEncryption": b"ServerSideEncryptionConfiguration",
    "GetPublicAccessBlock": b"PublicAccessBlockConfiguration",
    "GetBucketAcl": b"AccessControlPolicy",
    "GetObjectAcl": b"AccessControlPolicy",
    "GetBucketLogging": b"BucketLoggingStatus",
    "GetBucketLocation": b"LocationConstraint",
    "GetBucketPolicyStatus": b"PolicyStatus",
    "GetBucketOwnershipControls": b"OwnershipControls",
}
#: Root elements that other servers use for the same content.
_OTHER_ROOTS: dict[str, tuple[bytes, ...]] = {
    "GetPublicAccessBlock": (b"BlockPublicAccessBlockConfiguration",)
}
#: Required headers of S3's answers: without them an answer confirms nothing.
_S3_HEADERS = {
    "PutObject": ("etag",),
    "UploadPart": ("etag",),
    "GetObject": ("etag",),
    "HeadObject": ("etag", "content-length", "last-modified"),
}
#: Fields that AWS always sends but botocore's models do not mark as required.
_FIELDS = {
    "s3:CreateMultipartUpload": ("UploadId",),
    "s3:CompleteMultipartUpload": ("ETag",),
    "s3:CopyObject": ("CopyObjectResult.ETag",),
    "s3:UploadPartCopy": ("CopyPartResult.ETag",),
    "secretsmanager:ListSecrets": ("SecretList",),
    "secretsmanager:GetSecretValue": ("ARN", "Name", "VersionId"),
    "secretsmanager:PutSecretValue": ("ARN", "Name", "VersionId"),
    "secretsmanager:CreateSecret": ("ARN", "Name"),
    "secretsmanager:UpdateSecret": ("ARN", "Name"),
    "secretsmanager:DeleteSecret": ("ARN", "Name", "DeletionDate"),
    "secretsmanager:RestoreSecret": ("ARN", "Name"),
    "secretsmanager:DescribeSecret": ("ARN", "Name"),
    "secretsmanager:RotateSecret": ("ARN", "Name"),
    "secretsmanager:CancelRotateSecret": ("ARN", "Name"),
    "secretsmanager:ListSecretVersionIds": ("ARN", "Name"),
    "secretsmanager:UpdateSecretVersionStage": ("ARN", "Name"),
    "secretsmanager:GetRandomPassword": ("RandomPassword",),
    "sts:GetCallerIdentity": ("Account", "Arn", "UserId"),
    "sts:AssumeRole": ("Credentials",),
    "sts:AssumeRoleWithWebIdentity": ("Credentials",),
    "sts:GetSessionToken": ("Credentials",),
    "iam:GetAccessKeyLastUsed": ("AccessKeyLastUsed",),
    "athena:StartQueryExecution": ("QueryExecutionId",),
    "athena:GetQueryExecution": ("QueryExecution",),
    "cloudwatch:ListMetrics": ("Metrics",),
    "cloudwatch:GetMetricData": ("MetricDataResults",),
    "cloudwatch:GetMetricStatistics": ("Datapoints",),
}
_PORTAL = "a web page or something else that is not AWS answered"
_HTML = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
_ERROR_ROOT = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?<Error[\s>]")


class BadAnswerError(HTTPClientError):  # type: ignore[misc] # botocore ships no types
    """An answer that is incomplete or does not come from AWS.

    Args:
        what: the problem; it never quotes the content of the answer.
        final: whether a retry is pointless because another program answers at this address.
        proxy: whether a proxy requires authentication (407).
        unsupported: whether the server does not know the operation and answered a different one.
    """

    fmt = "The answer was rejected: {what}"

    def __init__(
        self, what: str, *, final: bool = False, proxy: bool = False, unsupported: bool = False
    ) -> None:
        super().__init__(what=what)
        self.what, self.final, self.proxy, self.unsupported = what, final, proxy, unsupported


def check_answer(operation_model: Any, response_dict: dict[str, Any], **_event: Any) -> None:
    """Reject a raw answer that is truncated, unexpectedly empty, or does not come from AWS.

    An `Error` element in an answer with status 200 is handled as an error (S3 API reference,
    CopyObject and CompleteMultipartUpload: "a 200 OK response can contain an error").

    Args:
        operation_model: botocore's description of the call.
        response_dict: botocore's raw answer: `status_code`, `headers`, `body`.

    Raises:
        BadAnswerError: the answer was rejected.
    """
    try:
        _check(operation_model, response_dict)
    except BadAnswerError:
        close = getattr(response_dict["body"], "close", None)
        if close is not None:  # the stream will not be read
            close()
        raise


def _check(operation_model: Any, response_dict: dict[str, Any]) -> None:
    status, headers = response_dict["status_code"], response_dict["headers"]
    body = response_dict["body"]
    stored = body if isinstance(body, bytes) else None
    declared = headers.get("content-length")
    if declared is not None and not str(declared).isdecimal():
        raise BadAnswerError("its declared length is not a number")
    if stored is not None and operation_model.http.get("method") != "HEAD":
        _check_length(declared, stored)
    if status == 407:
        raise BadAnswerError("a proxy requires authentication (407)", final=True, proxy=True)
    if status >= 500 and _HTML.match(stored or b""):
        response_dict["body"] = b""  # a gateway's page, which botocore's parsers cannot parse
    elif status >= 300:
        _check_redirect(status, headers, stored or b"")
    elif operation_model.service_model.protocol == "rest-xml":
        _check_s3(operation_model, response_dict, stored)
    elif operation_model.service_model.resolved_protocol in {"json", "rest-json"}:
        _check_json(operation_model, headers, stored or b"")
    else:
        _check_query(operation_model, headers, stored or b"")


def missing_field(operation_model: Any, parsed: Mapping[str, Any]) -> str | None:
    """Return the first required field that is missing in a parsed answer, or None.

    Required fields are those marked in botocore's service model and those of `_FIELDS`.
    """
    shape = operation_model.output_shape
    required = list(shape.required_members) if shape is not None else []
    service = operation_model.service_model.service_name
    for path in (*required, *_FIELDS.get(f"{service}:{operation_model.name}", ())):
        value: Any = parsed
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None or value == "":
            return str(path)
    return None


def is_closed(body: bytes, root: bytes) -> bool:
    """Return whether an XML document starts with the element `root` and is closed."""
    text = body.strip()
    if not re.search(rb"<" + root + rb"[\s/>]", text[:400]):
        return False
    return text.endswith((b"</" + root + b">", b"/>"))


def _check_length(declared: str | None, body: bytes) -> None:
    if declared is not None and int(declared) != len(body):
        raise BadAnswerError(
            f"it has {format_counted(len(body), 'byte')} instead of the declared {declared}"
        )


def _check_redirect(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Reject a redirect that does not come from S3: it leads to a sign-in page of the network."""
    if 300 < status < 304 or status in {307, 308}:
        ours = _has_mark(headers) or _ERROR_ROOT.match(body)
        if not ours:
            raise BadAnswerError(f"{_PORTAL} (HTTP status {status})", final=True)


def _has_mark(headers: Mapping[str, str]) -> bool:
    """Return whether the answer has a header that AWS or a compatible server adds."""
    return any(name.lower().startswith("x-amz") for name in headers)


def _check_type(headers: Mapping[str, str], word: str) -> None:
    kind = headers.get("content-type", "")
    if kind and word not in kind.lower() and not _has_mark(headers):
        raise BadAnswerError(f"{_PORTAL} (content type {kind[:40]})", final=True)


def _check_s3(operation_model: Any, response_dict: dict[str, Any], body: bytes | None) -> None:
    name, headers = operation_model.name, response_dict["headers"]
    if body is not None and _ERROR_ROOT.match(body):
        response_dict["status_code"] = 500
        return
    if (body is not None and _HTML.match(body)) or (body is None and _is_page(headers)):
        raise BadAnswerError(f"{_PORTAL} (HTML)", final=True)
    for header in _S3_HEADERS.get(name, ()):
        if not headers.get(header):
            raise BadAnswerError(f"it has no {header} header")
    root = _S3_ROOTS.get(name)
    if root is not None and body is not None:
        _check_type(headers, "xml")
        # Listings are the largest answers, and botocore parses them in any case.
        _check_xml(body, _written_root(name, root, body), parse=root != b"ListBucketResult")
    # An answer without a body is recognized only by its headers.
    elif name not in _S3_HEADERS and not _has_mark(headers):
        raise BadAnswerError("it has none of the headers that S3 sends")
    if name == "GetBucketPolicy":
        _check_object(body or b"")


def _written_root(name: str, root: bytes, body: bytes) -> bytes:
    """Return the expected root element: AWS's, or the one that another server uses.

    Raises:
        BadAnswerError: the server answered a different operation.
    """
    for other in (f"{name}Response".encode(), *_OTHER_ROOTS.get(name, ())):  # moto; Ceph RGW 16
        if b"<" + other in body[:400]:
            return other
    if name.startswith("Get") and is_closed(body, b"ListBucketResult"):
        # Ceph RGW lists the bucket if it does not know the requested setting.
        raise BadAnswerError("it lists the bucket instead", final=True, unsupported=True)
    return root


def _is_page(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith("text/html") and not _has_mark(headers)


def _check_xml(body: bytes, root: bytes, *, parse: bool = True) -> None:
    """Reject XML that is truncated, malformed, or lacks the root element."""
    if not body.strip():
        raise BadAnswerError("it is empty")
    if not is_closed(body, root):
        raise BadAnswerError(f"it is not a closed {root.decode()} element")
    if parse:
        try:
            ET.fromstring(body)  # noqa: S314 - no external entities; sizes are small
        except ET.ParseError:
            raise BadAnswerError("its XML is malformed") from None


def _check_json(operation_model: Any, headers: Mapping[str, str], body: bytes) -> None:
    _check_type(headers, "json")
    if operation_model.output_shape is None and not body:
        if not _has_mark(headers):
            raise BadAnswerError("it is empty and has none of the headers that AWS sends")
        return
    if _HTML.match(body):
        raise BadAnswerError(f"{_PORTAL} (HTML)", final=True)
    _check_object(body)


def _check_object(body: bytes) -> None:
    """Reject a body that is not a complete JSON object: a service's answer or a bucket policy."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswerError("it is not complete JSON" if body else "it is empty") from None
    if not isinstance(found, dict):
        raise BadAnswerError("its JSON is not an object")


def _check_query(operation_model: Any, headers: Mapping[str, str], body: bytes) -> None:
    if _HTML.match(body):
        raise BadAnswerError(f"{_PORTAL} (HTML)", final=True)
    _check_type(headers, "xml")
    _check_xml(body, f"{operation_model.name}Response".encode())

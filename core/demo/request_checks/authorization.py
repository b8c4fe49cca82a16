"""Authorization of requests by the policies of the principal and of the bucket.

DeleteObjects is authorized for each of its keys: a denied key is an error in an answer with status
200, and all other keys are deleted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, unescape

from moto.s3.models import s3_backends

from core.demo.request_checks import s3_actions, service_actions
from core.demo.request_checks.principals import ACCOUNT, PARTITION, Principal, may_be_assumed
from core.demo.request_checks.refusals import Refusal, Refused
from core.demo.request_checks.request import Incoming
from core.demo.request_checks.s3_actions import Need
from core.demo.request_checks.signature import Claim
from core.health.policy_eval import decision

_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_OF_INITIATOR = frozenset({"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"})

_OBJECT = re.compile(r"<Object>.*?</Object>", re.DOTALL)
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
#: moto writes a result without elements as one empty element.
_END = re.compile(rb"</DeleteResult>|<DeleteResult[^>]*/>")
#: The entities with which clients escape characters of a key besides those of XML.
_ENTITIES = {"&quot;": '"', "&apos;": "'", "&#39;": "'", "&#34;": '"', "&#13;": "\r", "&#10;": "\n"}
#: The complete answer if no object may be deleted.
EMPTY_RESULT = b'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult></DeleteResult>'


class Authorization:
    """Authorization by the present policies; records the initiators of multipart uploads."""

    def __init__(self) -> None:
        self._initiators: dict[str, str] = {}

    def check(self, request: Incoming, claim: Claim, principal: Principal) -> None:
        """Refuse what the policies do not permit.

        Raises:
            Refused: naming the action and the resource, as AWS does.
        """
        for need in _needs(request, claim, principal):
            if need[0] in service_actions.ALWAYS or self._is_initiator(request, need, principal):
                continue
            if not permitted(need, request, principal):
                raise denial(need, principal)
            if need[0] == "sts:AssumeRole" and not may_be_assumed(need[1], principal):
                raise denial(need, principal)

    def _is_initiator(self, request: Incoming, need: Need, principal: Principal) -> bool:
        """Return whether the caller created the upload, and so may list its parts and abort it.

        Source: S3 user guide, "Multipart upload API and permissions".
        """
        upload = request.param("uploadId") or ""
        return need[0] in _OF_INITIATOR and self._initiators.get(upload) == principal.arn

    def remember(self, request: Incoming, principal: Principal, answer: bytes) -> None:
        """Record the initiator of an upload that moto has just created."""
        if request.method == "POST" and request.has("uploads"):
            found = _UPLOAD_ID.search(answer)
            if found:
                self._initiators[found.group(1).decode()] = principal.arn


def _needs(request: Incoming, claim: Claim, principal: Principal) -> list[Need]:
    if claim.service == "s3":
        if is_delete(request):
            return []  # `split_denied_keys` checks each key
        return s3_actions.needs(request)
    return service_actions.needs(request, claim, principal)


def permitted(need: Need, request: Incoming, principal: Principal) -> bool:
    """Return whether the policies of identity and bucket together permit an action."""
    action, resource = need
    context = _context(request, principal)
    # Within one account either policy may allow an action, and either may deny it.
    own = decision(principal.policies, action, resource, context)
    of_bucket = decision(_bucket_policies(resource), action, resource, context)
    return own is not False and of_bucket is not False and bool(own or of_bucket)


def _context(request: Incoming, principal: Principal) -> Mapping[str, str]:
    """Return the condition keys; the loopback counts as TLS, so that TLS-only policies work."""
    return {
        "aws:principalarn": principal.arn,
        "aws:username": principal.name,
        "aws:securetransport": "true",
        "s3:prefix": request.param("prefix") or "",
        "s3:delimiter": request.param("delimiter") or "",
        "s3:authtype": _auth_type(request),
    }


def _auth_type(request: Incoming) -> str:
    """Return how a request is signed (S3 user guide, "Policy keys specific to Signature Version 4")."""
    if request.has("X-Amz-Signature"):
        return "REST-QUERY-STRING"
    # The PUT that replaces a form has no separate signature.
    return "REST-HEADER" if "authorization" in request.headers else "POST"


def _bucket_policies(resource: str) -> list[dict[str, Any]]:
    if not resource.startswith("arn:aws:s3:::"):
        return []
    name = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    bucket = s3_backends[ACCOUNT][PARTITION].buckets.get(name)
    return [json.loads(bucket.policy)] if bucket is not None and bucket.policy else []


def denial(need: Need, principal: Principal) -> Refused:
    """Return the message of a denial like AWS, with caller, action and resource."""
    action, resource = need
    quoted = f'"{resource}"' if action.startswith("s3:") else resource
    detail = (
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {quoted} "
        f"because no identity-based policy allows the {action} action"
    )
    return Refused(Refusal.DENIED, detail=detail)


def is_delete(request: Incoming) -> bool:
    """Return whether a request is DeleteObjects."""
    return request.method == "POST" and not request.key and request.has("delete")


def split_denied_keys(
    request: Incoming, body: bytes, principal: Principal
) -> tuple[bytes, list[str]]:
    """Return the body without the keys that may not be deleted, and those keys, still escaped."""
    denied: list[str] = []

    def permitted_entry(found: re.Match[str]) -> str:
        block = found.group(0)
        key = _KEY.search(block)
        if key is None or permitted(_need(request, block, key.group(1)), request, principal):
            return block
        denied.append(key.group(1))
        return ""

    return _OBJECT.sub(permitted_entry, body.decode()).encode(), denied


def _need(request: Incoming, block: str, key: str) -> Need:
    action = "s3:DeleteObjectVersion" if "<VersionId>" in block else "s3:DeleteObject"
    return action, f"arn:aws:s3:::{request.bucket}/{unescape(key, _ENTITIES)}"


def is_fully_denied(body: bytes) -> bool:
    """Return whether a body of `split_denied_keys` has no key left."""
    return b"<Object>" not in body


def add_denied_keys(answer: bytes, denied: list[str]) -> bytes:
    """Add the denied keys to an answer, as S3 lists them."""
    if not denied:
        return answer
    message = escape("Access Denied")
    errors = "".join(
        f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>{message}</Message></Error>"
        for key in denied
    )
    # A function, since backslashes in keys would be references in a replacement text.
    return _END.sub(lambda _: errors.encode() + b"</DeleteResult>", answer, count=1)

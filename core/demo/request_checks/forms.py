"""Uploads by HTML forms: the policy is verified like AWS does, then the file is stored like a PUT.

Source: Amazon S3 API reference, "POST Object" and "Creating a POST Policy".
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import quote

from core.demo.request_checks.refusals import Code, Refused
from core.demo.request_checks.request import Incoming
from core.demo.request_checks.signature import ALGORITHM, Claim, claim_of_parts, signing_key

_FILE_NAME = "${filename}"
#: Fields that a policy need not name.
_FREE = frozenset({"policy", "x-amz-signature", "file"})


@dataclass(frozen=True, slots=True)
class Form:
    """A submitted form: its fields by lower-case name, and the file."""

    bucket: str
    fields: Mapping[str, str]
    content: bytes

    @property
    def claim(self) -> Claim:
        """The signer that the form claims to have.

        Raises:
            Refused: the form is not signed, or not with Signature Version 4.
        """
        fields = self.fields
        if "policy" not in fields or fields.get("x-amz-algorithm") != ALGORITHM:
            message = "Bucket POST must contain a field named 'policy' and Signature Version 4."
            raise Refused(Code(400, "InvalidArgument", message))
        return claim_of_parts(
            fields.get("x-amz-credential", ""),
            stamp=fields.get("x-amz-date", ""),
            signature=fields.get("x-amz-signature", ""),
            token=fields.get("x-amz-security-token"),
        )

    @property
    def as_put(self) -> Incoming:
        """The request that stores the file without a form."""
        path = f"/{quote(self.bucket)}/{quote(self.fields.get('key', ''))}"
        kind = self.fields.get("content-type", "binary/octet-stream")
        meta = {n: value for n, value in self.fields.items() if n.startswith("x-amz-meta-")}
        return Incoming("PUT", path, (), {"content-type": kind, **meta}, self.content)


def form_of(request: Incoming) -> Form | None:
    """Return the form that a request submits; None for all other requests."""
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or request.key or not kind.startswith("multipart/form-data"):
        return None
    from werkzeug.formparser import parse_form_data

    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.input": BytesIO(request.body),
    }
    _stream, values, files = parse_form_data(environ)
    file = files.get("file")
    fields = {name.lower(): value for name, value in values.items()}
    name = (file.filename or "" if file is not None else "").replace("\\", "/").rpartition("/")[2]
    fields["key"] = fields.get("key", "").replace(_FILE_NAME, name)
    return Form(request.bucket, fields, file.read() if file is not None else b"")


def verify_form(form: Form, claim: Claim, secret: str, now: datetime) -> None:
    """Check the signature of the policy, its end, and each of its conditions.

    Raises:
        Refused: one of them is not satisfied.
    """
    text = form.fields["policy"]
    signature = hmac.new(signing_key(claim, secret), text.encode(), "sha256").hexdigest()
    if not hmac.compare_digest(signature, claim.signature):
        raise Refused(Code(403, "SignatureDoesNotMatch", "The signature of the form is wrong."))
    policy = json.loads(base64.b64decode(text))
    ends = datetime.fromisoformat(policy["expiration"]).astimezone(UTC)
    if now > ends:
        raise _denied("Invalid according to Policy: Policy expired.")
    named = {_check(form, condition) for condition in policy["conditions"]}
    for name in form.fields.keys() - named - _FREE:
        if not name.startswith("x-ignore-"):
            raise _denied(f"Invalid according to Policy: Extra input fields: {name}")


def _check(form: Form, condition: Any) -> str:
    """Check a condition and return the name of its field, which is empty for the size."""
    if isinstance(condition, dict):
        ((name, value),) = condition.items()
        operator = "eq"
    elif condition[0] == "content-length-range":
        _check_size(len(form.content), *condition[1:])
        return ""
    else:
        operator, name, value = condition
    name = name.removeprefix("$").lower()
    found = form.bucket if name == "bucket" else form.fields.get(name, "")
    if not (found.startswith(value) if operator == "starts-with" else found == value):
        raise _denied(
            f'Invalid according to Policy: Policy Condition failed: ["{operator}", "${name}", '
            f'"{value}"]'
        )
    return str(name)


def _check_size(size: int, smallest: int, largest: int) -> None:
    if size < smallest:
        message = "Your proposed upload is smaller than the minimum allowed size"
        raise Refused(Code(400, "EntityTooSmall", message))
    if size > largest:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise Refused(Code(400, "EntityTooLarge", message))


def _denied(message: str) -> Refused:
    return Refused(Code(403, "AccessDenied", message))

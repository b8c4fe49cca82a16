"""DeleteObjects decided key by key: a denied key is an error inside the 200 answer."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, unescape

from core.demo.gate.authorization import permitted
from core.demo.gate.principals import Principal
from core.demo.gate.request import Incoming
from core.demo.gate.s3_actions import Need

_OBJECT = re.compile(r"<Object>.*?</Object>", re.DOTALL)
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
_END = re.compile(rb"</DeleteResult>|<DeleteResult[^>]*/>")
_ENTITIES = {"&quot;": '"', "&apos;": "'", "&#39;": "'", "&#34;": '"', "&#13;": "\r", "&#10;": "\n"}
#: The complete answer if no object may be deleted.
EMPTY_RESULT = b'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult></DeleteResult>'


def is_delete(request: Incoming) -> bool:
    """Whether a request is DeleteObjects."""
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
    """Whether no key of a divided body may be deleted."""
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
    return _END.sub(lambda _: errors.encode() + b"</DeleteResult>", answer, count=1)

"""Test of a link without credentials, which compares the answer with the object."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from xml.etree import ElementTree as ET

from core.aws.endpoints import is_loopback
from core.errors import AccessDenied, Cancelled, NotFound, NotSupported, Offline, StorageError
from core.links.make import Link
from core.model.listing import ObjectInfo
from core.objects.bucket import Bucket
from core.objects.reading import head
from core.redaction import redacted
from core.units import format_counted
from core.work import Work, default_work

#: Time limit of the test in seconds.
_SECONDS = 15
#: Enough for every error document of S3, and a limit for web pages of any length.
_ANSWER_BYTES = 10_000
_RANGE = re.compile(r"bytes 0-0/(\d+)")


@dataclass(frozen=True, slots=True)
class LinkCheck:
    """Result of the test of a link: whether it works, the HTTP status, and the reason."""

    works: bool
    status: int
    explanation: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer with lower-case header names and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check_link(link: Link, *, bucket: Bucket | None = None, work: Work | None = None) -> LinkCheck:
    """Download one byte with a link, and compare the answer with the object.

    Args:
        link: a link for GET.
        bucket: the bucket, from which length and ETag of the object are read with the profile's
            keys.
        work: cancel.

    Raises:
        NotSupported: the link is not for GET; a test would write or delete.
        Offline: the server cannot be reached.
    """
    work = default_work(work)
    work.check()
    if link.method != "GET":
        raise NotSupported(
            f"A {link.method} link cannot be tested without using it",
            cause="The test would write or delete the object.",
            remedy="Test it with an object that may be overwritten.",
            subject=link.key,
        )
    # Read with the profile's keys first: only the object's own length and ETag prove the answer.
    expected = _expected(bucket, link, work)
    work.check()
    try:
        return _judged(_request(link.url.reveal()), expected)
    except HTTPException:
        return LinkCheck(works=False, status=0, explanation="the answer is not HTTP")
    except OSError as error:
        raise Offline(
            "The server of the link cannot be reached",
            cause=redacted(str(getattr(error, "reason", error))),
            remedy="Check the network and the endpoint of the profile, then try again.",
            subject=link.key,
        ) from None


def _expected(bucket: Bucket | None, link: Link, work: Work) -> ObjectInfo | None:
    """Return the object's metadata for the comparison, or None if reading it is denied."""
    if bucket is None:
        return None
    try:
        return head(bucket, link.key, version_id=link.version_id or None, work=work)
    except (AccessDenied, NotFound):
        return None
    except Cancelled:
        raise
    except StorageError:  # the link itself is tested without the profile's connection
        return None


class _OwnRedirects(urllib.request.HTTPRedirectHandler):
    """Redirect handler that only follows redirects of S3, not to a sign-in page."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Any:
        """Return the redirected request, or None to treat the redirect as an error."""
        # S3 redirects new buckets with 307 while DNS changes are distributed.
        if code == 307 and _of_s3(_plain(headers)):
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        return None


def _plain(headers: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def _request(url: str) -> _Answer:
    # `debuglevel=0`: http.client's debug output would print the signature.
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.HTTPHandler(debuglevel=0),
        urllib.request.HTTPSHandler(debuglevel=0),
        _OwnRedirects(),
    ]
    if is_loopback(url):
        # A proxy cannot reach a server of this machine.
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})  # noqa: S310 - our own URL
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return _Answer(answer.status, _plain(answer.headers), answer.read(_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return _Answer(error.code, _plain(error.headers), error.read(_ANSWER_BYTES))


def _judged(answer: _Answer, expected: ObjectInfo | None) -> LinkCheck:
    # A server that ignores the range answers 200 with the entire object.
    if answer.status in {200, 206}:
        problem = _problem(answer, expected)
        compared = "works" if expected else "answers; not compared with the object"
        return LinkCheck(not problem, answer.status, problem or compared)
    # The range of one byte does not exist in an empty object.
    if answer.status == 416 and _error_text(answer.body) and (not expected or not expected.size):
        return LinkCheck(works=True, status=416, explanation="works; the object is empty")
    if 300 <= answer.status < 400:
        explanation = "the request is redirected to another server, for example a sign-in page"
    else:
        explanation = _error_text(answer.body) or f"HTTP status {answer.status}"
    return LinkCheck(works=False, status=answer.status, explanation=redacted(explanation))


def _problem(answer: _Answer, expected: ObjectInfo | None) -> str:
    """Return why a successful answer is not the object, or an empty string."""
    etag = answer.headers.get("etag", "").strip('"')
    size = _size_of(answer)
    # S3 sends an ETag with every object, a sign-in page or a proxy usually does not.
    if not etag:
        return "the answer does not come from S3 but from a web page, a proxy, or another server"
    if size is None:
        return "the answer is incomplete: the length of the object is missing"
    if expected is None:
        return "" if _of_s3(answer.headers) else "the answer does not come from S3"
    if size != expected.size:
        return f"the answer is for {format_counted(size, 'byte')}, the object has {expected.size:,}"
    return "" if etag == expected.etag else "another object answers: the ETag differs"


def _size_of(answer: _Answer) -> int | None:
    """Return the declared length of the object, if the body is consistent with it."""
    if answer.status == 206:
        found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        return int(found[1]) if found and len(answer.body) == 1 else None
    # A shorter body than declared is a connection that was cut off.
    length = answer.headers.get("content-length", "")
    if not length.isdecimal() or len(answer.body) != min(int(length), _ANSWER_BYTES):
        return None
    return int(length)


def _of_s3(headers: Mapping[str, str]) -> bool:
    return any(name.startswith("x-amz-") for name in headers)


def _error_text(body: bytes) -> str:
    """Return the message of an S3 error, or an empty string for other answers."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - at most 10 KB, from the link's own server
    except (ET.ParseError, ValueError, LookupError):
        return ""
    if root.tag.rpartition("}")[2] != "Error":
        return ""
    return root.findtext("{*}Message") or root.findtext("{*}Code") or ""

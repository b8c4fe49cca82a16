"""Tries a link as its receiver would: without any keys."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from core.errors import NotSupported, Offline
from core.links.make import Link
from core.redaction import redacted
from core.work import Work, default_work

_SECONDS = 15
_ANSWER_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class LinkCheck:
    """What the server said: `works`, the HTTP status, and its words when it refused."""

    works: bool
    status: int
    words: str


def check_link(link: Link, *, work: Work | None = None) -> LinkCheck:
    """Fetch one byte through a download link.

    Raises:
        NotSupported: the link is not for reading; trying it would write or delete.
        Offline: the server cannot be reached.
    """
    default_work(work).check()
    if link.method != "GET":
        raise NotSupported(
            f"A {link.method} link cannot be tried without using it",
            cause="Trying it would write or delete the object.",
            remedy="Try it with an object that may be overwritten.",
            subject=link.key,
        )
    url = link.url.reveal()
    request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})  # noqa: S310 - our own URL
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            return LinkCheck(works=True, status=answer.status, words="works")
    except urllib.error.HTTPError as error:
        with error:
            return _refused(error.code, error.read(_ANSWER_BYTES))
    except OSError as error:
        raise Offline(
            "The link's server cannot be reached",
            cause=redacted(str(getattr(error, "reason", error))),
            remedy="Check the network and the endpoint of the profile, then try again.",
            subject=link.key,
        ) from None


def _refused(status: int, body: bytes) -> LinkCheck:
    if status == 416:  # an empty object has no first byte: it was found all the same
        return LinkCheck(works=True, status=status, words="works; the object is empty")
    try:
        root = ET.fromstring(body)  # noqa: S314 - at most 10 KB, from the link's own server
        words = root.findtext("Message") or root.findtext("Code") or f"HTTP status {status}"
    except ET.ParseError:
        words = f"HTTP status {status}"
    return LinkCheck(works=False, status=status, words=redacted(words))

"""Parsing of the text by which a user names a place in a bucket.

A place is a key or a prefix, an `s3://` URI, an ARN, an object's URL, or the address of a page of
the AWS console. Nothing is sent: the caller compares the bucket and looks the key up. The ARN of an
access point is the name of a bucket, as boto3 accepts it. Source: Amazon S3 user guide, "Access
points naming rules and ARNs".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from core.errors import InvalidInput

#: Hadoop writes s3a and s3n for the same objects.
_URI = re.compile(r"s3[an]?://", re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_DOMAINS = r"(?:amazonaws\.com(?:\.cn)?|aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)"
_CONSOLE = re.compile(rf"(?:[a-z0-9-]+\.)*console\.{_DOMAINS}", re.IGNORECASE)
_S3_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?P<region>[a-z0-9.-]+))?\.amazonaws\.com(?:\.cn)?",
    re.IGNORECASE,
)
#: `/s3/buckets/NAME` and `/s3/object/NAME`; old addresses have the key behind the name.
_CONSOLE_PATH = re.compile(r"/s3/[a-z]+(?:/(?P<bucket>[^/]+)(?:/(?P<key>.*))?)?")
#: The fields that begin every ARN; other texts with its first letters are keys.
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:[^:]*:", re.IGNORECASE)
_ACCESS_POINT = re.compile(r"accesspoint[/:](?P<name>[a-z0-9-]+)(?:/(?P<rest>.*))?", re.DOTALL)
#: In ARNs this precedes the keys of an access point; in URIs the key follows its name.
_OBJECT = "object/"
_URI_ARN = re.compile(
    r"(?P<bucket>arn:aws[a-z-]*:s3:[a-z0-9-]+:\d*:accesspoint[/:][a-z0-9-]+)(?:/(?P<key>.*))?",
    re.DOTALL,
)
_FORMS = "Type a key, a prefix, an s3:// URI, an ARN, or the address of a console page."


@dataclass(frozen=True, slots=True)
class Place:
    """A key or prefix, as it was typed, and the bucket that the text names.

    Attributes:
        key: the key or prefix without a bucket; empty for the complete bucket.
        bucket: the name of the bucket; empty if the text contains none.
        region: the region that the text names, or empty.
        literal: the key if spaces around it and a star at its end belong to it; empty if the text
            has none.
    """

    key: str
    bucket: str = ""
    region: str = ""
    literal: str = ""

    @property
    def folder(self) -> bool:
        """Whether the text certainly means a folder; a key without a final `/` may still be one."""
        return not self.key or self.key.endswith("/")


def parse_place(text: str) -> Place:
    """Return the place that `text` names.

    Line ends around the text are ignored, and spaces unless `literal` is used: they come from
    copying.

    Raises:
        InvalidInput: an ARN or a URL that names no bucket.
    """
    typed = text.strip("\r\n")
    stripped, address = typed.strip(), typed.lstrip()
    if found := _URI.match(address):
        return _from_uri(address, address[found.end() :])
    # A key may contain colons, so only the beginning identifies an ARN.
    if _ARN.match(address):
        return _from_arn(address)
    if _WEB.match(address):
        return _from_url(stripped)
    return _place(typed)


def _place(key: str, bucket: str = "", region: str = "", *, pattern: bool = False) -> Place:
    """Return the place of a key as it was typed.

    Args:
        key: the key, with spaces around it.
        bucket: the bucket, or empty.
        region: the region, or empty.
        pattern: whether a star at the end usually means all keys with this beginning.
    """
    usual = key.strip()
    usual = usual.removesuffix("*") if pattern else usual
    return Place(usual, bucket, region, "" if usual == key else key)


def _from_uri(text: str, rest: str) -> Place:
    if found := _URI_ARN.fullmatch(rest):
        return _place(found["key"] or "", found["bucket"])
    bucket, _slash, key = rest.partition("/")
    if not bucket.strip():
        raise _refused(text, "The URI names no bucket.")
    return _place(key, bucket.strip())


def _from_arn(text: str) -> Place:
    parts = text.split(":", 5)
    if parts[2] != "s3":
        raise _refused(text, "It is not the ARN of a bucket or an object.")
    if point := _ACCESS_POINT.fullmatch(parts[5]):
        return _from_access_point(text, parts, point)
    # ARNs of buckets have neither region nor account.
    if parts[3] or parts[4]:
        raise _refused(text, "It is neither the ARN of a bucket, an access point nor an object.")
    bucket, _slash, key = parts[5].partition("/")
    if not bucket.strip():
        raise _refused(text, "The ARN names no bucket.")
    # Policies name every object below a prefix with a star at the end.
    return _place(key, bucket.strip(), pattern=True)


def _from_access_point(text: str, parts: list[str], point: re.Match[str]) -> Place:
    if not parts[3]:
        raise _refused(text, "Access points of several regions are not supported.")
    bucket = f"{':'.join(parts[:5])}:accesspoint/{point['name']}"
    rest = point["rest"] or ""
    if rest and not rest.startswith(_OBJECT):
        raise _refused(text, "The key of an access point follows “/object/”.")
    return _place(rest.removeprefix(_OBJECT), bucket, parts[3], pattern=True)


def _from_url(text: str) -> Place:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise _refused(text, "The URL is not valid.") from None
    if _CONSOLE.fullmatch(host):
        return _from_console(text, parts)
    if found := _S3_HOST.fullmatch(host):
        return _from_object_url(text, parts, found)
    raise _refused(text, "It is not the address of Amazon S3 or its console.")


def _from_console(text: str, parts: SplitResult) -> Place:
    page = _CONSOLE_PATH.fullmatch(parts.path)
    query = parse_qs(f"{parts.query}&{parts.fragment}")  # old pages name the bucket after the #
    bucket = unquote((page and page["bucket"]) or "") or query.get("bucket", [""])[0]
    if not bucket:
        raise _refused(text, "The console page shows no bucket.")
    behind = unquote((page and page["key"]) or "")
    return Place(query.get("prefix", [behind])[0], bucket, query.get("region", [""])[0])


def _from_object_url(text: str, parts: SplitResult, host: re.Match[str]) -> Place:
    """Read both styles: the bucket in the host, and the bucket as the path's first segment."""
    bucket, key = host["bucket"] or "", unquote(parts.path.removeprefix("/"))
    if not bucket:
        bucket, _slash, key = key.partition("/")
    if not bucket:
        raise _refused(text, "The URL names no bucket.")
    return Place(key, bucket, (host["region"] or "").removeprefix("dualstack."))


def _refused(text: str, cause: str) -> InvalidInput:
    # A presigned URL ends with a signature, which belongs in no message.
    return InvalidInput(
        "This text names no place in a bucket",
        cause=cause,
        remedy=_FORMS,
        subject=text.partition("?")[0][:80],
    )

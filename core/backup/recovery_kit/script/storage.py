"""Places from which the recovery script reads: a local copy of a bucket, or the bucket itself."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree as ET

from core.backup.recovery_kit.script.failures import (
    ARCHIVED,
    DENIED,
    LOCAL,
    NOT_FOUND,
    OFFLINE,
    SERVICE,
    USAGE,
    KitError,
)

ROOT = "backups/database/"
_ATTEMPTS = 3
_LONGEST_LISTING, _BODY_BYTES = 64 << 20, 1 << 20
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


class Folder:
    """A local copy of the bucket, made by any program; the keys are below `backups/database/`."""

    def __init__(self, path: Path) -> None:
        roots = [one / ROOT for one in (path, *path.parents) if (one / ROOT).is_dir()]
        # `aws s3 cp --recursive s3://bucket/backups/database/ copy` omits the prefix of the keys.
        if not roots and any(path.glob("*/[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]")):
            roots = [path]
        if not roots:
            raise KitError(
                NOT_FOUND,
                f"{path} contains no copy of {ROOT}",
                "Name the folder into which the bucket was copied.",
            )
        self._root = roots[0]

    def keys(self) -> Iterator[tuple[str, int]]:
        """Yield key and size of each object."""
        for path in self._root.rglob("*"):
            if path.is_file():
                yield ROOT + path.relative_to(self._root).as_posix(), path.stat().st_size

    def read(self, key: str, limit: int) -> bytes:
        """Return at most `limit` + 1 bytes of an object."""
        with self.open(key, limit) as file:
            return file.read(limit + 1)

    def open(self, key: str, limit: int) -> IO[bytes]:  # noqa: ARG002 - for buckets
        """Return an object as an open file."""
        try:
            return (self._root / key[len(ROOT) :]).open("rb")
        except FileNotFoundError as error:
            raise KitError(NOT_FOUND, f"{key} does not exist in the copy.") from error
        except OSError as error:
            raise KitError(LOCAL, f"{key} could not be read: {error}") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A signature is for one host: it is not sent to another one."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Return None: do not follow the redirect."""


class Bucket:
    """A bucket of S3 or of a compatible server; requests are signed with SigV4.

    Only ListObjectsV2 and GetObject are used.
    """

    def __init__(self, name: str, endpoint: str, region: str, keys: Mapping[str, str]) -> None:
        self._region = region
        endpoint = (endpoint or f"https://s3.{region}.amazonaws.com").rstrip("/")
        parts = urllib.parse.urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
            raise KitError(USAGE, f"{endpoint} is not the URL of a server.")
        self._url, self._host = endpoint, parts.netloc
        self._base = parts.path + "/" + urllib.parse.quote(name, safe="-_.~")
        self._id, self._secret = keys.get("AWS_ACCESS_KEY_ID"), keys.get("AWS_SECRET_ACCESS_KEY")
        self._token = keys.get("AWS_SESSION_TOKEN", "")
        if not self._id or not self._secret:
            raise KitError(
                USAGE,
                "No keys.",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --folder.",
            )
        self._opener = urllib.request.build_opener(_NoRedirects)

    def keys(self) -> Iterator[tuple[str, int]]:
        """Yield key and size of each object of backups."""
        query = {"list-type": "2", "prefix": ROOT, "encoding-type": "url"}
        while True:
            data: bytes = self._get("", query, partial(_complete_body, limit=_LONGEST_LISTING))
            # Without declarations of entities an XML document is not larger than it appears.
            if b"<!" in data.replace(b"<![CDATA[", b""):
                raise KitError(SERVICE, "The listing of the bucket is not valid.")
            root = _parsed(data)
            encoded = _text(root, "EncodingType") == "url"
            for item in root:
                if _name(item) == "Contents":
                    key = _text(item, "Key")
                    yield (
                        (urllib.parse.unquote_plus(key) if encoded else key),
                        int(_text(item, "Size") or 0),
                    )
            following = _text(root, "NextContinuationToken")
            if _text(root, "IsTruncated") != "true":
                return
            if not following or following == query.get("continuation-token"):
                raise KitError(SERVICE, "The listing of the bucket is incomplete.")
            query["continuation-token"] = following

    def read(self, key: str, limit: int) -> bytes:
        """Return at most `limit` + 1 bytes of an object."""
        return bytes(self._get(_path_of(key), {}, partial(_complete_body, limit=limit)))

    def save(self, key: str, limit: int, path: Path) -> None:
        """Write at most `limit` + 1 bytes of an object into a file."""
        self._get(_path_of(key), {}, partial(_save_body, limit=limit, path=path))

    def _get(self, path: str, query: dict[str, str], take: Callable[[Any], Any]) -> Any:
        problem: Exception | None = None
        for _attempt in range(_ATTEMPTS):
            try:
                request = self._signed(self._base + path, query)
                with self._opener.open(request, timeout=60) as answer:
                    return take(answer)
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise _refused(error, path) from error
                error.close()
                problem = error
            except (OSError, http.client.HTTPException) as error:  # also URLError and timeouts
                problem = error
        # A `URLError` shows the error of the socket as Python writes it.
        cause = problem if isinstance(problem, urllib.error.HTTPError) else _cause_of(problem)
        raise KitError(
            OFFLINE,
            f"{self._url} cannot be reached: {cause}.",
            "Check the network, and the server of --endpoint-url or AWS_ENDPOINT_URL.",
        ) from problem

    def _signed(self, path: str, query: dict[str, str]) -> urllib.request.Request:
        pairs = sorted(
            (urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
            for k, v in query.items()
        )
        text = "&".join(f"{name}={value}" for name, value in pairs)
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {"host": self._host, "x-amz-content-sha256": _EMPTY_HASH, "x-amz-date": moment}
        if self._token:
            headers["x-amz-security-token"] = self._token
        names = ";".join(sorted(headers))
        lines = [f"{name}:{headers[name]}\n" for name in sorted(headers)]
        canonical = "\n".join(("GET", path, text, "".join(lines), names, _EMPTY_HASH))
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self._secret}".encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._id}/{scope}, SignedHeaders={names}, "
            f"Signature={key.hex()}"
        )
        parts = urllib.parse.urlsplit(self._url)
        url = f"{parts.scheme}://{parts.netloc}{path}" + (f"?{text}" if text else "")
        return urllib.request.Request(url, headers=headers)  # noqa: S310 - http or https, checked


def _path_of(key: str) -> str:
    return "/" + urllib.parse.quote(key, safe="/-_.~")


def _body_pieces(answer: Any, limit: int) -> Iterator[bytes]:
    """Yield at most `limit` + 1 bytes of a body; one that was cut off is an error."""
    found = 0
    while data := answer.read(min(_BODY_BYTES, limit + 1 - found)):
        found += len(data)
        yield data
    declared = answer.headers.get("Content-Length", "")
    if declared.isdigit() and found < min(int(declared), limit + 1):
        raise http.client.IncompleteRead(b"", int(declared) - found)


def _complete_body(answer: Any, limit: int) -> bytes:
    return b"".join(_body_pieces(answer, limit))


def _save_body(answer: Any, limit: int, path: Path) -> None:
    mode = "wb"
    for data in chain([b""], _body_pieces(answer, limit)):
        try:
            with path.open(mode) as file:
                file.write(data)
        except OSError as error:  # a full disk is no problem of the connection
            raise KitError(LOCAL, f"{path} could not be written: {error}") from error
        mode = "ab"


class Cache:
    """A bucket whose objects are downloaded once, into a private folder that is removed at exit."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._folder = tempfile.TemporaryDirectory()
        self._paths: dict[str, Path] = {}

    def keys(self) -> Iterator[tuple[str, int]]:
        """Yield key and size of each object of backups."""
        return self._bucket.keys()

    def read(self, key: str, limit: int) -> bytes:
        """Return at most `limit` + 1 bytes of an object."""
        with self.open(key, limit) as file:
            return file.read(limit + 1)

    def open(self, key: str, limit: int) -> IO[bytes]:
        """Return an object as an open file of at most `limit` + 1 bytes."""
        if key not in self._paths:
            path = Path(self._folder.name) / str(len(self._paths))
            self._bucket.save(key, limit, path)
            self._paths[key] = path
        return self._paths[key].open("rb")


def _cause_of(problem: Exception | None) -> str:
    """Return the message of the system for an error of a request."""
    why = getattr(problem, "reason", None) or problem
    return str(getattr(why, "strerror", None) or why)


def _refused(error: urllib.error.HTTPError, path: str) -> KitError:
    body = error.read(4000).decode("utf-8", "replace")
    region = error.headers.get("x-amz-bucket-region", "")
    error.close()
    found = re.search(r"<Code>(\w+)</Code>", body)
    text = f"The server answered {error.code} {found[1] if found else ''} to the request for {path or 'the listing'}"
    if found and found[1] == "InvalidObjectState":
        return KitError(
            ARCHIVED,
            f"{path} is in an archive storage class.",
            "Request the retrieval of all objects of the backup, and wait until it has ended: aws "
            "s3api restore-object --bucket BUCKET --key KEY --restore-request "
            '\'{"Days":7,"GlacierJobParameters":{"Tier":"Standard"}}\'',
        )
    code = {401: DENIED, 403: DENIED, 404: NOT_FOUND}.get(error.code, SERVICE)
    remedy = f"The region of the bucket is {region}." if region else ""
    if code == DENIED:
        remedy = f"Check the access keys and their permissions. {remedy}".rstrip()
    elif found and found[1] == "NoSuchBucket":
        remedy = f"Check the name of the bucket, and the server. {remedy}".rstrip()
    return KitError(code, text, remedy)


def _parsed(data: bytes) -> ET.Element:
    try:
        return ET.fromstring(data)  # noqa: S314 - without declarations of entities, checked
    except ET.ParseError as error:
        raise KitError(SERVICE, f"The listing of the bucket is not valid: {error}") from error


def _name(item: ET.Element) -> str:
    return item.tag.rpartition("}")[2]


def _text(parent: ET.Element, name: str) -> str:
    return next((item.text or "" for item in parent if _name(item) == name), "")


def environment_keys() -> dict[str, str]:
    """Return the AWS variables of the environment."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def configured_endpoint(variables: Mapping[str, str]) -> str:
    """Return the URL of the server by the variables that AWS's own tools read; empty for AWS."""
    if variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    return variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL") or ""

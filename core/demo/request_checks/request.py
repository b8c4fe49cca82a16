"""A request as it was received, and its WSGI environment when it is forwarded to moto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import unquote

#: The variable with the headers as they were sent. The names of WSGI variables do not distinguish
#: `_` and `-`, but the metadata of an object may contain either.
HEADERS_KEY = "strongroom.headers"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request: the path still percent-encoded, query pairs decoded, header names in lower case.

    The values of a repeated header are joined by commas.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    def param(self, name: str) -> str | None:
        """Return a query parameter's value, or None when it is absent."""
        return next((value for key, value in self.query if key == name), None)

    def has(self, name: str) -> bool:
        """Whether the query has a parameter, with or without a value."""
        return any(key == name for key, _ in self.query)

    @property
    def bucket(self) -> str:
        """The bucket of a path-style S3 request; empty for the list of buckets."""
        return unquote(self.path.lstrip("/").partition("/")[0])

    @property
    def key(self) -> str:
        """The object key of a path-style S3 request; empty for a request on the bucket."""
        return unquote(self.path.removeprefix("/").partition("/")[2])


def incoming(environ: Mapping[str, Any]) -> Incoming:
    """Read a complete request including its body, as moto does."""
    raw = str(environ["RAW_URI"])
    if not raw.startswith("/"):
        # A client behind a proxy sends the complete URL.
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    path, _, query = raw.partition("?")
    headers: dict[str, str] = {}
    for name, value in environ[HEADERS_KEY]:
        folded = name.lower()
        headers[folded] = f"{headers[folded]},{value}" if folded in headers else value
    return Incoming(environ["REQUEST_METHOD"], path, _pairs(query), headers, _body(environ))


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    parts = (part.partition("=") for part in query.split("&") if part)
    return tuple((unquote(name), unquote(value)) for name, _, value in parts)


def _body(environ: Mapping[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))


def forwarded_environment(
    environ: dict[str, Any], body: bytes, changed: Mapping[str, str | None]
) -> None:
    """Prepare the environment for moto: a new body, and changed or removed headers.

    Args:
        environ: the WSGI environment, changed in place.
        body: the body for moto, without transfer encodings.
        changed: headers by lower-case name; None removes one.
    """
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("wsgi.input_terminated", None)
    for name, value in {"transfer-encoding": None, "x-moto-account-id": None, **changed}.items():
        slot = "HTTP_" + name.upper().replace("-", "_")
        environ.pop(slot, None)
        if value is not None:
            environ[slot] = value
    if environ["REQUEST_METHOD"] == "PUT" and "form" in environ.get("CONTENT_TYPE", ""):
        environ["CONTENT_TYPE"] = (
            "binary/octet-stream"  # otherwise moto parses the object as a form
        )


def without_signature(environ: dict[str, Any]) -> None:
    """Remove the signature from the query of a presigned URL; moto receives it as a header."""
    path, _, query = str(environ["RAW_URI"]).partition("?")
    remaining = [part for part in query.split("&") if not part.lower().startswith("x-amz-")]
    environ["QUERY_STRING"] = "&".join(remaining)
    environ["RAW_URI"] = environ["REQUEST_URI"] = (
        f"{path}?{'&'.join(remaining)}" if remaining else path
    )

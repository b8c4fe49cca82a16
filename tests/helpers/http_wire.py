"""HTTP/1.1 messages as bytes on a socket, just enough to forward or damage them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

#: Headers that describe one connection or the framing of one body; each hop writes its own.
_HOP = frozenset({"connection", "content-length", "transfer-encoding", "expect", "keep-alive"})


class MalformedError(ValueError):
    """The peer closed the connection in the middle of a message, or sent something else."""


@dataclass(frozen=True)
class Message:
    """A request or an answer: first line, headers as they came, body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def get(self, name: str, default: str = "") -> str:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name), default)

    def without(self, *names: str) -> "Message":
        """Return a copy without some headers."""
        return replace(self, headers=tuple(h for h in self.headers if h[0].lower() not in names))

    def with_header(self, name: str, value: str) -> "Message":
        """Return a copy with one header replaced."""
        changed = self.without(name.lower())
        return replace(changed, headers=(*changed.headers, (name, value)))

    def head(self, length: int | None, more: Iterable[tuple[str, str]] = ()) -> bytes:
        """Return first line and headers as bytes, with this content length."""
        own = [(name, value) for name, value in self.headers if name.lower() not in _HOP]
        if length is not None:
            own.append(("Content-Length", str(length)))
        lines = [self.start, *(f"{name}: {value}" for name, value in (*own, *more))]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    # Of a request:

    @property
    def method(self) -> str:
        """GET, PUT, …"""
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        """The path with its query, as sent."""
        return self.start.split(" ")[1]

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's fields."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def bucket_and_key(self) -> tuple[str, str]:
        """The two parts of a path-style address; either may be empty."""
        bucket, _, key = unquote(urlsplit(self.target).path).lstrip("/").partition("/")
        return bucket, key

    # Of an answer:

    @property
    def status(self) -> int:
        """The status code."""
        return int(self.start.split(" ")[1])


def answer(
    status: int, body: bytes = b"", kind: str = "application/xml", **headers: str
) -> Message:
    """Return an answer of our own making."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    kinds = (("Content-Type", kind),) if kind else ()
    return Message(f"HTTP/1.1 {status} X", (*kinds, *named), body)


def read_head(stream: BinaryIO) -> Message | None:
    """Read first line and headers; None when the peer closed the connection instead."""
    start = stream.readline()
    if not start:
        return None
    headers = []
    while (line := stream.readline()) not in {b"\r\n", b"\n"}:
        if not line:
            raise MalformedError("the connection ended inside the headers")
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip(), value.strip()))
    return Message(start.decode("latin-1").strip(), tuple(headers))


def body_length(message: Message) -> int:
    """Return the declared length of a body, 0 when there is none."""
    return int(message.get("content-length", "0"))


def read_body(stream: BinaryIO, message: Message) -> bytes:
    """Read the body that a head announces."""
    if "chunked" in message.get("transfer-encoding"):
        return _read_chunks(stream)
    length = body_length(message)
    body = stream.read(length)
    if len(body) != length:
        raise MalformedError("the connection ended inside the body")
    return body


def _read_chunks(stream: BinaryIO) -> bytes:
    parts = []
    while size := int(stream.readline().split(b";")[0], 16):
        parts.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(parts)


def has_body(request: Message, reply: Message) -> bool:
    """Whether an answer carries a body: not to HEAD, not with 204 and 304."""
    return request.method != "HEAD" and reply.status not in {204, 304}

"""An HTTP proxy that damages chosen requests and answers between a client and a real S3 server.

A rule names request classes (`Put`, `Part`, `List`, …), a fault (see `helpers.faults`), and how
often it strikes. Everything else passes unchanged. Leaving the context closes every socket and
joins every thread at once, stalled exchanges included.
"""

import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from helpers.http_wire import (
    MalformedError,
    Message,
    answer,
    body_length,
    has_body,
    read_body,
    read_head,
)
from helpers.s3_servers import S3Server

#: Request classes of S3; other services are named by their operation (`GetSecretValue`).
S3_CLASSES = (
    "Put", "Part", "Create", "Complete", "Abort", "Get", "GetRange", "Head", "HeadBucket",
    "List", "ListVersions", "ListUploads", "ListParts", "GetBucket", "Delete", "Post", "Copy",
)  # fmt: skip
EVERY_TIME = -1
#: name -> (how many matching requests pass first, how many are struck)
OCCASIONS = {"first": (0, 1), "second": (1, 1), "every": (0, EVERY_TIME)}
_SECONDS = 120


class ConnectionOver(Exception):  # noqa: N818 - it ends an exchange, it is no error
    """The client's connection was closed or reset on purpose."""


@dataclass
class Rule:
    """Strike requests of some classes with a fault. `"*"` stands for every class.

    Args:
        classes: request classes.
        fault: a name of `helpers.faults.FAULTS`.
        skip: how many matching requests pass before the first is struck.
        times: how many are struck; `EVERY_TIME` for all.
        at: where to cut or flip, as a fraction of the body.
    """

    classes: Sequence[str]
    fault: str
    skip: int = 0
    times: int = EVERY_TIME
    at: float = 0.5

    def takes(self, request_class: str) -> bool:
        """Count a request and return whether it is struck."""
        if not {request_class, "*"} & set(self.classes) or not self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        return True


def rule(
    classes: Sequence[str] | str, fault: str, occasion: str = "every", at: float = 0.5
) -> Rule:
    """Return a rule for the first, the second or every request of some classes."""
    skip, times = OCCASIONS[occasion]
    return Rule([classes] if isinstance(classes, str) else classes, fault, skip, times, at)


def classify(request: Message) -> str:
    """Return the class of a request."""
    target = request.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    query, (_bucket, key) = request.query, request.bucket_and_key
    if request.method == "PUT" and request.get("x-amz-copy-source"):
        return "Copy"
    return _of_object(request, query) if key else _of_bucket(request, query)


def _of_object(request: Message, query: dict[str, Any]) -> str:
    upload = "uploadId" in query
    return {
        "PUT": "Part" if "partNumber" in query else "Put",
        "POST": "Create" if "uploads" in query else "Complete" if upload else "Post",
        "DELETE": "Abort" if upload else "Delete",
        "HEAD": "Head",
        "GET": "ListParts" if upload else "GetRange" if request.get("range") else "Get",
    }.get(request.method, request.method)


def _of_bucket(request: Message, query: dict[str, Any]) -> str:
    if request.method != "GET":
        names = {"HEAD": "HeadBucket", "POST": "Post", "PUT": "PutBucket"}
        return names.get(request.method, request.method)
    for field_name, name in (("versions", "ListVersions"), ("uploads", "ListUploads")):
        if field_name in query:
            return name
    plain = not query or "list-type" in query or "prefix" in query
    return "List" if plain else "GetBucket"


@dataclass
class Exchange:
    """One request on its way; a fault decides with these methods what becomes of it."""

    proxy: "FaultProxy"
    client: socket.socket
    stream: Any
    request: Message
    at: float = 0.5
    _read: bool = field(default=False, repr=False)

    def read_request(self, upto: float = 1.0) -> Message:
        """Read the request's body, or the first part of it."""
        if self.request.get("expect"):
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if upto < 1.0:
            self.stream.read(int(body_length(self.request) * upto))
        elif not self._read:
            self._read = True
            body = read_body(self.stream, self.request)
            self.request = Message(self.request.start, self.request.headers, body)
        return self.request

    def forward(self, request: Message | None = None) -> Message:
        """Send the request to the real server and return its answer."""
        sent = request or self.read_request()
        with self.proxy.connected() as upstream, upstream.makefile("rb") as stream:
            upstream.sendall(sent.head(len(sent.body), [("Connection", "close")]) + sent.body)
            head = read_head(stream)
            if head is None:
                raise MalformedError("the server closed the connection")
            body = read_body(stream, head) if has_body(sent, head) else b""
        return Message(head.start, head.headers, body)

    def send(self, reply: Message) -> None:
        """Send a complete answer."""
        if has_body(self.request, reply):
            self.client.sendall(reply.head(len(reply.body)) + reply.body)
        else:
            self.client.sendall(reply.head(body_length(reply)))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.client.sendall(data)

    def stall(self) -> None:
        """Say nothing more until the proxy is closed, then end the connection."""
        self.proxy.closing.wait(_SECONDS)
        raise ConnectionOver

    def reset(self) -> None:
        """End the connection by RST: what is unsent is lost."""
        with suppress(OSError):
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionOver

    def finish(self) -> None:
        """End the connection by FIN: what was sent arrives."""
        with suppress(OSError):
            self.client.shutdown(socket.SHUT_WR)
        raise ConnectionOver


class FaultProxy:
    """Use as a context manager. `seen` lists all request classes, `struck` the faults applied."""

    def __init__(self, server: S3Server, *rules: Rule) -> None:
        self.server = server
        self.rules = list(rules)
        self.seen: list[str] = []
        self.struck: list[tuple[str, str]] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "FaultProxy":
        self._spawn(self._accept)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.closing.set()
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a thread of the proxy did not end"

    def connected(self) -> socket.socket:
        """Return a connection to the real server, which closes with the proxy."""
        upstream = socket.create_connection(("127.0.0.1", self.server.port), timeout=_SECONDS)
        with self._lock:
            self._sockets = {each for each in self._sockets if each.fileno() != -1}
            self._sockets.add(upstream)
        return upstream

    def _spawn(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name="fault-proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._sockets.add(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        over = suppress(OSError, MalformedError, ConnectionOver, ValueError)
        with client, client.makefile("rb") as stream, over:
            while (request := read_head(stream)) is not None:
                self._exchange(Exchange(self, client, stream, request))
        with self._lock:
            self._sockets.discard(client)

    def _exchange(self, exchange: Exchange) -> None:
        from helpers.faults import FAULTS

        struck = self._struck(classify(exchange.request))
        if exchange.request.target.startswith("/web-page"):  # where a redirect leads
            exchange.read_request()
            exchange.send(answer(200, b"<html><body>Sign in</body></html>", "text/html"))
        elif struck is None:
            exchange.send(exchange.forward())
        else:
            exchange.at = struck.at
            FAULTS[struck.fault](exchange)

    def _struck(self, request_class: str) -> Rule | None:
        with self._lock:
            self.seen.append(request_class)
            for each in self.rules:
                if each.takes(request_class):
                    self.struck.append((request_class, each.fault))
                    return each
        return None

"""Connections that a cancel closes at once, and that reject answers with incomplete headers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse, RemoteDisconnected
from socket import SOCK_STREAM
from typing import Any, cast

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from core.work import CancelToken

_thread = threading.local()


class _Request:
    """The current request of a thread, and its connection."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.connecting: socket.socket | None = None
        self.cancelled = False

    def end(self) -> None:
        """Shut the socket down, so that the thread that uses it gets an error at once."""
        self.cancelled = True
        sock = getattr(self.connection, "sock", None) or self.connecting
        if sock is not None:
            with suppress(OSError):  # it is already closed: nothing waits on it
                # The method of the plain socket: SSLSocket's would remove the TLS object.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Lines:
    """A stream that remembers the last line that was read from it."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.last = stream, b""

    def readline(self, limit: int = -1) -> bytes:
        """Return the next line, or the rest of the stream."""
        self.last = self._stream.readline(limit)
        return self.last

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class _Response(HTTPResponse):
    """An answer whose headers must be complete.

    Python's parser takes the end of the connection for the end of the headers: a header that is cut
    off would count as complete, for example an ETag with half of its digits.
    """

    def begin(self) -> None:
        """Read the status line and the headers.

        Raises:
            RemoteDisconnected: the connection ended inside the headers.
        """
        stream = self.fp
        lines = _Lines(stream)
        self.fp = cast("Any", lines)
        try:
            super().begin()
        finally:
            if self.fp is not None:  # otherwise it is closed, since the answer has no body
                self.fp = stream
        if lines.last not in {b"\r\n", b"\n"}:
            self.close()
            message = "the connection ended inside the headers of the answer"
            raise RemoteDisconnected(message)


class _Recorded:
    """Mixin of connections that records the connection of the current request."""

    response_class = _Response

    def connect(self) -> None:
        """Connect, unless the request has been cancelled."""
        request: _Request | None = getattr(_thread, "request", None)
        if request is not None:
            request.connection = self
        super().connect()  # type: ignore[misc] # a mixin of botocore's connections
        if request is not None and request.cancelled:
            request.end()

    def request(self, *arguments: Any, **named: Any) -> Any:
        """Send a request."""
        request: _Request | None = getattr(_thread, "request", None)
        if request is not None:
            request.connection = self
            # An earlier cancel found no socket to shut down; this one may already be open.
            if request.cancelled:
                message = "the request was cancelled before it was sent"
                raise ConnectionAbortedError(message)
        return super().request(*arguments, **named)  # type: ignore[misc] # likewise

    def send(self, data: Any, /) -> None:
        """Send bytes, or an object that sends itself with `send_to`, such as a block of a file."""
        send_to = getattr(data, "send_to", None)
        if send_to is None:
            super().send(data)  # type: ignore[misc] # likewise
        elif not cast("Any", self)._response_received:  # noqa: SLF001 - botocore's, which also stops
            send_to(cast("Any", self).sock)

    def _new_conn(self) -> socket.socket:
        """Return a connected socket; urllib3's method does not expose one that is connecting."""
        request: _Request | None = getattr(_thread, "request", None)
        if request is None:
            return cast("socket.socket", super()._new_conn())  # type: ignore[misc] # likewise
        this = cast("HTTPConnection", self)
        try:
            return _connected(this, request)
        except socket.gaierror as error:
            raise NameResolutionError(this.host, this, error) from error
        except TimeoutError as error:
            message = f"Connection to {this.host} timed out after {this.timeout} s"
            raise ConnectTimeoutError(this, message) from error
        except OSError as error:
            message = f"Failed to establish a new connection: {error}"
            raise NewConnectionError(this, message) from error
        finally:
            request.connecting = None


def _connected(connection: HTTPConnection, request: _Request) -> socket.socket:
    """Try each address of the host; `request.connecting` is the current socket."""
    failure: OSError = OSError("the name has no address")
    places = socket.getaddrinfo(connection.host.strip("[]"), connection.port, 0, SOCK_STREAM)
    for family, kind, protocol, _, address in places:
        sock = socket.socket(family, kind, protocol)
        request.connecting = sock
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(connection.timeout)
            if request.cancelled:  # before `connecting` was set: nothing would end the wait
                message = "the request was cancelled before it connected"
                raise ConnectionAbortedError(message)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
            if request.cancelled:
                break
        else:
            return sock
    raise failure


class _Connection(_Recorded, AWSHTTPConnection):  # type: ignore[misc] # botocore ships no types
    pass


class _SecureConnection(_Recorded, AWSHTTPSConnection):  # type: ignore[misc] # likewise
    pass


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc] # likewise
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):  # type: ignore[misc] # likewise
    ConnectionCls = _SecureConnection


def use_cancellable_connections(http_session: Any) -> None:
    """Make a botocore `URLLib3Session` open connections that `ended_by` can close."""
    classes = {"http": _Pool, "https": _SecurePool}
    http_session._pool_classes_by_scheme = classes  # noqa: SLF001 - botocore has no setter
    http_session._manager.pool_classes_by_scheme = classes  # noqa: SLF001 - likewise


@contextmanager
def ended_by(token: CancelToken) -> Iterator[None]:
    """End the requests of this thread inside the block when `token` is cancelled."""
    request = _Request()
    before = getattr(_thread, "request", None)
    _thread.request = request
    try:
        with token.on_cancel(request.end):
            yield
    finally:
        _thread.request = before

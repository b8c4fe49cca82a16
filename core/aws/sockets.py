"""Connections that a cancel can end: a request that waits for a silent server is woken at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from core.work import CancelToken

_thread = threading.local()


class _Request:
    """The request that a thread has under way, and the connection it goes through."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.cancelled = False

    def end(self) -> None:
        """Shut the socket down; the thread that reads or writes it gets an error at once."""
        self.cancelled = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):  # it was closed meanwhile: nothing waits on it
                # The method of the plain socket: SSLSocket's would pull the TLS object away.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Recorded:
    """Notes in which connection a thread's request is."""

    def connect(self) -> None:
        """Connect, unless the request was cancelled meanwhile."""
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
        return super().request(*arguments, **named)  # type: ignore[misc] # likewise


class _Connection(_Recorded, AWSHTTPConnection):  # type: ignore[misc] # botocore ships no types
    pass


class _SecureConnection(_Recorded, AWSHTTPSConnection):  # type: ignore[misc] # likewise
    pass


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc] # likewise
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):  # type: ignore[misc] # likewise
    ConnectionCls = _SecureConnection


def use_cancellable_connections(http_session: Any) -> None:
    """Have a new `URLLib3Session` of botocore open connections that `ended_by` can end."""
    classes = {"http": _Pool, "https": _SecurePool}
    http_session._pool_classes_by_scheme = classes  # noqa: SLF001 - botocore has no setter
    http_session._manager.pool_classes_by_scheme = classes  # noqa: SLF001 - likewise


@contextmanager
def ended_by(token: CancelToken) -> Iterator[None]:
    """End the request that this thread sends inside the block when `token` is cancelled."""
    request = _Request()
    before = getattr(_thread, "request", None)
    _thread.request = request
    try:
        with token.on_cancel(request.end):
            yield
    finally:
        _thread.request = before

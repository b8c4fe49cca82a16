"""The request to a webhook, which never follows redirects."""

from __future__ import annotations

import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from core.errors import LocalIOError, Offline, ServiceError


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: they would send the notice to an address that the user did not name."""

    def redirect_request(self, *_arguments: Any, **_more: Any) -> None:
        """Return None, so that the redirect is an error."""


class _Limit:
    """A time limit for a complete exchange: that of a socket begins again with every byte."""

    def __init__(self) -> None:
        self._connections: list[HTTPConnection] = []
        self._expired = False

    def handlers(self) -> tuple[urllib.request.BaseHandler, ...]:
        """Return handlers whose connections `enforced` ends."""
        limit = self

        class Plain(urllib.request.HTTPHandler):
            def http_open(self, request: urllib.request.Request) -> HTTPResponse:
                return self.do_open(partial(limit.connection, HTTPConnection), request)

        class Secure(urllib.request.HTTPSHandler):
            def https_open(self, request: urllib.request.Request) -> HTTPResponse:
                context = ssl.create_default_context()
                connection = partial(limit.connection, HTTPSConnection)
                return self.do_open(connection, request, context=context)

        return Plain(), Secure()

    def connection(
        self, kind: Callable[..., HTTPConnection], *args: Any, **more: Any
    ) -> HTTPConnection:
        """Return a connection that `enforced` ends."""
        made = kind(*args, **more)
        self._connections.append(made)
        return made

    @contextmanager
    def enforced(self, seconds: float) -> Iterator[None]:
        """End the connections of the block after a time."""
        timer = threading.Timer(seconds, self._end)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
        if self._expired:  # headers that were cut off look complete
            message = f"no complete answer within {seconds:g} s"
            raise TimeoutError(message)

    def _end(self) -> None:
        self._expired = True
        for connection in self._connections:
            # It may have been closed just now.
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)


def send(url: str, notice: bytes, seconds: float) -> None:
    """Send a notice to a checked URL.

    Args:
        url: The address of the webhook.
        notice: The notice as JSON.
        seconds: The time limit.

    Raises:
        LocalIOError: The URL cannot be requested.
        Offline: The server cannot be reached in time.
        ServiceError: The server refuses the notice.
    """
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        url, notice, {"Content-Type": "application/json"}, method="POST"
    )
    host = urlsplit(url).hostname or ""  # the path often contains the secret of the webhook
    limit = _Limit()
    opener = urllib.request.build_opener(_NoRedirect, *limit.handlers())
    try:
        with limit.enforced(seconds), opener.open(request, timeout=seconds):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise ServiceError(
            f"The webhook at {host} refused the notice",
            cause=f"Status {error.code}.",
            remedy="Check the URL of the webhook.",
            subject=host,
        ) from None
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", error)
        raise Offline(
            f"The webhook at {host} cannot be reached",
            cause=f"{getattr(why, 'strerror', None) or why or type(error).__name__}.",
            remedy="Check the URL of the webhook and the network.",
            subject=host,
        ) from None
    except ValueError as error:
        raise LocalIOError(
            "The webhook cannot be requested",
            cause=f"{error}.",
            remedy="Check the URL of the webhook.",
        ) from None

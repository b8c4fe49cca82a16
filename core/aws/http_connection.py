"""Connections for many small HTTP requests that one thread sends at the same time (RFC 9112).

A request of some kilobytes takes botocore 2 ms and other HTTP libraries 0.2 ms of processor time,
mostly for objects that describe it; here it takes about 0.03 ms. Only answers with a declared
length are understood, one at a time. After anything else the connection is closed, and the caller
repeats the request with botocore.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

_CONNECTING = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)}
#: Bytes received at once: at first, and at most for the rest of a longer answer. A buffer above 128
#: KiB would be requested from the system, and returned to it, for each answer.
_FIRST_BYTES, _RECEIVE_BYTES = 64 * 1024, 256 * 1024
#: More bytes of headers than S3 sends with 2 KB of metadata.
_HEAD_BYTES = 32 * 1024
_END = b"\r\n\r\n"


class UnexpectedAnswerError(OSError):
    """The answer has a form that is not understood here."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where connections go: the addresses of a host, and the TLS settings (None without TLS)."""

    host: str
    addresses: tuple[tuple[Any, ...], ...]
    context: ssl.SSLContext | None

    @classmethod
    def of(cls, host: str, port: int, context: ssl.SSLContext | None) -> Server:
        """Resolve a host.

        Raises:
            OSError: its address cannot be determined.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return cls(host, tuple((family, address) for family, _, _, _, address in found), context)

    def without(self, address: tuple[Any, ...]) -> Server | None:
        """Return the server without an address that cannot be reached; None if there is no other."""
        others = tuple(each for each in self.addresses if each != address)
        return replace(self, addresses=others) if others else None


@cache
def _needle(name: str) -> bytes:
    return f"\r\n{name}:".encode()


class HttpAnswer:
    """A complete answer."""

    __slots__ = ("_head", "_lower", "body", "status")

    def __init__(self, head: bytes, status: int) -> None:
        """Use the status line and the headers, which end with the last header line."""
        self.status = status
        self.body = b""
        # Only some headers are read, so that a search takes less time than a dictionary of all.
        self._head, self._lower = head, head.lower()

    def header(self, name: str) -> str | None:
        """Return the value of a header, whose name is in lower case; None if it is missing."""
        start = self._lower.find(_needle(name))
        if start < 0:
            return None
        start += len(name) + 3
        end = self._head.find(b"\r\n", start)
        value = self._head[start:end] if end >= 0 else self._head[start:]
        return value.strip().decode("latin-1")

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return (self.header("connection") or "").lower() == "close"


class HttpConnection:
    """One connection, which sends a request and receives its answer without blocking.

    Call `advance` whenever the socket is ready for one of `events`.

    Attributes:
        address: the address of the server, an element of `Server.addresses`.
        events: what the socket is waiting for (`selectors.EVENT_READ`, `EVENT_WRITE`).
        answered: the number of complete answers.
        connected: whether the address was reached.
        silent: whether nothing of the present answer has arrived.
    """

    def __init__(self, server: Server, address: tuple[Any, ...]) -> None:
        """Begin to connect.

        Raises:
            OSError: the connection cannot be created.
        """
        family, where = address
        self.address = address
        self._server = server
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self.events = selectors.EVENT_WRITE
        self.answered = 0
        self.silent = True
        self.connected = self._ready = False
        self._unsent = memoryview(b"")
        self._received = bytearray()
        self._expected = 0
        try:
            self._socket.settimeout(0)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _begin_to_connect(self._socket, where)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Send a request, now or when the socket is ready; the former answer must be complete.

        Raises:
            OSError: the connection broke.
        """
        self._unsent, self._expected, self.silent = memoryview(request), 0, True
        if self._ready:
            self._send()

    def advance(self) -> HttpAnswer | None:
        """Connect, send and receive as far as possible; return the answer when it is complete.

        Raises:
            OSError: the connection broke, or the answer is not understood.
        """
        if not self._ready and not self._connect():
            return None
        if self._unsent:
            self._send()
        return self._receive()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _connect(self) -> bool:
        """Continue to connect, and return whether requests can be sent."""
        if not self.connected:
            if number := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(number, os.strerror(number))
            self.connected = True
            if self._server.context is not None:
                self._socket = self._server.context.wrap_socket(
                    self._socket, server_hostname=self._server.host, do_handshake_on_connect=False
                )
        if isinstance(self._socket, ssl.SSLSocket):
            try:
                self._socket.do_handshake()
            except ssl.SSLWantReadError:
                self.events = selectors.EVENT_READ
                return False
            except ssl.SSLWantWriteError:
                self.events = selectors.EVENT_WRITE
                return False
        self._ready = True
        self.events = selectors.EVENT_READ
        return True

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            # Also for reading: a server may refuse a request before it is complete.
            self.events = selectors.EVENT_READ | selectors.EVENT_WRITE
        else:
            self.events = selectors.EVENT_READ

    def _receive(self) -> HttpAnswer | None:
        while True:
            try:
                missing = self._expected - len(self._received)
                size = min(missing, _RECEIVE_BYTES) if missing > _FIRST_BYTES else _FIRST_BYTES
                data = self._socket.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "the server closed the connection")
            self.silent = False
            # Most answers arrive at once, so that no buffer is needed.
            if not self._received and (answer := self._parsed(data)) is not None:
                return answer
            self._received += data
            if len(self._received) >= self._expected:
                answer = self._parsed(bytes(self._received))
                if answer is not None:
                    self._received.clear()
                    return answer

    def _parsed(self, data: bytes) -> HttpAnswer | None:
        """Return the answer, or None if it is not complete; `_expected` is then its size if known."""
        end = data.find(_END)
        if end < 0:
            if len(data) > _HEAD_BYTES:
                raise UnexpectedAnswerError("the headers do not end")
            return None
        answer = _answer_of(data[:end])
        start = end + len(_END)
        self._expected = start + _length_of(answer)
        if len(data) < self._expected:
            return None
        # A second answer to one request: it would be taken for the answer to the next request.
        if len(data) > self._expected or self._unsent:
            raise UnexpectedAnswerError("the answer is longer than declared")
        self.answered += 1
        answer.body = data[start:]
        return answer


def _begin_to_connect(created: socket.socket, where: Any) -> None:
    number = created.connect_ex(where)
    if number not in _CONNECTING:
        raise OSError(number, os.strerror(number))


def _answer_of(head: bytes) -> HttpAnswer:
    status = head[9:12]
    if not head.startswith(b"HTTP/1.1 ") or not status.isdigit():
        raise UnexpectedAnswerError("the answer is not HTTP/1.1")
    return HttpAnswer(head, int(status))


def _length_of(answer: HttpAnswer) -> int:
    """Return the declared length of a body."""
    if answer.status in {204, 304}:
        return 0
    length = answer.header("content-length") or ""
    coded = answer.header("transfer-encoding") is not None
    if answer.status < 200 or not length.isdecimal() or coded:
        raise UnexpectedAnswerError("the length of the answer is not declared")
    return int(length)

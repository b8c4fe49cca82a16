"""Connections to database servers, for every engine: sockets, cancels and errors."""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, Protocol

from core.effects import BY_HAND, Result, note_attempt
from core.errors import (
    Cancelled,
    DatabaseBusy,
    DatabaseError,
    DatabaseLoginRefused,
    DatabaseOffline,
    InvalidInput,
    NotFound,
    StorageError,
)
from core.work import Work

#: Some routers drop a connection after four minutes without data.
_IDLE_SECONDS = 60
#: A host that answers none of so many tests at this distance has vanished. The default of Linux is
#: eleven minutes. A limit for data that is not confirmed (TCP_USER_TIMEOUT) would also end a
#: statement during which the server reads nothing, for example while it waits for a lock.
_TEST_SECONDS, _TESTS = 15, 4
#: The cause of an error, if the connection ended without any other reason.
CLOSED = "The server closed the connection."
#: Messages of drivers and of OpenSSL that mean no more than an end of the connection.
_CLOSED = frozenset(("network error", "bad length", "EOF occurred in violation of protocol"))
#: The message of an `ssl.SSLError`: `[SSL: BAD_LENGTH] bad length (_ssl.c:2427)`, or without the
#: name.
_TLS_MESSAGE = re.compile(r"(?:\[[^]]*\] )?(?P<text>.*?) \(_ssl\.c:\d+\)")


class Address(Protocol):
    """The address of a database on a server; its text has host, port and database."""

    #: The option of a URL that names the file with the certificate of an authority.
    authority_option: ClassVar[str]

    @property
    def host(self) -> str:
        """A host name or an IP address."""

    @property
    def port(self) -> int:
        """The TCP port."""

    @property
    def user(self) -> str:
        """The user who logs in."""

    @property
    def place(self) -> str:
        """Host and port, for displays."""


class ServerConnection:
    """An open connection that a cancel can close."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    @contextmanager
    def cancellable(self, work: Work) -> Iterator[None]:
        """Close the connection on a cancel, which rolls back what was not committed.

        Raises:
            Cancelled: A cancel was requested.
        """
        work.check()
        with work.token.on_cancel(self.cut), _cancels_first(work):
            yield

    def cut(self) -> None:
        """Close the connection at once; the server rolls the open transaction back."""
        shut_down(self._link)


def connect(address: Address, seconds: float, work: Work) -> socket.socket:
    """Return a socket that is connected by TCP, without TLS.

    Args:
        address: The server; all addresses of its host name are tried in turn.
        seconds: The time limit of one attempt, and afterwards of each read and write.
        work: Cancel token.

    Raises:
        Cancelled: A cancel was requested.
        Offline: The server cannot be reached.
    """
    last: OSError = OSError("the name has no address")
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise not_reached(address, error) from None
    for family, kind, protocol, _name, place in found:
        link = socket.socket(family, kind, protocol)
        try:
            link.settimeout(seconds)
            with closing_on_cancel(link, work):
                link.connect(place)
        except OSError as error:
            link.close()
            work.check()
            last = error
        else:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _keep_alive(link)
            return link
    raise not_reached(address, last)


def _keep_alive(link: socket.socket) -> None:
    """Let the system test an idle connection: a router may drop it, or the host may vanish."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # The default is two hours. macOS has another name for the option.
    option = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if option is not None:
        link.setsockopt(socket.IPPROTO_TCP, option, _IDLE_SECONDS)
    for name, value in (("TCP_KEEPINTVL", _TEST_SECONDS), ("TCP_KEEPCNT", _TESTS)):
        if hasattr(socket, name):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@contextmanager
def closing_on_cancel(link: socket.socket, work: Work) -> Iterator[None]:
    """End a connection if a cancel is requested in the block.

    Raises:
        Cancelled: A cancel was requested, and the block failed because of it.
    """
    with work.token.on_cancel(lambda: shut_down(link)), _cancels_first(work):
        yield


@contextmanager
def _cancels_first(work: Work) -> Iterator[None]:
    """Replace an error in the block by the cancel that caused it."""
    try:
        yield
    except StorageError:
        work.check()
        raise


def shut_down(link: socket.socket) -> None:
    """End a connection that another thread may use at the moment."""
    # `SSLSocket.shutdown` removes its encryption first: another thread that is sending at this
    # moment would send the rest in plain text.
    with suppress(OSError):  # it has already ended
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def network_error(address: Address, error: BaseException) -> StorageError:
    """Return the error for one of the socket, or of a driver whose connection ended."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = error.verify_message.rstrip(".")
        return DatabaseOffline(
            f"The certificate of the database server {address.place} is not trusted",
            cause=f"{message[:1].upper()}{message[1:]}.",
            remedy="Use the host name that the certificate contains, and name the file of its "
            f"authority ({address.authority_option}=FILE in a URL). A connection without "
            "verification does not prove that this is the server.",
            subject=str(address),
        )
    return connection_lost(address, _reason(error))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "The server did not answer in time."
    if isinstance(error, BrokenPipeError):
        return CLOSED
    # The errors of code that parses an answer which is cut, or that uses a connection which has
    # ended.
    if isinstance(error, (AttributeError, IndexError, EOFError, struct.error)):
        return "The answer of the server ended early."
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    tls = _TLS_MESSAGE.fullmatch(text)
    if (tls["text"] if tls else text) in _CLOSED:
        return CLOSED
    return f"TLS failed: {tls['text']}." if tls else f"{text[:1].upper()}{text[1:]}."


def verifying_context(authority: str) -> ssl.SSLContext:
    """Return the settings of a TLS connection that verifies certificate and host name.

    Args:
        authority: The file with the certificates of the authority; empty for those of the system.

    Raises:
        InvalidInput: The file cannot be read, or contains no certificate.
    """
    try:
        return ssl.create_default_context(cafile=authority or None)
    except (OSError, ssl.SSLError) as error:
        no_pem = isinstance(error, ssl.SSLError)
        raise InvalidInput(
            f"The certificate of the authority cannot be read: {authority}",
            cause="The file contains no certificate." if no_pem else f"{error.strerror or error}.",
            remedy="Name a file with certificates in PEM format.",
            subject=authority,
        ) from None


def not_reached(address: Address, error: OSError) -> StorageError:
    """Return the error of a server that cannot be reached."""
    return DatabaseOffline(
        f"The database server {address.place} cannot be reached",
        cause=f"{error.strerror or error}.",
        remedy="Check the host and port, the network, and whether the server is running.",
        subject=str(address),
    )


@contextmanager
def noting_lost_answer() -> Iterator[None]:
    """Note that a commit may have been made if the connection ends before its answer."""
    try:
        yield
    except (Cancelled, DatabaseOffline):
        note_attempt(BY_HAND, Result.UNKNOWN)
        raise


def connection_lost(address: Address, cause: str) -> StorageError:
    """Return the error of a connection that ended; the server has rolled back its transaction."""
    return DatabaseOffline(
        f"The connection to the database {address} ended",
        cause=cause,
        remedy="Check the server and the network, then try again.",
        subject=str(address),
    )


def tls_unsupported(address: Address, option: str, value: str) -> StorageError:
    """Return the error of a server without TLS, which an option of the URL requires."""
    return DatabaseOffline(
        f"The database server {address.place} does not support TLS",
        cause=f"The connection requires it ({option}={value}).",
        remedy=f"Enable TLS in the server, or do not require it ({option}=prefer in a URL).",
        subject=str(address),
    )


def login_refused(address: Address, cause: str, remedy: str) -> StorageError:
    """Return the error of a user or password that the server refuses."""
    return DatabaseLoginRefused(
        f"The database {address} refuses the login of {address.user}",
        cause=cause,
        remedy=remedy,
        subject=str(address),
    )


def too_many_connections(address: Address, cause: str) -> StorageError:
    """Return the error of a server that does not accept more connections."""
    return DatabaseBusy(
        f"The database {address} does not accept more connections",
        cause=cause,
        remedy="Wait a moment, then try again.",
        subject=str(address),
    )


def object_missing(address: Address, kind: str, cause: str) -> StorageError:
    """Return the error of a missing object; `kind` is `database`, `schema` or `table`."""
    return NotFound(
        f"The {kind} does not exist: {address}"
        if kind == "database"
        else f"The {kind} does not exist in {address}",
        cause=cause,
        remedy="Check the name and the database in the address.",
        subject=str(address),
    )


def other_error(address: Address, cause: str, remedy: str) -> StorageError:
    """Return the error of a server that no other function describes; `remedy` may be empty."""
    return DatabaseError(
        f"The database {address} reported an error",
        cause=cause,
        remedy=remedy or "Check the message of the server.",
        subject=str(address),
    )

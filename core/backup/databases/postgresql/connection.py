"""Sockets to PostgreSQL servers: TCP, Unix sockets and TLS."""

from __future__ import annotations

import socket
import ssl

from core.backup.databases import server
from core.backup.databases.postgresql.address import ServerAddress, TlsMode
from core.backup.databases.server import closing_on_cancel, not_reached, tls_unsupported
from core.errors import NotSupported
from core.tls import postgresql_accepts_tls, unverified_context
from core.work import Work


def connect(address: ServerAddress, work: Work) -> socket.socket:
    """Return a connected socket, without TLS.

    Raises:
        Cancelled: A cancel was requested.
        Offline: The server cannot be reached.
    """
    if address.is_socket:
        return _connect_socket(address, work)
    return server.connect(address, address.timeout, work)


def _connect_socket(address: ServerAddress, work: Work) -> socket.socket:
    family = getattr(socket, "AF_UNIX", None)
    if family is None:  # Python has no Unix sockets on Windows
        raise NotSupported(
            f"The Unix socket of {address} cannot be used on Windows",
            remedy="Use the host name and the port of the server.",
            subject=str(address),
        )
    link = socket.socket(family)
    try:
        link.settimeout(address.timeout)
        with closing_on_cancel(link, work):
            link.connect(f"{address.host}/.s.PGSQL.{address.port}")
    except OSError as error:
        link.close()
        work.check()
        raise not_reached(address, error) from None
    return link


def with_tls(link: socket.socket, address: ServerAddress) -> socket.socket:
    """Negotiate TLS as the address requires, like libpq's `sslmode`."""
    if address.tls is TlsMode.DISABLE or address.is_socket:
        return link
    if not postgresql_accepts_tls(link):
        if address.tls is TlsMode.PREFER:
            return link
        raise tls_unsupported(address, "sslmode", address.tls.value)
    return _tls_context(address).wrap_socket(link, server_hostname=address.host)


def _tls_context(address: ServerAddress) -> ssl.SSLContext:
    if address.tls not in (TlsMode.VERIFY_CA, TlsMode.VERIFY_FULL):
        return unverified_context()
    context = server.verifying_context(address.root_certificate)
    context.check_hostname = address.tls is TlsMode.VERIFY_FULL
    return context

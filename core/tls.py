"""TLS to database servers: settings without verification, and PostgreSQL's request for it."""

from __future__ import annotations

import socket
import ssl
import struct

#: The code that asks a server for TLS. Source: PostgreSQL manual, "Message Formats", SSLRequest.
_POSTGRESQL_REQUEST = struct.pack(">II", 8, 80877103)


def unverified_context() -> ssl.SSLContext:
    """Return the settings of a TLS connection that does not prove which server answers.

    It is without the certificates of the system: reading them takes longer than a login.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def postgresql_accepts_tls(link: socket.socket) -> bool:
    """Request TLS of a PostgreSQL server on a new connection; return whether it accepts.

    Raises:
        OSError: The connection failed.
    """
    link.sendall(_POSTGRESQL_REQUEST)
    return link.recv(1) == b"S"

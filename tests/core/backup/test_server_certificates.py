"""A certificate that cannot be verified is the cause that is shown, with a remedy, for each engine."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.databases import write_certificate

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql.address import ServerAddress as MariaDBAddress
from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.postgresql.connection import with_tls
from core.backup.databases.server import network_error
from core.errors import DatabaseOffline, InvalidInput
from core.redaction import Secret

_CLIENT_SSL = 0x800
#: What a MariaDB server sends first: version, salt, character set, and that it offers TLS.
_GREETING = (
    b"\x0a10.11.6-MariaDB\0" + bytes(4) + b"saltsalt\0" + b"\xff\xff\x2d\x02\x00\xff\x81\x15"
    + bytes(10) + b"saltsaltsalt\0" + b"mysql_native_password\0"
)  # fmt: skip


def greet_as_mariadb(link: socket.socket) -> None:
    link.sendall(len(_GREETING).to_bytes(3, "little") + b"\0" + _GREETING)
    head = link.recv(4)
    body = link.recv(int.from_bytes(head[:3], "little"))
    assert int.from_bytes(body[:4], "little") & _CLIENT_SSL


def greet_as_postgresql(link: socket.socket) -> None:
    assert len(link.recv(8)) == 8
    link.sendall(b"S")


@contextmanager
def server(folder: Path, greet: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that negotiates TLS with a self-signed certificate, and ends; yield its port."""
    write_certificate(folder, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            link, _ = listening.accept()
            with link:
                greet(link)
                with suppress(OSError):  # the client ends the handshake
                    context.wrap_socket(link, server_side=True).close()

        thread = threading.Thread(target=answer)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("greet", "url", "option"),
    [
        (
            greet_as_postgresql,
            "postgresql://ada@127.0.0.1:{}/db?sslmode=verify-full",
            "sslrootcert",
        ),
        (greet_as_mariadb, "mysql://ada@127.0.0.1:{}/db?tls=verify", "ca"),
    ],
    ids=["PostgreSQL", "MariaDB"],
)
@pytest.mark.parametrize("trusted", [False, True])
def test_an_untrusted_certificate_is_named(
    tmp_path: Path, greet: Callable[[socket.socket], None], url: str, option: str, *, trusted: bool
) -> None:
    with server(tmp_path, greet) as port:
        text = url.format(port) + f"&{option}={tmp_path / 'server.crt'}" * trusted
        address = DatabaseAddress(text, Secret("never sent"))
        with pytest.raises(DatabaseOffline) as refused:
            open_database(address)
    error = refused.value
    assert (
        error.summary == f"The certificate of the database server 127.0.0.1:{port} is not trusted"
    )
    # Trusted, it is still the certificate of another host.
    assert ("mismatch" if trusted else "signed certificate") in error.cause
    assert f"({option}=FILE in a URL)" in error.remedy


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_a_certificate_is_an_invalid_input(
    tmp_path: Path, content: str | None
) -> None:
    """It was reported as the end of a connection, with advice about the network."""
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    mine, theirs = socket.socketpair()
    postgresql = f"postgresql://ada@db/trading?sslmode=verify-full&sslrootcert={file}"
    mariadb = MariaDBAddress.parse(f"mysql://ada@db/trading?tls=verify&ca={file}")
    with mine, theirs:
        theirs.sendall(b"S")
        attempts = (lambda: with_tls(mine, ServerAddress.parse(postgresql)), mariadb.tls_context)
        for attempt in attempts:
            with pytest.raises(InvalidInput) as refused:
                attempt()
            assert str(file) in refused.value.summary
            reason = "No such file" if content is None else "contains no certificate"
            assert reason in refused.value.cause
            assert "PEM" in refused.value.remedy


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError("network error"), "The server closed the connection."),
        (ssl.SSLError(1, "[SSL: BAD_LENGTH] bad length (_ssl.c:2427)"), "closed the connection."),
        (
            ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:2427)"),
            "The server closed the connection.",
        ),
        (BrokenPipeError(32, "Broken pipe"), "The server closed the connection."),
        (ssl.SSLError(1, "[SSL: UNSUPPORTED] no protocol (_ssl.c:9)"), "TLS failed: no protocol."),
        (ConnectionResetError(104, "connection reset"), "Connection reset."),
        (AttributeError("'NoneType' object has no attribute 'read'"), "ended early."),
    ],
)
def test_the_end_of_a_connection_has_a_readable_cause(error: Exception, cause: str) -> None:
    address = ServerAddress("db", 5432, "trading", "ada")
    assert network_error(address, error).cause.endswith(cause)

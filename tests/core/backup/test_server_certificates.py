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
from core.errors import DatabaseOffline
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
    assert f"({option}=FILE)" in error.remedy

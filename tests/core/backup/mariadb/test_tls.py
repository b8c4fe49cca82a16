"""TLS of the connections to MariaDB: what is encrypted, and which server is trusted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
from helpers.databases import Server, running_mariadb

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql import MySQLDatabase
from core.errors import Offline
from core.redaction import Secret
from tests.core.backup.mariadb.conftest import PASSWORD, Trading


@pytest.fixture(scope="module")
def private() -> Iterator[Server]:
    with running_mariadb(tls=True) as server:
        server.ask("CREATE USER operator@'%%' IDENTIFIED BY %s", PASSWORD)
        server.ask("GRANT ALL ON trading.* TO operator@'%%'")
        yield server


def is_encrypted(server: Server, options: str, host: str = "127.0.0.1") -> bool:
    url = f"mysql://operator@{host}:{server.port}/trading{options}"
    with open_database(DatabaseAddress(url, Secret(PASSWORD))) as database:
        assert isinstance(database, MySQLDatabase)
        cipher = database._session.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1]
        assert bool(cipher) == database.encrypted
        return database.encrypted


@pytest.mark.parametrize(
    ("options", "encrypted"),
    [("", True), ("?tls=prefer", True), ("?tls=require", True), ("?tls=disable", False)],
)
def test_a_server_with_tls(private: Server, options: str, encrypted: bool) -> None:
    assert is_encrypted(private, options) is encrypted


def test_a_server_without_tls_is_refused_if_it_is_required(trading: Trading) -> None:
    with open_database(trading.address) as database:
        assert not database.encrypted
    with pytest.raises(Offline, match="does not support TLS"):
        open_database(DatabaseAddress(f"{trading.address.url}?tls=require", Secret(PASSWORD)))


def test_only_a_server_with_a_certificate_of_the_authority_is_trusted(private: Server) -> None:
    authority = private.folder / "data" / "server.crt"
    with pytest.raises(Offline, match="is not trusted"):
        is_encrypted(private, "?tls=verify")
    assert is_encrypted(private, f"?tls=verify&ca={authority}", "localhost")
    with pytest.raises(Offline, match="is not trusted") as refused:
        is_encrypted(private, f"?tls=verify&ca={authority}")
    assert "127.0.0.1" in refused.value.cause


def test_the_certificates_of_the_system_are_read_for_a_verification_only(
    private: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them takes longer than the login."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    for options in ("", "?tls=require", "?tls=disable"):
        is_encrypted(private, options)
    with pytest.raises(AssertionError):
        is_encrypted(private, "?tls=verify")

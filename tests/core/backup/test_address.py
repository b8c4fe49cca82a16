"""Addresses of databases: the password comes from the URL, the keyring or a secret, and is never shown."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from core.backup.databases import DATABASES, engine_of, origin_of
from core.backup.databases.address import (
    DatabaseAddress,
    delete_password,
    parse_address,
    resolve_address,
    store_password,
)
from core.errors import Corrupt, InvalidInput, NotSupported
from core.local.vault import SessionVault
from core.redaction import Secret
from core.work import Work

URL = "postgresql://ada@db.example.com:5433/trading"
PASSWORD = "s3cret/with:odd@characters"


class Secrets:
    """Secrets Manager with one secret."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def get_secret(self, name: str, *, work: Work | None = None) -> dict[str, Any]:
        assert name == "cryptotrading/database"
        return self.fields


def resolved(fields: dict[str, Any]) -> DatabaseAddress:
    secrets: Any = Secrets(fields)
    return resolve_address("secret:cryptotrading/database", secrets, Work())


def test_a_password_in_a_url_is_separated_and_masked() -> None:
    address = parse_address(
        "postgresql://ada:s3cret%2Fwith%3Aodd%40characters@db.example.com:5433/trading"
    )
    assert address == DatabaseAddress(URL, Secret(PASSWORD))
    assert PASSWORD not in repr(address) + str(address)
    assert str(origin_of(address)) == "db.example.com:5433:trading (PostgreSQL)"


def test_the_password_of_the_keyring_is_used_and_removed() -> None:
    vault = SessionVault()
    store_password(URL, Secret(PASSWORD), vault=vault)
    assert resolve_address(URL, None, Work(), vault=vault).password == Secret(PASSWORD)
    delete_password(URL, vault=vault)
    assert resolve_address(URL, None, Work(), vault=vault).password is None


def test_a_secret_contains_the_address() -> None:
    fields = {
        "host": "db.example.com", "port": "5433", "database": "trading", "username": "ada",
        "password": PASSWORD,
    }  # fmt: skip
    assert resolved(fields) == DatabaseAddress(URL, Secret(PASSWORD))
    assert resolved({**fields, "engine": "mariadb"}).url.startswith("mariadb://ada@")
    odd = resolved({**fields, "username": "a:b@c/d", "database": "x?y"})
    assert origin_of(odd).database == "x?y"
    of_aws = {**fields, "dbname": fields["database"]}
    del of_aws["database"]
    assert resolved(of_aws) == resolved(fields)


@pytest.mark.parametrize(
    "change", [{"host": ""}, {"username": None}, {"port": "x"}, {"engine": "oracle"}]
)
def test_a_secret_without_an_address_is_named(change: dict[str, Any]) -> None:
    fields = {"host": "h", "port": 1, "database": "d", "username": "u", "password": "p"}
    with pytest.raises(Corrupt, match="cryptotrading/database does not contain the address"):
        resolved({**fields, **change})


@pytest.mark.parametrize("text", ["secret:", "secret: "])
def test_an_address_without_the_name_of_a_secret_is_no_request(text: str) -> None:
    secrets: Any = Secrets({})
    with pytest.raises(InvalidInput, match="names no secret"):
        resolve_address(text, secrets, Work())


@pytest.mark.parametrize("text", ["", "  ", "secret:x", "://", "no scheme://"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_address(text)


def test_an_unknown_engine_names_the_supported_ones() -> None:
    with pytest.raises(NotSupported) as refused:
        engine_of("oracle://ada:p4ssw0rd@host/db")
    assert "SQLite" in refused.value.cause
    assert "PostgreSQL" in refused.value.cause
    assert "p4ssw0rd" not in f"{refused.value!r} {refused.value.subject} {refused.value.remedy}"


@pytest.mark.parametrize("engine", DATABASES, ids=lambda engine: engine.name)
def test_an_engine_has_one_name_and_is_selected_by_its_schemes(engine):
    assert engine.load().engine == engine.name
    assert all(engine_of(f"{dialect}://host/db") is engine.load() for dialect in engine.dialects)


@pytest.mark.parametrize(
    ("address", "engine"),
    [("trading.db", "sqlite"), ("postgresql://ada@host/db", "postgresql")],
)
def test_only_the_engine_that_is_used_is_imported(address, engine):
    script = (
        "import sys; from core.backup.databases import engine_of; "
        f"engine_of({address!r}); print([n for n in ('sqlite', 'postgresql', 'mysql') "
        "if f'core.backup.databases.{n}' in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert result.stdout.decode().strip() == f"['{engine}']"

"""Databases of a server on the command line: backup, restore and passwords that are no arguments."""

import io
import json
from pathlib import Path

import pytest
from helpers.databases import postgresql_server
from helpers.keyrings import RefusingKeyring, allow, memory_keyring
from helpers.postgresql_tables import new_database, trading

from core.errors import ErrorKind
from core.model.database import TableInfo

__all__ = ["postgresql_server"]

USAGE = ErrorKind.USAGE.value


@pytest.fixture
def keyring_in_memory(monkeypatch):
    yield from memory_keyring(monkeypatch)


@pytest.fixture
def database(postgresql_server):
    with new_database(postgresql_server) as made:
        yield trading(made)


@pytest.fixture
def secret(world, database):
    """The address of the database as a secret of the contract's form."""
    name = f"cryptotrading/{database.name}"
    value = {
        "host": "127.0.0.1", "port": database.server.port, "database": database.name,
        "username": database.user, "password": database.password,
    }  # fmt: skip
    world.vault.create_secret(Name=name, SecretString=json.dumps(value))
    return f"secret:{name}"


class _Pipe:
    """Standard input that is no terminal."""

    def __init__(self, text):
        self.buffer = io.BytesIO(text.encode())

    @staticmethod
    def isatty():
        return False


def test_a_table_is_backed_up_and_restored_by_the_name_of_a_secret(command, database, secret):
    before = database.content("orders")
    made = json.loads(command("backup", secret, "orders", "users", "--json").out)
    assert [one["table"] for one in made["backups"]] == ["orders", "users"]
    database.script("DELETE FROM fills", "DELETE FROM orders WHERE id > 3")
    preview = command("restore", secret, "orders").out
    assert "+ 497 rows to add" in preview
    report = json.loads(command("restore", secret, "orders", "--yes", "--json").out)
    assert report["verified"] == "verified (SHA-256 and server fingerprint)"
    assert database.content("orders") == before
    command("restore", secret, "orders", "--undo", "--yes")
    assert len(database.content("orders")) == 3
    listed = command("database", "tables", secret).out
    assert "PostgreSQL" in listed
    assert "orders" in listed
    assert database.password not in preview + listed + json.dumps([made, report])


@pytest.mark.parametrize("url", ["ada:12/p4ssw0rd@h/db", "postgresql:/ada:p4ssw0rd@h/db"])
@pytest.mark.parametrize("arguments", [("backup", "{}", "t"), ("database", "login", "{}")])
def test_a_mistyped_url_is_refused_without_its_password(command, arguments, url):
    output = command(*(word.format(url) for word in arguments), code=USAGE)
    assert "neither a URL nor an existing file" in output.err
    assert "p4ssw0rd" not in output.err


@pytest.mark.parametrize(
    "arguments", [("backup", "{}", "t"), ("restore", "{}", "t"), ("database", "tables", "{}")]
)
def test_a_password_on_the_command_line_is_refused(command, arguments):
    url = "postgresql://ada:p4ssw0rd-x@127.0.0.1:1/trading"
    output = command(*(word.format(url) for word in arguments), code=USAGE)
    assert "contains a password" in output.err
    assert "p4ssw0rd-x" not in output.err + output.out


def test_a_password_is_stored_after_a_login_only(command, database, monkeypatch, keyring_in_memory):
    url = database.address.url
    monkeypatch.setattr("sys.stdin", _Pipe("wrong"))
    command("database", "login", url, code=ErrorKind.CREDENTIALS_INVALID.value)
    command("database", "tables", url, code=ErrorKind.CREDENTIALS_INVALID.value)
    monkeypatch.setattr("sys.stdin", _Pipe(database.password))
    assert "PostgreSQL 15" in command("database", "login", url).out
    assert "orders" in command("database", "tables", url).out
    command("database", "logout", url)
    command("database", "tables", url, code=ErrorKind.CREDENTIALS_INVALID.value)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_login_without_a_password_names_that_and_how_to_store_one(
    command, database, keyring_in_memory, form
):
    arguments = ("database", "tables", database.address.url, *form)
    failed = command(*arguments, code=ErrorKind.CREDENTIALS_INVALID.value)
    text = " ".join(failed.err.split())
    assert "tried without a password. The keyring has no password for this URL." in text
    assert "`strongroom database login URL`" in text
    assert "secret:NAME" in text


def test_a_wrong_password_is_not_called_a_missing_one(command, database, monkeypatch):
    monkeypatch.setattr("sys.stdin", _Pipe("wrong"))
    failed = command("database", "login", database.address.url, code=12)
    assert "without a password" not in failed.err


@pytest.fixture
def locked_keyring(monkeypatch, keyring_in_memory):
    import keyring

    allow(monkeypatch, RefusingKeyring)
    keyring.set_keyring(RefusingKeyring(type("KeyringLocked", (Exception,), {})()))


def test_a_keyring_that_cannot_be_read_is_the_cause_of_a_missing_password(
    command, database, monkeypatch, locked_keyring
):
    url = database.address.url
    failed = command("backup", url, "orders", code=ErrorKind.CREDENTIALS_INVALID.value)
    assert "without a password. The system keyring is locked." in " ".join(failed.err.split())
    monkeypatch.setattr("sys.stdin", _Pipe(database.password))
    failed = command("database", "login", url, code=ErrorKind.KEYRING.value)
    assert "secret:NAME instead of the URL" in " ".join(failed.err.split())
    assert "session only" not in failed.err


def test_a_machine_without_a_keyring_uses_the_password_file_of_the_database(
    command, database, locked_keyring
):
    path = Path.home() / ".pgpass"
    path.write_text(f"127.0.0.1:*:{database.name}:{database.user}:{database.password}\n")
    failed = command("backup", database.address.url, "orders", code=12)
    assert f"{path} was not read: other users have access to it" in " ".join(failed.err.split())
    path.chmod(0o600)
    made = json.loads(command("backup", database.address.url, "orders", "--json").out)
    assert [one["table"] for one in made["backups"]] == ["orders"]
    assert database.password not in json.dumps(made)


def test_an_estimated_number_of_rows_is_marked_in_the_list_of_tables():
    from core.cli.databases import _row

    tables = (TableInfo("a", 4_000_000, estimated=True), TableInfo("b", 3), TableInfo("c", None))
    assert [_row(table)[1] for table in tables] == ["≈ 4,000,000", "3", ""]

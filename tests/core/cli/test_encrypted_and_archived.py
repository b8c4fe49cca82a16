"""`backup-key`, `backup --encrypt` and `backups --thaw` as a script calls them."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest
from helpers.keyrings import memory_keyring

from core.errors import ErrorKind

EXISTS, NOT_FOUND, USAGE = (
    kind.value for kind in (ErrorKind.ALREADY_EXISTS, ErrorKind.NOT_FOUND, ErrorKind.USAGE)
)
ARCHIVED, INVALID = ErrorKind.ARCHIVED.value, ErrorKind.INVALID_INPUT.value


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def keyring(monkeypatch):
    yield from memory_keyring(monkeypatch)


@pytest.fixture
def table():
    """A table's name that no other test uses: its backups are alone in the list."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def database(tmp_path, table):
    path = tmp_path / "trading.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v)")
        connection.execute(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    return str(path)


def test_a_backup_is_encrypted_with_a_key_of_secrets_manager(command, database, table, demo_s3):
    name = f"secret:cryptotrading/{table}"
    created = command("backup-key", "create", name)
    assert "was stored; check value" in created.out
    assert "cannot be read by anyone" in created.err
    assert command("backup-key", "create", name, code=EXISTS).err
    shown = json.loads(command("backup-key", "show", name, "--json").out)
    assert shown["key"] == "***"
    key = json.loads(command("backup-key", "show", name, "--reveal", "--json").out)["key"]
    assert key not in created.out + created.err
    made = json.loads(command("backup", database, table, "--encrypt", name, "--json").out)
    backup = made["backups"][0]
    assert backup["encrypted_with"] == name
    manifest = demo_s3.get_object(Bucket="tentimecrypto", Key=backup["key"])["Body"].read()
    assert json.loads(manifest)["encryption"]["key_check"] == shown["key_check"]
    assert key.encode() not in manifest
    assert f"encrypted with {name}" in command("backups", table).out
    assert "every hash as written" in command("backups", table, "--verify").out
    assert "\t2" in command("query", table, "SELECT 'n', count(*) FROM backup").out
    restored = command("restore", database, table, "--as", "again", "--yes")
    assert "2 rows restored" in restored.out


def test_a_key_is_moved_to_the_keyring_of_another_machine(
    command, keyring, tmp_path, database, table
):
    command("backup-key", "create", "keyring:main")
    command("backup", database, table, "--encrypt", "keyring:main")
    key = json.loads(command("backup-key", "show", "keyring:main", "--reveal", "--json").out)["key"]
    keyring.entries.clear()
    assert "backup-key import" in command("backups", table, "--verify", code=NOT_FOUND).err
    file = tmp_path / "key.txt"
    file.write_text("wrong\n")
    command("backup-key", "import", "keyring:main", "--file", str(file), code=INVALID)
    file.write_text(key + "\n")
    command("backup-key", "import", "keyring:main", "--file", str(file))
    command("backup-key", "import", "keyring:main", "--file", str(file), code=EXISTS)
    command("backups", table, "--verify")


def test_a_key_that_does_not_exist_ends_the_backup_before_it_begins(
    command, keyring, database, table
):
    for name, code in (("keyring:none", NOT_FOUND), (f"secret:{table}", NOT_FOUND), ("x", INVALID)):
        error = command("backup", database, table, "--encrypt", name, code=code).err
        assert "Error:" in error
    assert json.loads(command("backups", table, "--json").out) == []


def test_an_archived_backup_is_retrieved(command, database, table, demo_s3):
    backup = json.loads(command("backup", database, table, "--json").out)["backups"][0]
    part = backup["key"].replace("_manifest.json", "part-00000.jsonl.zst")
    demo_s3.copy_object(
        Bucket="tentimecrypto", Key=part, StorageClass="GLACIER",
        CopySource={"Bucket": "tentimecrypto", "Key": part},
    )  # fmt: skip
    assert "in GLACIER" in command("backups", table).out
    refused = command("restore", database, table, code=ARCHIVED).err
    assert f"`strongroom backups --thaw {backup['id']}`" in refused
    plan = command("backups", table, "--thaw", backup["id"], "--tier", "Bulk", "--days", "2")
    assert "archived: 1 object" in plan.out
    assert (
        "retrieval Bulk: estimated less than 0.01 USD, 5 to 12 hours, readable for 2 days"
        in plan.out
    )
    assert "us-east-1, as of" in plan.err
    assert "Nothing was requested" in plan.err
    requested = command("backups", "--thaw", backup["id"], "--yes")
    assert "requested, in progress: 1 object" in requested.out
    assert "every object can be read until" in command("backups", "--thaw", backup["id"]).out
    command("backups", table, "--verify")


@pytest.mark.parametrize("option", [("--tier", "Bulk"), ("--days", "3"), ("--yes",)])
def test_the_options_of_a_retrieval_need_it(command, option):
    assert "can only be used with --thaw" in command("backups", *option, code=USAGE).err

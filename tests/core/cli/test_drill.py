"""`drill` as a script calls it: exit codes, texts, JSON."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest

from core.errors import ErrorKind

CORRUPT, USAGE = ErrorKind.CORRUPT.value, ErrorKind.USAGE.value


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("core.backup.checked_reading.PAUSES", (0.0, 0.0))


@pytest.fixture
def table():
    """A table's name that no other test uses: its backups are alone in the list."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def database(tmp_path, table):
    path = tmp_path / "trading.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v CHECK (v <> ''))")
        connection.execute(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    return str(path)


def test_a_drill_reports_the_proof_and_the_list_shows_it(command, database, table):
    command("backup", database, table)
    output = command("drill", table).out
    assert "2 rows restored into a temporary file" in output
    assert "The backup is proven" in output
    assert "\tproven by a restore drill on 20" in command("backups", table).out
    report = json.loads(command("drill", table, "--into", database, "--json").out)
    assert (report["table"], report["problems"]) == (f"{table}__drill", [])
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [(table,)]


def test_a_drill_that_fails_has_an_exit_code(command, database, table, demo_s3):
    command("drill", table, code=ErrorKind.NOT_FOUND.value)
    command("drill", table, "--into", "postgresql://a:b@127.0.0.1/x", code=USAGE)
    backup = json.loads(command("backup", database, table, "--json").out)["backups"][0]
    command("drill", table, "--into", "/nowhere/x.db", code=ErrorKind.DATABASE.value)
    part = backup["key"].replace("_manifest.json", "part-00000.jsonl.zst")
    body = demo_s3.get_object(Bucket="tentimecrypto", Key=part)["Body"].read()
    demo_s3.put_object(Bucket="tentimecrypto", Key=part, Body=body[:-1] + b"x")
    assert "is damaged" in command("drill", table, code=CORRUPT).err
    assert "\trestore drill failed on 20" in command("backups", table).out

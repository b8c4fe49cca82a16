"""`backup --resume` completes, lists and removes interrupted backups."""

import json
from uuid import uuid4

import pytest
from helpers.backups import sql, trading_database

from core.backup.store import BucketStore
from core.errors import ErrorKind, Offline

OFFLINE, USAGE = ErrorKind.OFFLINE.value, ErrorKind.USAGE.value


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def table():
    """A table's name that no other test uses: its backups are alone in the list."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def database(tmp_path, table):
    path = trading_database(tmp_path / "trading.db", 20)
    sql(path, f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v)")
    sql(path, f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return str(path)


@pytest.fixture
def interrupted(command, database, table, monkeypatch):
    """The output of a backup that could not reach the bucket after the rows were read."""

    def refuse(*_arguments, **_named):
        raise Offline("The endpoint cannot be reached")

    with monkeypatch.context() as patch:
        patch.setattr(BucketStore, "put", refuse)
        return command("backup", database, table, code=OFFLINE)


def test_an_interrupted_backup_is_completed(command, interrupted, database, table):
    assert "strongroom backup --resume" in interrupted.err
    (listed,) = json.loads(command("backup", "--resume", "--dry-run", "--json").out)
    assert (listed["table"], listed["rows"]) == (table, 3)
    assert table in command("backup", "--resume", "--dry-run").out
    assert json.loads(command("backups", table, "--json").out) == []
    sql(database, f"DELETE FROM {table}")
    assert f"{table}: completed with 3 rows" in command("backup", "--resume").out
    (found,) = json.loads(command("backups", table, "--json").out)
    assert (found["id"], found["taken"]) == (listed["id"], listed["taken"])
    command("restore", database, table, "--yes")
    assert sql(database, f"SELECT count(*) FROM {table}") == [(3,)]
    output = command("backup", "--resume")
    assert "no interrupted backup that can be resumed" in output.out + output.err


def test_an_interrupted_backup_is_discarded(command, interrupted, table):
    (listed,) = json.loads(command("backup", "--resume", "--dry-run", "--json").out)
    output = command("backup", "--resume", "--discard", listed["id"])
    assert "Add --yes to remove" in output.out + output.err
    assert f"backup {listed['id']} of {table}" in command(
        "backup", "--resume", "--discard", "--yes", listed["id"]
    ).out  # fmt: skip
    assert json.loads(command("backup", "--resume", "--dry-run", "--json").out) == []
    command("backup", "--resume", listed["id"], code=ErrorKind.INVALID_INPUT.value)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Name the database"),
        (("--resume", "--all-tables"), "cannot be combined"),
        (("x.db", "t", "--discard"), "only be used with --resume"),
        (("--resume", "--yes"), "only be used with --discard"),
    ],
)
def test_contradictory_options_are_refused(command, arguments, text):
    assert text in command("backup", *arguments, code=USAGE).err

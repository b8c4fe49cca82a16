"""Commands without an id state whose backup they used if several databases have such a table."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def table():
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def databases(command, tmp_path, table):
    """Two databases with a backup of a table of the same name; that of `newer.db` is the newest."""
    found = []
    for name in ("older.db", "newer.db"):
        path = tmp_path / name
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY)")
        command("backup", str(path), table)
        found.append(str(path))
    return found


@pytest.mark.parametrize("name", ["drill", "verify", "query", "export"])
def test_the_used_database_and_the_others_are_stated(command, tmp_path, table, databases, name):
    more = {"query": [f"SELECT * FROM {table}"], "export": ["--output", str(tmp_path / "a.csv")]}
    arguments = [name, table, *more.get(name, [])]
    shown = command(*arguments)
    text = shown.out + shown.err
    assert f"There are also backups of {table} of " in text
    assert "newer.db (SQLite) was used, the newest of all; an id chooses another." in text
    overwrite = ["--overwrite"] if name == "export" else []
    report = json.loads(command(*arguments, *overwrite, "--json").out)
    assert report["backup"]["origin"]["database"] == "newer.db"
    assert "older.db (SQLite). The one of " in report["notes"][0]
    chosen = json.loads(
        command(*arguments, *overwrite, "--id", report["backup"]["id"], "--json").out
    )
    assert chosen["notes"] == []


def test_a_drill_uses_the_backup_of_the_scratch_database_if_there_is_one(command, table, databases):
    older, newer = databases
    report = json.loads(command("drill", table, "--into", older, "--json").out)
    assert report["backup"]["origin"]["database"] == "older.db"
    assert "was used, that of the scratch database" in report["notes"][0]
    other = newer.replace("newer.db", "scratch.db")
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE x(y)")
    report = json.loads(command("drill", table, "--into", other, "--json").out)
    assert report["backup"]["origin"]["database"] == "newer.db"
    assert "was used, the newest of SQLite" in report["notes"][0]


def test_a_table_without_backups_is_no_empty_answer(command, table):
    shown = command("backups", table)
    assert (shown.out, shown.err) == ("", f"There is no backup of {table}.\n")
    assert json.loads(command("backups", table, "--json").out) == []

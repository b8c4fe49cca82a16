"""Single rows are restored from the command line, after a preview, and an undo reverses it."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest

from core.errors import ErrorKind

USAGE = ErrorKind.USAGE.value


@pytest.fixture
def table():
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def database(tmp_path, monkeypatch, table):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    path = tmp_path / "trading.db"
    run(path, f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v)")
    run(path, f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return str(path)


def run(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_rows_are_previewed_restored_and_put_back(command, database, table):
    command("backup", database, table)
    run(database, f"UPDATE {table} SET v = 'changed' WHERE id > 1")
    run(database, f"DELETE FROM {table} WHERE id = 1")
    changed = run(database, f"SELECT * FROM {table}")
    arguments = ("restore", database, table, "--rows", "1", "--rows", "[2]")
    preview = command(*arguments).out
    assert "+ 1 row to insert\n~ 1 row to update\n- 0 rows to delete\n" in preview
    assert "insert: 1\n  update: 2" in preview
    assert json.loads(command(*arguments, "--json").out)["counts"]["inserted"] == 1
    assert run(database, f"SELECT * FROM {table}") == changed
    report = json.loads(command(*arguments, "--yes", "--json").out)
    assert run(database, f"SELECT * FROM {table}") == [(1, "a"), (2, "b"), (3, "changed")]
    undone = json.loads(command("restore", database, table, "--undo", "--yes", "--json").out)
    assert report["former"] in undone.values()
    assert run(database, f"SELECT * FROM {table}") == changed
    output = command(*arguments, "--yes").out
    assert f"{table}: 2 rows changed in" in output
    assert "the former values are retained in" in output


def test_rows_of_a_condition_are_restored(command, database, table):
    command("backup", database, table)
    run(database, f"UPDATE {table} SET v = 'changed'")
    arguments = ("restore", database, table, "--rows-where", "v IN ('a', 'c')")
    assert "~ 2 rows to update" in command(*arguments).out
    assert f"{table}: 2 rows changed in" in command(*arguments, "--yes").out
    assert run(database, f"SELECT * FROM {table}") == [(1, "a"), (2, "changed"), (3, "c")]
    both = json.loads(command(*arguments, "--rows", "2", "--json").out)["counts"]
    assert (both["updated"], both["unchanged"]) == (1, 2)
    invalid = ErrorKind.INVALID_INPUT.value
    refused = command("restore", database, table, "--rows-where", "v = ", code=invalid)
    assert "cannot be used: v = " in refused.err


@pytest.mark.parametrize("option", [("--as", "x"), ("--with-triggers",), ("--undo",)])
def test_options_of_the_complete_table_cannot_be_combined(command, database, table, option):
    output = command("restore", database, table, "--rows", "1", *option, code=USAGE)
    assert f"--rows and {option[0]} cannot be combined" in output.err

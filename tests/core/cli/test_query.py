"""`query` as a script calls it: texts, JSON, CSV, exit codes."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest

from core.errors import ErrorKind


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def table(tmp_path, command):
    """A table with one backup, and a name that no other test uses."""
    name = f"t{uuid4().hex[:12]}"
    path = tmp_path / "trading.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, v TEXT, b BLOB)")
        connection.execute(
            f"INSERT INTO {name} VALUES (1, '=1+1', x'ff'), (2, '', NULL), (3, NULL, NULL)"
        )
    command("backup", str(path), name)
    return name


def test_results_are_text_json_and_csv(command, table, tmp_path):
    sql = f"SELECT * FROM {table} ORDER BY id"
    output = command("query", table, sql)
    assert output.out == "1\t=1+1\t\\xff\n2\t\tNULL\n3\tNULL\tNULL\n"
    assert f"of {table}, taken" in output.err
    assert "trading.db (SQLite)" in output.err, "tables of several databases may have one name"
    found = json.loads(command("query", table, sql, "--limit", "2", "--json").out)
    assert found["columns"] == ["id", "v", "b"]
    assert found["types"] == ["BIGINT", "VARCHAR", "BLOB"]
    assert (found["rows"], found["cut"]) == ([[1, "=1+1", "\\xff"], [2, "", None]], True)
    path = tmp_path / "out.csv"
    command("query", table, sql, "--csv", str(path), "--formula-safe")
    assert path.read_bytes() == b'id,v,b\n1,\'=1+1,\\xff\n2,"",\n3,,\n'
    command("query", table, sql, "--csv", str(path), code=ErrorKind.ALREADY_EXISTS.value)
    command("query", table, sql, "--csv", str(path), "--overwrite", "--id", found["backup"]["id"])
    assert [each.name for each in tmp_path.glob("*out.csv*")] == ["out.csv"]


def test_a_cut_result_is_reported(command, table):
    assert "has more rows" in command("query", table, "SELECT 1 FROM backup", "--limit", "1").err


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["COPY backup TO 'x'"], ErrorKind.INVALID_INPUT),
        (["SELECT * FROM read_csv('/etc/passwd')"], ErrorKind.INVALID_INPUT),
        (["SELECT 1", "--id", "none"], ErrorKind.NOT_FOUND),
        (["SELECT 1", "--id", "a", "--at", "2026-01-01"], ErrorKind.USAGE),
        ([""], ErrorKind.USAGE),
    ],
)
def test_errors_have_exit_codes(command, table, arguments, kind):
    assert command("query", table, *arguments, code=kind.value).out == ""


def test_an_export_is_written_once(command, table, tmp_path):
    path = tmp_path / "rows.sql"
    assert command("export", table, "--output", str(path)).out.startswith(f"{path}: 3 rows, ")
    assert "(1, '=1+1', x'FF')" in path.read_text(encoding="utf-8")
    command("export", table, "--output", str(path), code=ErrorKind.ALREADY_EXISTS.value)
    report = json.loads(
        command(
            "export", table, "--output", str(path), "--format", "csv", "--overwrite", "--json"
        ).out
    )
    assert (report["rows"], report["format"], report["path"]) == (3, "csv", str(path))
    assert path.read_text(encoding="utf-8").startswith("id,v,b\n")
    command("export", table, code=ErrorKind.USAGE.value)
    command("export", table, "--output", str(tmp_path / "rows.x"), code=ErrorKind.USAGE.value)
    command(
        "export", table, "--output", "x.json", "--formula-safe", code=ErrorKind.INVALID_INPUT.value
    )

"""`retention` and pins as a script calls them: the plan, the removal, exit codes, JSON."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest

from core.errors import ErrorKind

USAGE, INVALID = ErrorKind.USAGE.value, ErrorKind.INVALID_INPUT.value


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def table():
    """A table's name that no other test uses: its backups are alone in the list."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def ids(command, tmp_path, table):
    """The ids of three backups, oldest first."""
    path = tmp_path / "trading.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY)")
    return [
        json.loads(command("backup", str(path), table, "--json").out)["backups"][0]["id"]
        for _ in range(3)
    ]


def test_the_plan_changes_nothing_and_yes_removes(command, table, ids):
    pinned = command("backups", table, "--pin", ids[0], "--note", "before the migration").out
    assert "is pinned: retention never removes it" in pinned
    assert "pinned: before the migration" in command("backups", table).out
    plan = command("retention", table, "--daily", "1")
    lines = {line.split("\t")[4]: line for line in plan.out.splitlines()}
    assert lines[ids[2]].startswith("retain\t")
    assert "It is the newest backup of the table. It is the newest of the day" in lines[ids[2]]
    assert lines[ids[1]].startswith("remove\t")
    assert lines[ids[0]].endswith("\tIt is pinned: before the migration")
    assert "Nothing was removed. Add --yes to remove 1 backup" in plan.err
    assert len(json.loads(command("backups", table, "--json").out)) == 3
    report = json.loads(command("retention", table, "--daily", "1", "--yes", "--json").out)
    assert [each["id"] for each in report["removed"]] == [ids[1]]
    assert [each["retained"] for each in report["decisions"]] == [True, False, True]
    command("backups", table, "--unpin", ids[0])
    notes = command("retention", table, "--daily", "1", "--yes").err
    assert "1 backup removed" in notes
    assert "The bucket has versioning: the removed objects remain as older versions" in notes
    assert "There is nothing to remove." in command("retention", table, "--daily", "1").err
    assert [each["id"] for each in json.loads(command("backups", table, "--json").out)] == [ids[2]]


def test_a_note_is_added_changed_and_removed(command, table, ids):
    shown = command("backups", table, "--id", ids[1], "--note", "after the import").out
    assert shown.strip().endswith(": after the import")
    command("backups", table, "--id", ids[1], "--note", "checked")
    listed = json.loads(command("backups", table, "--json").out)
    assert [each["note"] for each in listed] == ["", "checked", ""]
    assert "has no note" in command("backups", table, "--id", ids[1][:6], "--note", "").out
    assert "checked" not in command("backups", table).out.replace("Checked", "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("retention", "T"), INVALID), (("retention", "T", "--daily", "-1"), INVALID),
        (("retention", "T", "--daily", "x"), USAGE), (("retention", "", "--daily", "1"), USAGE),
        (("backups", "--pin", "x"), USAGE), (("backups", "T", "--pin", ""), USAGE),
        (("backups", "T", "--pin", "x", "--unpin", "x"), USAGE),
        (("backups", "T", "--note", "x"), USAGE), (("backups", "--id", "x", "--note", "x"), USAGE),
        (("backups", "T", "--id", "x", "--note", "x", "--verify"), USAGE),
        (("backups", "T", "--id", "x"), USAGE),
        (("backups", "T", "--id", "x", "--note", "x" * 4001), INVALID),
        (("backups", "T", "--id", "x", "--note", "x"), ErrorKind.NOT_FOUND.value),
        (("backups", "T", "--pin", "x"), ErrorKind.NOT_FOUND.value),
    ],
)  # fmt: skip
def test_invalid_requests_have_an_exit_code(command, table, arguments, code):
    command(*(table if each == "T" else each for each in arguments), code=code)

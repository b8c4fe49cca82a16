"""`backup` with conditions, patterns and `--dry-run`, as a script calls it."""

import json
from uuid import uuid4

import pytest
from helpers.backups import everything, sql, trading_database

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
def database(tmp_path, table):
    path = trading_database(tmp_path / "trading.db", 20)
    sql(path, f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v)")
    sql(path, f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return str(path)


def test_a_backup_of_some_rows_is_shown_as_such_everywhere(command, tmp_path, database, table):
    complete = json.loads(command("backup", database, table, "--json").out)["backups"][0]
    output = command("backup", database, table, "--where", "id <> 2").out
    assert "2 rows" in output
    assert f"{table} contains only the rows that meet: id <> 2" in output
    listed = json.loads(command("backups", table, "--json").out)
    assert [each["filter"] for each in listed] == ["id <> 2", ""]
    assert "only rows where id <> 2" in command("backups", table).out.splitlines()[0]

    some = listed[0]["id"]
    preview = command("restore", database, table, "--id", some).out
    assert "! The backup contains only the rows that meet: id <> 2" in preview
    assert "- 0 rows to remove" in preview
    before = everything(database)
    refused = command(
        "restore", database, table, "--id", some, "--yes", code=ErrorKind.CONFLICT.value
    )
    assert "contains only some rows" in refused.err
    assert "--as" in refused.err
    assert everything(database) == before

    preview = command("restore", database, table, "--id", some, "--as", "some").out
    assert "as some: a new table with 2 rows" in preview
    assert "to add" not in preview  # nothing is compared with the table of the backup
    command("restore", database, table, "--id", some, "--as", "some", "--yes")
    assert sql(database, "SELECT id FROM some") == [(1,), (3,)]
    refused = command(
        "restore", database, table, "--as", "some", code=ErrorKind.ALREADY_EXISTS.value
    )
    assert "A table some already exists" in refused.err, "before the preview"
    assert complete["id"] in command("restore", database, table, "--yes").out


def test_each_table_has_its_own_condition(command, database, table):
    where = ("--where", f"{table}=id = 1", "--where", "orders=id < 5 AND status = 'open'")
    report = json.loads(command("backup", database, table, "orders", "users", *where, "--json").out)
    assert [(each["rows"], each["filter"]) for each in report["backups"]] == [
        (1, "id = 1"), (2, "id < 5 AND status = 'open'"), (3, "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--where", "id = 1; DROP TABLE x"), INVALID, "cannot be used: id = 1; DROP TABLE x"),
        (("--where", "missing > 1"), INVALID, "no such column: missing"),
        (("--where", ""), USAGE, "--where"),
        (("--where", "id = 1", "--where", "id = 2"), USAGE, "given twice"),
        (("--include", "x"), USAGE, "--all-tables"),
        (("orders", "--where", "1"), USAGE, "does not name a table"),
        (("orders", "--where", "orders="), USAGE, "does not name a table"),
        (("orders", "--where", "users=1"), INVALID, "not backed up"),
        (("orders", "--where", "users=1"), INVALID, "Remove the condition"),
    ],
)
def test_a_condition_that_cannot_be_used_ends_the_command(
    command, database, table, arguments, code, text
):
    before = everything(database)
    output = command("backup", database, table, *arguments, code=code)
    assert output.out == ""
    assert text in output.err
    assert everything(database) == before
    assert json.loads(command("backups", table, "--json").out) == []


def test_a_dry_run_shows_tables_rows_and_what_is_left_out_and_writes_nothing(
    command, database, table
):
    arguments = (
        "backup", database, "--all-tables", "--include", "*s", "--include", table.upper(),
        "--exclude", "use?s", "--where", f"{table}=id > 1", "--dry-run",
    )  # fmt: skip
    output = command(*arguments)
    assert output.out.splitlines()[:2] == ["orders\t20\t", f"{table}\t2\tid > 1"]
    assert "users is excluded: The pattern use?s excludes it." in output.out
    assert "audit is excluded: No pattern includes it." in output.out
    assert "Nothing was written" in output.err
    plan = json.loads(command(*arguments, "--json").out)
    assert plan["tables"] == [
        {"name": "orders", "rows": 20, "filter": "", "estimated": False},
        {"name": table, "rows": 2, "filter": "id > 1", "estimated": False},
    ]
    assert [each["table"] for each in plan["excluded"]] == ["audit", "users"]
    assert json.loads(command("backups", table, "--json").out) == []


def test_a_pattern_that_matches_no_table_is_named(command, database):
    output = command("backup", database, "--all-tables", "--exclude", "x_*", code=INVALID)
    assert "No table matches the pattern x_*" in output.err


def test_two_backups_are_compared(command, database, table):
    first = json.loads(command("backup", database, table, "--json").out)["backups"][0]["id"]
    sql(database, f"UPDATE {table} SET v = 'B' WHERE id = 2")
    sql(database, f"DELETE FROM {table} WHERE id = 3")
    sql(database, f"INSERT INTO {table} VALUES (9, NULL)")
    second = json.loads(command("backup", database, table, "--json").out)["backups"][0]["id"]
    output = command("compare", table, first)
    assert output.out.splitlines()[2:] == [
        "+ 1 row added", "~ 1 row changed", "- 1 row removed", "= 1 row unchanged",
        "added: 9, NULL", "changed: 2: v: b → B", "removed: 3, c",
    ]  # fmt: skip
    assert "compared by id" in output.err
    found = json.loads(command("compare", table, first, second, "--samples", "0", "--json").out)
    assert [found[name] for name in ("added", "changed", "removed", "unchanged")] == [1, 1, 1, 1]
    assert (found["before"]["id"], found["after"]["id"], found["rows"]) == (first, second, [])
    assert "no part was read" in command("compare", table, second, second).err
    command("compare", table, "nothing", code=ErrorKind.NOT_FOUND.value)


def test_a_backup_is_compared_with_the_newest_of_its_database(command, database, table, tmp_path):
    first, second = (
        json.loads(command("backup", database, table, "--json").out)["backups"][0]["id"]
        for _ in "12"
    )
    other = tmp_path / "other.db"
    sql(other, f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
    command("backup", str(other), table)
    found = json.loads(command("compare", table, first, "--json").out)
    assert found["after"]["id"] == second

"""`restore` of several tables: preview, order, JSON, and a failure on the way."""

import json
import shlex
from uuid import uuid4

import pytest
from helpers.backups import sql

from core.errors import ErrorKind

USAGE, CONFLICT = ErrorKind.USAGE.value, ErrorKind.CONFLICT.value


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def command(command, demo_s3):
    """Run a command on a separate bucket: broken backups of other tests would be skipped tables."""
    bucket = f"tables-{uuid4().hex[:12]}"
    demo_s3.create_bucket(Bucket=bucket)

    def call(*arguments, code=0):
        return command(*arguments, f"--bucket={bucket}", code=code)

    return call


@pytest.fixture
def tables():
    """Names that no other test uses: the child's is first by name."""
    mark = uuid4().hex[:12]
    return f"a{mark}", f"b{mark}"


@pytest.fixture
def database(tmp_path, command, tables):
    path, (child, parent) = tmp_path / "shop.db", tables
    sql(path, f"CREATE TABLE {parent} (id INTEGER PRIMARY KEY)")
    sql(path, f"CREATE TABLE {child} (id INTEGER PRIMARY KEY, p REFERENCES {parent} (id))")
    sql(path, f"INSERT INTO {parent} VALUES (1), (2)")
    sql(path, f"INSERT INTO {child} VALUES (7, 1)")
    command("backup", str(path), "--all-tables")
    sql(path, f"DELETE FROM {child}")
    sql(path, f"DELETE FROM {parent}")
    return path


def test_all_tables_are_previewed_and_restored(command, database, tables):
    child, parent = tables
    shown = command("restore", str(database), "--all-tables")
    assert shown.out.index(f"over {parent}") < shown.out.index(f"over {child}")
    assert "+ 2 rows to add" in shown.out
    assert "Add --yes to restore 2 tables in this order." in shown.err
    assert sql(database, f"SELECT * FROM {parent}") == []
    done = command("restore", str(database), "--all-tables", "--yes")
    assert sql(database, f"SELECT * FROM {child}") == [(7, 1)]
    assert f"strongroom restore {database} {child} --undo --yes" in done.err
    for table in tables:
        command("restore", str(database), table, "--undo", "--yes")
    assert sql(database, f"SELECT * FROM {child}") == []


def test_a_pattern_and_a_time_choose_the_tables(command, database, tables):
    child, parent = tables
    found = json.loads(
        command("restore", str(database), "--all-tables", "--exclude", child, "--json").out
    )
    assert [one["table"] for one in found["tables"]] == [parent]
    late = command(
        "restore", str(database), *tables, "--at", "2000-01-01", code=ErrorKind.NOT_FOUND.value
    )
    assert "2000-01-01" in late.err


def test_the_source_is_chosen_by_name(command, database, tables, tmp_path):
    child, parent = tables
    other, fresh = tmp_path / "other.db", tmp_path / "fresh.db"
    sql(other, f"CREATE TABLE {parent} (id INTEGER PRIMARY KEY)")
    command("backup", str(other), parent)
    refused = command("restore", str(fresh), child, parent, code=CONFLICT).err
    assert "--source NAME, --from-other-source" in " ".join(refused.split())
    command("restore", str(fresh), child, parent, "--source", str(database), "--yes")
    assert sql(fresh, f"SELECT id FROM {parent}") == [(1,), (2,)]
    command(
        "restore", str(fresh), child, parent, "--source", "x", "--from-other-source", code=USAGE
    )


def test_json_names_the_former_table_of_each(command, database, tables):
    child, parent = tables
    found = json.loads(command("restore", str(database), child, parent, "--yes", "--json").out)
    assert [one["table"] for one in found["tables"]] == [parent, child]
    assert all("__before_" in one["kept"] for one in found["tables"])
    assert (found["remaining"], found["problems"]) == ([], [])
    lines = command("restore", str(database), child, parent, "--yes", "--json-lines").out
    first, second, rest = map(json.loads, lines.splitlines())
    assert (first["table"], second["table"], "tables" in rest) == (parent, child, False)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_failure_shows_what_was_restored(command, database, tables, form):
    child, parent = tables
    sql(database, f"CREATE TABLE more (id REFERENCES {child} (id))")
    sql(database, f"INSERT INTO {child} VALUES (8, NULL)")
    sql(database, "INSERT INTO more VALUES (8)")
    failed = command("restore", str(database), child, parent, "--yes", *form, code=CONFLICT)
    if form:
        found = json.loads(failed.out)
        former = found["tables"][0]["kept"]
        assert (found["remaining"], former.startswith(parent)) == ([child], True)
        effect = json.loads(failed.err)["error"]["effect"]
        assert effect == (
            f"1 of 2 tables were restored: {parent} (former table: {former}). Not restored: {child}."
        )
    else:
        assert f"! not restored: {child}" in failed.out
        assert (
            f"To undo {parent}: strongroom restore {database} {parent} --undo --yes" in failed.err
        )
    assert sql(database, f"SELECT id FROM {child}") == [(8,)]
    command("restore", str(database), parent, "--undo", "--yes")
    assert sql(database, f"SELECT * FROM {parent}") == []


def test_a_failure_of_a_single_transaction_restores_no_table(command, database, tables):
    child, parent = tables
    sql(database, f"CREATE TABLE more (id REFERENCES {child} (id))")
    sql(database, f"INSERT INTO {child} VALUES (8, NULL)")
    sql(database, "INSERT INTO more VALUES (8)")
    arguments = ("restore", str(database), child, parent, "--single-transaction")
    failed = command(*arguments, "--yes", "--json", code=CONFLICT)
    error = json.loads(failed.err)["error"]
    assert (error["effect"], failed.out) == ("Nothing was restored.", "")
    assert "--allow-orphans" in error["remedy"]
    assert "--as" in error["remedy"]
    assert sql(database, f"SELECT count(*) FROM {parent}") == [(0,)]
    found = command(*arguments, "--allow-orphans", "--yes", "--json", code=0).out
    assert [one["table"] for one in json.loads(found)["tables"]] == [parent, child]
    assert sql(database, f"SELECT id FROM {child}") == [(7,)]


@pytest.mark.parametrize("yes", [(), ("--yes",)])
def test_a_single_transaction_is_refused_for_mariadb_before_it_is_opened(command, yes):
    address = "mysql://user@127.0.0.1:9/shop"
    failed = command(
        "restore", address, "a", "b", "--single-transaction", *yes,
        code=ErrorKind.NOT_SUPPORTED.value,
    )  # fmt: skip
    assert "MariaDB cannot restore several tables in one transaction" in failed.err


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("a", "--all-tables"), ("a", "--include", "b"), ("a", "b", "--id", "x"),
        ("a", "b", "--as", "c"), ("a", "b", "--undo"), ("--all-tables", "--drop-kept"),
        ("a", "b", "--rows", "1"), ("--all-tables", "--rows-where", "true"),
    ],
)  # fmt: skip
def test_options_for_one_table_are_refused_for_several(command, tmp_path, arguments):
    command("restore", str(tmp_path / "x.db"), *arguments, "--yes", code=USAGE)
    assert not (tmp_path / "x.db").exists()


def test_the_command_of_an_undo_can_be_pasted_into_a_shell(command, tmp_path):
    database, names = tmp_path / "a database.db", ["it's; x", "plain"]
    for name in names:
        sql(database, f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY)')
    command("backup", str(database), *names)
    shown = command("restore", str(database), *names, "--yes").err
    found = [line.partition(": ")[2] for line in shown.splitlines() if line.startswith("To undo")]
    assert sorted(shlex.split(line)[3] for line in found) == names
    command(*shlex.split(found[0])[1:])

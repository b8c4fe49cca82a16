"""`backup`, `backups` and `restore` as a script calls them: exit codes, texts, JSON."""

import json
import re
import sqlite3
from contextlib import closing
from uuid import uuid4

import apsw
import pytest
from helpers.backups import trading_database

from core.errors import ErrorKind

USAGE, CORRUPT = ErrorKind.USAGE.value, ErrorKind.CORRUPT.value


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
    rows(path, f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v)")
    rows(path, f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    return str(path)


def rows(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--as", ""), ("--id", ""), ("--at", ""), ("--as=",),
        ("--id", "a", "--at", "2026-01-01"), ("--undo", "--drop-kept"), ("--undo", "--as", "x"),
    ],
)  # fmt: skip
def test_empty_and_contradicting_options_change_nothing(command, database, table, arguments):
    command("backup", database, table)
    rows(database, f"INSERT INTO {table} VALUES (3, 'c')")
    output = command("restore", database, table, *arguments, "--yes", code=USAGE)
    assert output.out == ""
    assert rows(database, f"SELECT count(*) FROM {table}") == [(3,)]
    assert rows(database, "SELECT count(*) FROM sqlite_schema") == [(1,)]


def test_an_invalid_age_is_refused_before_the_backups_are_listed(command, database, table):
    command("backup", database, table)
    output = command("backups", table, "--overdue", "soon", code=ErrorKind.INVALID_INPUT.value)
    assert "'soon' is not a duration" in output.err
    assert output.out == ""


@pytest.mark.parametrize("age", ["0h", "0", "00d"])
def test_no_backup_is_new_enough_for_an_age_of_0(command, age):
    error = command("backups", "--overdue", age, code=ErrorKind.USAGE.value).err
    assert f"--overdue {age} would report every backup" in error
    assert "for example 26h" in error


@pytest.mark.parametrize(
    "text",
    [
        ("backup", "DATABASE", ""), ("backup", "", "t"), ("backup", "DATABASE"),
        ("backup", "DATABASE", "t", "--all-tables"), ("backups", ""), ("backups", "--verify"),
        ("backups", "t", "--id", "x"), ("backups", "t", "--verify", "--id", ""),
        ("verify", ""), ("verify", "t", "--id", ""),
        ("restore", "DATABASE", "", "--yes"), ("restore", "", "t", "--yes"),
    ],
)  # fmt: skip
def test_empty_names_are_usage_errors(command, database, text):
    command(*(database if word == "DATABASE" else word for word in text), code=USAGE)


def test_the_report_names_the_backup_that_was_used(command, database, table):
    command("backup", database, table)
    newest = json.loads(command("backup", database, table, "--json").out)["backups"][0]
    rows(database, f"DELETE FROM {table}")
    preview = command("restore", database, table).out
    report = command("restore", database, table, "--yes").out
    for output in (preview, report):
        assert f"backup {newest['id']} of {table}, taken {newest['taken']}" in output
    again = json.loads(command("restore", database, table, "--yes", "--json").out)
    assert (again["backup"]["id"], again["backup"]["taken"]) == (newest["id"], newest["taken"])
    assert again["verified"] == "verified (SHA-256)"


def test_the_list_says_what_was_checked_and_when(command, database, table):
    made = command("backup", database, table).out
    assert re.search(r"\twritten, verified \((SHA-256|MD5|CRC)\)\n", made)
    assert "\tlisted, sizes agree\t" in command("backups", table).out
    listed = json.loads(command("backups", table, "--json").out)[0]
    assert (listed["state"], listed["checked"], listed["verified"]) == (
        "complete", "listed, sizes agree", None,
    )  # fmt: skip
    assert listed["origin"]["path"] == database
    assert listed["source"].endswith(f":{database} (SQLite)")
    output = command("backups", table, "--verify").out
    assert command("verify", table).out == output
    assert f"backup {listed['id']} of {table}" in output
    assert "2 rows read again, every hash as written" in output
    listed = json.loads(command("backups", table, "--json").out)[0]
    assert listed["checked"].startswith("verified on ")
    assert listed["verified"]
    assert "good" not in command("backups", table).out


def test_an_altered_part_is_found_by_verify_and_remembered(command, database, table, demo_s3):
    backup = json.loads(command("backup", database, table, "--json").out)["backups"][0]
    part = backup["key"].replace("_manifest.json", "part-00000.jsonl.zst")
    body = bytearray(demo_s3.get_object(Bucket="tentimecrypto", Key=part)["Body"].read())
    body[-1] ^= 1
    demo_s3.put_object(Bucket="tentimecrypto", Key=part, Body=bytes(body))
    assert "listed, sizes agree" in command("backups", table).out
    output = command("backups", table, "--verify", "--id", backup["id"], code=CORRUPT)
    same = command("verify", table, "--id", backup["id"], code=CORRUPT)
    assert same.out == output.out
    assert "damaged" in output.out
    assert "is damaged" in output.out
    assert "found damaged on 20" in command("backups", table).out
    output = command("restore", database, table, "--yes", code=CORRUPT)
    assert "is damaged" in output.err
    assert rows(database, f"SELECT count(*) FROM {table}") == [(2,)]


def test_a_damaged_newest_backup_is_an_error_and_an_older_one_has_to_be_named(
    command, database, table, demo_s3
):
    older, newer = (
        json.loads(command("backup", database, table, "--json").out)["backups"][0] for _ in "12"
    )
    rows(database, f"DELETE FROM {table}")
    demo_s3.put_object(Bucket="tentimecrypto", Key=newer["key"], Body=b"{}")
    output = command("restore", database, table, "--yes", code=CORRUPT)
    assert newer["id"] in output.err
    assert "--id" in output.err
    command("restore", database, table, code=CORRUPT)
    command("backups", table, "--verify", code=CORRUPT)
    assert rows(database, f"SELECT count(*) FROM {table}") == [(0,)]
    assert "broken: " in command("backups", table, code=CORRUPT).out
    assert older["id"] in command("restore", database, table, "--id", older["id"], "--yes").out
    assert rows(database, f"SELECT count(*) FROM {table}") == [(2,)]


def test_findings_and_damaged_backups_are_one_error(command, database, table, demo_s3):
    made = json.loads(command("backup", database, table, "--json").out)["backups"][0]
    demo_s3.put_object(Bucket="tentimecrypto", Key=made["key"], Body=b"{}")
    arguments = ("backups", table, "--overdue", "26h")
    error = json.loads(command(*arguments, "--json", code=CORRUPT).err)["error"]
    assert error["summary"] == "Findings about backups: 2; Damaged backups: 1 of 1"
    assert f"There is no intact backup of {table}." in error["cause"]
    assert made["id"] in error["cause"]
    lines = command(*arguments, code=CORRUPT).err.splitlines()
    assert f"! There is no intact backup of {table}." in lines
    assert "Choose another backup to restore" in lines[-1]


def test_backups_of_several_databases_stand_apart_and_are_not_mixed_up(
    command, tmp_path, table, monkeypatch
):
    names = {}
    for name in ("prod", "staging", "prod", "other"):
        path = tmp_path / name / "trading.db"
        if not path.exists():
            path.parent.mkdir()
            rows(path, f"CREATE TABLE {table}(v TEXT PRIMARY KEY NOT NULL)")
            rows(path, f"INSERT INTO {table} VALUES ('{name}')")
        names.setdefault(name, []).append(
            json.loads(command("backup", str(path), table, "--json").out)["backups"][0]["id"]
        )
    lines = command("backups", table).out.splitlines()
    assert [line.split("\t")[5] for line in lines] == [
        *names["other"], *reversed(names["prod"]), *names["staging"],
    ]  # fmt: skip
    mine = str(tmp_path / "staging" / "trading.db")
    assert names["staging"][0] in command("restore", mine, table, "--yes").out
    fresh = str(tmp_path / "fresh.db")
    output = command("restore", fresh, table, "--yes", code=ErrorKind.CONFLICT.value).err
    assert all(ids[-1] in output for ids in names.values())
    assert "--id ID, --source NAME, --from-other-source" in output
    staging = ("restore", fresh, table, "--source", mine)
    assert names["staging"][0] in command(*staging).out
    assert not (tmp_path / "fresh.db").exists()
    command(*staging, "--yes")
    assert rows(fresh, f"SELECT v FROM {table}") == [("staging",)]
    shared = command("restore", fresh, table, "--source", "trading.db", code=ErrorKind.CONFLICT.value).err  # fmt: skip
    assert "is that of 3 databases" in shared
    for other in (("--from-other-source",), ("--id", "x"), ("--undo",)):
        command(*staging, *other, code=ErrorKind.USAGE.value)
    changed = ("restore", fresh, table, "--source", str(tmp_path / "prod" / "trading.db"))
    assert names["prod"][1] in command(*changed).out
    rows(fresh, f"DELETE FROM {table}")
    command(*changed, "--rows-where", "v = 'prod'", "--yes")
    assert rows(fresh, f"SELECT v FROM {table}") == [("prod",)]
    output = command("restore", fresh, table, "--from-other-source", "--yes").out
    assert names["other"][0] in output
    assert "! The backup is of another database" in output
    assert rows(fresh, f"SELECT v FROM {table}") == [("other",)]


def test_a_fresh_machine_restores_in_one_command_with_a_warning(command, tmp_path, database, table):
    command("backup", database, table)
    fresh = str(tmp_path / "fresh.db")
    output = command("restore", fresh, table, "--yes").out
    assert f":{database} (SQLite)." in output
    assert rows(fresh, f"SELECT count(*) FROM {table}") == [(2,)]


def test_a_table_that_was_skipped_gives_an_exit_code(command, tmp_path, table):
    path = tmp_path / "p.db"
    connection = apsw.Connection(str(path))
    connection.create_scalar_function("slug", lambda value: value, 1, deterministic=True)
    connection.execute(f"CREATE TABLE {table}(a); CREATE TABLE odd(a, b AS (slug(a)) STORED)")
    connection.close()
    skipped = ErrorKind.NOT_SUPPORTED.value
    output = command("backup", str(path), "--all-tables", code=skipped)
    assert output.out.startswith(f"{table}\t")
    assert "! odd was skipped" in output.out
    assert "slug" in output.out
    report = json.loads(command("backup", str(path), "--all-tables", "--json", code=skipped).out)
    assert [each["table"] for each in report["skipped"]] == ["odd"]
    output = command("backup", str(path), table, "odd", code=skipped)
    assert output.out == ""
    assert "function slug" in output.err
    command("backup", str(path), table)


def test_what_depends_on_a_table_is_shown_before_and_after(command, tmp_path):
    path = trading_database(tmp_path / "t.db", rows=5)
    command("backup", str(path), "orders")
    output = command("restore", str(path), "orders").out
    assert "depends on orders: view open_orders" in output
    rows(path, "ALTER TABLE orders ADD COLUMN added")
    rows(path, "CREATE VIEW later AS SELECT added FROM orders")
    broken = "view later: does not work with this schema: no such column: added"
    arguments = ("restore", str(path), "orders", "--from-other-source")
    assert broken in command(*arguments).out
    assert broken in command(*arguments, "--yes").out


#: Texts that a terminal, a shell, a spreadsheet, a page or a pattern would act on.
NOTES = (
    "\x1b[2J\x1b[H\r$ all good\nline\tbreak", "\x9b31m\u202eevil\u2028\x07\x08\x7f\ufeff",
    "'; DROP TABLE x; -- $(touch evil) `id` %s%n {0.__class__} ../../etc/passwd",
    "=1+1 <script>alert(1)</script> [bold red]x[/] :smile:", "é 😀 日本" + "x" * 2_000,
)  # fmt: skip


def test_hostile_notes_are_shown_on_one_line_and_returned_unchanged(command, database, table):
    for note in NOTES:
        command("backup", database, table, "--note", note)
    lines = command("backups", table).out.split("\n")[:-1]
    assert len(lines) == len(NOTES)
    assert all(char.isprintable() or char == "\t" for line in lines for char in line)
    assert all(line.count("\t") == 7 for line in lines)
    listed = json.loads(command("backups", table, "--json").out)
    assert [one["note"] for one in listed] == list(reversed(NOTES))
    newest = listed[0]["id"]
    shown = command("backups", table, "--pin", newest, "--note", "".join(NOTES[:2])).out
    assert all(char.isprintable() or char in "\t\n" for char in shown)
    pinned = json.loads(command("backups", table, "--json").out)[0]
    assert pinned["pin_note"] == "".join(NOTES[:2])
    assert rows(database, "SELECT count(*) FROM sqlite_schema") == [(1,)]

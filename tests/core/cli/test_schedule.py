"""`schedule`, `backups --overdue` and the notices of `backup` as a script calls them."""

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from helpers.backups import sql

from core.backup import health
from core.backup.runs import last_runs
from core.backup.schedule import checked_schedule
from core.backup.schedules import save_schedule, schedules
from core.cli import main
from core.cli.common import Opener
from core.errors import ErrorKind
from core.model.schedule import Every
from core.units import utc_now

INVALID = ErrorKind.INVALID_INPUT.value
USAGE, NOT_FOUND = ErrorKind.USAGE.value, ErrorKind.NOT_FOUND.value
NOTE = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("STRONGROOM_FAILURE_WEBHOOK", raising=False)


@pytest.fixture
def table():
    """A table's name that no other test uses: its backups are alone in the list."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def database(tmp_path, table):
    path = tmp_path / "trading.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY)")
    return str(path)


def test_a_schedule_is_printed_and_nothing_is_installed(command, tmp_path, database):
    line = command("schedule", database, "orders", "--format", "cron", "--bucket", "b").out
    assert line.startswith("0 2 * * * /")
    assert line.endswith(f" backup --bucket=b --json {database} orders\n")
    printed = command("schedule", database, "orders", "--every", "hour", "--install")
    assert "OnCalendar=*-*-* *:00:00" in printed.out
    assert "Nothing was installed. Add --yes" in printed.err
    files = json.loads(command("schedule", database, "--json").out)
    assert [file["name"].rpartition(".")[2] for file in files] == ["service", "timer"]
    assert not (tmp_path / "config").exists()
    assert schedules() == {}


def test_a_profile_that_does_not_exist_is_named(command, database, table):
    noted = command("schedule", database, table, "--profile", "gone").err
    assert "! There is no profile gone now" in noted
    assert "no profile" not in command("schedule", database, table).err


def test_tables_that_do_not_exist_are_named(command, tmp_path, database, table):
    assert f"There is no table {table}" not in command("schedule", database, table).err
    noted = command("schedule", database, table, "missing", "--install").err
    assert "! There is no table missing now" in noted
    assert f"no table {table}" not in noted
    noted = command("schedule", str(tmp_path / "new.db"), "t").err
    assert "does not exist now" in noted
    noted = command("schedule", "postgresql://u@127.0.0.1:9/db", "t").err
    assert "! The tables were not checked" in noted


def test_an_installed_schedule_is_recorded(command, tmp_path, database, monkeypatch):
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    first = command("schedule", database, "t", "--bucket", "a", "--install", "--yes")
    assert "replaces" not in first.err
    shown = command("schedule", database, "t", "--bucket", "b", "--install").err
    assert "! It replaces the schedule of t of trading.db: every day at 02:00 --bucket=a." in shown
    done = json.loads(command("schedule", database, "t", "--install", "--yes", "--json").out)
    assert len(done["installed"]) == len(list((tmp_path / "config/systemd/user").iterdir())) == 2
    assert [each.tables for each in schedules().values()] == [("t",)]
    assert (
        "There is no intact backup of t."
        in command("backups", "t", "--overdue", "26h", code=NOT_FOUND).err
    )


def test_a_condition_is_checked_shown_and_part_of_the_command(
    command, tmp_path, database, table, monkeypatch
):
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    some = ("schedule", database, table, "--where", "id > 1")
    assert "'--where=id > 1'" in command(*some, "--format", "cron").out
    refused = command("schedule", database, table, "--where", "nothing > 1", code=INVALID)
    assert f"The condition for {table} cannot be used: nothing > 1" in refused.err
    command("schedule", database, table, "--install", "--yes")
    command(*some, "--install", "--yes", "--on-failure", "true")
    assert len(schedules()) == 2
    (listed,) = (s for s in json.loads(command("schedule", "--list", "--json").out) if s["where"])
    assert listed["where"] == {table: "id > 1"}
    assert f"{table} (only rows where {table}: id > 1)" in command("schedule", "--list").out
    # The run of one schedule is not that of the other.
    command("backup", database, table, "--where", "id > 1")
    runs = {bool(s["where"]): s["last_run"] for s in json.loads(
        command("schedule", "--list", "--json").out)}  # fmt: skip
    assert runs[True]["ended"]
    assert runs[False] is None


def test_a_schedule_has_patterns_that_the_database_checks(command, database, table):
    sql(database, "CREATE TABLE users (id INTEGER PRIMARY KEY)")
    some = ("schedule", database, "--include", f"{table}*", "--exclude", "use?s")
    printed = command(*some, "--format", "cron").out
    assert f"--all-tables '--include={table}*' '--exclude=use?s'" in printed
    refused = command("schedule", database, "--exclude", "nothing_*", code=INVALID)
    assert "No table matches the pattern nothing_*" in refused.err
    refused = command("schedule", database, table, "--exclude", "use?s", code=INVALID)
    assert "Patterns cannot be combined with names of tables" in refused.err


def test_schedules_are_listed_and_removed(command, tmp_path, database, table, monkeypatch):
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\necho $* >> {tmp_path}/calls\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    command(
        "schedule", database, table, "--install", "--yes", "--on-failure", "true",
        "--failure-webhook", "http://127.0.0.1:9/token",
    )  # fmt: skip
    (listed,) = json.loads(command("schedule", "--list", "--json").out)
    assert (listed["tables"], listed["started_by"], listed["last_run"]) == (
        [table], "systemd", None,
    )  # fmt: skip
    assert "token" not in str(listed)
    command("backup", database, table, "--json")
    rows = command("schedule", "--list").out
    assert f"{table}\t{database}\tday\t02:00\tsystemd\tdone " in rows
    name = listed["name"]
    assert "would be removed" in command("schedule", "--remove", name).out
    assert len(schedules()) == 1
    removed = command("schedule", "--remove", name, "--yes").out
    assert removed.count("Removed: ") == 3
    assert schedules() == {}
    assert list((tmp_path / "config/systemd/user").iterdir()) == []
    assert f"--user disable --now {name}.timer" in (tmp_path / "calls").read_text()
    command("schedule", "--remove", name, "--yes", code=NOT_FOUND)


def test_a_scheduled_backup_reports_its_failure_and_is_a_finding(
    command, tmp_path, database, table
):
    notice = tmp_path / "notice"
    hook = f"{sys.executable} -c \"{NOTE}\" '{notice}'"
    command("backup", database, table)
    save_schedule(
        replace(checked_schedule(database, ["none"], Every.DAY, "02:00"), on_failure=hook)
    )
    command("backup", database, "none", code=NOT_FOUND)
    assert json.loads(notice.read_bytes())["tables"] == ["none"]
    assert " failed 20" in command("schedule", "--list").out.replace("\t", " ")
    error = command("backups", "none", "--overdue", "26h", code=NOT_FOUND).err
    assert f"The backup of none of {database} on " in error
    assert command("backups", table, "--overdue", "26h").err == ""


def test_a_failed_backup_to_another_bucket_is_not_a_finding(command, database, table, capsys):
    def findings():
        main(["backups", "--overdue", "5000d"])  # other tests leave findings in this bucket
        return capsys.readouterr().err

    command("backup", database, table)
    command("backup", database, "none", "--bucket", "other", code=NOT_FOUND)
    error = command("backups", "none", "--overdue", "26h", code=NOT_FOUND).err
    assert "failed" not in error
    failure = f"The backup of none of {database} on "
    assert failure not in findings()
    command("backup", database, "none", code=NOT_FOUND)
    assert findings().count(failure) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "cron", "--install"), ("--yes",), ("--every", "month"), ("--demo",), ("--at", ""),
        ("--list",), ("--remove", "x"), ("--on-failure", "true"),
    ],
)  # fmt: skip
def test_contradicting_options_are_usage_errors(command, database, arguments):
    command("schedule", database, "t", *arguments, code=USAGE)


def test_overdue_backups_have_an_exit_code(command, database, table, monkeypatch):
    assert (
        "There is no backup of" in command("backups", table, "--overdue", "26h", code=NOT_FOUND).err
    )
    command("backup", database, table)
    assert command("backups", table, "--overdue", "26h").err == ""
    monkeypatch.setattr(health, "utc_now", lambda: utc_now() + timedelta(hours=27))
    output = command("backups", table, "--overdue", "26h", code=NOT_FOUND)
    assert "at most 1 d 2 h are expected" in output.err
    assert table in output.out
    command("backups", table, "--overdue", "soon", code=ErrorKind.INVALID_INPUT.value)
    command("backups", table, "--overdue", "26h", "--verify", code=USAGE)


def test_a_failed_backup_runs_the_command_and_has_the_same_exit_code(command, tmp_path, database):
    notice = tmp_path / "notice"
    hook = f"{sys.executable} -c \"{NOTE}\" '{notice}'"
    command("backup", database, "none", "--on-failure", hook, code=NOT_FOUND)
    content = json.loads(notice.read_bytes())
    assert (content["tables"], content["exit_code"]) == (["none"], NOT_FOUND)
    notes = command(
        "backup", database, "none", "--on-failure", "/nowhere/x",
        "--failure-webhook", "http://127.0.0.1:9/secret", code=NOT_FOUND,
    ).err  # fmt: skip
    assert notes.count("The failure could not be reported:") == 2
    assert "The webhook at 127.0.0.1 cannot be reached. Connection refused.\n" in notes
    assert "/nowhere/x could not be started. The folder /nowhere does not exist." in notes
    shown = command(
        "backup", database, "none", "--on-failure", "/nowhere/x", "--json", code=NOT_FOUND
    ).err
    cause = json.loads(shown)["error"]["cause"]
    assert cause.startswith("The failure could not be reported: /nowhere/x could not be started.")
    assert "/secret" not in notes
    command(
        "backup",
        database,
        "none",
        "--failure-webhook",
        "file:///x",
        code=ErrorKind.INVALID_INPUT.value,
    )


def test_a_bug_before_the_profile_is_known_is_recorded_and_runs_the_command(
    command, tmp_path, database, monkeypatch
):
    def broken(*_arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Opener, "connection", broken)
    notice = tmp_path / "notice"
    hook = f"{sys.executable} -c \"{NOTE}\" '{notice}'"
    command("backup", database, "none", "--on-failure", hook, code=1)
    assert json.loads(notice.read_bytes())["tables"] == ["none"]
    (run,) = last_runs().values()
    assert run.failed


def test_a_backup_that_succeeds_or_is_not_requested_sends_no_notice(
    command, tmp_path, database, table
):
    hook = f"touch '{tmp_path}/notice'"
    command("backup", database, table, "--on-failure", hook)
    command("backup", database, "--on-failure", hook, code=USAGE)
    assert not (tmp_path / "notice").exists()

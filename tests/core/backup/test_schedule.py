"""Generated schedules: each program reads the same arguments again, and no password is in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from core.backup.runs import run_name
from core.backup.schedule import (
    backup_command,
    checked_schedule,
    generated_files,
    key_name_of,
    schedule_name,
    selection_of,
    with_key,
)
from core.backup.schedules import (
    remove_schedule,
    replace_schedule,
    save_schedule,
    schedules,
)
from core.backup.systemd_units import install_units
from core.cli.backup import conditions_of
from core.errors import InvalidInput, LocalIOError, NotSupported
from core.hints import Hint
from core.local.state.database import state_database
from core.model.schedule import Every, Schedule, ScheduleFormat

HOSTILE = [
    "it's one", 'a "b"', "$HOME", "${HOME}", "`id`", "$(id)", "a;b", "a\\b", "--yes", "*", "é 😀",
    "&|<>", "#x", "x\\", "!!", "a\\\"b",
]  # fmt: skip


def made(*tables: str, every: Every = Every.DAY, at: str = "02:30", **more) -> Schedule:
    return checked_schedule("postgresql://ada@db.example.com/trading", tables, every, at, **more)


def text_of(schedule: Schedule, form: ScheduleFormat) -> str:
    return "\n".join(file.text for file in generated_files(schedule, form))


def systemd_arguments(text: str) -> list[str]:
    line = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert line
    return [each.replace("%%", "%").replace("$$", "$") for each in shlex.split(line[1])]


def cron_arguments(text: str) -> list[str]:
    command = text.rstrip("\n").split(" ", 5)[5]
    assert not re.search(r"(?<!\\)%", command)
    return shlex.split(command.replace(r"\%", "%"))


@pytest.mark.parametrize("table", [*HOSTILE, "100%", "%n %H"])
def test_the_arguments_arrive_unchanged(table: str) -> None:
    schedule = made("orders", table, options=("--profile=my team",))
    command = list(backup_command(schedule))
    assert systemd_arguments(text_of(schedule, ScheduleFormat.SYSTEMD)) == command
    assert cron_arguments(text_of(schedule, ScheduleFormat.CRON)) == command
    assert command[-2:] == ["orders", table]
    assert ("--" in command) == table.startswith("-")


@pytest.mark.parametrize("table", HOSTILE)
def test_a_task_is_valid_xml_with_the_command(table: str) -> None:
    root = ET.fromstring(text_of(made(table), ScheduleFormat.TASK_SCHEDULER))
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    arguments = root.findtext(".//t:Arguments", namespaces=space) or ""
    assert arguments.startswith("backup --json ")
    bare = arguments.rpartition("trading ")[2]
    # A quotation mark is escaped by a backslash, and so are the backslashes before it.
    inner = bare[1:-1] if bare.startswith('"') else bare
    unescaped = re.sub(r'(\\*)"', lambda hit: hit[1][: len(hit[1]) // 2] + '"', inner)
    assert unescaped.rstrip("\\") == table.rstrip("\\")


def test_what_a_format_cannot_express_is_refused() -> None:
    with pytest.raises(NotSupported, match="Task Scheduler"):
        generated_files(made("100%"), ScheduleFormat.TASK_SCHEDULER)
    with pytest.raises(NotSupported, match="cron line"):
        generated_files(made("a\\%"), ScheduleFormat.CRON)


def test_a_command_that_is_too_long_for_cron_is_refused() -> None:
    tables = [f"a_rather_long_name_of_a_table_{number}" for number in range(40)]
    with pytest.raises(NotSupported, match="cron line") as refused:
        generated_files(made(*tables), ScheduleFormat.CRON)
    assert "cron reads at most 998" in refused.value.cause
    assert len(text_of(made(*tables[:20]), ScheduleFormat.CRON)) < 1_000


def test_no_line_of_a_unit_continues_in_the_next_one(tmp_path: Path) -> None:
    path = f"{tmp_path}/name\\"
    schedule = checked_schedule(path, ["t\\"], Every.DAY, "02:00")
    for line in text_of(schedule, ScheduleFormat.SYSTEMD).splitlines():
        assert not line.endswith("\\")


def test_a_folder_of_units_that_cannot_be_created_is_an_error(systemctl: Path) -> None:
    (systemctl / "config").write_text("a file")
    with pytest.raises(LocalIOError, match="could not be created"):
        install_units(generated_files(made("orders"), ScheduleFormat.SYSTEMD))


@pytest.mark.parametrize(
    ("every", "calendar", "cron", "task"),
    [
        (Every.HOUR, "*-*-* *:05:00", "5 * * * *", "PT1H"),
        (Every.DAY, "*-*-* 09:05:00", "5 9 * * *", "DaysInterval"),
        (Every.WEEK, "Mon *-*-* 09:05:00", "5 9 * * 1", "Monday"),
    ],
)
def test_the_interval_is_that_of_each_program(
    every: Every, calendar: str, cron: str, task: str
) -> None:
    schedule = made("orders", every=every, at="09:05")
    systemd = text_of(schedule, ScheduleFormat.SYSTEMD)
    assert f"\nOnCalendar={calendar}\nPersistent=true\n" in systemd
    assert text_of(schedule, ScheduleFormat.CRON).startswith(cron + " ")
    xml = text_of(schedule, ScheduleFormat.TASK_SCHEDULER)
    assert task in xml
    assert ("T00:05:00" if every is Every.HOUR else "T09:05:00") in xml


def test_the_command_is_that_of_all_tables_or_of_some() -> None:
    assert backup_command(made())[1:4] == ("backup", "--json", "--all-tables")
    assert "--all-tables" not in backup_command(made("orders"))
    assert Path(backup_command(made())[0]).is_absolute()
    assert schedule_name(made("a")) == schedule_name(made("a", at="03:00"))
    assert schedule_name(made("a")) != schedule_name(made("b"))


@pytest.mark.parametrize(
    ("database", "table", "at"),
    [
        ("postgresql://ada:secret@db/x", "t", "02:00"), ("x.db", "t", "24:00"),
        ("x.db", "t", "2:00"), ("x.db", "t\n* * * * * id", "02:00"), ("x.db", "", "02:00"),
        ("x.db", "t\x00", "02:00"), ("x.db", "t\u2028", "02:00"), ("x\udcff.db", "t", "02:00"),
    ],
)  # fmt: skip
def test_what_is_not_safe_is_refused(database: str, table: str, at: str) -> None:
    with pytest.raises(InvalidInput):
        checked_schedule(database, [table], Every.DAY, at)


def test_a_path_is_absolute_and_a_secret_remains_a_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked_schedule("x.db", [], Every.DAY, "02:00").database == str(tmp_path / "x.db")
    assert checked_schedule("secret:a/b", [], Every.DAY, "02:00").database == "secret:a/b"


def test_schedules_are_stored_by_database_and_tables() -> None:
    first, second = made("orders", options=("--bucket=b",)), made("users", every=Every.WEEK)
    for each in (first, second, first):
        save_schedule(each)
    stored = set(schedules().values())
    assert all(one.created for one in stored)
    assert {replace(one, created=None) for one in stored} == {first, second}
    state_database().execute("INSERT INTO schedules VALUES ('broken', '[]')")
    assert set(schedules().values()) == stored


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that notes its arguments, in place of systemctl."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexit $(cat {tmp_path}/code)\n')
    program.chmod(0o755)
    (tmp_path / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_units_are_written_and_the_timer_is_started(systemctl: Path) -> None:
    files = generated_files(made("orders"), ScheduleFormat.SYSTEMD)
    paths = install_units(files)
    assert [path.read_text() for path in paths] == [file.text for file in files]
    assert paths[0].parent == systemctl / "config" / "systemd" / "user"
    calls = (systemctl / "calls").read_text().splitlines()
    assert calls == ["--user daemon-reload", f"--user enable --now {files[1].name}"]
    (systemctl / "code").write_text("1")
    with pytest.raises(LocalIOError, match="failed with exit code 1") as failed:
        install_units(files)
    assert "a line for cron" in failed.value.remedy
    assert f"remain in {paths[0].parent}." in failed.value.remedy
    assert failed.value.hints is Hint.FORMAT_CRON


def test_a_machine_without_systemd_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotSupported, match="no systemd"):
        install_units(generated_files(made("orders"), ScheduleFormat.SYSTEMD))


def test_a_schedule_encrypts_its_backups(tmp_path: Path) -> None:
    plain = checked_schedule(str(tmp_path / "a.db"), ["t"], Every.DAY, "02:00", ["--profile=p"])
    assert key_name_of(plain) == ""
    assert with_key(plain, "") == plain
    made = with_key(with_key(plain, "keyring:old"), "secret:new")
    assert made.options == ("--profile=p", "--encrypt=secret:new")
    assert key_name_of(made) == "secret:new"
    save_schedule(made)
    assert [key_name_of(each) for each in schedules().values()] == ["secret:new"]
    with pytest.raises(InvalidInput, match="does not name a key"):
        with_key(plain, "new")


CONDITIONS = ["status = 'open'", 'a = 1 OR b > "x"', "price % 2 = 0", "v LIKE '$x%'", "x = 'a=b'"]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("tables", [("orders",), ("orders", "a=b")])
def test_conditions_arrive_unchanged(condition: str, tables: tuple[str, ...]) -> None:
    where = {tables[-1]: condition}
    schedule = made(*tables, where=where)
    command = list(backup_command(schedule))
    assert systemd_arguments(text_of(schedule, ScheduleFormat.SYSTEMD)) == command
    assert cron_arguments(text_of(schedule, ScheduleFormat.CRON)) == command
    texts = [each.removeprefix("--where=") for each in command if each.startswith("--where=")]
    assert conditions_of(tables, texts) == where
    assert "some rows of" in text_of(schedule, ScheduleFormat.SYSTEMD)


def test_a_schedule_of_some_rows_is_another_one_than_that_of_all() -> None:
    complete, some = made("orders"), made("orders", where={"orders": "id > 1"})
    assert schedule_name(complete) != schedule_name(some)
    assert schedule_name(made("orders", where={"orders": "id > 2"})) != schedule_name(some)
    save_schedule(complete)
    save_schedule(some)
    stored = schedules()
    assert len(stored) == 2
    assert stored[schedule_name(some)].where == (("orders", "id > 1"),)
    assert run_name(some.database, selection_of(some)) == schedule_name(some)


@pytest.mark.parametrize("form", list(ScheduleFormat))
def test_patterns_are_part_of_the_command_and_the_name(form: ScheduleFormat) -> None:
    some = made(include=("o*", "u*"), exclude=("users",))
    flags = ("--include=o*", "--include=u*", "--exclude=users")
    assert [each for each in backup_command(some) if "clude" in each] == list(flags)
    assert "--include=o*" in text_of(some, form)
    assert some.title == "tables like o*, u* except users of trading"
    names = {schedule_name(each) for each in (some, made(), made(include=("o*",)), made("users"))}
    assert len(names) == 4
    save_schedule(some)
    (stored,) = schedules().values()
    assert (stored.include, stored.exclude) == (("o*", "u*"), ("users",))
    assert run_name(some.database, selection_of(stored)) == schedule_name(some)
    with pytest.raises(InvalidInput, match="cannot be combined"):
        made("orders", include=("o*",))


@pytest.mark.parametrize(
    ("tables", "where", "text"),
    [
        (("orders",), {"users": "id > 1"}, "not backed up"),
        ((), {"a=b": "id > 1"}, "first equals sign"),
        (("orders",), {"orders": "a\nb"}, "not printable"),
    ],
)
def test_conditions_that_a_command_cannot_contain_are_refused(
    tables: tuple[str, ...], where: dict[str, str], text: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(*tables, where=where)
    assert text in f"{refused.value.summary} {refused.value.cause}"


def test_a_schedule_with_an_unreadable_condition_is_not_read_without_it() -> None:
    save_schedule(made("orders", where={"orders": "id > 1"}))
    database = state_database()
    ((record,),) = database.rows("SELECT record FROM schedules")
    database.execute("UPDATE schedules SET record = ?", (record.replace('"id > 1"', "[]", 1)[:-1],))
    assert schedules() == {}


def test_the_timer_of_a_former_schedule_does_not_stay_installed(systemctl: Path) -> None:
    """A schedule that was changed in the window ran twice: its former timer was still installed."""
    calls = systemctl / "calls"
    window, others = replace(made("orders"), starter=None), made("users")
    for changed in (window, others):
        former = save_schedule(made("orders"))
        paths = install_units(generated_files(former, ScheduleFormat.SYSTEMD))
        calls.unlink()
        stored = replace_schedule(changed, former)
        assert not any(path.exists() for path in paths)
        timer = f"{schedule_name(former)}.timer"
        assert calls.read_text().splitlines()[0] == f"--user disable --now {timer}"
        assert list(schedules().values()) == [stored]
        assert stored.created == former.created
        remove_schedule(schedule_name(stored))


def test_a_timer_stays_with_its_schedule_or_if_systemd_refuses_its_removal(systemctl: Path) -> None:
    former = save_schedule(made("orders"))
    paths = install_units(generated_files(former, ScheduleFormat.SYSTEMD))
    assert replace_schedule(made("orders", every=Every.WEEK), former).every is Every.WEEK
    assert all(path.exists() for path in paths)
    (systemctl / "code").write_text("1")
    with pytest.raises(LocalIOError):
        replace_schedule(replace(made("orders"), starter=None))
    assert [each.starter for each in schedules().values()] == [ScheduleFormat.SYSTEMD]

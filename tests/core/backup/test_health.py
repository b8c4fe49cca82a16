"""Findings about backups: missing, overdue, damaged, or of an abnormal size."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, trading_database

from core.backup import health
from core.backup.databases import origin_of
from core.backup.health import findings, last_backups, newest_backups
from core.backup.schedule import schedule_name
from core.backup.schedules import applies_to
from core.model.backup import Backup, BackupState, Origin
from core.model.backup_run import BackupRun
from core.model.connection import KeySource, Profile
from core.model.schedule import BackupFinding, BackupProblem, Every, Schedule
from core.work import Work

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ONE, OTHER = Origin("SQLite", "a", "h", "/a"), Origin("SQLite", "a", "h", "/b")
DAY = timedelta(hours=26)


def taken(
    hours: float, *, size: int = 1 << 20, origin: Origin = ONE, table: str = "orders"
) -> Backup:
    name = f"{origin.path}{table}{hours}"
    moment = NOW - timedelta(hours=hours)
    return Backup(name, table, moment, size, name, origin=origin, rows=size // 100)


def problems(backups, *schedules, overdue=None) -> list[tuple[BackupProblem, str]]:
    found: tuple[BackupFinding, ...] = findings(backups, schedules, overdue=overdue, now=NOW)
    return [(each.problem, each.table) for each in found]


def test_recent_backups_of_usual_size_have_no_finding() -> None:
    assert problems([taken(24 * number + 1) for number in range(5)], overdue=DAY) == []
    assert problems([], overdue=DAY) == []


def test_the_age_of_the_newest_intact_backup_counts() -> None:
    old = [taken(30), taken(60)]
    assert problems(old) == []
    (finding,) = findings(old, overdue=DAY, now=NOW)
    assert finding.problem is BackupProblem.OVERDUE
    assert finding.text.endswith("1 d 6 h ago; at most 1 d 2 h are expected.")
    doubted = replace(taken(1), doubted=True, checked="found damaged on 2026-11-27")
    assert problems([doubted, *old], overdue=DAY) == [
        (BackupProblem.OVERDUE, "orders"),
        (BackupProblem.DAMAGED, "orders"),
    ]
    assert problems([doubted], overdue=DAY)[0] == (BackupProblem.MISSING, "orders")


def test_a_backup_of_a_wrong_clock_does_not_hide_that_later_ones_are_missing() -> None:
    ahead = taken(-24 * 3650)
    assert problems([ahead, taken(1)], overdue=DAY) == []
    assert problems([ahead, taken(30)], overdue=DAY) == [(BackupProblem.OVERDUE, "orders")]
    (finding,) = findings([ahead], overdue=DAY, now=NOW)
    assert finding.problem is BackupProblem.OVERDUE
    assert "has a time in the future" in finding.text
    sizes = [taken(hours, size=1 << 20) for hours in (24, 48, 72)]
    assert problems([ahead, taken(1, size=1 << 10), *sizes]) == [(BackupProblem.SMALL, "orders")]


def test_a_run_of_a_wrong_clock_does_not_hide_that_a_schedule_has_not_run() -> None:
    daily = Schedule("secret:db", ("orders",), created=NOW - timedelta(days=9))
    ahead = NOW + timedelta(days=3650)
    run = BackupRun(schedule_name(daily), "secret:db", ("orders",), ahead, ahead)
    (finding,) = findings([], [daily], [run], now=NOW)
    assert finding.problem is BackupProblem.OVERDUE


def test_each_database_and_table_is_judged_separately() -> None:
    backups = [taken(1), taken(30, origin=OTHER), taken(2, table="users")]
    (finding,) = findings(backups, overdue=DAY, now=NOW)
    assert (finding.table, finding.database) == ("orders", str(OTHER))


def test_an_old_damaged_backup_of_an_unknown_database_is_no_finding() -> None:
    broken = replace(taken(100, origin=Origin()), state=BackupState.BROKEN, problem="A reason.")
    form = replace(taken(200, origin=Origin()), state=BackupState.OLD_FORM)
    assert problems([broken, form, taken(1)], overdue=DAY) == []
    newer = replace(broken, taken=NOW)
    (finding,) = findings([newer, taken(1)], overdue=DAY, now=NOW)
    assert finding.problem is BackupProblem.DAMAGED
    assert finding.text.endswith("is damaged. A reason.")
    assert problems([broken], overdue=DAY)[0][0] is BackupProblem.MISSING


@pytest.mark.parametrize(
    ("size", "problem"),
    [
        (100_000, BackupProblem.SMALL),
        (3 << 20, BackupProblem.LARGE),
        (700_000, None),
        (2 << 20, None),
    ],
)
def test_half_or_double_the_usual_size_is_reported(
    size: int, problem: BackupProblem | None
) -> None:
    backups = [taken(1, size=size), *(taken(24 * number) for number in (1, 2, 3))]
    assert [each for each, _table in problems(backups)] == ([problem] if problem else [])
    assert problems(backups[:3]) == []  # too few to compare with


def test_a_small_table_may_vary() -> None:
    assert problems([taken(1, size=100), *(taken(24 * n, size=900) for n in (1, 2, 3))]) == []


def test_schedules_have_their_interval_and_their_tables() -> None:
    daily = Schedule("/a", ("orders", "users"), Every.DAY, origin=ONE)
    assert problems([taken(29)], daily) == [(BackupProblem.MISSING, "users")]
    assert problems([taken(31), taken(1, table="users")], daily) == [
        (BackupProblem.OVERDUE, "orders")
    ]
    complete = Schedule("/a", (), Every.HOUR, origin=ONE)
    assert problems([taken(2), taken(2, origin=OTHER)], complete) == [
        (BackupProblem.OVERDUE, "orders")
    ]
    assert problems([], Schedule("secret:a", ("orders",))) == []


def run(hours: float, problem: str = "It was offline.", tables: tuple[str, ...] = ()) -> BackupRun:
    moment = NOW - timedelta(hours=hours)
    name = schedule_name(Schedule("/a", tables))
    return BackupRun(name, "/a", tables, moment, moment, problem)


def test_a_failed_run_is_not_reported_once_its_tables_have_later_backups() -> None:
    place = origin_of("/a")
    orders, users = taken(0.5, origin=place), taken(0.5, origin=place, table="users")
    both = run(1, tables=("orders", "users"))
    assert findings([orders, users], runs=[both], now=NOW) == ()
    assert findings([orders, users], runs=[run(1)], now=NOW) == ()
    earlier = replace(users, taken=NOW - timedelta(hours=2))
    some_rows = replace(users, filter="id > 5")
    damaged = replace(users, state=BackupState.BROKEN, origin=Origin(), problem="A reason.")
    elsewhere = replace(users, origin=origin_of("/b"))
    for other in (earlier, some_rows, damaged, elsewhere):
        found = findings([orders, other], runs=[both], now=NOW)
        assert [each.run for each in found if each.problem is BackupProblem.FAILED] == [both.name]
    assert len(findings([orders, earlier], runs=[run(1)], now=NOW)) == 1
    skipping = replace(run(1), skipped=("users",))
    assert len(findings([orders], runs=[skipping], now=NOW)) == 1
    assert findings([orders, users], runs=[skipping], now=NOW) == ()
    in_secret = replace(both, database="secret:cryptotrading/database")
    assert len(findings([orders, users], runs=[in_secret], now=NOW)) == 1


def test_a_failed_run_is_reported_until_it_succeeds_or_is_dismissed() -> None:
    (finding,) = findings([], runs=[run(1)], now=NOW)
    assert (finding.problem, finding.run) == (BackupProblem.FAILED, run(1).name)
    assert finding.text.startswith("The backup of all tables of /a on ")
    assert finding.text.endswith(" failed. It was offline.")
    interrupted = replace(run(1, ""), ended=None)
    (finding,) = findings([], runs=[interrupted], now=NOW)
    assert finding.text.endswith("Its process ended before the backup was complete.")
    silent = [run(1, ""), replace(run(1), dismissed=True), replace(interrupted, running=True)]
    assert all(findings([], runs=[each], now=NOW) == () for each in silent)


def test_an_old_failure_is_reported_only_for_a_schedule() -> None:
    old = run(24 * 8, tables=("orders",))
    assert findings([], runs=[old], now=NOW) == ()
    weekly = Schedule("/a", ("orders",), Every.WEEK)
    assert [each.problem for each in findings([], [weekly], [old], now=NOW)] == [
        BackupProblem.FAILED
    ]
    assert findings([], [replace(weekly, paused=True)], [old], now=NOW) == ()


def test_a_schedule_of_a_secret_that_did_not_run_is_overdue() -> None:
    daily = Schedule("secret:a", (), Every.DAY, created=NOW - timedelta(hours=31))
    (finding,) = findings([], [daily], now=NOW)
    assert finding.problem is BackupProblem.OVERDUE
    assert "all tables of secret:a has not run since" in finding.text
    ran = BackupRun(schedule_name(daily), "secret:a", (), NOW - timedelta(hours=2), NOW)
    assert findings([], [daily], [ran], now=NOW) == ()


def test_a_schedule_of_some_rows_expects_a_run_and_no_complete_backup() -> None:
    created = NOW - timedelta(hours=31)
    where = (("orders", "id > 1"),)
    daily = Schedule("/a", ("orders", "users"), Every.DAY, origin=ONE, created=created, where=where)
    ran = BackupRun(schedule_name(daily), "/a", daily.tables, NOW - timedelta(hours=2), NOW)
    assert findings([taken(1, table="users")], [daily], [ran], now=NOW) == ()
    missing, overdue = sorted(findings([], [daily], now=NOW), key=lambda each: each.problem.value)
    assert (missing.problem, missing.table) == (BackupProblem.MISSING, "users")
    assert "some rows of orders, users of" in overdue.text


def test_a_schedule_with_patterns_expects_a_run() -> None:
    created = NOW - timedelta(hours=31)
    daily = Schedule("/a", (), Every.DAY, origin=ONE, created=created, exclude=("users",))
    old = taken(72, table="users")
    (finding,) = findings([old], [daily], now=NOW)
    assert "all tables except users of" in finding.text
    assert "has not run since" in finding.text
    ran = BackupRun(schedule_name(daily), "/a", (), NOW - timedelta(hours=2), NOW)
    assert findings([old], [daily], [ran], now=NOW) == ()


def test_a_paused_schedule_expects_nothing() -> None:
    daily = Schedule("/a", ("orders",), Every.DAY, origin=ONE, paused=True)
    assert findings([], [daily], now=NOW) == ()


def test_only_the_newest_manifests_are_read_unless_a_schedule_needs_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    store = MemoryStore()
    one, other = (trading_database(tmp_path / name, rows=3) for name in ("a.db", "b.db"))
    backed_up(store, other, "users")
    for _ in range(4):
        backed_up(store, one, "users")
    monkeypatch.setattr(health, "_READ_AT_ONCE", 2)
    found, total = newest_backups(store, [], Work())
    assert (len(found), total) == (2, 5)
    assert {each.origin.path for each in found} == {str(one)}
    assert all(each.checked for each in found)
    planned = [
        Schedule(str(path), ("users",), origin=origin_of(str(path))) for path in (one, other)
    ]
    found, _ = newest_backups(store, planned, Work())
    assert len(found) == 5
    assert findings(found, planned) == ()
    absent = Schedule("/c", ("users", "none"), origin=replace(ONE, path="/c"))
    found, _ = newest_backups(store, [absent], Work())
    assert [each.problem for each in findings(found, [absent])] == [BackupProblem.MISSING] * 2


def test_a_schedule_applies_to_its_profile_and_bucket() -> None:
    profile = Profile("prod", KeySource.KEYRING, bucket="vault")
    options = [(), ("--profile=prod",), ("--profile=prod", "--bucket=vault", "--unlock")]
    others = [("--profile=dev",), ("--profile=prod", "--bucket=b=c")]
    assert all(applies_to(Schedule("/a", options=each), profile) for each in options)
    assert not any(applies_to(Schedule("/a", options=each), profile) for each in others)


def test_the_last_backups_are_by_table_and_database() -> None:
    backups = [taken(5), taken(3), taken(4, origin=OTHER), taken(1, table="users")]
    found = {
        (each.table, each.origin): (each.taken, each.backups) for each in last_backups(backups)
    }
    assert found == {
        ("orders", ONE): (NOW - timedelta(hours=3), 2),
        ("orders", OTHER): (NOW - timedelta(hours=4), 1),
        ("users", ONE): (NOW - timedelta(hours=1), 1),
    }


def test_a_failed_run_names_database_and_host_instead_of_a_url() -> None:
    url = "postgresql://ada@db.example.com:5433/trading?sslmode=verify-full&sslrootcert=%2Fetc%2Fca"
    started = NOW - DAY
    run = BackupRun("x", url, (), started, started, "The server closed the connection.")
    (finding,) = findings([], (), [run], now=NOW)
    assert "of all tables of trading on db.example.com:5433 on " in finding.text


@pytest.mark.parametrize(
    "url",
    ["postgresql://ada@db.example.com/trading?sslmode=all", "mysql://db/a", "oracle://ada@db/a"],
)
def test_a_run_with_an_invalid_url_does_not_prevent_the_other_findings(url: str) -> None:
    started = NOW - DAY
    run = BackupRun("x", url, (), started, started, "The URL is not valid.")
    other = BackupRun("y", "/a", (), started, started, "It is locked.")
    found = findings([taken(30)], (), [run, other], now=NOW)
    places = [each.text.removeprefix("The backup of all tables of ").split()[0] for each in found]
    assert places == [url, "/a"]


def test_findings_distinguish_tables_of_the_same_name() -> None:
    old = [taken(30), taken(30, origin=OTHER), taken(30, table="users")]
    texts = [each.text for each in findings(old, overdue=DAY, now=NOW)]
    assert [text.split(" was taken")[0] for text in texts] == [
        f"The newest backup of orders of {ONE}",
        f"The newest backup of orders of {OTHER}",
        "The newest backup of users",
    ]


def test_the_names_of_this_computer_are_one_server() -> None:
    names = ("localhost:5432", "127.0.0.1:5432", "::1:5432")
    one, other, third = (Origin("PostgreSQL", f"{name}/app", name, "app") for name in names)
    found = [taken(30, origin=one), taken(1, origin=other), taken(60, origin=third)]
    assert problems(found, overdue=DAY) == []
    (finding,) = findings(found, overdue=timedelta(hours=0.5), now=NOW)
    assert finding.database == str(other), "as it was entered for the newest one"
    assert [(each.backups, each.taken) for each in last_backups(found)] == [(3, found[1].taken)]
    schedule = Schedule("postgresql://u@[::1]:5432/app", ("orders",), Every.DAY, origin=third)
    assert problems(found, schedule) == []
    (finding,) = findings([], [schedule], now=NOW)
    assert finding.database == str(third)

"""The local record of the last runs, and the times of schedules."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from unittest.mock import MagicMock

import pytest

from core.backup import runs
from core.backup.databases.address import DatabaseAddress
from core.backup.health import findings
from core.backup.runs import (
    cancel_claimed_run,
    claim_run,
    dismiss_failure,
    last_runs,
    record_failure,
    recorded_run,
    records_run,
    release_run,
    run_name,
)
from core.backup.schedule import schedule_name
from core.backup.schedules import remove_schedule, save_schedule, schedules
from core.backup.timetable import missed_time, next_time
from core.errors import Cancelled, InvalidInput, LocalIOError, NotFound, Offline
from core.local.state.database import state_database
from core.model.backup import BackupReport, Origin
from core.model.backup_run import BackupRun
from core.model.connection import KeySource, Profile
from core.model.schedule import Every, Schedule, ScheduleFormat
from core.model.selection import Selection, Skipped
from core.redaction import Secret
from core.units import utc_now

ROOT = Path(__file__).resolve().parents[3]
URL = "postgresql://backup@db/trading"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday


@pytest.fixture(autouse=True)
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch):
    def use(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use
    monkeypatch.undo()
    time.tzset()


def only() -> BackupRun:
    (run,) = last_runs().values()
    return run


def test_the_last_run_and_its_result_are_recorded() -> None:
    with recorded_run("shop.db", Selection(("orders",))):
        assert only().running
        assert not only().failed
    assert (only().database, only().tables) == (str(Path("shop.db").absolute()), ("orders",))
    assert only().ended is not None
    assert not only().failed
    with pytest.raises(Offline), recorded_run("shop.db", Selection(("orders",))):
        raise Offline("The endpoint cannot be reached", cause="The network is unreachable.")
    assert only().failed
    assert only().problem == "The endpoint cannot be reached. The network is unreachable."
    with pytest.raises(Cancelled), recorded_run("shop.db", Selection(("orders",))):
        raise Cancelled("Stopped")
    assert only().cancelled
    assert not only().failed
    with recorded_run("shop.db", Selection(("orders",))) as result:
        result.problem = "users was skipped: It has a function."
    assert only().failed


def test_a_run_that_cannot_be_recorded_reports_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    full = LocalIOError(
        "state.db could not be opened", cause="The disk of /home is full.", remedy="Free it."
    )
    monkeypatch.setattr(runs, "state_database", lambda: FullDisk(tmp_path / "state.db", full))
    for database in ("shop.db", "other.db"):
        with pytest.raises(Offline), recorded_run(database, Selection(("orders",))):
            raise Offline("The endpoint cannot be reached")
        record_failure(database, Selection(("orders",)), full)
    # The beginning, the end, and the failure of the command.
    reason = "state.db could not be opened. The disk of /home is full."
    shown = [record.getMessage() for record in caplog.records]
    assert shown == [f"The run of a backup could not be recorded: {reason}"] * 2


class FullDisk:
    """A state database on a full disk."""

    def __init__(self, path: Path, error: LocalIOError) -> None:
        self.path = path
        self._error = error

    def transaction(self) -> NoReturn:
        raise self._error


def test_the_skipped_tables_of_a_run_are_recorded() -> None:
    skipped = Skipped("users", "not readable for this user.")
    workspace = MagicMock()
    workspace.bucket.name = "shop"
    workspace.bucket.clients.connection.profile = Profile("test", KeySource.KEYRING, bucket="shop")
    backup = records_run(lambda *_workspace, **_of: BackupReport((), 1.0, skipped=(skipped,)))
    backup(workspace, database="/shop.db")
    assert only().failed
    assert only().skipped == ("users",)
    assert only().problem == "users was skipped: not readable for this user."


def test_a_run_has_one_name_and_no_password() -> None:
    address = DatabaseAddress(URL, Secret("a-long-password"))
    names = {run_name(text, Selection()) for text in (URL, URL.replace("@", ":pw@"), address)}
    assert names == {schedule_name(Schedule(URL))}
    assert run_name("a.db", Selection(("t",))) == schedule_name(
        Schedule(str(Path("a.db").absolute()), ("t",))
    )
    error = Offline("postgresql://backup:a-long-password@db is offline")
    record_failure(address, Selection(), error)
    rows = state_database().rows("SELECT * FROM backup_runs")
    assert "a-long-password" not in str(rows)


def test_the_run_of_a_pattern_is_another_one_than_that_of_all_tables() -> None:
    chosen = Selection(exclude=("audit_*",))
    for selection in (chosen, Selection()):
        record_failure("/shop.db", selection, Offline("The endpoint cannot be reached"))
    runs = last_runs()
    assert {run.scope for run in runs.values()} == {"all tables", "all tables except audit_*"}
    (finding,) = (each for each in findings([], (), runs.values()) if "audit_" in each.text)
    assert "The backup of all tables except audit_* of /shop.db on" in finding.text


KILLED = """
import os, signal
from core.backup.runs import recorded_run
from core.model.selection import Selection
with recorded_run("/shop.db", Selection(("orders",))):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_has_failed() -> None:
    subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, check=False, env=dict(os.environ))
    assert only().failed
    assert not only().running
    dismiss_failure(only().name)
    assert only().dismissed
    with pytest.raises(Offline), recorded_run("/shop.db", Selection(("orders",))):
        raise Offline("The endpoint cannot be reached")
    assert not only().dismissed


def test_a_scheduled_run_is_claimed_once() -> None:
    due = utc_now() - timedelta(minutes=1)
    assert claim_run(Schedule("/a"), due)
    assert not claim_run(Schedule("/a"), due)
    assert not claim_run(Schedule("/a"), utc_now() + timedelta(hours=1)), "it is running"
    with recorded_run("/a", Selection()):
        pass
    assert not claim_run(Schedule("/a"), due)
    assert claim_run(Schedule("/a"), utc_now() + timedelta(seconds=1))


def test_an_unreadable_record_is_ignored() -> None:
    state_database().execute("INSERT INTO backup_runs VALUES ('x', NULL, '{}')")
    state_database().execute("INSERT INTO backup_runs VALUES ('y', NULL, 'z')")
    assert last_runs() == {}


@pytest.mark.parametrize(
    ("every", "at", "expected"),
    [
        (Every.HOUR, "05:15", "2026-11-27 12:15"),
        (Every.HOUR, "05:00", "2026-11-27 13:00"),
        (Every.DAY, "02:00", "2026-11-28 02:00"),
        (Every.DAY, "12:00", "2026-11-28 12:00"),
        (Every.DAY, "12:01", "2026-11-27 12:01"),
        (Every.WEEK, "02:00", "2026-11-30 02:00"),
    ],
)
def test_the_next_time_follows_the_moment(zone, every: Every, at: str, expected: str) -> None:
    zone("UTC")
    assert f"{next_time(Schedule('/a', (), every, at), NOON):%Y-%m-%d %H:%M}" == expected


def test_a_daily_time_is_that_of_the_local_clock(zone) -> None:
    zone("Europe/Berlin")
    daily = Schedule("/a", (), Every.DAY, "02:30")
    winter = datetime(2026, 10, 24, 12, tzinfo=UTC)
    times = [winter]
    for _ in range(3):
        times.append(next_time(daily, times[-1]))
    assert [f"{each:%d %H:%M}" for each in times[1:]] == ["25 00:30", "26 01:30", "27 01:30"]
    spring = datetime(2027, 3, 27, 12, tzinfo=UTC)  # 02:30 does not exist on the next day
    assert next_time(daily, spring) - spring < timedelta(hours=14)
    hourly = Schedule("/a", (), Every.HOUR, "00:30")
    assert next_time(hourly, NOON) == NOON + timedelta(minutes=30)


def test_an_hourly_time_is_not_omitted_when_daylight_saving_ends(zone) -> None:
    zone("Europe/Berlin")
    hourly = Schedule("/a", (), Every.HOUR, "00:30")
    times = [datetime(2026, 10, 24, 23, 40, tzinfo=UTC)]  # 01:40; 03:00 is 02:00 again at 01:00 UTC
    for _ in range(4):
        times.append(next_time(hourly, times[-1]))
    assert [f"{each:%H:%M}" for each in times[1:]] == ["00:30", "01:30", "02:30", "03:30"]
    zone("Asia/Kolkata")  # 5:30 before UTC
    assert f"{next_time(hourly, NOON):%H:%M}" == "13:00"


def test_times_that_a_wrong_clock_recorded_do_not_stop_a_schedule(zone) -> None:
    zone("UTC")
    daily = Schedule("/a", (), Every.DAY, "02:00", created=NOON)
    name, later = schedule_name(daily), NOON + timedelta(days=9)
    ahead = BackupRun(name, "/a", (), later + timedelta(days=3650), later + timedelta(days=3650))
    assert missed_time(daily, ahead, later) == NOON + timedelta(hours=14)
    both = replace(daily, created=ahead.started)
    assert missed_time(both, ahead, later) == later
    corrected = replace(ahead, started=later + timedelta(minutes=5))
    assert missed_time(daily, corrected, later) is None, "the clock was set back by minutes"


def test_a_run_in_the_future_does_not_prevent_a_claim(monkeypatch) -> None:
    schedule = save_schedule(Schedule("/a", every=Every.HOUR, created=NOON))
    with monkeypatch.context() as wrong:
        wrong.setattr(runs, "utc_now", lambda: datetime(2036, 1, 1, tzinfo=UTC))
        with recorded_run("/a", Selection()):
            pass
    due = missed_time(schedule, last_runs()[schedule_name(schedule)])
    assert due is not None
    assert claim_run(schedule, due)
    assert not claim_run(schedule, due)


def test_missed_times_are_one_run(zone) -> None:
    zone("UTC")
    daily = Schedule("/a", (), Every.DAY, "02:00", created=NOON)
    name = schedule_name(daily)
    assert missed_time(daily, None, NOON + timedelta(hours=13)) is None
    missed = missed_time(daily, None, NOON + timedelta(days=9))
    assert missed == NOON + timedelta(hours=14)
    run = BackupRun(name, "/a", (), NOON + timedelta(days=9), NOON + timedelta(days=9))
    assert missed_time(daily, run, NOON + timedelta(days=9, hours=1)) is None
    assert missed_time(daily, run, NOON + timedelta(days=9, hours=14)) is not None
    assert missed_time(replace(daily, paused=True), None, NOON + timedelta(days=9)) is None
    before = replace(run, started=NOON - timedelta(days=3))
    assert missed_time(daily, before, NOON) is None, "it was created after the missed time"
    assert missed_time(Schedule("/a"), None, NOON) is None


def test_a_schedule_is_stored_changed_and_removed() -> None:
    made = Schedule(
        "/a", ("orders",), Every.WEEK, "03:00", ("--profile=prod",), Origin("SQLite", "a", "h", "/a"),
        starter=None, on_failure="notify-send 'Backup failed'", webhook="https://hooks.example.com/x",
    )  # fmt: skip
    stored = save_schedule(made)
    assert stored.created is not None
    name = schedule_name(made)
    assert schedules() == {name: stored}
    save_schedule(replace(stored, paused=True, starter=ScheduleFormat.CRON))
    assert schedules()[name].paused
    assert schedules()[name].created == stored.created
    assert remove_schedule(name).starter is ScheduleFormat.CRON
    assert schedules() == {}
    with pytest.raises(NotFound):
        remove_schedule(name)
    for wrong in (replace(made, on_failure="'"), replace(made, webhook="file:///x")):
        with pytest.raises(InvalidInput):
            save_schedule(wrong)


def test_a_schedule_of_an_earlier_version_is_read() -> None:
    record = (
        '{"database": "/a", "tables": [], "every": "day", "at": "02:00", "options": [], '
        '"origin": ["SQLite", "a", "h", "/a"]}'
    )
    state_database().execute("INSERT INTO schedules VALUES ('n', ?)", (record,))
    assert schedules()["n"].starter is ScheduleFormat.SYSTEMD
    assert schedules()["n"].created is None


def _failed(place: str) -> None:
    record_failure("/shop.db", Selection(), Offline("The endpoint cannot be reached"), place)


def test_runs_to_another_bucket_are_not_findings_of_this_one() -> None:
    """Each bucket has its own last run, and a success in one does not hide a failure in another."""
    _failed("AWS/mine")
    with recorded_run("/shop.db", Selection(), "https://other/mine"):
        pass
    assert last_runs("AWS/mine")[run_name("/shop.db", Selection())].failed
    assert not last_runs("https://other/mine")[run_name("/shop.db", Selection())].failed
    assert last_runs("AWS/theirs") == {}
    (finding,) = findings([], (), last_runs("AWS/mine").values())
    _failed("AWS/theirs")
    dismiss_failure(finding.run)
    assert findings([], (), last_runs("AWS/mine").values()) == ()
    assert len(findings([], (), last_runs("AWS/theirs").values())) == 1


def test_a_failure_before_the_bucket_was_known_is_a_finding_until_a_run_succeeds() -> None:
    _failed("")
    assert len(findings([], (), last_runs("AWS/mine").values())) == 1
    with recorded_run("/shop.db", Selection(), "AWS/mine"):
        pass
    assert findings([], (), last_runs("AWS/mine").values()) == ()
    _failed("")
    assert len(findings([], (), last_runs("AWS/mine").values())) == 1


def test_a_claimed_run_of_a_bucket_is_not_hidden_by_one_to_another() -> None:
    due = utc_now() - timedelta(minutes=1)
    with recorded_run("/a", Selection(), "AWS/theirs"):
        pass
    assert claim_run(Schedule("/a"), due, "AWS/mine")
    assert not claim_run(Schedule("/a"), due, "AWS/mine")


def test_a_claimed_run_that_was_not_started_is_missed_again() -> None:
    due, schedule = utc_now() - timedelta(minutes=1), Schedule("/a")
    assert claim_run(schedule, due, "AWS/mine")
    release_run(schedule, None, "AWS/mine")
    assert last_runs() == {}
    with recorded_run("/a", Selection(), "AWS/mine"):
        pass
    (former,) = last_runs().values()
    later = utc_now() + timedelta(seconds=1)
    assert claim_run(schedule, later, "AWS/mine")
    release_run(schedule, former, "AWS/mine")
    assert list(last_runs().values()) == [former]
    assert claim_run(schedule, later, "AWS/mine")


def test_a_claimed_run_that_was_cancelled_is_not_running_and_not_missed() -> None:
    due, schedule = utc_now() - timedelta(minutes=1), Schedule("/a")
    assert claim_run(schedule, due)
    cancel_claimed_run(schedule)
    (run,) = last_runs().values()
    assert (run.running, run.cancelled, run.failed) == (False, True, False)
    assert not claim_run(schedule, due)
    assert claim_run(schedule, utc_now() + timedelta(seconds=1))


def test_a_run_that_has_ended_or_is_of_another_process_is_no_claim() -> None:
    schedule = Schedule("/a")
    with recorded_run("/a", Selection()):
        pass
    (ended,) = last_runs().values()
    cancel_claimed_run(schedule)
    release_run(schedule, None)
    assert list(last_runs().values()) == [ended]
    assert claim_run(schedule, utc_now() + timedelta(seconds=1))
    state_database().execute("UPDATE backup_runs SET owner = 'another process'")
    before = last_runs()
    cancel_claimed_run(schedule)
    release_run(schedule, ended)
    assert last_runs() == before

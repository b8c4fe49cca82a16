"""A scheduled run that is claimed but does not begin, or whose failure is not reported, runs again."""

import shlex
import sys
from dataclasses import replace
from datetime import timedelta

import apsw
import pytest

from core.backup.listing import list_backups
from core.backup.runs import last_runs
from core.backup.schedule import checked_schedule, schedule_name
from core.backup.schedules import save_schedule
from core.model.schedule import Every
from core.units import utc_now
from core.workspace import Workspace

CLAIM, BACKUP, REPORT = "Start a scheduled backup", "Scheduled backup of ", "Report a failed backup"


def scheduled(path, **fields):
    made = checked_schedule(str(path), ("users",), Every.HOUR, "00:00")
    due = utc_now() - timedelta(days=3)
    return save_schedule(replace(made, **{"starter": None, "created": due, **fields}))


@pytest.fixture
def watch(tab):
    return tab.context.backup_watch


@pytest.fixture
def idle(qtbot, tab):
    return lambda: qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=20_000)


def when_started(tab, beginning, call):
    """Call a function with the first task whose name begins with a text, before it runs."""
    calls = [call]
    tab.context.runner.task_started.connect(
        lambda task: calls.pop()(task) if calls and task.name.startswith(beginning) else None
    )


def test_a_run_that_was_claimed_for_another_connection_does_not_start_in_the_present_one(
    tab, path, watch, idle, elsewhere, qtbot
):
    """It was written to the bucket that was opened between the claim and the start."""
    workspace = tab.context.workspace
    schedule = scheduled(path, options=(f"--bucket={workspace.profile.bucket}",))
    profile = replace(workspace.profile, bucket="another-bucket")
    other = Workspace.open(replace(workspace.connection, profile=profile))
    when_started(tab, CLAIM, lambda _task: watch.follow(other))
    started = []
    when_started(tab, BACKUP, started.append)
    watch.start(str)
    idle()
    assert started == []
    assert schedule_name(schedule) not in last_runs(), "its time is missed, not used up"
    with qtbot.waitSignal(watch.ended, timeout=20_000):
        watch.follow(workspace)
    assert [each.table for each in elsewhere(lambda: list_backups(workspace))] == ["users"]
    idle()
    other.close()


def test_a_run_that_is_cancelled_before_it_begins_is_not_recorded_as_running(
    tab, path, watch, idle, qtbot
):
    """It counted as running until the window was closed, and no later time started it."""
    schedule = scheduled(path)
    when_started(tab, BACKUP, lambda task: task.cancel())
    watch.start(str)
    qtbot.waitUntil(lambda: schedule_name(schedule) in last_runs(), timeout=20_000)
    idle()
    run = last_runs()[schedule_name(schedule)]
    assert (run.running, run.cancelled) == (False, True)
    assert watch.why_not_here(schedule) == ""


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_a_schedule_is_not_running_after_its_failure_was_not_reported(
    tab, path, watch, idle, qtbot, monkeypatch, end
):
    """It counted as running until the window was closed, and never ran again."""
    wait = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(0.3)'"
    schedule = scheduled(path, on_failure=wait)
    connection = apsw.Connection(str(path))
    connection.execute("DROP TABLE users")
    connection.close()
    if end == "failed":
        monkeypatch.setattr("gui.context.backup_watch.report_failure", lambda *_a, **_k: 1 / 0)
        monkeypatch.setattr("gui.tasks.thread_pool._log.exception", lambda *_a: None)
    else:
        when_started(tab, REPORT, lambda task: task.cancel())
    with qtbot.waitSignal(watch.ended, timeout=20_000):
        watch.start(str)
    idle()
    assert watch.why_not_here(schedule) == ""

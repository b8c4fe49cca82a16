"""What follows a scheduled run that failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from core.backup.runs import incomplete, last_runs
from core.backup.scheduled import report_failure
from core.errors import Offline
from core.model.backup import BackupReport
from core.model.schedule import Schedule
from core.model.selection import Skipped

NOTE = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
ERROR = Offline("The endpoint cannot be reached")


@pytest.fixture(autouse=True)
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


def test_a_failure_is_recorded_and_the_command_gets_the_notice(tmp_path: Path) -> None:
    notice = tmp_path / "notice"
    hook = f"{sys.executable} -c \"{NOTE}\" '{notice}'"
    assert report_failure(Schedule("/shop.db", ("orders",), on_failure=hook), ERROR) == ()
    content = json.loads(notice.read_bytes())
    assert (content["database"], content["tables"]) == ("/shop.db", ["orders"])
    (run,) = last_runs().values()
    assert run.problem == "The endpoint cannot be reached."


def test_a_notice_that_fails_does_not_prevent_the_other() -> None:
    schedule = Schedule("/a", on_failure="/nowhere/x", webhook="http://127.0.0.1:9/token")
    problems = report_failure(schedule, ERROR)
    assert len(problems) == 2
    assert "token" not in str(problems)
    assert len(last_runs()) == 1


def test_a_run_that_skipped_a_table_is_incomplete() -> None:
    assert incomplete(BackupReport((), 1.0)) is None
    error = incomplete(BackupReport((), 1.0, skipped=(Skipped("users", "It has a function."),)))
    assert error is not None
    assert error.cause == "users: It has a function."
    assert error.summary == "Skipped tables: 1, backed up: 0"

"""Findings about backups: missing, overdue, damaged, or of an abnormal size."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.backup.health import findings
from core.model.backup import Backup, BackupState, Origin
from core.model.schedule import BackupFinding, BackupProblem, Every, Schedule

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

"""Backups by day, and the days of a month."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.backup.calendar import DayState, backup_days, month_grid, moved_by_months
from core.model.backup import Backup, BackupState

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def taken(hours: float, **fields: object) -> Backup:
    moment = NOON - timedelta(hours=hours)
    backup = Backup(f"{hours}", "orders", moment, 10, f"backups/{hours}")
    return replace(backup, **fields)  # type: ignore[arg-type] # fields of a backup


def test_backups_are_grouped_by_day_with_the_worst_state() -> None:
    days = backup_days([
        taken(30), taken(1), taken(2, proven=NOON), taken(26, state=BackupState.OLD_FORM),
        taken(50, doubted=True, proven=NOON), taken(51, state=BackupState.OLD_FORM),
        taken(74, state=BackupState.BROKEN),
    ])  # fmt: skip
    states = {day.isoformat(): (len(each.backups), each.state) for day, each in days.items()}
    assert states == {
        "2026-11-27": (2, DayState.COMPLETE),
        "2026-11-26": (2, DayState.OLD_FORM),
        "2026-11-25": (2, DayState.DAMAGED),
        "2026-11-24": (1, DayState.DAMAGED),
    }
    assert [day.day for day, each in days.items() if each.proven] == [27]
    assert str(days[date(2026, 11, 27)]) == (
        "27 Nov 2026: 2 backups. All are complete. A restore drill has proven at least one."
    )
    assert str(days[date(2026, 11, 24)]) == "24 Nov 2026: 1 backup. At least one is damaged."


@pytest.mark.parametrize(
    ("month", "weekday", "first"),
    [
        (date(2026, 11, 27), 0, date(2026, 10, 26)),
        (date(2026, 11, 27), 6, date(2026, 11, 1)),
        (date(2026, 6, 1), 0, date(2026, 6, 1)),
        (date.min, 6, date.min),
    ],
)
def test_six_weeks_contain_the_month(month: date, weekday: int, first: date) -> None:
    grid = month_grid(month, weekday)
    assert (len(grid), grid[0]) == (42, first)
    assert month in grid
    assert date.max in month_grid(date.max, weekday)


def test_another_month_has_the_same_day_or_its_last() -> None:
    assert moved_by_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert moved_by_months(date(2024, 1, 31), -2) == date(2023, 11, 30)
    assert moved_by_months(date(2024, 5, 15), 8) == date(2025, 1, 15)
    assert moved_by_months(date.max, 5) == date.max
    assert moved_by_months(date(1, 1, 5), -1) == date(1, 1, 5)

"""Backups by day, for a calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from core.model.backup import Backup, BackupState
from core.units import format_counted, format_date, in_zone

_WEEKS, _DAYS = 6, 7


class DayState(Enum):
    """The worst state of the backups of a day."""

    COMPLETE = "complete"
    OLD_FORM = "old form"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class BackupDay:
    """A day of the current time zone and its backups, the newest first; it may have none."""

    day: date
    backups: tuple[Backup, ...] = ()

    @property
    def state(self) -> DayState | None:
        """The worst state of its backups; None without backups."""
        if any(each.state is BackupState.BROKEN or each.doubted for each in self.backups):
            return DayState.DAMAGED
        if any(each.state is BackupState.OLD_FORM for each in self.backups):
            return DayState.OLD_FORM
        return DayState.COMPLETE if self.backups else None

    @property
    def proven(self) -> bool:
        """Whether a restore drill has proven one of its backups."""
        return any(each.proven is not None and not each.doubted for each in self.backups)

    def __str__(self) -> str:
        """Return the description for tooltips and screen readers."""
        when = format_date(self.day)
        if not self.backups:
            return f"{when}: no backup."
        sentences = [f"{when}: {format_counted(len(self.backups), 'backup')}."]
        if self.state is not None and (text := _STATES[self.state]):
            sentences.append(text)
        if self.proven:
            sentences.append("A restore drill has proven at least one.")
        return " ".join(sentences)


_STATES = {
    DayState.COMPLETE: "All are complete.",
    DayState.OLD_FORM: "At least one has the old form, without hashes.",
    DayState.DAMAGED: "At least one is damaged.",
}


def backup_days(backups: Iterable[Backup]) -> dict[date, BackupDay]:
    """Return the days that have backups, in the current time zone."""
    found: dict[date, list[Backup]] = {}
    for backup in sorted(backups, key=lambda each: each.taken, reverse=True):
        found.setdefault(day_of(backup), []).append(backup)
    return {day: BackupDay(day, tuple(those)) for day, those in found.items()}


def day_of(backup: Backup) -> date:
    """Return the day on which a backup was taken, in the current time zone."""
    return in_zone(backup.taken).date()


def month_grid(month: date, first_weekday: int) -> tuple[date, ...]:
    """Return the 42 days of the six weeks that a calendar shows for a month.

    Args:
        month: Any day of the month.
        first_weekday: The day on which weeks start, 0 for Monday to 6 for Sunday.
    """
    first = month.replace(day=1)
    before = timedelta(days=(first.weekday() - first_weekday) % _DAYS)
    # The years 1 and 9999 have no days before and after them.
    start = date.min if first - date.min < before else first - before
    start = min(start, date.max - timedelta(days=_WEEKS * _DAYS - 1))
    return tuple(start + timedelta(days=number) for number in range(_WEEKS * _DAYS))


def moved_by_months(day: date, months: int) -> date:
    """Return a day of another month; the last day of the month if it has fewer days."""
    number = day.year * 12 + day.month - 1 + months
    number = min(max(number, 12), 9999 * 12 + 11)
    year, month = divmod(number, 12)
    last = 31 if month == 11 else (date(year, month + 2, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))

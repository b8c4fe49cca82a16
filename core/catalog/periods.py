"""Dates as people type them: a year, month, day, hour, minute or second, and durations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2})"
    r"(?:[T ](?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?Z?)?)?)?",
    re.ASCII,
)
_AGE = re.compile(r"(?P<count>\d{1,5})(?P<unit>[hdwy])", re.ASCII)
_UNITS = {
    "h": timedelta(hours=1), "d": timedelta(days=1),
    "w": timedelta(weeks=1), "y": timedelta(days=365),
}  # fmt: skip
_STEPS = {
    "day": timedelta(days=1), "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1), "second": timedelta(seconds=1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """A range of time in UTC; its end does not belong to it."""

    begin: datetime
    end: datetime


def period_of(text: str) -> Period | None:
    """Return the period that a date names, for example the complete month of `2024-01`."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    given = {name: int(value) for name, value in found.groupdict().items() if value is not None}
    try:
        begin = datetime(**{"month": 1, "day": 1} | given, tzinfo=UTC)
        return Period(begin, _end(begin, list(given)[-1]))
    except (ValueError, OverflowError):  # for example 30 February, or the last year
        return None


def _end(begin: datetime, smallest: str) -> datetime:
    if smallest == "year":
        return begin.replace(year=begin.year + 1)
    if smallest == "month":
        return (begin + timedelta(days=32)).replace(day=1)
    return begin + _STEPS[smallest]


def age_of(text: str) -> timedelta | None:
    """Return the duration that a text such as `7d` names: hours, days, weeks or years."""
    found = _AGE.fullmatch(text.strip())
    return int(found["count"]) * _UNITS[found["unit"]] if found else None

"""Labels of the time axis of a calendar: years, months, days or hours, in UTC like the keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from core.coverage.rhythm import HOURS
from core.units import format_day

#: Minimum width in pixels of a label with its distance to the next one.
_MONTH, _DAY, _HOUR = 64, 52, 44
_MONTH_STEPS, _DAY_STEPS, _HOUR_STEPS = (1, 3, 6, 12), (1, 2, 7, 14), (1, 2, 3, 6, 12)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at an hour of the axis; `major` ones begin a month, or a day among hours."""

    hour: int
    text: str
    major: bool


def ticks(origin: date, left: float, right: float, pixels_per_hour: float) -> list[Tick]:
    """Return the labels of a part of the axis.

    Args:
        origin: the day at which hour 0 begins.
        left: the first visible hour.
        right: the last visible hour.
        pixels_per_hour: the scale.
    """
    first = origin + timedelta(days=max(0, int(left // HOURS)))
    last = origin + timedelta(days=int(right // HOURS))
    per_day = pixels_per_hour * HOURS
    step = next((step for step in _HOUR_STEPS if step * pixels_per_hour >= _HOUR), 0)
    if step:
        return list(_hours(origin, first, last, step))
    step = next((step for step in _DAY_STEPS if step * per_day >= _DAY), 0)
    if step:
        return list(_days(origin, first, last, step))
    step = next((step for step in _MONTH_STEPS if step * 30 * per_day >= _MONTH), 12)
    return list(_months(origin, first, last, step))


def _hours(origin: date, first: date, last: date, step: int) -> Iterator[Tick]:
    for day in _range(first, last):
        start = (day - origin).days * HOURS
        yield Tick(start, format_day(day), major=True)
        for hour in range(step, HOURS, step):
            yield Tick(start + hour, f"{hour:02}:00", major=False)


def _days(origin: date, first: date, last: date, step: int) -> Iterator[Tick]:
    for day in _range(first, last):
        begins_month = day.day == 1
        # Not before the first of the next month, whose label would overlap.
        if begins_month or ((day.day - 1) % step == 0 and day.day + step <= 32):
            text = format_day(day, year=True) if begins_month else format_day(day)
            yield Tick((day - origin).days * HOURS, text, begins_month)


def _months(origin: date, first: date, last: date, step: int) -> Iterator[Tick]:
    day = first.replace(day=1)
    while day <= last:
        if (day.month - 1) % step == 0 and day >= origin:
            yield Tick((day - origin).days * HOURS, format_day(day, year=True), major=True)
        day = (day + timedelta(days=32)).replace(day=1)


def _range(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))

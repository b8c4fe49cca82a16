"""Scales and ticks of charts, without Qt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.units import TimeStyle, format_clock, format_day, in_zone, time_style

MINUTE, HOUR, DAY = 60, 3600, 86_400
#: The shortest month, from which the step of an axis counts as months, and the average one.
MONTH = 28 * DAY
_MONTH_SECONDS = 30.4 * DAY
#: A limit for impossible dates; a screen has room for a few dozen labels.
_MOST_TICKS = 200
#: Digits after the point of a number with an exponent at most.
_MOST_DIGITS = 10
#: Distances between time labels that people read at a glance, in seconds.
_TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(HOUR * count for count in (1, 2, 3, 6, 12)),
    *(DAY * count for count in (1, 2, 7, 14)),
    MONTH,
    *(DAY * count for count in (91, 182, 365, 730, 1826, 3652)),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to pixels that maps `low` to `start` and `high` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: Any) -> Any:
        """Return the pixel of a value, or the pixels of an array of values."""
        # A scale without extent maps every value to its start.
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def value(self, pixel: float) -> float:
        """Return the value at `pixel`."""
        span = self.end - self.start or 1.0
        return self.low + (pixel - self.start) / span * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic scale from positive values to pixels: equal ratios have equal distances."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: Any) -> Any:
        """Return the pixel of a value, or the pixels of an array; others than positive are low."""
        import numpy as np

        span = math.log(self.high / self.low) or 1.0
        parts = np.log(np.maximum(value, self.low * 1e-3) / self.low) / span
        return self.start + parts * (self.end - self.start)

    def value(self, pixel: float) -> float:
        """Return the value at `pixel`."""
        part = (pixel - self.start) / (self.end - self.start or 1.0)
        return float(self.low * (self.high / self.low) ** part)


def log_ticks(low: float, high: float, count: int) -> tuple[list[float], int]:
    """Return round values for a logarithmic scale, and the number of decimals of their labels.

    Within a factor of five, round values of a linear scale are the more readable ones.
    """
    if high < 5 * low:
        return ticks(low, high, count)
    factors = (1, 2, 5) if math.log10(high / low) * 3 <= count * 1.5 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [factor * 10.0**power for power in powers for factor in factors]
    values = [value for value in values if low <= value <= high]
    least = min(values, default=1.0)
    return values, min(12, max(0, -math.floor(math.log10(least) + 1e-9)))


def nice_step(span: float, count: int) -> float:
    """Return a step of 1, 2, 2.5 or 5 times a power of ten that makes about `count` ticks."""
    rough = span / max(1, count)
    if not math.isfinite(rough) or rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    # 15 % more ticks than wanted are better than the next, much coarser step.
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if rough <= power * factor * 1.15)


def ticks(low: float, high: float, count: int) -> tuple[list[float], int]:
    """Return round values between two others, and the number of decimals that their labels need.

    Args:
        low: the lowest value.
        high: the highest value.
        count: about how many values are wanted.
    """
    step = nice_step(high - low, count)
    # The tolerance includes a tick at an end in spite of rounding errors.
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    # A step that rounding has made slightly smaller than 0.001 needs no fourth decimal.
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals and round(step, decimals) != step:
        decimals += 1
    # Multiplied and not added, so that rounding errors do not accumulate.
    values = [number * step for number in range(first, min(last, first + 50) + 1)]
    return values, min(decimals, 12)


def short_number(value: float) -> str:
    """Return a short number for an axis: `1.2k`, `3.4M`, `1.5e15`."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < 1000 * size:
            return f"{value / size:.3g}{unit}"
    return _with_exponent(f"{value:.3g}")


def axis_number(value: float, decimals: int, fits: Callable[[str], bool]) -> str:
    """Return a round number for an axis, which never looks like another one where it has no room.

    In full if that fits, else with an exponent, else its last digits after an ellipsis.

    Args:
        value: the number.
        decimals: its decimals, see `ticks`.
        fits: whether there is room for a text.
    """
    text = f"{value:,.{decimals}f}"
    if fits(text) or not value:
        return text if fits(text) else "0"
    made = (f"{value:.{digits}e}" for digits in range(_MOST_DIGITS))
    exact = (each for each in made if math.isclose(float(each), value, rel_tol=1e-9))
    short = _with_exponent(next(exact, text))
    if fits(short):
        return short
    return "…" + next((text[at:] for at in range(1, len(text)) if fits("…" + text[at:])), "")


def _with_exponent(text: str) -> str:
    """Return `1.5e15` for `1.5e+15`, and other texts as they are."""
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def time_step(span_seconds: float, count: int) -> int:
    """Return the distance of time labels so that about `count` fit into the span."""
    rough = span_seconds / max(1, count)
    return next((step for step in _TIME_STEPS if step >= rough), _TIME_STEPS[-1])


def time_label(moment: datetime, step: int) -> str:
    """Return `18:00`, or the day where a day begins, or the month for wide steps."""
    there = in_zone(moment)
    if step >= DAY or (there.hour == there.minute == there.second == 0):
        return format_day(there, year=step >= MONTH)
    return format_clock(moment, seconds=step < MINUTE)


def time_ticks(first: datetime, last: datetime, step: int) -> list[datetime]:
    """Return the times between two others that are round in the selected time zone.

    Args:
        first: the earliest time.
        last: the latest one.
        step: the distance in seconds, of those that `time_step` returns.
    """
    # Ticks are round in local time, so a day begins at midnight there and not in UTC.
    wall = in_zone(first).replace(tzinfo=None)
    found: list[datetime] = []
    for number in range(_MOST_TICKS):
        tick = _of_wall(_round_time(wall, step, number))
        if tick > last:
            break
        if tick >= first:
            found.append(tick)
    return found


def _round_time(wall: datetime, step: int, number: int) -> datetime:
    """Return the round time `number` steps after the last one before `wall`."""
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if step < DAY:
        steps = (wall - midnight) // timedelta(seconds=step)
        return midnight + timedelta(seconds=step * (steps + number))
    if step < MONTH:
        days = step // DAY
        into = (midnight.toordinal() - 1) % days  # weeks begin on Monday
        return midnight + timedelta(days=days * number - into)
    months = round(step / _MONTH_SECONDS)
    index = (wall.year * 12 + wall.month - 1) // months * months + months * number
    return midnight.replace(year=min(9999, index // 12), month=index % 12 + 1, day=1)


def _of_wall(wall: datetime) -> datetime:
    """Return the UTC time of a local time in the selected zone."""
    local = time_style() is TimeStyle.LOCAL
    return wall.astimezone() if local else wall.replace(tzinfo=UTC)

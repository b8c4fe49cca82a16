"""Formatting of sizes, rates, counts, identifiers and times for people.

Every date and time that is shown is formatted here. It reads `15 Jan 2024 10:00:00 UTC` in the
window and `2024-01-15T10:00:00Z` on the command line; `use_time_style` sets the style of the
process.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum

_STEPS = ("KB", "MB", "GB", "TB", "PB")
#: Not `strftime("%b")`: its names follow the locale, which Qt sets for the entire process.
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
#: Clock difference, in seconds, up to which a time is not reported as "in the future".
_SKEW = 60


class TimeStyle(StrEnum):
    """Format of times: readable (in UTC or the local time zone), or ISO 8601 in UTC."""

    UTC = "utc"
    LOCAL = "local"
    ISO = "iso"


class _Present:
    """Holder of the current time style, shared by the process."""

    style = TimeStyle.UTC


def use_time_style(style: TimeStyle) -> TimeStyle:
    """Set the time style of this process, and return the previous one."""
    former, _Present.style = _Present.style, style
    return former


def time_style() -> TimeStyle:
    """Return the current time style."""
    return _Present.style


def format_size(size: int) -> str:
    """Return a size in bytes as decimal units with one decimal place, for example `1.9 MB`."""
    if abs(size) < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _STEPS:
        value /= 1000
        # 999.95 and more would be rounded to `1,000.0` of this unit.
        if abs(value) < 999.95 or unit == _STEPS[-1]:
            return f"{value:,.1f} {unit}"
    raise AssertionError(size)


def format_count(count: int) -> str:
    """Return a count with thousands separated by commas."""
    return f"{count:,}"


def format_estimate(count: int, *, estimated: bool) -> str:
    """Return a count, marked as such if it is an estimate."""
    return f"≈ {format_count(count)}" if estimated else format_count(count)


def format_counted(count: int, noun: str) -> str:
    """Return a count with its noun, for example `1 object` or `2,000 objects`."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def format_progress(done: int, total: int | None, unit: str) -> str:
    """Return how much of something is done, for example `3 of 120 files`, `1 row` or `1.9 MB`.

    Args:
        done: The completed number of units.
        total: The number of all; None or 0 while it is unknown.
        unit: `bytes`, or the plural of what is counted.
    """
    if unit == "bytes":
        return f"{format_size(done)} of {format_size(total)}" if total else format_size(done)
    noun = unit.removesuffix("s")
    if total:
        return f"{format_count(done)} of {format_counted(total, noun)}"
    return format_counted(done, noun)


def format_cost(dollars: float) -> str:
    """Return a price such as `1.25 USD`; one below a cent is not shown as nothing."""
    return "less than 0.01 USD" if 0 < dollars < 0.01 else f"{dollars:,.2f} USD"


def format_estimated_cost(dollars: float) -> str:
    """Return an estimated price such as `about 1.25 USD`, or `less than 0.01 USD`."""
    return format_cost(dollars) if dollars < 0.01 else f"about {format_cost(dollars)}"


def format_rate(bytes_per_second: float) -> str:
    """Return a rate in bytes per second, for example `12.4 MB/s`."""
    return f"{format_size(int(bytes_per_second))}/s"


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units, for example `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    total = int(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    if total < 86400:
        return f"{total // 3600} h {total % 3600 // 60} min"
    return f"{total // 86400} d {total % 86400 // 3600} h"


def format_minutes(seconds: float) -> str:
    """Return a duration without the seconds of a minute, for example `5 min`; `42 s` below one."""
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds) // 60} min" if seconds < 3600 else format_duration(seconds)


def format_age(then: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time was, in its largest unit, for example `12 s ago`."""
    seconds = ((now or utc_now()) - then).total_seconds()
    if seconds < -_SKEW:
        return "in the future"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            name = "day" if unit == "days" and count == 1 else unit
            return f"{count} {name} ago"
    return f"{max(int(seconds), 0)} s ago"


def format_remaining(until: datetime, now: datetime | None = None) -> str:
    """Return the time that remains until a moment, for example `2 h 5 min`; `ended` afterwards.

    Seconds are not fractional, so that a text that is updated every second counts down evenly.
    """
    seconds = (until - (now or utc_now())).total_seconds()
    if seconds <= 0:
        return "ended"
    return f"{int(seconds)} s" if seconds < 60 else format_duration(seconds)


def format_moment(moment: datetime, *, zone: bool = True) -> str:
    """Return a date and time such as `15 Jan 2024 10:00:00 UTC`, in the current style and zone.

    Args:
        moment: a naive one is taken as UTC.
        zone: whether to append the time zone; without it the column heading must name the zone (see
            `zoned`).
    """
    if _Present.style is TimeStyle.ISO:
        return iso_utc(moment.replace(microsecond=0))
    text = f"{format_date(in_zone(moment))} {format_clock(moment)}"
    return f"{text} {zone_name(moment)}" if zone else text


def format_date(day: date) -> str:
    """Return `15 Jan 2024` for a calendar date or a moment that is already in its zone."""
    if _Present.style is TimeStyle.ISO:
        return f"{day.year:04}-{day.month:02}-{day.day:02}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def format_day(day: date, *, year: bool = False) -> str:
    """Return a short date for the labels of an axis: `15 Jan`, or `Jan 2024` with `year`."""
    month = _MONTHS[day.month - 1]
    return f"{month} {day.year}" if year else f"{day.day} {month}"


def format_clock(moment: datetime, *, seconds: bool = True) -> str:
    """Return the time of day in the current zone: `10:00:00`, or `10:00` without seconds."""
    there = in_zone(moment)
    text = f"{there.hour:02}:{there.minute:02}"
    return f"{text}:{there.second:02}" if seconds else text


def format_range(first: datetime, last: datetime) -> str:
    """Return a time range such as `15 Jan 2024 10:00:00 to 11:00:00 UTC`, without repetitions."""
    begin = format_moment(first)
    if first == last:
        return begin
    if _Present.style is TimeStyle.ISO or zone_name(first) != zone_name(last):
        return f"{begin} to {format_moment(last)}"
    begin = format_moment(first, zone=False)
    if in_zone(first).date() == in_zone(last).date():
        return f"{begin} to {format_clock(last)} {zone_name(last)}"
    return f"{begin} to {format_moment(last)}"


def format_date_range(first: date, last: date) -> str:
    """Return `15 Jan 2024`, or `15 Jan 2024 to 18 Jan 2024`."""
    begin, end = format_date(first), format_date(last)
    return begin if begin == end else f"{begin} to {end}"


def zone_name(moment: datetime | None = None) -> str:
    """Return the current time zone as `UTC` or an offset such as `UTC+5:30`.

    Abbreviations are ambiguous: CST is used in China, Cuba and Chicago.

    Args:
        moment: the time for which the offset is returned (it changes with daylight saving time); by
            default the current time.
    """
    offset = in_zone(moment or utc_now()).utcoffset()
    minutes = 0 if offset is None else int(offset.total_seconds()) // 60
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def zoned(heading: str) -> str:
    """Return the heading of a column of times with the current zone, `Modified (UTC)`."""
    return f"{heading} ({'local' if _Present.style is TimeStyle.LOCAL else 'UTC'})"


def in_zone(moment: datetime) -> datetime:
    """Convert a time to the current zone; a naive time is taken as UTC."""
    there = as_utc(moment)
    return there.astimezone() if _Present.style is TimeStyle.LOCAL else there


def short_id(identifier: str) -> str:
    """Shorten a long identifier to its first and last four characters, such as `828d…41c2`.

    An identifier of up to 10 characters is returned unchanged.
    """
    return identifier if len(identifier) <= 10 else f"{identifier[:4]}…{identifier[-4:]}"


def utc_now() -> datetime:
    """Return the current time as an aware datetime in UTC."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; a naive one is taken as UTC (contract, section 1)."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def file_moment(seconds: float) -> datetime | None:
    """Return the time of a file in UTC; None for one that no date can be, as on damaged disks.

    Args:
        seconds: the time as the file system reports it, since 1970.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def iso_utc(moment: datetime) -> str:
    """Return `2024-01-15T10:00:00Z`, with `.ffffff` only when there are microseconds.

    For files, keys and machine-readable output; people are shown `format_moment`.
    """
    moment = as_utc(moment).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds") + "Z"

"""Sizes, rates, counts and times as people read them; all times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ("KB", "MB", "GB", "TB", "PB")


def format_size(size: int) -> str:
    """Return a size in bytes as decimal units, for example `1.9 MB`."""
    if abs(size) < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _STEPS:
        value /= 1000
        if abs(value) < 999.5 or unit == _STEPS[-1]:
            return f"{value:.3g} {unit}" if abs(value) < 100 else f"{value:,.0f} {unit}"
    raise AssertionError(size)


def format_count(count: int) -> str:
    """Return a count with thousands separated by commas."""
    return f"{count:,}"


def format_rate(bytes_per_second: float) -> str:
    """Return a rate in bytes per second, for example `12.4 MB/s`."""
    return f"{format_size(int(bytes_per_second))}/s"


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units, for example `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def format_age(then: datetime, now: datetime | None = None) -> str:
    """Return how long ago `then` was in its largest unit, for example `12 s ago`."""
    seconds = ((now or utc_now()) - then).total_seconds()
    if seconds < 0:
        return "in the future"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            name = "day" if unit == "days" and count == 1 else unit
            return f"{count} {name} ago"
    return f"{int(seconds)} s ago"


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; a naive one is taken as UTC (contract, section 1)."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso_utc(moment: datetime) -> str:
    """Return `2024-01-15T10:00:00Z`, with `.ffffff` only when there are microseconds."""
    moment = as_utc(moment).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds") + "Z"

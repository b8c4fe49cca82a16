"""Texts of cells, gaps and streams of a calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.coverage.calendars import Calendar, State
from core.coverage.freshness import Freshness, StreamState
from core.coverage.rhythm import EVENTS
from core.units import format_age, format_count, format_counted, format_date, format_duration
from gui.widgets.labels import shown

STATES = {
    State.OUTSIDE: "outside the known days",
    State.IDLE: "no file expected",
    State.COMPLETE: "complete",
    State.THIN: "thin",
    State.MISSING: "missing",
}
LEGEND = "█ complete   ▄ thin   ─ missing   … no file expected"


def cell_text(calendar: Calendar, day: date, hour: int | None = None) -> str:
    """Return the state of a day, or of one of its hours, with the number of files."""
    state, place = calendar.state_of(day, hour), calendar.place_of(day)
    when = format_date(day) if hour is None else f"{format_date(day)} {hour:02}:00 UTC"
    head = f"{shown(str(calendar.stream))}, {when}: {STATES[state]}"
    if place is None or state is State.OUTSIDE:
        return head
    files = calendar.files_of(day, hour)
    expected = int(
        calendar.expected_days[place] if hour is None else calendar.expected[place, hour]
    )
    if not expected:
        return f"{head}, {format_counted(files, 'file')}"
    return f"{head}, {format_count(files)} of usually {format_counted(expected, 'file')}"


def summary_text(calendar: Calendar) -> str:
    """Return the number of days of each state."""
    missing, thin, complete = (
        int((calendar.days == state).sum()) for state in (State.MISSING, State.THIN, State.COMPLETE)
    )
    return (
        f"{format_counted(complete, 'complete day')}, {format_count(thin)} thin, "
        f"{format_count(missing)} missing"
    )


def freshness_text(state: StreamState, now: datetime) -> str:
    """Return whether a stream still gets files, as one sentence."""
    name, age = shown(str(state.stream)), format_age(state.latest, now)
    if state.state is Freshness.STOPPED:
        return f"{name} has stopped: its latest file is of {age}."
    if state.state is Freshness.ENDED:
        return f"{name} has ended: its latest file is of {age}."
    return f"{name} is current: its latest file is of {age}."


def interval_text(interval: timedelta | None) -> str:
    """Return the usual time between files, or a dash for a stream with one file."""
    return format_duration(interval.total_seconds()) if interval else "-"


def rule_text(kind_id: str) -> str:
    """Return by what rule the states of a kind are decided, for a tooltip."""
    if kind_id in EVENTS:
        return "These files are written when something happens, so none is ever expected."
    return (
        "A stream is compared with itself: hours and weekdays that have files in most of the nine "
        "weeks around are expected to have them."
    )

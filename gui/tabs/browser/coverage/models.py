"""The tables of the coverage page: streams, their days, and their gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from core.coverage.calendars import Calendar, State
from core.coverage.content import ContentGap
from core.coverage.freshness import Freshness, StreamState
from core.coverage.gaps import Gap
from core.units import format_count, format_date, format_moment, format_size
from gui.models.columns import CellText
from gui.models.text_rows import TextRows
from gui.tabs.browser.coverage.texts import STATES, interval_text
from gui.widgets.labels import shown

Row = tuple[tuple[Any, ...], tuple[CellText, ...]]

_FRESHNESS = {
    Freshness.STOPPED: "! stopped",
    Freshness.CURRENT: "current",
    Freshness.ENDED: "ended",
}


class StreamsModel(TextRows):
    """One stream a row: its days by state, and whether it still gets files."""

    heads = (
        "Stream", "Freshness", "Latest file", "Every", "Complete", "Thin", "Missing", "Files", "Size",
        "First day", "Last day",
    )  # fmt: skip
    numbers = frozenset({4, 5, 6, 7, 8})
    moments = frozenset({2})

    def show(self, calendars: Sequence[Calendar], states: Iterable[StreamState]) -> None:
        """Show the streams of a report."""
        by_stream = {each.stream: each for each in states}
        rows = [_stream_row(each, by_stream[each.stream]) for each in calendars]
        self._replace(rows, calendars)


class DaysModel(TextRows):
    """One day of a stream a row; the same content as its calendar, for screen readers."""

    heads = ("Day", "State", "Files", "Usual files", "Hours without files", "Hours with too few")
    numbers = frozenset({2, 3, 4, 5})

    def show(self, calendar: Calendar | None) -> None:
        """Show the days of a stream."""
        rows = [] if calendar is None else list(_day_rows(calendar))
        days = [] if calendar is None else [calendar.first + timedelta(n) for n in range(len(rows))]
        self._replace(rows, days)


class GapsModel(TextRows):
    """One gap a row."""

    heads = ("Stream", "State", "From", "To", "Hours", "Files", "Usual files")
    numbers = frozenset({4, 5, 6})
    moments = frozenset({2, 3})

    def show(self, rows: Sequence[Row], gaps: Sequence[Gap]) -> None:
        """Show gaps with the rows that `gap_rows` has made of them."""
        self._replace(rows, gaps)


class ContentModel(TextRows):
    """One run of intervals without a candle a row."""

    heads = ("State", "From", "To", "Intervals", "Reason")
    numbers = frozenset({3})
    moments = frozenset({1, 2})

    def show(self, gaps: Sequence[ContentGap]) -> None:
        """Show the result of a check."""
        rows: list[Row] = [
            (
                (gap.state.value, gap.begin, gap.end, gap.intervals, gap.reason),
                (
                    gap.state.value, _moment(gap.begin), _moment(gap.end),
                    format_count(gap.intervals), gap.reason,
                ),
            )
            for gap in gaps
        ]  # fmt: skip
        self._replace(rows, gaps)


def gap_rows(gaps: Iterable[Gap]) -> list[Row]:
    """Return the rows of gaps; they can be made in a worker thread."""
    return [_gap_row(gap) for gap in gaps]


def _gap_row(gap: Gap) -> Row:
    stream, state = shown(str(gap.stream)), STATES[gap.state]
    values = (stream, state, gap.begin, gap.end, gap.hours, gap.files, gap.expected)
    texts: tuple[CellText, ...] = (
        stream, state, _moment(gap.begin), _moment(gap.end), format_count(gap.hours),
        format_count(gap.files), format_count(gap.expected),
    )  # fmt: skip
    return values, texts


def _moment(moment: datetime) -> CellText:
    # Called at each paint: the user may switch between UTC and local time.
    return lambda: format_moment(moment, zone=False)


def _stream_row(calendar: Calendar, state: StreamState) -> Row:
    counts = [
        int((calendar.days == each).sum()) for each in (State.COMPLETE, State.THIN, State.MISSING)
    ]
    name = shown(str(calendar.stream))
    files, size = calendar.total_files, calendar.total_size
    interval = state.interval or timedelta()
    values = (
        name, list(_FRESHNESS).index(state.state), state.latest, interval, *counts, files, size,
        calendar.first, calendar.last,
    )  # fmt: skip
    texts: tuple[CellText, ...] = (
        name, _FRESHNESS[state.state], _moment(state.latest), interval_text(state.interval),
        *map(format_count, counts), format_count(files), format_size(size),
        format_date(calendar.first), format_date(calendar.last),
    )  # fmt: skip
    return values, texts


def _day_rows(calendar: Calendar) -> Iterable[Row]:
    # As lists: single values of arrays are slow.
    files = calendar.files.sum(axis=1).tolist()
    missing = (calendar.hours == State.MISSING).sum(axis=1).tolist()
    thin = (calendar.hours == State.THIN).sum(axis=1).tolist()
    states, expected = calendar.days.tolist(), calendar.expected_days.tolist()
    for place, numbers in enumerate(zip(files, expected, missing, thin, strict=True)):
        day: date = calendar.first + timedelta(days=place)
        state = STATES[State(states[place])]
        yield (day, state, *numbers), (format_date(day), state, *map(format_count, numbers))

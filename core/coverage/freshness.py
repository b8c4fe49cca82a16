"""Freshness of streams: when the next file was expected, and which streams have stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from core.coverage.calendars import Calendar, State
from core.coverage.cells import HOUR, Stream
from core.coverage.rhythm import EVENTS, HOURS, WEEK
from core.coverage.sparse import MARKET, longest_usual_pause
from core.units import as_utc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Expected hours or days without a file after which a stream counts as stopped.
STOPPED_AFTER = 2
#: Days without a file after which a stream counts as ended: a delisted pair is no news.
ENDED_AFTER_DAYS = 30
#: Days after the latest file of which the expected hours are counted: a pair with few trades may
#: pause for months.
_COUNTED_DAYS = 400
#: Rare streams, for example monthly ones, are stopped after this multiple of their usual interval.
_RARE = 2.5


class Freshness(StrEnum):
    """Whether a stream still gets files."""

    CURRENT = "current"
    STOPPED = "stopped"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StreamState:
    """The freshness of one stream.

    Attributes:
        stream: the stream.
        state: whether it still gets files.
        latest: the time of its latest file.
        newest: the key of this file.
        interval: the usual time between files; None for a stream with a single file.
        missed: number of expected hours or days since then that have no file.
        overdue: whether so many are missed that the stream has stopped; an ended one had stopped
            before, or nothing was expected of it.
    """

    stream: Stream
    state: Freshness
    latest: datetime
    newest: str
    interval: timedelta | None
    missed: int
    overdue: bool


def freshness_of(calendar: Calendar, now: datetime) -> StreamState:
    """Return the freshness of a stream at a time.

    A stream has stopped if at least two expected hours (or days, if it has files at undefined
    hours) have passed since its latest file; nights and weekends in which it usually pauses do not
    count. A pair with few trades has stopped after a pause that is longer than its usual ones.
    """
    age = as_utc(now) - calendar.latest
    interval = _interval(calendar)
    missed = _missed(calendar, as_utc(now))
    if missed is None:  # without a weekly rhythm, only the usual interval can be compared
        comparable = interval and calendar.stream.kind not in EVENTS
        missed = int(age / interval / _RARE * STOPPED_AFTER) if interval and comparable else 0
    overdue = missed >= max(STOPPED_AFTER, _usual_pause(calendar) + 1)
    if age > max(timedelta(days=ENDED_AFTER_DAYS), (interval or timedelta()) * _RARE):
        state = Freshness.ENDED
    else:
        state = Freshness.STOPPED if overdue else Freshness.CURRENT
    return StreamState(
        calendar.stream, state, calendar.latest, calendar.newest, interval, missed, overdue
    )


def expected_hours(calendar: Calendar, hours: range) -> list[int]:
    """Return the hours (since 1970) in which a stream has files, lacks them, or may have had some.

    Those after its latest file continue its usual week. Hours before its first file count, too, and
    all hours of a stream with files on less than seven days, of which nothing is usual yet.

    Args:
        calendar: the calendar of the stream.
        hours: the hours to choose from.
    """
    if int(calendar.files.any(axis=1).sum()) < WEEK:
        return list(hours)
    by_hour, _ = _usual_week(calendar)
    first = (calendar.first - date(1970, 1, 1)).days * HOURS
    states = calendar.hours.reshape(-1).tolist()
    latest = int(calendar.latest.timestamp()) // HOUR

    def is_expected(hour: int) -> bool:
        state = states[hour - first] if 0 <= hour - first < len(states) else State.OUTSIDE
        if state == State.OUTSIDE and hour > latest and by_hour.any():
            return bool(by_hour[hour // HOURS % WEEK, hour % HOURS])
        return state != State.IDLE

    return [hour for hour in hours if is_expected(hour)]


def _usual_pause(calendar: Calendar) -> int:
    """Return how many expected hours or days in a row may have no file; 0 if each should have one."""
    if calendar.stream.kind not in MARKET:
        return 0
    if (calendar.expected[-WEEK:] > 0).any():
        expected, files = calendar.expected.reshape(-1), calendar.files.reshape(-1)
    else:
        expected, files = calendar.expected_days, calendar.files.sum(axis=1)
    return longest_usual_pause(files[expected > 0] > 0)


def _missed(calendar: Calendar, now: datetime) -> int | None:
    """Return how many expected hours or days have passed since the latest file."""
    import numpy as np

    if not calendar.expected_days.any():
        return None
    begin = int(calendar.latest.timestamp()) // HOUR + 1
    # The file of an hour may be written until the end of the next one.
    end = min(int(now.timestamp()) // HOUR - 1, begin + _COUNTED_DAYS * HOURS)
    if end <= begin:
        return 0
    by_hour, by_day = _usual_week(calendar)
    coming = np.arange(begin, end)
    # 1 January 1970 was a Thursday; rows of the pattern are days since then, modulo 7.
    weekday, hour = coming // HOURS % WEEK, coming % HOURS
    if by_hour.any():
        return int((by_hour[weekday, hour] > 0).sum())
    passed = hour == HOURS - 1
    return int(((by_day[weekday] > 0) & passed).sum())


def _usual_week(calendar: Calendar) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the usual files of a week by hour and by day; rows are days since 1970 modulo 7."""
    import numpy as np

    days = len(calendar.days)
    first = (calendar.first - date(1970, 1, 1)).days
    # A stream of less than a week is expected to continue as on its last day.
    places = [days - 1] * max(0, WEEK - days) + list(range(max(0, days - WEEK), days))
    weekdays = (np.arange(first + days - WEEK, first + days)) % WEEK
    by_hour, by_day = np.zeros((WEEK, HOURS), np.int32), np.zeros(WEEK, np.int32)
    by_hour[weekdays] = calendar.expected[places]
    by_day[weekdays] = calendar.expected_days[places]
    return by_hour, by_day


def _interval(calendar: Calendar) -> timedelta | None:
    """Return the usual time between files."""
    import numpy as np

    by_hour, by_day = _usual_week(calendar)
    if by_hour.any():
        places = np.flatnonzero(by_hour)
        pause = _median(np.diff(places, append=places[0] + WEEK * HOURS))
        return timedelta(hours=pause) / _median(by_hour[by_hour > 0])
    if by_day.any():
        places = np.flatnonzero(by_day)
        pause = _median(np.diff(places, append=places[0] + WEEK))
        return timedelta(days=pause) / _median(by_day[by_day > 0])
    active = np.flatnonzero(calendar.files.any(axis=1))
    return timedelta(days=_median(np.diff(active))) if len(active) > 1 else None


def _median(values: NDArray[np.generic]) -> int:
    return int(sorted(values.tolist())[len(values) // 2])

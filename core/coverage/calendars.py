"""The calendar of a stream: each hour and day is complete, thin, missing or not expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from core.coverage.cells import HOUR, Cells, Stream
from core.coverage.rhythm import (
    EVENTS,
    HOURS,
    LEAST_SHARE,
    Rhythm,
    abnormally_small,
    rhythm_of,
    usual_pause,
    without_rhythm,
)
from core.coverage.sparse import MARKET, usual_pauses

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EPOCH = date(1970, 1, 1)
#: Days of the longest calendar, which ends at the newest file: 60 years.
_MOST_DAYS = 60 * 366
#: A pause is no gap if it is shorter than this share of two usual intervals: a job that waits an
#: hour between its runs drifts, and sooner or later leaves out an hour of the clock.
_DRIFT = 0.75
#: A pause of a stream without a weekly rhythm is a gap if it is longer than so many usual pauses.
_LONG_PAUSE = 1.5
#: Expected hours from which on those of one day have a share that can be compared.
_LEAST_COMPARED = 12
#: Files of an hour up to which all of them may be absent where some often are.
_FEW_FILES = 4


class State(IntEnum):
    """State of an hour or a day; the greater one is more severe."""

    OUTSIDE = 0
    IDLE = 1
    COMPLETE = 2
    THIN = 3
    MISSING = 4


@dataclass(frozen=True, slots=True)
class Calendar:
    """The states of one stream from its first to its last known day.

    Attributes:
        stream: the stream.
        first: the first day.
        hours: `State` by day and hour of UTC.
        days: `State` by day.
        files: number of files by day and hour.
        expected: usual number of files by day and hour, 0 where none is expected.
        expected_days: usual number of files by day.
        latest: the time of the latest file.
        newest: its key.
        total_files: number of all files.
        total_size: their bytes.
        ignored: number of files whose time is in the future, or before a calendar of 60 years.
    """

    stream: Stream
    first: date
    hours: NDArray[np.uint8]
    days: NDArray[np.uint8]
    files: NDArray[np.int32]
    expected: NDArray[np.int32]
    expected_days: NDArray[np.int32]
    latest: datetime
    newest: str
    total_files: int
    total_size: int
    ignored: int = 0

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=len(self.days) - 1)

    def place_of(self, day: date) -> int | None:
        """Return the row of a day, or None if it is outside the calendar."""
        place = (day - self.first).days
        return place if 0 <= place < len(self.days) else None

    def state_of(self, day: date, hour: int | None = None) -> State:
        """Return the state of a day, or of one of its hours."""
        place = self.place_of(day)
        if place is None:
            return State.OUTSIDE
        return State(int(self.days[place] if hour is None else self.hours[place, hour]))

    def files_of(self, day: date, hour: int | None = None) -> int:
        """Return the number of files of a day, or of one of its hours."""
        place = self.place_of(day)
        if place is None:
            return 0
        return int(self.files[place].sum() if hour is None else self.files[place, hour])

    def between(self, first: date | None, last: date | None) -> Calendar | None:
        """Return the part between two days, both included, or None if it is empty."""
        begin = max(0, (first - self.first).days) if first else 0
        end = min(len(self.days), (last - self.first).days + 1) if last else len(self.days)
        if begin >= end:
            return None
        part = slice(begin, end)
        return Calendar(
            self.stream, self.first + timedelta(days=begin), self.hours[part], self.days[part],
            self.files[part], self.expected[part], self.expected_days[part],
            self.latest, self.newest, self.total_files, self.total_size, self.ignored,
        )  # fmt: skip


def calendar_of(cells: Cells, now: datetime) -> Calendar:
    """Return the calendar of a stream.

    Nothing is expected before its first file, after the end of its last day, and in hours whose
    files may still be written at the time `now`.
    """
    import numpy as np

    first_day, days, files, sizes, ignored = _dense(cells)
    now_hour = int(now.timestamp()) // HOUR - first_day * HOURS
    events = cells.stream.kind in EVENTS
    rhythm = (
        without_rhythm(days)
        if events
        else rhythm_of(files, sizes, open_end=now_hour < days * HOURS)
    )
    begin = int(cells.hours[0]) - first_day * HOURS if not ignored else 0
    numbers = np.arange(days * HOURS).reshape(days, HOURS)
    inside = (numbers >= begin) & (numbers < _end_of(rhythm, days, now_hour))
    hours = _hour_states(cells, rhythm, files, sizes, inside, first_day)
    day_states = _day_states(hours, rhythm, files, inside, cells.stream.kind)
    return Calendar(
        cells.stream,
        _EPOCH + timedelta(days=first_day),
        hours,
        day_states,
        files,
        rhythm.hours,
        rhythm.days,
        cells.latest,
        cells.newest,
        cells.total_files,
        cells.total_size,
        cells.ignored + ignored,
    )


def _dense(cells: Cells) -> tuple[int, int, NDArray[np.int32], NDArray[np.int64], int]:
    """Return the first day, the number of days, files and sizes by day and hour, and what is left out."""
    import numpy as np

    last_day = int(cells.hours[-1]) // HOURS
    first_day = max(int(cells.hours[0]) // HOURS, last_day - _MOST_DAYS + 1)
    places = cells.hours - first_day * HOURS
    used = places >= 0
    days = last_day - first_day + 1
    files = np.zeros(days * HOURS, dtype=np.int32)
    sizes = np.zeros(days * HOURS, dtype=np.int64)
    files[places[used]] = cells.files[used]
    sizes[places[used]] = cells.sizes[used]
    ignored = int(cells.files[~used].sum())
    return first_day, days, files.reshape(days, HOURS), sizes.reshape(days, HOURS), ignored


def _end_of(rhythm: Rhythm, days: int, now_hour: int) -> int:
    """Return the first hour that is not over, or whose file may still be on its way."""
    if now_hour >= days * HOURS:
        return days * HOURS
    daily = max(1, int((rhythm.hours[-1] > 0).sum()))
    return now_hour - -(-HOURS // daily)


def _hour_states(
    cells: Cells,
    rhythm: Rhythm,
    files: NDArray[np.int32],
    sizes: NDArray[np.int64],
    inside: NDArray[np.bool_],
    first_day: int,
) -> NDArray[np.uint8]:
    import numpy as np

    expected = (rhythm.hours > 0) & inside
    states = np.where(inside, State.IDLE, State.OUTSIDE).astype(np.uint8)
    states[files > 0] = State.COMPLETE
    thin = (files > 0) & expected & (files < rhythm.least)
    missing = expected & (files == 0)
    places = np.flatnonzero(missing)
    if len(places):
        end = (first_day * HOURS + int(np.flatnonzero(inside)[-1]) + 1) * HOUR
        real = _real_gaps(places, np.flatnonzero(expected), cells, first_day=first_day, end=end)
        missing.reshape(-1)[places[~real]] = False
    if cells.stream.kind in MARKET:
        _excuse_pauses(thin, missing, expected, files, rhythm)
    states[thin | abnormally_small(rhythm, files, sizes, cells.stream.kind)] = State.THIN
    states[missing] = State.MISSING
    return states


def _excuse_pauses(
    thin: NDArray[np.bool_],
    missing: NDArray[np.bool_],
    expected: NDArray[np.bool_],
    files: NDArray[np.int32],
    rhythm: Rhythm,
) -> None:
    """Remove the hours from `thin` and `missing` in which a sparse stream usually lacks files."""
    lacking = usual_pauses(~(thin | missing)[expected])
    # Of two files an hour both are sometimes absent if one often is; of many never.
    rare = rhythm.hours[expected] <= _FEW_FILES
    absent = usual_pauses(~missing[expected]) | lacking & rare
    # Far fewer files than usual are a gap.
    far = files[expected] < rhythm.hours[expected] * LEAST_SHARE
    missing[expected] &= ~absent
    thin[expected] &= ~lacking | far


def _real_gaps(
    places: NDArray[np.intp],
    expected: NDArray[np.intp],
    cells: Cells,
    *,
    first_day: int,
    end: int,
) -> NDArray[np.bool_]:
    """Return which hours without a file are in a pause that is longer than usual."""
    import numpy as np

    # Places have a file before them, since nothing is expected before the first one.
    hours = cells.hours.astype(np.int64) * HOUR
    after = np.searchsorted(cells.hours, places + first_day * HOURS)
    # After the last file the pause is at least as long as the rest of the calendar.
    following_file = np.append(hours + cells.first, end)[after]
    pause = following_file - (hours + cells.last)[np.maximum(after - 1, 0)]
    at = np.searchsorted(expected, places)
    previous = expected[np.maximum(at - 1, 0)]
    following = expected[np.minimum(at + 1, len(expected) - 1)]
    # At either end of the calendar there is only one neighbour, which stands for both.
    usual = np.where(
        (at > 0) & (at < len(expected) - 1),
        following - previous,
        2 * np.maximum(following - places, places - previous),
    )
    return np.asarray(pause > usual * HOUR * _DRIFT)


def _day_states(
    hours: NDArray[np.uint8],
    rhythm: Rhythm,
    files: NDArray[np.int32],
    inside: NDArray[np.bool_],
    kind: str,
) -> NDArray[np.uint8]:
    """Return the states of days; a day without expected hours is compared as one."""
    import numpy as np

    total = files.sum(axis=1)
    states = np.where(inside.any(axis=1), State.IDLE, State.OUTSIDE).astype(np.uint8)
    states[total > 0] = State.COMPLETE
    incomplete = ((hours == State.MISSING) | (hours == State.THIN)).any(axis=1)
    states[incomplete] = State.THIN
    full = inside.all(axis=1)
    unscheduled = ~((rhythm.hours > 0) & inside).any(axis=1) & (rhythm.days > 0) & full
    states[unscheduled & (total > 0) & (total < rhythm.least_days)] = State.THIN
    empty = unscheduled & (total == 0)
    if kind in MARKET:
        empty[unscheduled] &= ~usual_pauses(total[unscheduled] > 0)
        states[_thinned(hours, rhythm, files, inside)] = State.THIN
    lacking = empty | (total == 0) & (hours == State.MISSING).any(axis=1)
    if not (kind in EVENTS or rhythm.days.any()):
        lacking |= _long_pauses(total, usual_pause(files))
    states[lacking] = State.MISSING
    # Such days are shown as missing in each of their hours, too.
    hours[lacking & ~(hours == State.MISSING).any(axis=1)] = State.MISSING
    return states


def _thinned(
    hours: NDArray[np.uint8],
    rhythm: Rhythm,
    files: NDArray[np.int32],
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return the days of sparse streams on which far more files than usual are absent.

    Each pause of such a day may be usual, but not their number.
    """
    import numpy as np

    expected = (rhythm.hours > 0) & inside
    quiet = (expected & (files == 0) & (hours == State.IDLE)).sum(axis=1)
    number = expected.sum(axis=1)
    share = 1 - quiet.sum() / max(1, number.sum())
    # Four standard deviations of a binomial distribution, and below the days around.
    least = number * share - 4 * np.sqrt(number * share * (1 - share))
    total = files.sum(axis=1)
    comparable = (quiet > 0) & (number >= _LEAST_COMPARED)
    return np.asarray(comparable & (number - quiet < least) & (total < rhythm.least_days))


def _long_pauses(total: NDArray[np.int32], usual: int) -> NDArray[np.bool_]:
    """Return the days on which a stream without a weekly rhythm, for example a monthly one, lacks files."""
    import numpy as np

    missing = np.zeros(len(total), dtype=bool)
    active = np.flatnonzero(total)
    # Three pauses are the fewest of which one can be called unusual.
    if len(active) < 4:
        return missing
    pauses = np.diff(active)
    for before, pause in zip(active, pauses, strict=False):
        if pause > usual * _LONG_PAUSE:
            missing[before + usual : before + pause - usual // 2 : usual] = True
    return missing

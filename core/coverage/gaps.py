"""Runs of hours in which a stream has no files or too few, and their export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from core.coverage.calendars import Calendar, State
from core.coverage.cells import HOUR, Stream
from core.coverage.rhythm import HOURS
from core.units import iso_utc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The columns of an export of gaps.
COLUMNS = (
    "kind", "name", "timeframe", "state", "from", "to", "hours", "files", "expected_files", "prefix",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive hours without files, or with too few.

    Attributes:
        stream: the stream.
        state: `MISSING` or `THIN`.
        begin: the start of the first hour.
        end: the end of the last hour.
        hours: number of hours in which files are missing or too few.
        files: number of files in these hours.
        expected: usual number of files in these hours, at least 1.
    """

    stream: Stream
    state: State
    begin: datetime
    end: datetime
    hours: int
    files: int
    expected: int

    @property
    def folder(self) -> str:
        """The folder of the first hour or day."""
        return self.stream.folder(self.begin.date(), self.begin.hour)

    def row(self) -> dict[str, Any]:
        """Return the values of `COLUMNS`; times are ISO 8601 in UTC."""
        values = (
            self.stream.kind, self.stream.name, self.stream.timeframe, self.state.name.lower(),
            iso_utc(self.begin), iso_utc(self.end), self.hours, self.files, self.expected, self.folder,
        )  # fmt: skip
        return dict(zip(COLUMNS, values, strict=True))


def gaps_of(calendar: Calendar) -> Iterator[Gap]:
    """Yield the gaps of a calendar in order of time.

    Hours in which no file is expected do not divide a gap: a lost night of a stream that is written
    every four hours is one gap.
    """
    import numpy as np

    states = calendar.hours.reshape(-1)
    judged = np.flatnonzero(states > State.IDLE)
    values = states[judged]
    if len(values):
        starts = np.flatnonzero(np.diff(values, prepend=255))
        bad = values[starts] >= State.THIN
        yield from _gaps(calendar, values[starts], judged, starts, bad)
    yield from _thin_days(calendar)


def sorted_gaps(calendars: Iterable[Calendar]) -> list[Gap]:
    """Return the gaps of several streams, by stream and time."""
    found = (gap for calendar in calendars for gap in gaps_of(calendar))
    return sorted(found, key=lambda gap: (gap.stream, gap.begin))


def _gaps(
    calendar: Calendar,
    states: NDArray[np.uint8],
    judged: NDArray[np.intp],
    starts: NDArray[np.intp],
    bad: NDArray[np.bool_],
) -> Iterator[Gap]:
    """Yield the bad ones of the runs of judged hours that begin at `starts`."""
    import numpy as np

    ends = np.append(starts[1:], len(judged)) - 1
    columns = (
        states, judged[starts], judged[ends], ends - starts + 1,
        np.add.reduceat(calendar.files.reshape(-1)[judged], starts),
        np.add.reduceat(calendar.expected.reshape(-1)[judged], starts),
    )  # fmt: skip
    midnight = datetime.combine(calendar.first, time(), UTC)
    # As lists: single values of arrays are slow, and a damaged stream has many gaps.
    for state, first, last, hours, files, usual in zip(
        *(column[bad].tolist() for column in columns), strict=True
    ):
        expected = usual
        if not usual:  # only the day is expected to have files, at an undefined hour
            days = calendar.expected_days[first // HOURS : last // HOURS + 1]
            expected = max(1, int(days.sum()))
        begin = midnight + timedelta(seconds=first * HOUR)
        end = midnight + timedelta(seconds=(last + 1) * HOUR)
        yield Gap(calendar.stream, State(state), begin, end, hours, files, expected)


def _thin_days(calendar: Calendar) -> Iterator[Gap]:
    """Yield the days with too few files of streams without usual hours."""
    import numpy as np

    normal = (calendar.hours < State.THIN).all(axis=1)
    for place in np.flatnonzero((calendar.days == State.THIN) & normal).tolist():
        begin = _moment(calendar, place * HOURS)
        files = int(calendar.files[place].sum())
        usual = int(calendar.expected_days[place])
        yield Gap(
            calendar.stream, State.THIN, begin, begin + timedelta(days=1), HOURS, files, usual
        )


def _moment(calendar: Calendar, hour: int) -> datetime:
    midnight = datetime.combine(calendar.first, time(), UTC)
    return midnight + timedelta(seconds=hour * HOUR)

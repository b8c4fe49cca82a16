"""The coverage of a bucket: calendars and freshness of the selected streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase

from core.coverage.calendars import Calendar, calendar_of
from core.coverage.cells import CellCounter, Cells, Stream
from core.coverage.freshness import Freshness, StreamState, freshness_of
from core.errors import InvalidInput
from core.layout import KINDS
from core.objects.bucket import HasBucket
from core.objects.listing import Listing
from core.units import utc_now
from core.work import Progress, Work, default_work

_GLOB = frozenset("*?[")
_KINDS = {each.id: each for each in KINDS}


@dataclass(frozen=True, slots=True)
class Selection:
    """The streams and days of a report.

    Attributes:
        kind: an id of `core.layout.KINDS`, or empty for all kinds.
        names: symbols, users, types or tables; `*` and `?` stand for other characters. Empty for all.
        timeframe: a timeframe of candles, or empty for all.
        first: the first day of the calendars, or None for the first known one.
        last: the last day of the calendars, or None for the last known one.
    """

    kind: str = ""
    names: tuple[str, ...] = ()
    timeframe: str = ""
    first: date | None = None
    last: date | None = None

    def check(self) -> None:
        """Check the values.

        Raises:
            InvalidInput: there is no such kind, or the last day is before the first one.
        """
        if self.kind and self.kind not in _KINDS:
            raise InvalidInput(
                f"There is no kind of data named {self.kind}",
                remedy=f"Use one of {', '.join(_KINDS)}.",
            )
        if self.first and self.last and self.last < self.first:
            raise InvalidInput(
                f"The last day, {self.last}, is before the first one, {self.first}",
                remedy="Exchange the two days.",
            )

    def includes(self, stream: Stream) -> bool:
        """Return whether a stream is selected."""
        return (
            self.kind in {"", stream.kind}
            and self.timeframe in {"", stream.timeframe}
            and (not self.names or any(fnmatchcase(stream.name, name) for name in self.names))
        )

    def prefixes(self) -> list[str]:
        """Return the prefixes that contain all keys of the selected streams."""
        kinds = [_KINDS[self.kind]] if self.kind else list(KINDS)
        if self.names and not any(_GLOB.intersection(name) for name in self.names):
            streams = [
                Stream(kind.id, name, self.timeframe) for kind in kinds for name in self.names
            ]
            # Without a timeframe the prefix of candles would end with an empty segment.
            return sorted({stream.prefix.rstrip("/") + "/" for stream in streams})
        return sorted({kind.prefix for kind in kinds})


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Calendars and freshness of streams.

    Attributes:
        bucket: the name of the bucket.
        calendars: the calendar of each stream that has files in the selected days.
        states: the freshness of each selected stream, in the same order as all streams.
        objects: number of keys that were counted.
        list_calls: number of LIST requests, which AWS charges for.
        listed: when the keys were listed.
    """

    bucket: str
    calendars: tuple[Calendar, ...]
    states: tuple[StreamState, ...]
    objects: int
    list_calls: int
    listed: datetime

    @property
    def stopped(self) -> tuple[StreamState, ...]:
        """The streams that have stopped, those that stopped last first."""
        found = (each for each in self.states if each.state is Freshness.STOPPED)
        return tuple(sorted(found, key=lambda each: each.latest, reverse=True))


def coverage(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    selection: Selection = Selection(),
    now: datetime | None = None,
) -> CoverageReport:
    """Return the coverage of the selected streams, from their keys alone.

    Args:
        workspace: the workspace of the bucket.
        work: cancel token and progress.
        selection: the streams and days.
        now: the time until which files are expected; by default the present time.

    Raises:
        InvalidInput: the selection is not valid.
        StorageError: a request was denied or failed.
        Cancelled: the token of `work` was cancelled.
    """
    selection.check()
    work, now = default_work(work), now or utc_now()
    counter, calls = CellCounter(now), 0
    for prefix in selection.prefixes():
        listing = Listing(workspace.bucket, prefix, work=work)
        for page in listing.pages():
            counter.add(page.keys, page.sizes)
            work.report(Progress(counter.objects, None, "objects"))
        calls += listing.list_calls
    calendars, states = evaluate(counter.cells(), selection, now, work)
    return CoverageReport(workspace.bucket.name, calendars, states, counter.objects, calls, now)


def evaluate(
    cells: Sequence[Cells], selection: Selection, now: datetime, work: Work
) -> tuple[tuple[Calendar, ...], tuple[StreamState, ...]]:
    """Return the calendars of the selected days, and the freshness of the selected streams."""
    calendars, states = [], []
    selected = [each for each in cells if selection.includes(each.stream)]
    for number, each in enumerate(selected, 1):
        work.check()
        # The rhythm depends on all days, so that a part is cut out of a complete calendar.
        calendar = calendar_of(each, now)
        states.append(freshness_of(calendar, now))
        part = calendar.between(selection.first, selection.last)
        if part is not None:
            calendars.append(part)
        work.report(Progress(number, len(selected), "streams"))
    return tuple(calendars), tuple(states)

"""The check of candles by the content of their files, for some symbols and days."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from core.collect.cache import ObjectCache
from core.collect.catalogued import listed_again
from core.collect.keys import Objects, find_objects
from core.collect.reading import read_contents
from core.collect.request import Request, usual_margin
from core.collect.rows import UnreadableError, read_rows
from core.coverage.calendars import calendar_of
from core.coverage.cells import HOUR, Stream, cells_of
from core.coverage.content import (
    Candles,
    ContentGap,
    FileTimes,
    Grid,
    absent_runs,
    candles_of,
    gaps_in_content,
    joined_windows,
    pauses_of,
)
from core.coverage.freshness import expected_hours
from core.errors import InvalidInput
from core.objects.bucket import Bucket, HasBucket
from core.preview.candles import step_of
from core.preview.exact import moment_of
from core.units import iso_utc, utc_now
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.coverage.content import Flags, Seconds

#: Files of trades that may contain a moment begin at most so much before or after it.
_TRADES_MARGIN = timedelta(hours=2)
#: The keys so long before and after the days show when files of the streams are expected.
_AROUND = timedelta(weeks=9)


@dataclass(frozen=True, slots=True)
class ContentReport:
    """What the content of candle files lacks.

    Attributes:
        gaps: all intervals without a candle, by symbol and time.
        intervals: number of intervals of each symbol, without the last ones, whose files may still
            be on their way.
        present: number of intervals that have a candle, by symbol.
        unread: keys that could not be read, each with the reason.
        objects: number of files that were read.
        gets: number of GET requests; files in the cache need none.
    """

    gaps: tuple[ContentGap, ...]
    intervals: dict[str, int]
    present: dict[str, int]
    unread: tuple[tuple[str, str], ...]
    objects: int
    gets: int


def check_content(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    names: Sequence[str],
    timeframe: str,
    first: date,
    last: date,
) -> ContentReport:
    """Return the intervals without a candle from the content of the files, and why.

    Args:
        workspace: the workspace of the bucket.
        work: cancel token and progress.
        names: the symbols; `*` stands for any characters. With three or more, each is also compared
            with the others.
        timeframe: the timeframe of the candles.
        first: the first day (UTC).
        last: the last day, included.

    Raises:
        InvalidInput: the timeframe has no fixed length.
        StorageError: a request was denied or failed.
        Cancelled: the token of `work` was cancelled.
    """
    step = step_of(timeframe)
    if not step:
        raise InvalidInput(
            f"The timeframe {timeframe or '(none)'} has no fixed length",
            cause="Intervals can only be counted in seconds, minutes, hours, days and weeks.",
            remedy="Name one timeframe, for example 1h.",
        )
    begin = datetime.combine(first, time(), UTC)
    end = max(begin, min(datetime.combine(last, time(), UTC) + timedelta(days=1), utc_now()))
    with closing(ObjectCache(workspace.bucket)) as cache:
        return _Check(workspace.bucket, cache, default_work(work)).run(
            Request("ohlcv", tuple(names), timeframe, begin, end, usual_margin("ohlcv", timeframe)),
            step,
        )


@dataclass(slots=True)
class _Check:
    bucket: Bucket
    cache: ObjectCache
    work: Work
    unread: list[tuple[str, str]] = field(default_factory=list)
    objects: int = 0
    gets: int = 0
    expected: dict[str, list[int]] = field(default_factory=dict)

    def run(self, request: Request, step: int) -> ContentReport:
        files = self._times(request, self._candle_files(request))
        begin, end = int(request.start.timestamp()), int(request.end.timestamp())
        every = [each for group in files.values() for each in group]
        grid = Grid.of(begin, end, step, every)
        now = int(utc_now().timestamp())
        candles = {name: candles_of(grid, group, now) for name, group in files.items()}
        gaps = []
        for name, group in sorted(files.items()):
            pauses = pauses_of(grid, group, self.expected[name]) if name in self.expected else None
            gaps += self._gaps(name, request, grid, candles, pauses)
        return ContentReport(
            tuple(gaps),
            {name: int((~each.pending).sum()) for name, each in candles.items()},
            {name: int(each.present.sum()) for name, each in candles.items()},
            tuple(self.unread),
            self.objects,
            self.gets,
        )

    def _candle_files(self, request: Request) -> Objects:
        """Return the candle files of a request, and store when files are expected."""
        around = replace(request, margin=request.margin + _AROUND)
        found = find_objects(self.bucket, around, self.work)
        if found.listed is not None:
            # The newest files may be missing from the catalogue, and are not missing.
            found = listed_again(
                found, lambda: find_objects(self.bucket, around, self.work, list_again=True)
            )
        now = utc_now()
        for cells in cells_of(((each.key, each.size) for each in found.found), now):
            calendar = calendar_of(cells, now)
            hours = range(
                int(request.first.timestamp()) // HOUR, int(request.last.timestamp()) // HOUR + 1
            )
            self.expected[cells.stream.name] = expected_hours(calendar, hours)
        found.found = [each for each in found.found if request.first <= each.moment < request.last]
        return found

    def _gaps(
        self,
        name: str,
        request: Request,
        grid: Grid,
        candles: dict[str, Candles],
        pauses: Flags | None,
    ) -> list[ContentGap]:
        runs = absent_runs(candles[name])
        trades: list[FileTimes] = []
        distance = int(2 * _TRADES_MARGIN.total_seconds())
        for begin, end in joined_windows(grid, runs, distance):
            start, stop = datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)
            wanted = Request("trades", (name,), "", start, stop, _TRADES_MARGIN)
            objects = find_objects(self.bucket, wanted, self.work)
            trades += self._times(wanted, objects).get(name, ())
        others = [each for other, each in candles.items() if other != name]
        stream = Stream("ohlcv", name, request.timeframe)
        return gaps_in_content(
            stream, grid, candles[name], trades=trades, others=others, pauses=pauses
        )

    def _times(self, request: Request, objects: Objects) -> dict[str, list[FileTimes]]:
        """Read the files of a request, and return the times of their rows by symbol."""
        import numpy as np

        found: dict[str, list[FileTimes]] = {name: [] for name in objects.names}

        def failed(number: int, reason: str) -> None:
            each = objects.found[number]
            self.unread.append((each.key, reason))
            none = np.empty(0, dtype=np.int64)
            found[each.name].append(FileTimes(int(each.moment.timestamp()), none, readable=False))

        def received(number: int, data: bytes) -> None:
            each = objects.found[number]
            try:
                times = _row_times(request.kind, data, each.moment)
            except UnreadableError as error:
                failed(number, str(error))
            else:
                found[each.name].append(FileTimes(int(each.moment.timestamp()), times))

        read = read_contents(self.bucket, objects.found, self.cache, received, self.work)
        for number, reason in read.missing.items():
            failed(number, reason)
        self.objects += len(objects.found)
        self.gets += read.gets
        return found


def _row_times(kind_id: str, data: bytes, moment: datetime) -> Seconds:
    """Return the times of the rows of a file in seconds, sorted; rows without a time are left out."""
    import numpy as np

    values: list[Any] = []
    for block in read_rows(kind_id, data, iso_utc(moment)).blocks:
        if "timestamp" in block.names:
            values += block.columns[block.names.index("timestamp")]
    moments = (moment_of(value) for value in values)
    seconds = [int(when.timestamp()) for when in moments if when is not None]
    return np.array(sorted(seconds), dtype=np.int64)

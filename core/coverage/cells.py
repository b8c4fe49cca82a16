"""Number and size of the files of each stream in each hour, counted from keys alone.

A stream is everything that differs only in its time: the candles of one symbol and timeframe, the
trades of one symbol, the reports of one type.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from core.layout.kinds import kind
from core.layout.parsing import parse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOUR = 3600
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NAMES = frozenset({"symbol", "user_id", "report_type", "table_name", "log_type"})


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """Identity of a stream.

    Attributes:
        kind: an id of `core.layout.kinds.KINDS`.
        name: the symbol, user, report type, table or log type.
        timeframe: the timeframe of candles, else empty.
    """

    kind: str
    name: str
    timeframe: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.timeframe}" if self.timeframe else self.name

    @property
    def prefix(self) -> str:
        """The prefix of all keys of the stream."""
        return self._filled(kind(self.kind).template.partition("{Y}")[0], {})

    def folder(self, day: date, hour: int | None = None) -> str:
        """Return the folder of a day, or of an hour of it if the kind has folders for hours."""
        template = kind(self.kind).template
        last = "{D}/" if "{D}/" in template else "{M}/"
        if hour is not None and "{H}/" in template:
            last = "{H}/"
        moment = {"Y": f"{day.year:04}", "M": f"{day.month:02}", "D": f"{day.day:02}"}
        moment["H"] = f"{hour or 0:02}"
        return self._filled(template[: template.index(last) + len(last)], moment)

    def _filled(self, template: str, moment: Mapping[str, str]) -> str:
        first, *others = kind(self.kind).names
        values = {**moment, **dict.fromkeys(others, self.timeframe), first: self.name}
        # In one pass: a name may itself look like a placeholder.
        return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


@dataclass(frozen=True, slots=True)
class Cells:
    """The hours of one stream that have files, in order of time.

    Attributes:
        stream: the stream.
        hours: hours since 1970 in UTC, ascending and distinct.
        files: number of files of each hour.
        sizes: their bytes.
        first: second of the hour of the earliest file.
        last: second of the hour of the latest file.
        newest: the key of the latest file.
        ignored: number of files that are left out because their time is in the future.
    """

    stream: Stream
    hours: NDArray[np.int32]
    files: NDArray[np.int32]
    sizes: NDArray[np.int64]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    newest: str = ""
    ignored: int = 0

    @property
    def total_files(self) -> int:
        """Number of all files."""
        return int(self.files.sum())

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return int(self.sizes.sum())

    @property
    def latest(self) -> datetime:
        """The time of the latest file."""
        return datetime.fromtimestamp(int(self.hours[-1]) * HOUR + int(self.last[-1]), UTC)


@dataclass(slots=True)
class _Files:
    """Times and sizes of the files of one stream; arrays, since a million objects need 16 MB."""

    seconds: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    newest: str = ""
    newest_at: int = -(2**62)
    ignored: int = 0


class CellCounter:
    """Counts pages of a listing in any order; not thread-safe."""

    def __init__(self, now: datetime) -> None:
        self._until = int(now.timestamp()) + HOUR
        self._streams: dict[Stream, _Files] = {}
        self.objects, self.others = 0, 0

    def add(self, keys: Sequence[str], sizes: Sequence[int]) -> None:
        """Count the objects of a page; keys of no kind are only counted as `others`."""
        self.objects += len(keys)
        for key, size in zip(keys, sizes, strict=True):
            parsed = parse(key)
            if parsed is None:
                self.others += 1
                continue
            self._count(stream_of(parsed.kind.id, parsed.names), parsed.moment, key, size)

    def _count(self, stream: Stream, moment: datetime, key: str, size: int) -> None:
        files = self._streams.setdefault(stream, _Files())
        at = int(moment.timestamp())
        # A single wrong clock would otherwise extend the calendar to the far future.
        if at > self._until:
            files.ignored += 1
            return
        files.seconds.append(at)
        files.sizes.append(size)
        if at > files.newest_at:
            files.newest_at, files.newest = at, key

    def cells(self) -> tuple[Cells, ...]:
        """Return the hours of each stream that has files, sorted by stream."""
        found = sorted(self._streams.items())
        return tuple(_cells(stream, files) for stream, files in found if files.seconds)


def stream_of(kind_id: str, names: Mapping[str, str]) -> Stream:
    """Return the stream of a key with these names; the file names of logs are not part of it."""
    name = next((value for key, value in names.items() if key in _NAMES), "")
    return Stream(kind_id, name, names.get("timeframe", ""))


def cells_of(rows: Iterable[tuple[str, int]], now: datetime) -> tuple[Cells, ...]:
    """Return the cells of keys with their sizes."""
    counter = CellCounter(now)
    for key, size in rows:
        counter.add((key,), (size,))
    return counter.cells()


def _cells(stream: Stream, files: _Files) -> Cells:
    import numpy as np

    seconds = np.frombuffer(files.seconds, dtype=np.int64)
    sizes = np.frombuffer(files.sizes, dtype=np.int64)
    order = np.argsort(seconds, kind="stable")
    seconds, sizes = seconds[order], sizes[order]
    hours = seconds // HOUR
    starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
    ends = np.append(starts[1:], len(hours)) - 1
    return Cells(
        stream,
        hours[starts].astype(np.int32),
        np.diff(starts, append=len(hours)).astype(np.int32),
        np.add.reduceat(sizes, starts),
        (seconds[starts] % HOUR).astype(np.int32),
        (seconds[ends] % HOUR).astype(np.int32),
        files.newest,
        files.ignored,
    )

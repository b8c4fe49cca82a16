"""Limits of a preview, so that hostile input takes at most a second."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from core.pauses import paused
from core.work import Work

MIB = 1024 * 1024

#: Number of bytes that callers of `preview` request with one ranged GET.
HEAD_BYTES = 8 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one preview. Sizes in bytes or items, `seconds` to unpack and read.

    `more_seconds` is what is left for tables and checks once reading has used up its time.
    `most_seconds` stops what is fast enough for every object that fits the other caps, so that
    only a busy machine takes as long.

    `rows` caps what is read one row at a time, `shown` the rows of candles and JSON tables, which
    are read by columns and become text only when they come in sight.

    `ratio` is the maximum decompression ratio, checked after `bomb_min_bytes` bytes. `nodes` caps
    the JSON values that are built, `cells` those of a table.
    """

    bytes_out: int = 8 * MIB
    bomb_min_bytes: int = MIB
    ratio: int = 250
    seconds: float = 0.4
    more_seconds: float = 0.35
    most_seconds: float = 10.0
    depth: int = 100
    nodes: int = 1_000_000
    rows: int = 50_000
    shown: int = 250_000
    cells: int = 400_000
    columns: int = 256
    cell_chars: int = 2_000
    lines: int = 100_000
    line_chars: int = 10_000
    hex_bytes: int = 64 * 1024
    problems: int = 200


LIMITS = Limits()
#: Seconds of pauses that do not count for the time limits, so that a window which is always busy
#: does not make a preview endless.
_MOST_PAUSES = 0.5


@dataclass(slots=True)
class Deadline:
    """Time limit of a preview, which also checks for a cancel.

    A check may pause for the window, see `core.pauses`; the limits are extended by that.

    `most` is how many seconds fast reading has, see `Limits.most_seconds`.
    """

    seconds: float
    work: Work
    most: float = 10.0
    _end: float = field(init=False)
    _last: float = field(init=False)
    _pauses: float = field(init=False, default=0.0)

    def more(self, seconds: float) -> Deadline:
        """Return a deadline for the next step: it has at least `seconds`."""
        later = Deadline(seconds, self.work, self.most)
        later._end, later._last = max(later._end, self._end), self._last
        return later

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.seconds
        self._last = time.monotonic() + self.most

    @property
    def passed(self) -> bool:
        """Return whether the time limit has passed. Raises `Cancelled` after a cancel."""
        self._check()
        return time.monotonic() > self._end

    @property
    def overdue(self) -> bool:
        """Return whether the limit of fast reading has passed. Raises `Cancelled` like `passed`."""
        self._check()
        return time.monotonic() > self._last

    def _check(self) -> None:
        seconds = paused()
        self.work.check()
        if seconds and self._pauses < _MOST_PAUSES:
            self._pauses += seconds
            self._end += seconds
            self._last += seconds

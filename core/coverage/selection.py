"""The streams and days that a report of coverage covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from core.coverage.cells import Stream
from core.errors import InvalidInput
from core.layout.kinds import KINDS

_GLOB = frozenset("*?[")
_KINDS = {each.id: each for each in KINDS}


@dataclass(frozen=True, slots=True)
class Selection:
    """The streams and days of a report.

    Attributes:
        kind: an id of `core.layout.kinds.KINDS`, or empty for all kinds.
        names: symbols, users, types or tables; `*` and `?` stand for other characters. Empty for
            all.
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

    def without(self, streams: Iterable[Stream]) -> tuple[str, ...]:
        """Return the names and patterns that no stream of several has."""
        found = {stream.name for stream in streams}
        return tuple(
            name for name in self.names if not any(fnmatchcase(each, name) for each in found)
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

"""Where candles stand on the time axis, and which of them are in sight: no Qt, no pixels."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from core.preview import Candles

#: A gap is drawn with as many slots as candles are missing, but never more than this.
MAX_GAP_SLOTS = 4
MIN_SLOTS = 8.0


@dataclass(frozen=True, slots=True)
class Shade:
    """A gap on the slot axis, from the slot `left` to the slot `right`."""

    left: float
    right: float


class Slots:
    """Positions of candles, one slot each, with room for what is missing between them."""

    def __init__(self, candles: Candles) -> None:
        missing = {gap.before: min(gap.missing, MAX_GAP_SLOTS) for gap in candles.gaps}
        self.places: list[int] = []
        self.shades: list[Shade] = []
        place = 0
        for at in range(len(candles.candles)):
            wide = missing.get(at, 0)
            if wide:
                self.shades.append(Shade(place, place + wide))
            place += wide
            self.places.append(place)
            place += 1
        self.total = max(1.0, float(place))

    def nearest(self, slot: float) -> int:
        """Return the position of the candle nearest to a slot; -1 when there is none."""
        if not self.places:
            return -1
        at = min(bisect_left(self.places, slot - 0.5), len(self.places) - 1)
        if at and abs(self.places[at - 1] + 0.5 - slot) < abs(self.places[at] + 0.5 - slot):
            return at - 1
        return at

    def between(self, left: float, right: float) -> range:
        """Return the positions of the candles in sight, one more at either side."""
        first = max(0, bisect_left(self.places, left) - 1)
        last = min(len(self.places), bisect_right(self.places, right) + 1)
        return range(first, last)


@dataclass(frozen=True, slots=True)
class Sight:
    """The part of the slot axis that is in sight."""

    left: float
    width: float
    total: float

    def zoomed(self, factor: float, around: float) -> Sight:
        """Return the sight with `factor` times as many slots; the slot `around` stays in place."""
        width = min(self.total, max(min(MIN_SLOTS, self.total), self.width * factor))
        share = (around - self.left) / self.width if self.width else 0.5
        return Sight(around - share * width, width, self.total).kept()

    def moved(self, slots: float) -> Sight:
        """Return the sight shifted by some slots, as far as there are any."""
        return Sight(self.left + slots, self.width, self.total).kept()

    def showing(self, slot: float) -> Sight:
        """Return the sight moved just as far as the slot needs to be seen."""
        if slot < self.left:
            return self.moved(slot - self.left - 1)
        if slot + 1 > self.left + self.width:
            return self.moved(slot + 2 - self.left - self.width)
        return self

    def kept(self) -> Sight:
        """Return the sight pushed back between the ends of the axis."""
        left = max(0.0, min(self.left, self.total - self.width))
        return Sight(left, self.width, self.total)

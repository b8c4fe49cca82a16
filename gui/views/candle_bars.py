"""The bars of a candle chart: the visible candles, or one bar per pixel; without Qt.

Zoomed-out views use precomputed blocks of candles, so that finding the bars among a million
candles takes as long as among a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.preview.candle_blocks import BLOCK, CLOSE, OPEN, blocks_of, joined_values
from gui.views.time_axis import VisibleRange

if TYPE_CHECKING:
    from core.preview.series import Floats

#: Candles narrower than this many pixels are joined.
_NARROW = 1.5
#: Blocks of candles are used when they are at most this part of a pixel.
_PART = 0.25


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars to draw: the middle of each in seconds, and five values of each, shape (5, n).

    `joined` is whether each bar represents all candles of its pixel.
    """

    middles: Floats
    values: Floats
    joined: bool

    @property
    def up(self) -> Any:
        """Which bars close at or above their open."""
        return self.values[CLOSE] >= self.values[OPEN]


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Candles joined in blocks of `size`: where each begins, and its five values."""

    size: int
    starts: Floats
    values: Floats


class CandleBars:
    """Finds the bars of one set of candles.

    Args:
        starts: where each candle begins in seconds, rising, shape (n,).
        step: the seconds that each candle takes.
        blocks: open, high, low, close and volume, shape (5, n), then ever larger blocks of them
            (see `core.preview.candle_blocks`).
    """

    def __init__(self, starts: Floats, step: float, blocks: Sequence[Floats]) -> None:
        self._step = step
        sizes = [BLOCK**number for number in range(len(blocks))]
        self._blocks = [
            _Blocks(size, starts[::size], values)
            for size, values in zip(sizes, blocks, strict=True)
        ]

    @classmethod
    def of_line(cls, starts: Floats, step: float, values: Floats) -> CandleBars:
        """Return the bars of a line of single values, shape (n,)."""
        import numpy as np

        # Not copied: each of the five rows is the same memory.
        return cls(starts, step, blocks_of(np.broadcast_to(values, (5, len(values)))))

    def visible_bars(self, visible_range: VisibleRange, pixel: float, beyond: int = 0) -> Bars:
        """Return the bars of a part of the axis.

        Args:
            visible_range: the visible part.
            pixel: the number of seconds per pixel.
            beyond: so many more single candles at each end, for a line that reaches the edges.
        """
        blocks = self._blocks[0]
        for coarser in self._blocks[1:]:
            # Blocks much smaller than a pixel give the same picture as single candles.
            if coarser.size * self._step <= pixel * _PART:
                blocks = coarser
        if blocks.size == 1:
            first = int(blocks.starts.searchsorted(visible_range.left - self._step, "right"))
        else:  # a block with gaps is longer than its candles together
            first = max(0, int(blocks.starts.searchsorted(visible_range.left, "right")) - 1)
        end = int(blocks.starts.searchsorted(visible_range.right))
        # Trades come in bursts: then there are many in a pixel although few on average.
        single = self._step >= pixel * _NARROW and (end - first) * pixel <= visible_range.width * 2
        if single:
            first, end = max(0, first - beyond), end + beyond
        starts, values = blocks.starts[first:end], blocks.values[:, first:end]
        if single or not len(starts):
            return Bars(starts + self._step / 2, values, joined=False)
        return _joined(starts, values, visible_range.left, pixel)


def _joined(starts: Floats, values: Floats, left: float, pixel: float) -> Bars:
    """Return one bar for each pixel in which candles begin."""
    import numpy as np

    count = int((starts[-1] - left) / pixel) + 2
    edges = starts.searchsorted(left + np.arange(count + 1) * pixel)
    # The first bar may begin before the left edge, in a block that starts there.
    edges[0] = 0
    used = edges[1:] > edges[:-1]
    middles: Floats = np.flatnonzero(used).astype(np.float64)
    middles = left + (middles + 0.5) * pixel
    return Bars(middles, joined_values(values, edges[:-1][used], edges[1:][used]), joined=True)

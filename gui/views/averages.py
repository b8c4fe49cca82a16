"""Moving averages of candles; without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.preview.candle_blocks import CLOSE
from gui.views.candle_bars import Bars, CandleBars
from gui.views.time_axis import TimeAxis, VisibleRange

if TYPE_CHECKING:
    from core.preview.series import Floats

#: The lengths that are offered, in candles.
LENGTHS = (20, 50, 200)


class MovingAverage:
    """The mean close of the last `length` candles, at each candle from the first complete mean on.

    Args:
        axis: the positions of the candles.
        values: open, high, low, close and volume, shape (5, n).
        length: how many candles are averaged, whether or not some are missing between them.
    """

    def __init__(self, axis: TimeAxis, values: Floats, length: int) -> None:
        import numpy as np

        self.length = length
        # The first close is subtracted, since sums of a million large prices lose digits.
        base = float(values[CLOSE, 0]) if values.shape[1] else 0.0
        # In two arrays: more of them would take a million candles as long as a frame.
        sums = np.zeros(values.shape[1] + 1)
        np.subtract(values[CLOSE], base, out=sums[1:])
        np.cumsum(sums[1:], out=sums[1:])
        means: Floats = sums[length:] - sums[:-length]
        means /= length
        means += base
        self._bars = CandleBars.of_line(axis.starts[length - 1 :], axis.step, means)

    def visible_bars(self, visible_range: VisibleRange, pixel: float) -> Bars:
        """Return the visible part: first, highest, lowest and last mean of each pixel.

        Args:
            visible_range: the visible part of the axis.
            pixel: the number of seconds per pixel.
        """
        return self._bars.visible_bars(visible_range, pixel, beyond=1)

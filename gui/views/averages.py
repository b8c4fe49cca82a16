"""Moving averages of candles, reduced to one point per pixel; without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.preview.resampling import CLOSE
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
        sums = np.cumsum(np.append(0.0, values[CLOSE] - base))
        self._values: Floats = (sums[length:] - sums[:-length]) / length + base
        self._middles: Floats = axis.starts[length - 1 :] + axis.step / 2

    def points(self, visible_range: VisibleRange, pixel: float) -> tuple[Floats, Floats]:
        """Return seconds and values of the visible part, at most two for each pixel.

        Args:
            visible_range: the visible part of the axis.
            pixel: the number of seconds per pixel.
        """
        import numpy as np

        # One more at each end, so that the line reaches the edges.
        first = max(0, int(self._middles.searchsorted(visible_range.left)) - 1)
        end = int(self._middles.searchsorted(visible_range.right, "right")) + 1
        count = min(end, len(self._middles)) - first
        step = max(1, int(count * pixel / visible_range.width)) if visible_range.width else 1
        # Multiples of the step, so that panning does not select other candles each time.
        places = np.arange(first // step * step, first + count, step)
        return self._middles[places], self._values[places]

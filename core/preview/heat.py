"""Order books over time as one grid of quantities: a row for each price, a column for each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.preview.values import DEGREES, Book, Heat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.preview.series import Floats

#: Rows of a grid at most, as many as a large pane has pixels, and at least.
ROWS = 400
_FEWEST = 24
#: The share of levels at each end that is outside the grid: single orders far away from the market
#: would otherwise squeeze it into a few rows.
_OUTSIDE = 0.02
#: The share of the quantities that has the highest degree: one large order would make all pale.
_LARGEST = 0.005
#: The share of distances that may be smaller than the usual smallest one.
_SMALLEST = 0.02


@dataclass(frozen=True, slots=True)
class SideLevels:
    """The levels of one side of all order books, one book after the other.

    `counts` is how many levels each book has, shape (columns,).
    """

    prices: Floats
    quantities: Floats
    counts: NDArray[np.int64]


def heat_of(books: Sequence[Book], *, rows: int = ROWS) -> Heat:
    """Return the grid of order books in order of time."""
    return heat_of_levels(_levels_of(books, 0), _levels_of(books, 1), rows=rows)


def _levels_of(books: Sequence[Book], side: int) -> SideLevels:
    import numpy as np

    floats = [book.floats[side] for book in books]
    joined = np.concatenate(floats, axis=1) if floats else np.zeros((2, 0))
    counts = np.array([each.shape[1] for each in floats], np.int64)
    return SideLevels(joined[0], joined[1], counts)


def heat_of_levels(bids: SideLevels, asks: SideLevels, *, rows: int = ROWS) -> Heat:
    """Return the grid of the levels of both sides."""
    import numpy as np

    low, high = _bounds(bids.prices, asks.prices)
    # Rows finer than the distance of prices would leave empty lines between them.
    tick = _tick(bids.prices, asks.prices)
    if tick:
        rows = min(rows, max(_FEWEST, int((high - low) / tick)))
    quantities = np.concatenate([bids.quantities, asks.quantities])
    most = float(np.quantile(quantities, 1 - _LARGEST)) if len(quantities) else 1.0
    columns = len(bids.counts)
    cells = np.zeros((rows, columns), np.uint8)
    best = np.full((2, columns), np.nan)
    for side, levels in enumerate((bids, asks)):
        filled = np.flatnonzero(levels.counts)
        starts = np.cumsum(levels.counts)[filled] - levels.counts[filled]
        if len(filled):
            extreme = np.maximum if side == 0 else np.minimum
            best[side, filled] = extreme.reduceat(levels.prices, starts)
        places = (high - levels.prices) / (high - low) * rows
        at = np.repeat(np.arange(columns), levels.counts)
        _fill(cells, at, places, levels.quantities / (most or 1.0), side)
    return Heat(low, high, cells, best, most)


def _bounds(bids: Floats, asks: Floats) -> tuple[float, float]:
    """Return the prices between which almost all levels are."""
    import numpy as np

    prices = np.concatenate([bids, asks])
    if not len(prices):
        return 0.0, 1.0
    low, high = (float(value) for value in np.quantile(prices, (_OUTSIDE, 1 - _OUTSIDE)))
    # A single price still needs a range.
    margin = (high - low) * 0.02 or abs(high) * 1e-6 or 1e-9
    return low - margin, high + margin


def _tick(bids: Floats, asks: Floats) -> float:
    """Return the usual smallest distance of two neighbouring levels, 0 without any."""
    import numpy as np

    steps = np.abs(np.concatenate([np.diff(bids), np.diff(asks)]))
    # A hundred-millionth part of a price is a rounding error and not a distance.
    steps = steps[steps > float(np.abs(bids).max(initial=1e-300)) * 1e-8]
    return float(np.quantile(steps, _SMALLEST)) if len(steps) else 0.0


def _fill(
    cells: NDArray[np.uint8], at: NDArray[np.int64], places: Floats, parts: Floats, side: int
) -> None:
    """Add the quantities of one side to the grid; levels that share a cell are added up."""
    import numpy as np

    rows, columns = cells.shape
    inside = (places >= 0) & (places < rows) & (parts > 0)
    where = places[inside].astype(np.int64) * columns + at[inside]
    total = np.bincount(where, weights=parts[inside], minlength=rows * columns)
    used = np.flatnonzero(total)
    # The root shows small orders, which are most, without making the large ones alike.
    degree = np.sqrt(np.clip(total[used], 0, 1)) * (DEGREES - 1)
    cells.reshape(-1)[used] = 1 + side * DEGREES + degree.astype(np.uint8)

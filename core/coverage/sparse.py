"""Pauses of pairs with few trades, from how often and how long the stream itself pauses.

The file of an interval without trades is not written at all. So a stream of market data that leaves
out at least one in forty expected files, on separate occasions, is sparse: its pauses are no gaps
unless they are longer than its pauses usually are. With `r` as the share of pauses that continue
for another interval, the number of pauses of `n` intervals among `k` is about `k * r ** (n - 1)`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Kinds whose files depend on trades; the files of other kinds are always written.
MARKET = frozenset({"ohlcv", "trades"})
#: Expected files that are compared: those of nine weeks if there is one an hour.
_COMPARED = 9 * 7 * 24
#: Fewest pauses from which something follows, and their share of the files from which on a stream
#: is sparse.
_LEAST_PAUSES, _SPARSE = 4, 0.025
#: Expected number of equally long pauses below which a pause is a gap.
_EXPECTED = 0.01


def usual_pauses(present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which absent files belong to a pause as the stream usually has them.

    Args:
        present: whether each expected file exists, in order of time.
    """
    import numpy as np

    starts, lengths = _pauses(present)
    usual = np.zeros(len(present), dtype=bool)
    if len(starts) < _LEAST_PAUSES:
        return usual
    existing = np.append(0, present.cumsum())
    long = np.append(0, (lengths > 1).cumsum())
    # At the ends as many files are compared as elsewhere.
    begins = np.clip(starts - _COMPARED // 2, 0, max(0, len(present) - _COMPARED))
    ends = np.minimum(begins + _COMPARED, len(present))
    low, high = np.searchsorted(starts, begins), np.searchsorted(starts, ends)
    files = existing[ends] - existing[begins]
    columns = (starts, lengths, high - low, long[high] - long[low], files)
    for start, length, pauses, longer, count in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        # The pause itself says nothing about the usual ones.
        others = longer - (length > 1)
        usual[start : start + length] = length <= _longest(pauses, others, count)
    return usual


def longest_usual_pause(present: NDArray[np.bool_]) -> int:
    """Return how many files in a row a stream may leave out at its end; 0 if it is not sparse."""
    recent = present[-_COMPARED:]
    _, lengths = _pauses(recent)
    # The last pause is the one in question.
    before = lengths[: len(lengths) - int(len(recent) > 0 and not recent[-1])]
    return _longest(len(before) + 1, int((before > 1).sum()), int(recent.sum()))


def _pauses(present: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the starts and the lengths of the runs of absent files."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[True], present, [True]]).astype(np.int8)))
    return edges[::2], edges[1::2] - edges[::2]


def _longest(pauses: int, longer: int, files: int) -> int:
    """Return the length of the longest pause that is usual; 0 if the stream is not sparse.

    Args:
        pauses: number of pauses.
        longer: number of other pauses of more than one file.
        files: number of files in the same time.
    """
    if pauses < _LEAST_PAUSES or pauses < _SPARSE * files:
        return 0
    # After a file there is a pause in about this share of the cases, and again after an absent one.
    absent = pauses / (pauses + files)
    continued = min(0.98, max(absent, longer / (pauses - 1)))
    return 1 + int(math.log(_EXPECTED / pauses) / math.log(continued))

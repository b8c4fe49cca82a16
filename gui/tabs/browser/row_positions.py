"""Positions of the rows of a folder: where keys are, and how rows are sorted and shown."""

from __future__ import annotations

from array import array
from bisect import bisect
from collections.abc import Iterable, Sequence, Set
from itertools import compress
from typing import Any

from gui.tabs.browser.folder_rows import Texts

#: Number of rows from which numpy sorts; for fewer it need not be loaded.
_MANY = 2_000
#: Number of keys up to which each is searched alone, which is faster than comparing all keys with a
#: set; and the number of keys among which one of them may be searched if they are sorted.
_FEW, _EACH = 8, 100


def positions_of(keys: Texts, wanted: Set[str], *, ordered: bool = False) -> list[int]:
    """Return the positions of some keys, in order; `ordered` is whether all keys are sorted."""
    if ordered and len(wanted) <= max(_FEW, len(keys) // _EACH):
        return sorted(at for at in map(keys.find_sorted, wanted) if at >= 0)
    if len(wanted) > _FEW:
        return list(compress(range(len(keys)), map(wanted.__contains__, keys)))
    return sorted(at for at in map(keys.find, wanted) if at >= 0)


def rows_at(shown: Sequence[int], positions: Sequence[int]) -> list[int]:
    """Return the rows in which positions are shown, in order."""
    return sorted(places_of(shown, positions).values())


def runs_of(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return ascending rows as ranges: the first and last row of each."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs


def places_of(shown: Sequence[int], positions: Sequence[int]) -> dict[int, int]:
    """Return the index of each position among the shown ones, as far as it is among them."""
    if isinstance(shown, range):
        return {at: shown.index(at) for at in positions if at in shown}
    if not isinstance(shown, array) or len(shown) < _MANY:
        every = dict(zip(shown, range(len(shown)), strict=True))
        return {at: every[at] for at in positions if at in every}
    import numpy as np

    values = np.frombuffer(shown, dtype=np.int64)
    if len(positions) <= _FEW:
        found = {at: np.flatnonzero(values == at).tolist() for at in positions}
        return {at: places[0] for at, places in found.items() if places}
    places = np.full(int(values.max()) + 1, -1)
    places[values] = np.arange(len(values))
    wanted = np.asarray(positions)
    wanted = wanted[wanted < len(places)]
    rows = places[wanted]
    there = rows >= 0
    return dict(zip(wanted[there].tolist(), rows[there].tolist(), strict=True))


def ordered(
    column: array[int] | array[float] | tuple[str, ...],
    positions: Sequence[int],
    *,
    backwards: bool,
) -> Sequence[int]:
    """Return positions sorted by the values of a column; equal ones stay in their order."""
    if len(positions) < _MANY:
        return sorted(positions, key=column.__getitem__, reverse=backwards)
    # Loaded here and not with the window, which has to appear first.
    import numpy as np

    if isinstance(column, tuple):
        ranks = {text: rank for rank, text in enumerate(sorted(set(column)))}
        values: Any = np.fromiter(map(ranks.__getitem__, column), np.int32, len(column))
    else:
        values = np.frombuffer(column, dtype=np.int64 if column.typecode == "q" else np.float64)
    chosen = _indexes(positions)
    values = values[chosen]
    # Negative values instead of a reversed result, in which equal ones would be reversed too.
    order = np.argsort(-values if backwards else values, kind="stable")
    # An array, as a list of 200,000 numbers would be examined by the garbage collector.
    return array("q", chosen[order].astype(np.int64).tobytes())


def extended(shown: Sequence[int], positions: Sequence[int]) -> Sequence[int]:
    """Return a sequence with more positions; consecutive ones remain a range, which needs no memory."""
    if not positions:
        return shown
    consecutive = positions[-1] - positions[0] == len(positions) - 1
    if isinstance(shown, range) and shown.step == 1 and positions[0] == len(shown) and consecutive:
        return range(positions[-1] + 1)
    longer = shown if isinstance(shown, array) else array("q", shown)
    longer.extend(positions)
    return longer


def chained(parts: Sequence[Sequence[int]]) -> Sequence[int]:
    """Return one sequence of several; a single one as it is, since it may be a range of many."""
    if len(parts) == 1:
        return parts[0]
    longer = array("q")
    for part in parts:
        longer.extend(part)
    return longer


def without_index(shown: Sequence[int], index: int) -> Sequence[int]:
    """Return a sequence without the position at an index."""
    rest = shown if isinstance(shown, array) else array("q", shown)
    del rest[index]
    return rest


def follows(before: Sequence[str], keys: Sequence[str]) -> bool:
    """Return whether keys are sorted and follow those before."""
    if not keys:
        return True
    return (not before or before[-1] <= keys[0]) and all(map(str.__le__, keys, keys[1:]))


def sum_of(column: array[int], positions: Sequence[int]) -> int:
    """Return the sum of the values at some positions."""
    if len(positions) < _MANY:
        return sum(map(column.__getitem__, positions))
    import numpy as np

    return int(np.frombuffer(column, dtype=np.int64)[_indexes(positions)].sum())


def max_of(column: array[float], positions: Sequence[int]) -> float:
    """Return the greatest value at some positions, of which there is at least one."""
    if len(positions) < _MANY:
        return max(map(column.__getitem__, positions))
    import numpy as np

    return float(np.frombuffer(column, dtype=np.float64)[_indexes(positions)].max())


def _indexes(positions: Sequence[int]) -> Any:
    """Return positions as numpy uses them; a range is not converted number by number."""
    import numpy as np

    if isinstance(positions, range):
        return np.arange(positions.start, positions.stop, positions.step)
    return np.asarray(positions)


def insertions(shown: Sequence[str], keys: Iterable[str]) -> list[tuple[int, list[str]]]:
    """Return where to insert the keys that are not shown yet, so that all remain sorted.

    Returns:
        Positions with their keys, the last position first: the others are valid afterwards.
    """
    known = set(shown)
    found: dict[int, list[str]] = {}
    for key in sorted(key for key in keys if key not in known):
        found.setdefault(bisect(shown, key), []).append(key)
    return sorted(found.items(), reverse=True)

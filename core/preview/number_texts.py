"""Numbers of a JSON text as doubles, a column in a few calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Letters = NDArray[np.uint8]
    Positions = NDArray[np.int64]

_ZERO, _POINT, _MINUS = b"0.-"
#: Digits of a number that a double holds exactly, so that one division rounds as `float` does.
_EXACT_DIGITS = 15


def numbers_of(
    letters: Letters, lengths: Positions, texts: Iterable[str]
) -> NDArray[np.float64] | None:
    """Return numbers as the nearest doubles; None unless all are JSON numbers without an exponent.

    Args:
        letters: the letters of each number from its beginning, shape (n, most letters).
        lengths: how many of its letters belong to each number, shape (n,).
        texts: the same numbers as texts, for those with many digits.
    """
    import numpy as np

    steps = np.arange(letters.shape[1])
    inside = steps < lengths[:, None]
    digits = letters - np.uint8(_ZERO)  # wraps around for what is less
    is_digit = (digits <= 9) & inside
    is_point = (letters == _POINT) & inside
    minus = letters[:, 0] == _MINUS
    points, counts = is_point.sum(axis=1), is_digit.sum(axis=1)
    if (lengths < 1).any() or (counts + points + minus != lengths).any() or (points > 1).any():
        return None
    place = np.where(points == 1, is_point.argmax(axis=1), lengths)
    if not _well_formed(letters, minus, place, lengths):
        return None
    if counts.max() > _EXACT_DIGITS:
        return np.fromiter(map(float, texts), float, len(lengths))
    integral = np.zeros(len(lengths), np.int64)
    for column in steps.tolist():
        chosen = is_digit[:, column]
        integral = np.where(chosen, integral * 10 + digits[:, column], integral)
    after = np.maximum(lengths - place - 1, 0)
    doubles: Any = integral / (10.0 ** np.arange(_EXACT_DIGITS + 1))[after]
    signed: NDArray[np.float64] = np.where(minus, -doubles, doubles)
    return signed


def _well_formed(letters: Letters, minus: Any, place: Positions, lengths: Positions) -> bool:
    """Return whether digits are before and after each point, and no zeros lead.

    Args:
        letters: the letters of each number.
        minus: which begin with a minus.
        place: where the point of each is, its length if it has none.
        lengths: the length of each.
    """
    import numpy as np

    before = place - minus
    rows = np.arange(len(letters))
    leading = (letters[rows, minus.astype(np.int64)] == _ZERO) & (before > 1)
    return bool((before >= 1).all() and (place != lengths - 1).all() and not leading.any())

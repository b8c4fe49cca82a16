"""Order books of one symbol in order of time."""

from __future__ import annotations

from collections.abc import Sequence

from core.preview.heat import heat_of
from core.preview.series import micros_of
from core.preview.values import Book, BookHistory


def history_of(symbol: str, books: Sequence[Book]) -> BookHistory | None:
    """Return order books in order of time, those without a time left out; None for fewer than two."""
    import numpy as np

    dated = sorted(
        ((micros_of(book.when), book) for book in books if book.when is not None),
        key=lambda pair: pair[0],
    )
    if len(dated) < 2:
        return None
    ordered = tuple(book for _, book in dated)
    times = np.array([moment for moment, _ in dated], np.int64)
    return BookHistory(symbol, times, ordered, heat_of(ordered))

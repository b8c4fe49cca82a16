"""Previews of objects, and the problems in their data, computed within a second.

No content raises an error (only `Cancelled` is raised): hostile or broken input results in a
preview with a description of its problems.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.preview.limits import HEAD_BYTES, LIMITS, Limits
from core.preview.numbers import Number, is_number, number_text
from core.preview.problems import QUIET_KINDS, Problem, ProblemKind
from core.preview.series import Candle, CandleSeries
from core.preview.values import (
    Book,
    BookHistory,
    Candles,
    Comparison,
    Gap,
    HexDump,
    Holding,
    Holdings,
    Level,
    Lines,
    Panes,
    Picture,
    Preview,
    Representation,
    Table,
    Trades,
    Tree,
)
from core.work import Work, default_work

__all__ = [
    "HEAD_BYTES",
    "LIMITS",
    "QUIET_KINDS",
    "Book",
    "BookHistory",
    "Candle",
    "CandleSeries",
    "Candles",
    "Comparison",
    "Gap",
    "HexDump",
    "Holding",
    "Holdings",
    "Level",
    "Limits",
    "Lines",
    "Number",
    "Panes",
    "Picture",
    "Preview",
    "Problem",
    "ProblemKind",
    "Representation",
    "Table",
    "Trades",
    "Tree",
    "is_number",
    "join_previews",
    "number_text",
    "preview",
]


def preview(  # noqa: PLR0913 - independent options, most of which have defaults
    data: bytes,
    key: str,
    *,
    total: int | None = None,
    content_type: str = "",
    limits: Limits = LIMITS,
    fetch: Callable[[int, int], bytes] | None = None,
    first_only: bool = False,
    work: Work | None = None,
) -> Preview:
    """Return the preview of an object from its first bytes.

    The readers are imported by the first call, so that the window opens faster.

    Args:
        data: The beginning of the object, at most `HEAD_BYTES` of it.
        key: The object's key; the format is determined by the contract, the suffix, then the
            content.
        total: The object's size in bytes, if `data` may be incomplete.
        content_type: The content type of the object; the suffix has priority.
        limits: Caps on bytes, time, depth and rows.
        fetch: Returns other bytes of the object by start and length; formats with an index at their
            end, such as Parquet, are only shown as bytes without it if `data` is incomplete.
        first_only: Whether the first representation is enough; others may be left out.
        work: Cancel token.

    Raises:
        Cancelled: The token of `work` was cancelled.
        StorageError: `fetch` raised it. No other error is raised.
    """
    from core.preview.pipeline import About, read_preview

    about = About(key, total, content_type, fetch, first_only)
    return read_preview(data, about, limits, default_work(work))


def join_previews(previews: Sequence[Preview], *, work: Work | None = None) -> Preview | None:
    """Return several previews as one: candles, order books, trades and tables of the same kind.

    Candles of one symbol and timeframe become one chart, those of several a comparison; order books
    of a symbol become a history; trades and tables with the same columns follow one another.

    Args:
        previews: the previews of the objects in the order of their keys.
        work: cancel token.

    Returns:
        The joined preview, whose problems begin with how many objects have nothing in common with
        the others; None if none of them have.

    Raises:
        Cancelled: The token of `work` was cancelled.
    """
    from core.preview.joining import join

    return join(previews, default_work(work))

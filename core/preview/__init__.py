"""Bytes to `Preview`: what an object looks like and what is wrong with it, within a second.

Nothing here raises for what the bytes hold (only `Cancelled` gets out): hostile or broken input
comes back as a preview with its problems in words.
"""

from __future__ import annotations

from core.preview.limits import HEAD_BYTES, LIMITS, Limits
from core.preview.numbers import Number, is_number, number_text
from core.preview.problems import QUIET_KINDS, Problem, ProblemKind
from core.preview.series import Candle, CandleSeries
from core.preview.values import (
    Book,
    Candles,
    Face,
    Gap,
    HexDump,
    Holding,
    Holdings,
    Level,
    Lines,
    Picture,
    Preview,
    Table,
    Tree,
)
from core.work import Work, default_work

__all__ = [
    "HEAD_BYTES",
    "LIMITS",
    "QUIET_KINDS",
    "Book",
    "Candle",
    "CandleSeries",
    "Candles",
    "Face",
    "Gap",
    "HexDump",
    "Holding",
    "Holdings",
    "Level",
    "Limits",
    "Lines",
    "Number",
    "Picture",
    "Preview",
    "Problem",
    "ProblemKind",
    "Table",
    "Tree",
    "is_number",
    "number_text",
    "preview",
]


def preview(
    data: bytes,
    key: str,
    *,
    total: int | None = None,
    content_type: str = "",
    limits: Limits = LIMITS,
    work: Work | None = None,
) -> Preview:
    """Return what the object `key` looks like from its first bytes `data`.

    The readers are imported by the first call: a window is on the screen before it needs them.

    Args:
        data: The beginning of the object, at most `HEAD_BYTES` of it.
        key: The object's key; its form is told by the contract, the suffix, then the content.
        total: The object's size in bytes, when `data` may be less than all of it.
        content_type: What the object says it is; believed after the suffix.
        limits: Caps on bytes, time, depth and rows.
        work: Asked now and then whether the preview is still wanted.

    Raises:
        Cancelled: The preview is no longer wanted. Nothing else, whatever the bytes hold.
    """
    from core.preview.pipeline import read_preview

    return read_preview(data, key, total, content_type, limits, default_work(work))

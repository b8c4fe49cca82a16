"""Bytes to `Preview`: what an object looks like and what is wrong with it, within a second.

Nothing here raises for what the bytes hold (only `Cancelled` gets out): hostile or broken input
comes back as a preview with its problems in words.
"""

from __future__ import annotations

from core.preview.limits import HEAD_BYTES, LIMITS, Limits
from core.preview.pipeline import preview
from core.preview.problems import QUIET_KINDS, Problem, ProblemKind
from core.preview.values import (
    Book,
    Candle,
    Candles,
    Face,
    Gap,
    HexDump,
    Holding,
    Holdings,
    Level,
    Lines,
    Number,
    Picture,
    Preview,
    Table,
    Tree,
)

__all__ = [
    "HEAD_BYTES",
    "LIMITS",
    "QUIET_KINDS",
    "Book",
    "Candle",
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
    "preview",
]

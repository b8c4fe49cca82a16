"""Bytes to `Preview`: what an object looks like and what is wrong with it, within a second.

Nothing here raises for what the bytes hold (only `Cancelled` gets out): hostile or broken input
comes back as a preview with its problems in words.
"""

from __future__ import annotations

from core.preview.limits import HEAD_BYTES, LIMITS, Limits
from core.preview.numbers import Number, is_number, number_text
from core.preview.pipeline import preview
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

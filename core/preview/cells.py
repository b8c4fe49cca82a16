"""Cells of tables: JSON values as short texts, detection of numbers, and safe copying."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from core.preview.numbers import number_text

_NUMERIC = re.compile(r"[-+]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?\Z")
#: First characters with which spreadsheets begin a formula, or which they skip before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
#: Number of rows from which it is derived whether a column has numbers.
SAMPLE = 200
#: Maximum depth, and maximum number of elements of each level, of a value in a cell.
_DEPTH = 4
_ITEMS = 20


def cell_text(value: Any, chars: int) -> str:
    """Return a value in one line of about `chars` characters; None is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if len(value) <= chars else value[:chars] + "…"
    text = compact(value)
    return text if len(text) <= chars else text[:chars] + "…"


def compact(value: Any, depth: int = 0) -> str:
    """Return a JSON value as short text with exact numbers; deep or long parts become `…`."""
    if not isinstance(value, dict | list):
        return scalar_text(value, quoted=depth > 0)
    if depth >= _DEPTH:
        return "…"
    rest = ", …" if len(value) > _ITEMS else ""
    if isinstance(value, dict):
        items = (f"{name}: {compact(part, depth + 1)}" for name, part in value.items())
        return "{" + ", ".join(islice(items, _ITEMS)) + rest + "}"
    return "[" + ", ".join(compact(part, depth + 1) for part in value[:_ITEMS]) + rest + "]"


def scalar_text(value: Any, *, quoted: bool = True) -> str:
    """Return a JSON scalar as text; `quoted` False omits the quotes of texts."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    number = number_text(value)
    if number is not None:
        return number
    return f'"{value}"' if quoted else str(value)


def reads_as_number(text: str) -> bool:
    """Return whether a cell is a number."""
    # The length bounds the cost of matching hostile cells.
    return len(text) < 64 and _NUMERIC.match(text) is not None


def numeric_columns(rows: Sequence[Sequence[str]], width: int) -> tuple[bool, ...]:
    """Return for each column whether all its filled cells (of the first rows) are numbers."""
    sample = rows[:SAMPLE]
    return tuple(_all_numeric(row[at] for row in sample if at < len(row)) for at in range(width))


def _all_numeric(cells: Iterable[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(reads_as_number(cell) for cell in filled)


def safe_cell(text: str) -> str:
    """Return a cell that is not a formula in spreadsheets (ASVS 5, 1.2.10)."""
    return "'" + text if text.startswith(_FORMULA) and not reads_as_number(text) else text

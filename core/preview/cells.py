"""Cells of tables: JSON values as short texts, detection of numbers, and safe copying."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from core.preview.numbers import number_text

#: Groups of digits have three of them, in India two before the last three, and no leading zero.
_GROUPED = r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}|\d+(?:_\d+)*"
_EXPONENT = r"(?:[eE][-+]?\d{1,4})?"
_NUMERIC = re.compile(rf"[-+]?(?:(?:{_GROUPED})(?:\.\d*)?|\.\d+){_EXPONENT}\Z")
#: Numbers with a decimal comma, and those without one beside them, whose points divide groups.
_WITH_COMMA = re.compile(rf"[-+]?(?:[1-9]\d{{0,2}}(?:\.\d{{3}})+|\d+),\d+{_EXPONENT}\Z")
_WITHOUT_COMMA = re.compile(rf"[-+]?(?:[1-9]\d{{0,2}}(?:\.\d{{3}})+|\d+){_EXPONENT}\Z")
#: Longer cells are no numbers, which bounds the cost of matching hostile ones.
_MOST_CHARS = 64
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


def reads_as_number(text: str, *, comma: bool = False) -> bool:
    """Return whether a cell is a number.

    Args:
        text: the cell.
        comma: whether its column has decimal commas, see `writes_decimal_comma`.
    """
    if len(text) >= _MOST_CHARS:
        return False
    if comma:
        return (_WITH_COMMA.match(text) or _WITHOUT_COMMA.match(text)) is not None
    return _NUMERIC.match(text) is not None


def needs_decimal_comma(text: str) -> bool:
    """Return whether a cell can only be a number if its comma precedes the decimals: `1,5`."""
    found = "," in text and len(text) < _MOST_CHARS and _WITH_COMMA.match(text) is not None
    return found and _NUMERIC.match(text) is None


def may_have_decimal_comma(text: str) -> bool:
    """Return whether a cell is a number with a decimal comma, and another one without: `1,234`."""
    found = "," in text and len(text) < _MOST_CHARS and _WITH_COMMA.match(text) is not None
    return found and _NUMERIC.match(text) is not None


def writes_decimal_comma(cells: Iterable[str], *, semicolons: bool = False) -> bool:
    """Return whether the numbers of a column have decimal commas.

    A single one that nothing else explains is enough, unless other numbers have decimal points:
    then the commas stay unexplained, and such cells are texts.

    Args:
        cells: the cells of the column.
        semicolons: whether numbers such as `1,234` have a decimal comma: programs that write these
            separate cells by semicolons. Otherwise their commas divide thousands.
    """
    needed = False
    for cell in cells:
        bare = cell.strip()
        if needs_decimal_comma(bare) or (semicolons and may_have_decimal_comma(bare)):
            needed = True
        elif reads_as_number(bare) and not reads_as_number(bare, comma=True):
            return False
    return needed


def plain_number(text: str, *, comma: bool = False) -> str:
    """Return a number without marks between groups of digits, and with a decimal point."""
    if comma:
        return text.replace(".", "").replace(",", ".")
    return text.replace(",", "").replace("_", "") if "," in text or "_" in text else text


def numeric_columns(
    rows: Sequence[Sequence[str]], width: int, *, semicolons: bool = False
) -> tuple[bool, ...]:
    """Return for each column whether all its filled cells (of the first rows) are numbers.

    Args:
        rows: the rows.
        width: the number of columns.
        semicolons: see `writes_decimal_comma`.
    """
    sample = rows[:SAMPLE]
    columns = ([row[at] for row in sample if at < len(row)] for at in range(width))
    return tuple(_all_numeric(cells, semicolons=semicolons) for cells in columns)


def _all_numeric(cells: Sequence[str], *, semicolons: bool) -> bool:
    filled = [cell for cell in cells if cell]
    if not filled:
        return False
    comma = writes_decimal_comma(filled, semicolons=semicolons)
    return all(reads_as_number(cell, comma=comma) for cell in filled)


def safe_cell(text: str) -> str:
    """Return a cell that is not a formula in spreadsheets (ASVS 5, 1.2.10)."""
    is_number = reads_as_number(text) or needs_decimal_comma(text)
    return "'" + text if text.startswith(_FORMULA) and not is_number else text

"""Rows that would need too much memory when they are parsed, which are refused before."""

from __future__ import annotations

from core.aws.limits import MIB
from core.collect.rows import UnreadableError
from core.preview.json_pieces import outside_texts
from core.units import format_count, format_size

#: Bytes of one row in any format.
MOST_LINE = 32 * MIB
#: Memory of a row beside that of the program, which is then below 300 MB, as it was measured: its
#: bytes are in memory as bytes, text, line of the staged file and value of DuckDB, and each value
#: of a list is an object of Python.
_MOST_MEMORY, _PER_BYTE, _PER_VALUE = 230e6, 6.5, 130


def check_row(text: bytes) -> None:
    """Check that JSON, one long row or many short ones, fits in memory when it is parsed.

    Raises:
        UnreadableError: it does not.
    """
    if _memory(len(text), text.count(b",")) <= _MOST_MEMORY:
        return
    values = _commas_outside_texts(text) + 1
    if _memory(len(text), values) > _MOST_MEMORY:
        message = (
            f"A row of it has {format_size(len(text))} and about {format_count(values)} values, which "
            "do not fit in memory. Store the elements of its lists as rows, or use Parquet."
        )
        raise UnreadableError(message)


def _memory(size: int, values: int) -> float:
    return size * _PER_BYTE + values * _PER_VALUE


def _commas_outside_texts(text: bytes) -> int:
    import numpy as np

    chosen = np.zeros(256, bool)
    chosen[list(b'",')] = True
    count = inside = start = 0
    while start < len(text):
        block = text[start : start + MIB]
        # A backslash and what it escapes belong together.
        if (len(block) - len(block.rstrip(b"\\"))) % 2:
            block = text[start : start + len(block) + 1]
        places, _, inside = outside_texts(np.frombuffer(block, np.uint8), chosen, inside)
        count += len(places)
        start += len(block)
    return count

"""Escaping of control characters and line breaks, for terminals, pipes and logs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: Width up to which a column is aligned: a longer cell moves only the rest of its row.
_PADDED = 60


def printable(text: str) -> str:
    r"""Return text on one line, with control characters escaped, for example as `\x1b`."""
    return "".join(_escaped(char) if _is_control(char) else char for char in text)


def printable_lines(text: str) -> str:
    r"""Return text with control characters escaped, except line feeds."""
    return "\n".join(printable(line) for line in text.split("\n"))


def aligned(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()
) -> list[str]:
    """Return a table as lines, the heading first; control characters of the cells are escaped.

    Args:
        heads: the headings of the columns.
        rows: the cells of each row.
        numbers: the columns that are aligned to the right.
    """
    from rich.cells import cell_len  # the width of characters on a terminal

    cells = [[printable(cell) for cell in row] for row in (heads, *rows)]
    sizes = [[cell_len(cell) for cell in row] for row in cells]
    widths = [min(max(column), _PADDED) for column in zip(*sizes, strict=True)]
    lines = []
    for row, lengths in zip(cells, sizes, strict=True):
        spaces = [" " * (width - length) for width, length in zip(widths, lengths, strict=True)]
        padded = [
            space + cell if number in numbers else cell + space
            for number, (cell, space) in enumerate(zip(row, spaces, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def _is_control(char: str) -> bool:
    """Return whether a terminal acts on a character: a control sequence in a key could hide output."""
    category = unicodedata.category(char)
    # Unicode categories: controls, formats and surrogates, and the separators of lines and
    # paragraphs.
    return category[0] == "C" or category in {"Zl", "Zp"}


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()

"""Escaping of control characters and line breaks, for terminals, pipes and logs."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    r"""Return text on one line, with control characters escaped, for example as `\x1b`."""
    return "".join(_escaped(char) if _is_control(char) else char for char in text)


def printable_lines(text: str) -> str:
    r"""Return text with control characters escaped, except line feeds."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _is_control(char: str) -> bool:
    """Return whether a terminal acts on a character: a control sequence in a key could hide output."""
    category = unicodedata.category(char)
    # Unicode categories: controls, formats and surrogates, and the separators of lines and
    # paragraphs.
    return category[0] == "C" or category in {"Zl", "Zp"}


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()

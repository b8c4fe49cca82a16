"""Text that is safe to write to a terminal, a pipe or a log: one line stays one line."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    r"""Return text on one line, without anything a terminal would act on, for example `\x1b`."""
    return "".join(_escaped(char) if _acts(char) else char for char in text)


def printable_lines(text: str) -> str:
    r"""Return text whose line feeds stay, and nothing else that a terminal would act on."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _acts(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in {"Zl", "Zp"}


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()

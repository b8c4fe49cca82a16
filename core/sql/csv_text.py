"""Results as CSV in which NULL is an empty field and an empty text is `""`."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: First characters by which spreadsheets recognise a formula, or which they skip before one.
#: Source: https://owasp.org/www-community/attacks/CSV_Injection, and ASVS 5, 1.2.10.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")
#: Texts that are numbers are no formulas, although they may begin like one.
NUMBER = r"[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?"
_NUMBER = re.compile(NUMBER)
_QUOTED = frozenset(',"\r\n')


def csv_line(cells: Iterable[object], *, formula_safe: bool = False) -> str:
    """Return a line of CSV; with `formula_safe` a text cannot be a formula of a spreadsheet."""
    return ",".join(_field(cell, formula_safe=formula_safe) for cell in cells) + "\n"


def _field(cell: object, *, formula_safe: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = str(cell)
    starts = formula_safe and isinstance(cell, str) and text.startswith(FORMULA_STARTS)
    if starts and not _NUMBER.fullmatch(text):
        text = "'" + text
    if text and not _QUOTED.intersection(text):
        return text
    return '"' + text.replace('"', '""') + '"'

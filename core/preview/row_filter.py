"""Filters of the rows of a table: `text`, `column > value`, `column = text` and `column ~ pattern`.

`and` joins several conditions. A text without an operator is searched in all columns. Quotes make a
name, a value or a text literal: `"a=b"` searches for these three characters, and `= ""` finds empty
cells.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import translate
from typing import TYPE_CHECKING

from core.errors import InvalidInput
from core.preview.cells import reads_as_number
from core.preview.column import CellKind, Column, exact_value, parts_of, value_of
from core.work import Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

#: The column of a condition on any column.
ANY_COLUMN = -1
#: Two characters before one, so that `>=` is not read as `>`.
_OPERATORS = (">=", "<=", "!=", "!~", "==", "=", ">", "<", "~")
#: What is compared of the sign of the difference between a cell and the value.
_SIGNS: dict[str, Callable[[int], bool]] = {
    ">": lambda sign: sign > 0, ">=": lambda sign: sign >= 0,
    "<": lambda sign: sign < 0, "<=": lambda sign: sign <= 0,
    "=": lambda sign: sign == 0, "!=": lambda sign: sign != 0,
}  # fmt: skip
_QUOTED = r'"(?:[^"]|"")*"'
#: A condition ends before ` and `, unless that is within quotes.
_CONDITION = re.compile(rf'(?:{_QUOTED}|(?!\s+and\s)[^"])+', re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_COMPARISON = re.compile(
    rf"(?P<name>{_QUOTED}|[^\"<>=!~]+?)\s*(?P<operator>{'|'.join(_OPERATORS)})(?P<value>.*)\Z",
    re.DOTALL,
)
#: Names of columns in an error at most.
_NAMES = 6


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a cell.

    Attributes:
        column: the number of the column, or `ANY_COLUMN`.
        operator: one of `= != < <= > >= ~ !~`.
        value: what cells are compared with, without quotes.
        literal: whether the value was in quotes, and is a text even if it reads as a number.
    """

    column: int
    operator: str
    value: str
    literal: bool = False


def parse_filter(text: str, columns: Sequence[str]) -> tuple[Condition, ...]:
    """Return the conditions of a filter; none for a blank text.

    Raises:
        InvalidInput: it has an unclosed quote, an unknown column, or an operator without a value.
    """
    text = text.strip()
    if text.count('"') % 2:
        raise InvalidInput(
            "A quote is not closed",
            cause="Each text in quotes ends with another quote.",
            remedy='Add the quote, or write "" for a quote within quotes.',
        )
    conditions: list[Condition] = []
    at = 0
    while found := _CONDITION.match(text, at):
        conditions.append(_condition(found[0].strip(), columns))
        joint = _AND.match(text, found.end())
        at = joint.end() if joint else len(text)
    return tuple(conditions)


def _condition(text: str, columns: Sequence[str]) -> Condition:
    if text.startswith(_OPERATORS):
        raise InvalidInput(
            "The name of a column is missing at the beginning",
            remedy=f'Add the name, or search for the text itself: "{_escaped(text)}".',
        )
    found = _COMPARISON.match(text)
    if found is None:
        value, literal = _unquoted(text)
        return Condition(ANY_COLUMN, "~", value, literal)
    name = _unquoted(found["name"].strip())[0]
    sign = "=" if found["operator"] == "==" else found["operator"]
    value, literal = _unquoted(found["value"].strip())
    column = _column(name, text, columns)
    if not value and not literal:
        raise InvalidInput(
            f"A value is missing after “{columns[column]} {sign}”",
            remedy='Add the value, or "" for empty cells.',
        )
    return Condition(column, sign, value, literal)


def _unquoted(text: str) -> tuple[str, bool]:
    literal = re.fullmatch(_QUOTED, text) is not None
    return (text[1:-1].replace('""', '"'), True) if literal else (text, False)


def _column(name: str, text: str, columns: Sequence[str]) -> int:
    """Return the number of a column; its name may be written without regard to case."""
    if name in columns:
        return columns.index(name)
    folded = [column.casefold() for column in columns]
    if name.casefold() in folded:
        return folded.index(name.casefold())
    from difflib import get_close_matches

    near = get_close_matches(name.casefold(), folded, 1)
    names = ", ".join(columns[:_NAMES]) + (", …" if len(columns) > _NAMES else "")
    raise InvalidInput(
        f"There is no column “{name}”",
        cause=f"The nearest one is “{columns[folded.index(near[0])]}”."
        if near
        else f"The columns are {names}.",
        remedy=f'Use the name of a column, or search for the text itself: "{_escaped(text)}".',
    )


def _escaped(text: str) -> str:
    return text.replace('"', '""')


def pattern_of(value: str, *, literal: bool = False) -> Callable[[str], bool]:
    """Return a test of texts in lower case: whether they contain a text, or match `*` and `?`."""
    folded = value.casefold()
    if literal or not set("*?") & set(folded):
        return lambda text: folded in text
    match = re.compile(translate(folded)).match
    return lambda text: match(text) is not None


def holds(condition: Condition, column: Column, work: Work) -> Mask:
    """Return for which cells of a column a condition holds, shape (n,).

    A value that reads as a number or a time is compared with the cells that are numbers or times,
    exactly. Any other value, and every value in quotes, is compared as text without regard to case.
    `=` and `!=` apply to all cells, `<` and `>` only to those of the same kind as the value.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    if condition.operator in {"~", "!~"}:
        fits = pattern_of(condition.value, literal=condition.literal)
        found = _where(column, fits, work)
        return found if condition.operator == "~" else ~found
    # With a decimal comma, as the column has it, or with a point.
    comma = column.comma and reads_as_number(condition.value, comma=True)
    kind, _ = value = value_of(condition.value, comma=comma)
    if condition.literal or kind in {CellKind.TEXT, CellKind.EMPTY}:
        return _compared_texts(condition, column, work)
    exact = exact_value(kind, condition.value, comma=comma)
    return _compared_values(condition, column, value, exact, work)


def _where(column: Column, fits: Callable[[str], bool], work: Work) -> Mask:
    import numpy as np

    found = np.empty(len(column.texts), np.bool_)
    for part in parts_of(len(column.texts), work):
        texts = column.texts[part.start : part.stop]
        found[part.start : part.stop] = [fits(text.casefold()) for text in texts]
    return found


def _compared_texts(condition: Condition, column: Column, work: Work) -> Mask:
    value = condition.value.casefold()
    if condition.operator == "=":
        return _where(column, lambda text: text == value, work)
    if condition.operator == "!=":
        return _where(column, lambda text: text != value, work)
    compare = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
    chosen = compare[condition.operator]
    found = _where(column, lambda text: chosen(text, value), work)
    found &= column.kinds == CellKind.TEXT
    return found


def _compared_values(
    condition: Condition,
    column: Column,
    value: tuple[CellKind, float],
    exact: Decimal,
    work: Work,
) -> Mask:
    import numpy as np

    kind, key = value
    same = column.kinds == kind
    signs = (column.keys > key).astype(np.int8) - (column.keys < key).astype(np.int8)
    # Equal doubles may be different numbers.
    known: dict[str, int] = {}
    tied = np.flatnonzero(same & (signs == 0)).tolist()
    for part in parts_of(len(tied), work):
        for row in tied[part.start : part.stop]:
            text = column.texts[row]
            if text not in known:
                cell = exact_value(kind, text, comma=column.comma)
                known[text] = (cell > exact) - (cell < exact)
            signs[row] = known[text]
    chosen = [sign for sign in (-1, 0, 1) if _SIGNS[condition.operator](sign)]
    found: Mask = np.isin(signs, chosen) & same
    if condition.operator == "!=":
        found |= ~same
    return found

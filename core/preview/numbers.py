"""Numbers of a JSON text with the digits of the file, never as floats, from every parser.

The parser in Rust (`jiter`) returns whole numbers as `int` and all others as its `LosslessFloat`,
which holds the bytes of the text; the reader of broken texts returns `Number`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class Number(str):
    """A number of a JSON text with its exact digits."""

    __slots__ = ()


#: By exclusion: naming the class of `jiter` here would import that package at every start.
_NO_NUMBERS = (str, bool, dict, list, tuple, type(None))


def number_text(value: Any) -> str | None:
    """Return a number of a JSON text as it was written, or None for any other value."""
    if isinstance(value, Number):
        return value
    if isinstance(value, _NO_NUMBERS):
        return None
    return str(value) if isinstance(value, int | Decimal) else bytes(value).decode("ascii")


def text_of(value: Any) -> str | None:
    """Return a text, or a number as it was written; None for any other value."""
    return value if isinstance(value, str) else number_text(value)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; text that reads as one is not."""
    return isinstance(value, Number) or not isinstance(value, _NO_NUMBERS)


def exact_copy(value: Any) -> Any:
    """Return a JSON value with all its numbers as `Number`."""
    if isinstance(value, dict):
        return {name: exact_copy(part) for name, part in value.items()}
    if isinstance(value, list):
        return [exact_copy(part) for part in value]
    text = number_text(value)
    return value if text is None else Number(text)

"""Keys of single rows as text: a JSON array with the value of each column of the primary key.

Values have the form of JSON lines: strings, numbers with their digits, and `{"$hex": "00FF"}` for
binary values. A text that is not a JSON array is the value of a key with one column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from core.errors import InvalidInput

_HEX = "$hex"


class Digits(str):
    """A number of a key with the digits in which it was written."""

    __slots__ = ()


KeyValue = str | bytes


def parse_keys(texts: Iterable[str], columns: Sequence[str]) -> tuple[tuple[KeyValue, ...], ...]:
    """Return the values of keys in the order of the columns of the primary key.

    Args:
        texts: Keys, for example `5`, `["BTC", 5]` or `[{"$hex": "00FF"}]`.
        columns: The names of the columns of the primary key.

    Raises:
        InvalidInput: There is no key, or a key has another number of values.
    """
    keys = tuple(_parse(text, columns) for text in texts)
    if not keys:
        raise InvalidInput(
            "No rows are selected", remedy="Select at least one row by its primary key."
        )
    return keys


def _parse(text: str, columns: Sequence[str]) -> tuple[KeyValue, ...]:
    values = _array(text)
    if values is None:
        values = [text]
    found = [_value(value) for value in values]
    if len(found) != len(columns) or any(value is None for value in found):
        raise InvalidInput(
            f"{text[:100]} is not a key of the table",
            cause=f"The primary key consists of {', '.join(columns)}.",
            remedy='Write the value, or a JSON array with the value of each column: ["BTC", 5].',
        )
    return tuple(value for value in found if value is not None)


def _array(text: str) -> list[Any] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        values = json.loads(text, parse_int=Digits, parse_float=Digits)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, list) else None


def _value(value: Any) -> KeyValue | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.keys() == {_HEX}:
        try:
            return bytes.fromhex(value[_HEX])
        except (TypeError, ValueError):
            return None
    return None


def key_text(values: Iterable[KeyValue]) -> str:
    """Return the JSON array of the values of a key."""
    return "[" + ", ".join(map(_json, values)) + "]"


def _json(value: KeyValue) -> str:
    if isinstance(value, bytes):
        return json.dumps({_HEX: value.hex().upper()})
    return str(value) if isinstance(value, Digits) else json.dumps(value, ensure_ascii=False)

"""Reads JSON of several megabytes without stopping the other threads.

The decoder of the standard library lets no other thread run until it has read a complete document:
the columns of 50,000 files would block the window for 30 ms.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DECODER = json.JSONDecoder()
#: Number of characters that are decoded at once, and of commas that are tried as their end.
_PIECE_CHARS, _ATTEMPTS = 40_000, 4
_SPACE = re.compile(r"[ \t\n\r]*")


def load_json(text: str) -> Any:
    """Return the value of a JSON text, whose long lists are decoded piece by piece.

    Raises:
        ValueError: the text is not JSON.
    """
    value, end = _value(text, _after_space(text, 0))
    if _after_space(text, end) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _value(text: str, start: int) -> tuple[Any, int]:
    """Return the value that begins at a position, and the position after it."""
    opening = text[start : start + 1]
    if opening == "{":
        return _object(text, start + 1)
    if opening == "[":
        return _list(text, start + 1)
    return _DECODER.raw_decode(text, start)


def _object(text: str, start: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    end = _after_space(text, start)
    if text[end : end + 1] == "}":
        return found, end + 1
    while True:
        if text[end : end + 1] != '"':
            raise json.JSONDecodeError("Expecting a name", text, end)
        name, end = _DECODER.raw_decode(text, end)
        end = _after_space(text, end)
        if text[end : end + 1] != ":":
            raise json.JSONDecodeError("Expecting ':'", text, end)
        found[name], end = _value(text, _after_space(text, end + 1))
        end, ended = _next(text, end)
        if ended:
            return found, end


def _list(text: str, start: int) -> tuple[list[Any], int]:
    """Return the list whose bracket is before a position, and the position after it."""
    found: list[Any] = []
    while True:
        piece, end = _piece(text, start)
        if end < 0:
            # The rest of the list, or a text in which no comma separates two values.
            rest, length = _DECODER.raw_decode(f"[{text[start:]}")
            if found and not rest:
                raise json.JSONDecodeError("Expecting a value after the comma", text, start)
            return found + rest, start + length - 1
        found += piece
        start = end + 1


def _piece(text: str, start: int) -> tuple[list[Any], int]:
    """Return the next values of a list, and the position of the comma after them; -1 if unknown.

    A piece that ends at a comma within a value is not valid, so a valid one has complete values.
    """
    end = start + _PIECE_CHARS
    for _attempt in range(_ATTEMPTS):
        end = text.find(",", end + 1)
        if end < 0:
            break
        try:
            values = json.loads(f"[{text[start:end]}]")
        except ValueError:
            continue
        if values:
            return values, end
    return [], -1


def _next(text: str, end: int) -> tuple[int, bool]:
    """Return the position after a comma or a closing brace, and whether it was the brace."""
    end = _after_space(text, end)
    mark = text[end : end + 1]
    if mark == "}":
        return end + 1, True
    if mark != ",":
        raise json.JSONDecodeError("Expecting ',' or '}'", text, end)
    return _after_space(text, end + 1), False


def _after_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start

"""Changes of single values in the text of a JSON object, with all other bytes unchanged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_BLANK = " \t\r\n"
#: Decoder that finds the ends of values; it does not parse numbers, which may be too long.
_DECODER = json.JSONDecoder(parse_int=lambda _text: 0, parse_float=lambda _text: 0)


class Row(Protocol):
    """A key and its value as JSON."""

    @property
    def key(self) -> str:
        """The key."""

    @property
    def raw(self) -> str:
        """The value as JSON."""


@dataclass(frozen=True, slots=True)
class Member:
    """Position of a member of an object, from its key to the end of its value."""

    key: str
    start: int
    value_start: int
    end: int
    quoted: bool


def members(text: str) -> tuple[Member, ...]:
    """Return the members of a JSON object in order, including duplicates.

    Raises:
        ValueError: the text is not an object.
    """
    at = _skip(text, 0)
    if text[at] != "{":
        message = "The text is JSON, but not an object in braces"
        raise ValueError(message)
    found: list[Member] = []
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, after = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, after) + 1)
        value, end = _DECODER.raw_decode(text, start)
        found.append(Member(key, at, start, end, isinstance(value, str)))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return tuple(found)


def replace_members(text: str, rows: Sequence[Row], old_rows: Sequence[Row]) -> str | None:
    """Return `text` with its members replaced by `rows`, or None if that is not possible.

    Args:
        text: the original text.
        rows: the new members: existing ones in their old order, then new ones.
        old_rows: the original members; the bytes of equal rows are not changed.
    """
    old = members(text)
    if not old or not rows:
        return None
    pieces = [text[: old[0].start]]
    at = 0
    for number, row in enumerate(rows):
        # Searched from the last position, so that duplicate keys match their own member in order.
        place = next((n for n in range(at, len(old)) if old[n].key == row.key), None)
        if number:
            pieces.append(
                text[old[place - 1].end : old[place].start] if place else _apart(text, old)
            )
        if place is None:
            pieces.append(f"{json.dumps(row.key, ensure_ascii=False)}{_colon(text, old)}{row.raw}")
            continue
        member, at = old[place], place + 1
        same = row == old_rows[place]
        # An unchanged value is copied: writing it again could change escapes or the form of a
        # number.
        value = text[member.value_start : member.end] if same else row.raw
        pieces.append(text[member.start : member.value_start] + value)
    return "".join(pieces) + text[old[-1].end :]


def _apart(text: str, old: Sequence[Member]) -> str:
    """Return the separator of two members, in the style of the text."""
    if len(old) > 1:
        # The text between the first two members shows the style: line ends, indent or single
        # spaces.
        return text[old[0].end : old[1].start]
    indent = text[text.index("{") + 1 : old[0].start]
    return "," + (indent if "\n" in indent else " ")


def _colon(text: str, old: Sequence[Member]) -> str:
    last = old[-1]
    _key, after = _DECODER.raw_decode(text, last.start)
    return text[after : last.value_start]


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def text_positions(text: str) -> tuple[tuple[str, int, int], ...]:
    """Return the texts inside a JSON value, each with its path, start and end.

    Keys of objects are not included. A path consists of `.key` and `[index]`.

    Raises:
        ValueError: the value is not JSON.
    """
    found: list[tuple[str, int, int]] = []
    _collect(text, _skip(text, 0), "", found)
    return tuple(found)


def _collect(text: str, at: int, path: str, found: list[tuple[str, int, int]]) -> int:
    """Add the texts of the value that starts at `at`, and return its end."""
    if text[at] not in "{[":
        value, end = _DECODER.raw_decode(text, at)
        if isinstance(value, str):
            found.append((path, at, end))
        return end
    closing, number = {"{": "}", "[": "]"}[text[at]], 0
    named = closing == "}"
    at = _skip(text, at + 1)
    while text[at] != closing:
        step = f"[{number}]"
        if named:
            key, after = _DECODER.raw_decode(text, at)
            step, at = f".{key}", _skip(text, _skip(text, after) + 1)
        at = _skip(text, _collect(text, at, path + step, found))
        at = _skip(text, at + 1) if text[at] == "," else at
        number += 1
    return at + 1

"""Rows of large JSON objects that are one list, some megabytes at a time.

The list is divided at its own commas, which are found by brackets and quotes. The division is only
a guess until the parser has accepted every part, so that a text which is not JSON is never read
wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from core.aws.limits import MIB
from core.collect.long_rows import MOST_LINE, check_row
from core.collect.rows import BYTE_ORDER_MARK, Read, UnreadableError, blocks_of_records, parsed_json
from core.preview.json_pieces import outside_texts
from core.units import format_size

_SPACE = b" \t\n\r"
#: Bytes that are parsed at a time, and bytes of one element.
_PART_BYTES, _LONGEST_ELEMENT = 4 * MIB, MOST_LINE
_COMMA, _END, _OPENERS, _CLOSERS = b",", b"]", b"[{", b"]}"
_MISSING = "It is not valid JSON: an element is missing between two commas."
_OTHER_BRACKET = "It is not valid JSON: its list ends with another bracket."


class Readable(Protocol):
    """What returns up to some bytes, and none at its end."""

    def read(self, count: int, /) -> bytes:
        """Return the next bytes."""


def begins_with_list(stream: BinaryIO) -> bool:
    """Return whether the first character of a stream is that of a list; it has been read then."""
    return _first(stream).startswith(b"[")


def parts_of_list(stream: BinaryIO) -> Iterator[Read]:
    """Yield the rows of a JSON list, some thousands at a time.

    Args:
        stream: its unpacked bytes in UTF-8.

    Raises:
        UnreadableError: it is not a list in JSON; the rows before may be.
    """
    first = 0
    for text in elements(stream):
        check_row(text)
        rows = parsed_json(b"[" + text + b"]")
        yield blocks_of_records(rows, first=first)
        first += len(rows)


def _first(stream: Readable) -> bytes:
    """Return the next bytes from the first one on that is no space."""
    data = stream.read(MIB).removeprefix(BYTE_ORDER_MARK).lstrip(_SPACE)
    while not data and (data := stream.read(MIB)):
        data = data.lstrip(_SPACE)
    return data


def elements(stream: Readable) -> Iterator[bytes]:
    """Yield the text between the brackets of a list in parts of complete elements.

    Raises:
        UnreadableError: an element is missing, or the list has no end, or text follows it.
    """
    scanner = _Scanner()
    data = _first(stream)[1:]
    some = False
    while True:
        end = scanner.scan(data)
        for part in scanner.parts:
            # An empty part would be accepted as an empty list.
            if not part.strip(_SPACE):
                raise UnreadableError(_MISSING)
            some = True
            yield part
        if end is not None:
            break
        data = stream.read(_PART_BYTES)
        if not data:
            message = "It is not valid JSON: its list has no end."
            raise UnreadableError(message)
    if scanner.rest.strip(_SPACE):
        yield scanner.rest
    elif some:
        raise UnreadableError(_MISSING)
    _check_end(end, stream)


def _check_end(rest: bytes, stream: Readable) -> None:
    while rest or (rest := stream.read(MIB)):
        if rest.strip(_SPACE):
            message = "It is not valid JSON: text follows its list."
            raise UnreadableError(message)
        rest = b""


class _Scanner:
    """Finds the commas and the end of a list in blocks of bytes.

    Attributes:
        parts: complete elements of the last block, without the comma after them.
        rest: what follows them.
    """

    def __init__(self) -> None:
        import numpy as np

        self.parts: list[bytes] = []
        self.rest = b""
        self._depth = self._inside = 0
        self._held = b""
        self._chosen = np.zeros(256, bool)
        self._chosen[list(b'",[]{}')] = True

    def scan(self, data: bytes) -> bytes | None:
        """Take the next bytes; return those after the end of the list, or None before it."""
        import numpy as np

        data = self._held + data
        # A backslash and what it escapes belong together.
        odd = (len(data) - len(data.rstrip(b"\\"))) % 2
        data, self._held = (data[:-1], data[-1:]) if odd else (data, b"")
        places, marks, self._inside = outside_texts(
            np.frombuffer(data, np.uint8), self._chosen, self._inside
        )
        steps = np.isin(marks, list(_OPENERS)).astype(np.int64)
        steps -= np.isin(marks, list(_CLOSERS))
        depths = np.cumsum(steps) + self._depth
        closed = np.flatnonzero(depths < 0)
        end = int(places[closed[0]]) if len(closed) else None
        if len(closed) and marks[closed[0]] != _END[0]:
            raise UnreadableError(_OTHER_BRACKET)
        last = len(marks) if end is None else int(closed[0])
        commas = places[:last][(marks[:last] == _COMMA[0]) & (depths[:last] == 0)]
        self._depth = int(depths[-1]) if len(depths) else self._depth
        inner = data if end is None else data[:end]
        self.parts = []
        if len(commas):
            at = int(commas[-1])
            self.parts.append(self.rest + inner[:at])
            self.rest = inner[at + 1 :]
        else:
            self.rest += inner
            if len(self.rest) > _LONGEST_ELEMENT:
                message = f"An element of its list has more than {format_size(_LONGEST_ELEMENT)}."
                raise UnreadableError(message)
        return None if end is None else data[end + 1 :]

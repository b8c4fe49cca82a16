"""Lines of rows from pieces of a part; a long line is read value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from core.backup.recovery_kit.script.failures import corrupt

#: Lines with more bytes are read in pieces, and strings with more of them become a `LongValue`.
LONGEST_LINE, LONG_STRING = 4 << 20, 1 << 20
#: Digits of a piece; an even number.
_DIGITS_AT_ONCE = 1 << 18
#: Bytes of a string that are examined at a time.
_STRING_BYTES = 1 << 18
#: The content of a string without an escape that continues in the next piece.
_STRING = re.compile(
    rb'(?:[^"\\]+|\\(?:[^u]|u[dD][89abAB]..\\u....|u(?![dD][89abAB])[0-9a-fA-F]{4}))*', re.DOTALL
)
_LONGEST_ESCAPE = 12
#: The beginning of a value that is written as digits; a row begins in the same way if its first
#: column is named `$hex`.
_DIGIT_TAG = re.compile(rb':\s*\{\s*"(\$hex|\$text)"\s*:\s*"$')


class LongValue:
    """A long string of a row: its bytes, and `$hex` or `$text` if it was written as digits."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.data = bytearray()
        self._odd = b""

    def add(self, content: bytes) -> None:
        """Append a piece of the string as JSON writes it, in which no escape is cut."""
        if self.tag:
            content = self._odd + content
            even = len(content) & ~1
            self._odd = content[even:]
            self.data += bytes.fromhex(content[:even].decode("ascii"))
        elif b"\\" in content:
            # A character of several bytes may be cut: its bytes are passed on as they are.
            text = json.loads('"' + content.decode("utf-8", "surrogateescape") + '"')
            self.data += text.encode("utf-8", "surrogateescape")
        else:
            self.data += content

    def digits(self) -> Iterator[bytes]:
        """Yield the bytes as hexadecimal digits, in pieces."""
        with memoryview(self.data) as view:
            for at in range(0, len(view), _DIGITS_AT_ONCE):
                yield view[at : at + _DIGITS_AT_ONCE].hex().encode()

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in pieces."""
        with memoryview(self.data) as view:
            for at in range(0, len(view), _DIGITS_AT_ONCE):
                yield bytes(view[at : at + _DIGITS_AT_ONCE])


class LongRow:
    """The JSON line of one row that is read in pieces.

    What remains of it is a short line, in which `{"$long": number}` replaces each long string.
    """

    def __init__(self) -> None:
        self._short = bytearray()
        self._rest = b""
        #: What was read of a string, since its opening quote; None outside of strings.
        self._string: Any = None
        self._value: Any = None
        self._values: list[LongValue] = []

    def add(self, data: bytes) -> None:
        """Read the next piece.

        Raises:
            KitError: It is not JSON.
        """
        for at in range(0, len(data), _STRING_BYTES):
            self._add(self._rest + data[at : at + _STRING_BYTES])

    def _add(self, data: bytes) -> None:
        at = 0
        self._rest = b""
        while at < len(data):
            if self._string is None and self._value is None:
                quote = data.find(b'"', at) + 1
                self._short += data[at : quote or len(data)]
                at = quote or len(data)
                self._string = bytearray() if quote else None
                continue
            end = _matched(data, at)
            self._append(data[at:end])
            at = end + 1
            if data[end : end + 1] == b'"':
                self._close()
            elif end < len(data):  # an escape that is not complete
                self._rest, at = data[end:], len(data)
                if len(self._rest) > _LONGEST_ESCAPE:
                    raise corrupt("A row of the backup contains an invalid text.")

    def _append(self, content: bytes) -> None:
        if self._value is None:
            self._string += content
            if len(self._string) <= LONG_STRING:
                return
            tag = _DIGIT_TAG.search(self._short[-40:])
            self._value = LongValue(tag[1].decode() if tag else "")
            content, self._string = bytes(self._string), None
        try:
            self._value.add(content)
        except ValueError as error:
            raise corrupt("A row of the backup contains an invalid text.") from error

    def _close(self) -> None:
        if self._value is None:
            self._short += self._string + b'"'
        else:
            self._short[-1:] = b'{"$long": %d}' % len(self._values)  # also the opening quote
            self._values.append(self._value)
        self._string = self._value = None

    def values(self, names: list[str], **options: Any) -> list[Any]:
        """Return the values of the row in the order of names.

        Args:
            names: The names.
            **options: Options of `json.loads`.

        Raises:
            ValueError, LookupError, TypeError: The line is not such a row.
        """
        row = json.loads(self._short, **options)
        return [self._long(row[name]) for name in names]

    def _long(self, value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:
            tag, inner = next(iter(value.items()))
            if tag == "$long":
                return self._values[int(inner)]
            if isinstance(inner, dict) and list(inner) == ["$long"]:
                return self._values[int(inner["$long"])]
        return value


def _matched(data: bytes, at: int) -> int:
    found = _STRING.match(data, at)
    return found.end() if found else at


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes | LongRow]:
    """Yield complete lines with their ends, and long ones alone.

    Args:
        pieces: The rows in pieces that may end anywhere; the last one ends with a line.
    """
    rest = b""
    row: Any = None
    for piece in pieces:
        if row is not None:
            end = piece.find(b"\n") + 1
            row.add(piece[: end or len(piece)])
            if not end:
                continue
            yield row
            row = None  # before the next one is read
            piece = piece[end:]  # noqa: PLW2901 - what follows the long line
        end = piece.rfind(b"\n") + 1
        if end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
        if len(rest) > LONGEST_LINE:
            row = LongRow()
            row.add(rest)
            rest = b""

"""Packets of the MySQL protocol with the rows of a result that has one column.

Source: MariaDB manual, "Client/Server Protocol", "0 - Packet" and "Result Set Packets".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEAD = struct.Struct("<I")
_LARGEST = 0xFFFFFF
_NULL, _TWO, _THREE, _EIGHT, _ERROR = 0xFB, 0xFC, 0xFD, 0xFE, 0xFF
_SKIPPED = {_TWO: 3, _THREE: 4, _EIGHT: 9}
#: A value in a longer packet is passed on in pieces, as it is received.
_LONG = 1 << 20


@dataclass(frozen=True, slots=True)
class LongPiece:
    """Bytes of a long value; `last` if the value ends with them."""

    data: bytes
    last: bool


class Packets:
    """Received bytes, of which complete packets are removed.

    `ended` means that the packet after the last row was received; `error` is the number and
    message of the server if it ended the rows with an error.
    """

    def __init__(self) -> None:
        self.ended = False
        self.error: tuple[int, str] | None = None
        self._data = b""
        self._at = 0

    def add(self, block: bytes) -> None:
        """Append received bytes."""
        self._data = self._data[self._at :] + block if self._at < len(self._data) else block
        self._at = 0

    def values(self) -> tuple[list[bytes], bool]:
        """Return the values of complete packets, and whether the next value is NULL.

        This loop runs once for each row of a table, so it does nothing else.
        """
        rows: list[bytes] = []
        data, at = self._data, self._add_short_values(rows)
        append, head, last = rows.append, _HEAD.unpack_from, len(data) - 5
        while at <= last:
            length = head(data, at)[0] & _LARGEST
            end = at + 4 + length
            if end > last + 5 or (length > _LONG and data[at + 4] in _SKIPPED):
                break
            first = data[at + 4]
            if first < _NULL:
                append(data[at + 5 : end])
            elif first == _NULL:
                self._at = end
                return rows, True
            elif first in (_TWO, _THREE) or (first == _EIGHT and length > 8):
                append(data[at + 4 + _SKIPPED[first] : end])
            elif self._is_last(first, data[at + 4 : end]):
                at = end
                break
            at = end
        self._at = at
        return rows, False

    def _add_short_values(self, rows: list[bytes]) -> int:
        """Add the values before the first that is NULL, long or incomplete; return where it starts.

        The length of a short value implies that of its packet, which is not read.
        """
        data, at, size = self._data, self._at, len(self._data)
        append, last = rows.append, size - 5
        while at <= last and (length := data[at + 4]) < _NULL:
            end = at + 5 + length
            if end > size:
                break
            append(data[at + 5 : end])
            at = end
        return at

    def _is_last(self, first: int, packet: bytes) -> bool:
        if first == _ERROR:
            text = packet[3:].decode(errors="replace")
            self.error = (
                int.from_bytes(packet[1:3], "little"),
                text[6:] if text[:1] == "#" else text,
            )
            self.ended = True
        elif first == _EIGHT and len(packet) <= 8:
            self.ended = True
        return self.ended

    def long_value(self, blocks: Iterator[bytes]) -> Iterator[LongPiece]:
        """Yield the pieces of the next value if it is long; more bytes of it are in `blocks`.

        Values of 16 MB and more are in several packets.
        """
        data, at = self._data, self._at
        if len(data) - at < 5 or data[at + 4] not in _SKIPPED:
            return
        length = _HEAD.unpack_from(data, at)[0] & _LARGEST
        if length <= _LONG:
            return
        skipped = _SKIPPED[data[at + 4]]
        more = True
        while more:
            while len(self._data) - self._at < 4 + skipped:
                self.add(next(blocks))
            length = _HEAD.unpack_from(self._data, self._at)[0] & _LARGEST
            self._at += 4 + skipped
            left, skipped, more = length - skipped, 0, length == _LARGEST
            if not left and not more:
                yield LongPiece(b"", last=True)
            while left:
                if self._at == len(self._data):
                    self.add(next(blocks))
                piece = self._data[self._at : self._at + left]
                self._at += len(piece)
                left -= len(piece)
                yield LongPiece(piece, last=not left and not more)

"""Messages of `COPY … TO STDOUT`: the rows are taken out of blocks that were read from the socket.

Each row is a message: `d`, a length of four bytes that counts itself, and the text of the row.
Source: PostgreSQL manual, "Message Formats", CopyData.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

_LENGTH = struct.Struct(">I")
#: The kind and the length before each message.
HEAD_BYTES = 5
#: The last message of a COPY, without the byte of the transaction state.
_READY = b"Z\0\0\0\x05"
#: The head of a row shorter than 64 KiB.
_SHORT_HEAD = b"d\0\0"
#: The answer to a COPY statement, a notice, a changed setting and a notification: without rows.
_BEFORE_ROWS = b"HNSA"
_SHORT_HEADS = re.compile(rb"d\0\0..", re.DOTALL)


@dataclass(slots=True)
class CopyEnd:
    """What follows the rows of a COPY: the error, if any, and that the server is ready."""

    error: dict[str, str] = field(default_factory=dict)
    ready: bool = False


def has_end(buffer: bytearray, filled: int, searched: int = 0) -> bool:
    """Return whether the received bytes contain the last message of a COPY.

    Neither rows nor their heads contain these bytes; see `_short_rows`. The first `searched` bytes
    were searched before.
    """
    # From the end, which takes half of the time of `find`.
    return buffer.rfind(_READY, max(searched - len(_READY) + 1, 0), filled) >= 0


def rows_of_messages(buffer: bytearray, filled: int, end: CopyEnd) -> tuple[int, bytes, int]:
    """Return the row count and the rows of all complete messages, and how many bytes were used.

    Args:
        buffer: Messages, the first of which begins at the first byte.
        filled: How many bytes of the buffer were received.
        end: Receives what follows the rows.
    """
    if filled < 5 or 1 + _LENGTH.unpack_from(buffer, 1)[0] > filled:
        return 0, b"", 0  # a long row is not searched again for each packet of it
    # The head of the last row is complete; the bytes of an incomplete one remain.
    complete = max(filled - HEAD_BYTES + len(_SHORT_HEAD), 0)
    first, last = _first_row(buffer, filled), buffer.rfind(_SHORT_HEAD, 0, complete)
    if last >= first:
        stop = last + 1 + _LENGTH.unpack_from(buffer, last + 1)[0]
        used = last if stop > filled else stop  # the last row may be incomplete
        with memoryview(buffer)[first:used] as block:
            count, rows = _short_rows(block)
        if rows is not None and stop > filled:
            return count, rows, used
        if rows is not None:
            others, more, used = _any_messages(buffer, used, filled, end)
            return count + others, rows + more if more else rows, used
    return _any_messages(buffer, 0, filled, end)


def long_row(buffer: bytearray, filled: int) -> int:
    """Return the length of the row that begins at the first byte and is incomplete; 0 if none does."""
    if filled < HEAD_BYTES or buffer[0] != ord("d"):
        return 0
    length = int(_LENGTH.unpack_from(buffer, 1)[0]) - _LENGTH.size
    return length if length + HEAD_BYTES > filled else 0


def _first_row(buffer: bytearray, filled: int) -> int:
    """Return where the rows begin: after the answer to the statement, and notices before it."""
    position = 0
    while position <= filled - 5 and buffer[position] in _BEFORE_ROWS:
        position += 1 + _LENGTH.unpack_from(buffer, position + 1)[0]
    return position


def _short_rows(block: memoryview) -> tuple[int, bytes | None]:
    """Return the rows of a block that consists of rows shorter than 64 KiB; None if it does not.

    The text of a row contains no zero byte, so the bytes `d`, 0, 0 are found in heads only. Other
    messages, and the heads of longer rows, have a zero byte that remains when the heads of short
    rows are removed. So a block without remaining zero bytes had no others.
    """
    pieces = _SHORT_HEADS.split(block)
    rows = b"".join(pieces)
    return len(pieces) - 1, None if b"\0" in rows else rows


def _any_messages(
    buffer: bytearray, position: int, filled: int, end: CopyEnd
) -> tuple[int, bytes, int]:
    """Return the same as `rows_of_messages` from a position, for rows of any length and messages."""
    rows: list[memoryview] = []
    view, last_head = memoryview(buffer), filled - 5
    while position <= last_head:
        stop = position + 1 + _LENGTH.unpack_from(buffer, position + 1)[0]
        if stop > filled:
            break
        kind = buffer[position]
        if kind == ord("d"):
            rows.append(view[position + 5 : stop])
        elif kind == ord("E"):
            end.error = error_fields(bytes(view[position + 5 : stop]))
        elif kind == ord("Z"):
            end.ready = True
        position = stop
    return len(rows), b"".join(rows), position


def error_fields(data: bytes) -> dict[str, str]:
    """Return the fields of an error message: `C` is the SQLSTATE, `M` the message."""
    fields = (field for field in data.split(b"\0") if field)
    return {chr(field[0]): field[1:].decode(errors="replace") for field in fields}

"""Gzip members (RFC 1952), whose checksums are compared after their data was returned.

zlib's own gzip mode discards the last piece when a checksum does not match; here the data comes
first, and the error names what is wrong with it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from core.units import format_counted

#: The signature, and 8 for the only defined method, deflate.
_MAGIC = b"\x1f\x8b\x08"
_FEED = 64 * 1024
#: Flags of optional fields in the header.
_HEADER_CHECK, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16


class ChecksumError(Exception):
    """All data of a member was returned, but its checksum or length differs."""


class TrailingBytesError(Exception):
    """The bytes after the compressed data are not another member."""

    def __init__(self, packing: str, count: int) -> None:
        super().__init__(
            f"{format_counted(count, 'byte')} after the {packing} data cannot be shown"
        )


def gzip_pieces(data: bytes, size: Callable[[], int]) -> Iterator[bytes]:
    """Yield pieces of all members, none larger than `size()`.

    Raises:
        EOFError: the stream is cut off.
        zlib.error: the packed data is damaged.
        ChecksumError: all data was returned, but a member's checksum or length differs.
        TrailingBytesError: all data was returned, and something else follows it.
    """
    at = 0
    wrong = 0
    while data.startswith(_MAGIC, at):
        member = _Member(data, at)
        yield from member.pieces(size)
        at = member.end
        wrong += not member.intact
    if wrong:
        message = "the gzip checksum does not match"
        raise ChecksumError(message)
    if data[at:].strip(b"\0"):  # zeros are padding, which gzip ignores as well
        name = "gzip"
        raise TrailingBytesError(name, len(data) - at)


class _Member:
    """One member: `end` and `intact` are known once its pieces are read."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self.end = _after_header(data, start)
        self.intact = False

    def pieces(self, size: Callable[[], int]) -> Iterator[bytes]:
        """Yield the unpacked data, then compare the trailer."""
        # A negative window size means raw deflate: header and trailer are read here.
        decoder = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        check = length = 0
        feed = b""
        while not decoder.eof:
            if not feed:
                feed = self._data[self.end : self.end + _FEED]
                self.end += len(feed)
            piece = decoder.decompress(feed, size())
            # The data ends before the end of the stream.
            if not piece and not feed and not decoder.eof:
                raise EOFError
            feed = decoder.unconsumed_tail
            check, length = zlib.crc32(piece, check), length + len(piece)
            yield piece
        # The last piece that was fed may contain the trailer and the next member.
        self.end -= len(decoder.unused_data)
        trailer = self._data[self.end : self.end + 8]
        if len(trailer) < 8:
            raise EOFError
        # The trailer has the length modulo 2^32.
        self.intact = struct.unpack("<II", trailer) == (check, length & 0xFFFFFFFF)
        self.end += 8


def _after_header(data: bytes, at: int) -> int:
    """Return where the packed data of the member at `at` begins; raises EOFError."""
    # The fixed part of a header has ten bytes.
    if len(data) < at + 10:
        raise EOFError
    flags = data[at + 3]
    at += 10
    if flags & _EXTRA:
        if len(data) < at + 2:
            raise EOFError
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = data.find(b"\0", at)
            if end < 0:
                raise EOFError
            at = end + 1
    return at + 2 if flags & _HEADER_CHECK else at

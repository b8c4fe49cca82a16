"""Reduction of pictures to what is needed to draw them, before a decoder reads them.

Decoders limit the memory of the pixels, not that of what accompanies them: a PNG of 1 MB can contain
compressed texts of gigabytes, and a JPEG of 1 MB a picture that is refined for minutes.
"""

from __future__ import annotations

from collections.abc import Iterator

_PNG_SIGNATURE = 8
#: Optional chunks of PNG that change what is drawn (PNG specification, 11.3); the first is used.
_DRAWN = frozenset({b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"})
#: Bit of the first letter of a chunk's name that is set for optional ones.
_OPTIONAL = 0x20
#: Marker of a scan. Compressed data cannot contain it: a zero follows each of its bytes 0xFF.
_SCAN = b"\xff\xda"
#: Progressive pictures of usual programs have about ten scans, each of which is as long as a picture.
_MOST_SCANS = 100


def drawn_part(form: str, data: bytes) -> bytes:
    """Return the bytes of a picture that a decoder may read; none if it would take minutes.

    Args:
        form: the format, as in `Picture`.
        data: the complete file.
    """
    if form == "PNG":
        return data[:_PNG_SIGNATURE] + b"".join(_drawn_chunks(data))
    if form == "JPEG" and data.count(_SCAN) > _MOST_SCANS:
        return b""
    return data


def _drawn_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the chunks that are drawn: length, name, content and checksum of each."""
    at, seen = _PNG_SIGNATURE, set[bytes]()
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        optional = bool(name[:1]) and bool(name[0] & _OPTIONAL)
        if not optional or (name in _DRAWN and name not in seen):
            yield data[at:end]
        seen.add(name)
        at = end

"""Binary content: pictures, which are recognized by their first bytes, and other bytes."""

from __future__ import annotations

from core.preview.limits import Limits
from core.preview.values import HexDump, Picture

#: Picture formats that are opened on request; none of them can run code or load resources.
_PICTURES = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("GIF", b"GIF8"),
    ("BMP", b"BM"),
    ("WebP", b"RIFF"),
)
#: Formats that are only named and shown as bytes; they are never executed or unpickled.
_NAMED = (
    (b"PAR1", "Parquet file"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"%PDF-", "PDF document"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"\x80\x04", "Python pickle, not opened: it could run code"),
    (b"\x80\x05", "Python pickle, not opened: it could run code"),
    (b"\x93NUMPY", "NumPy array, not opened"),
    (b"\x7fELF", "program"),
)


def picture_of(data: bytes) -> Picture | None:
    """Return the picture that starts with `data`, or None."""
    form = next((name for name, magic in _PICTURES if data.startswith(magic)), "")
    if not form or (form == "WebP" and data[8:12] != b"WEBP"):
        return None
    width, height = _png_size(data) if form == "PNG" else (0, 0)
    return Picture(form, data, width, height)


def _png_size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def form_of(data: bytes, *, plain: bool = False) -> str:
    """Return the name of a known binary format, or an empty text.

    For data that starts as `plain` text, only PDF is recognized.
    """
    found = next((name for magic, name in _NAMED if data.startswith(magic)), "")
    return found if not plain or data.startswith(b"%PDF-") else ""


def hex_dump(data: bytes, limits: Limits) -> HexDump:
    """Return the first bytes for a hexadecimal view."""
    return HexDump(data[: limits.hex_bytes], len(data) > limits.hex_bytes)

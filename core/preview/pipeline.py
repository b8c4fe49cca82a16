"""Creation of a `Preview` from the bytes and the key of an object."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from core.preview.column_types import typed
from core.preview.decoding import decode, is_plain_text, with_replacements
from core.preview.limits import Deadline, Limits
from core.preview.problems import ProblemKind
from core.preview.reading import Content, Reading
from core.preview.texts import is_named_text, read_text, text_lines
from core.preview.unpack import Unpacked, packing_of, unpack
from core.preview.values import HexDump, Lines, Picture, Preview, Representation, Table
from core.units import format_size
from core.work import Work

_log = logging.getLogger(__name__)

_PACKED_SUFFIXES = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
#: What hostile bytes may raise below in spite of all checks; the view then shows plain bytes.
_UNREADABLE = (ValueError, ArithmeticError, LookupError, TypeError, RecursionError, MemoryError)
#: Picture formats that are opened on request; none of them can run code or load resources.
_PICTURES = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("GIF", b"GIF8"),
    ("BMP", b"BM"),
    ("WebP", b"RIFF"),
)
#: The signature of Parquet files.
_PARQUET = b"PAR1"
#: Formats that are only named and shown as bytes; they are never executed or unpickled.
_NAMED = (
    (_PARQUET, "Parquet file"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"%PDF-", "PDF document"),
    (b"SQLite format 3\x00", "SQLite database"),
    # The two signatures are those of protocols 4 and 5.
    (b"\x80\x04", "Python pickle, not opened: it could run code"),
    (b"\x80\x05", "Python pickle, not opened: it could run code"),
    (b"\x93NUMPY", "NumPy array, not opened"),
    (b"\x7fELF", "program"),
)


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an object besides its first bytes; see `core.preview.preview`."""

    key: str
    total: int | None = None
    content_type: str = ""
    fetch: Callable[[int, int], bytes] | None = None
    first_only: bool = False


def read_preview(data: bytes, about: About, limits: Limits, work: Work) -> Preview:
    """Return the preview of an object; see `core.preview.preview`."""
    with _no_collections():
        return _preview(data, about, limits, work)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Disable the garbage collector while up to a million values are created.

    Repeated collections would take longer than the creation. (The window runs the collector itself,
    in one thread, and is not affected.)
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _preview(data: bytes, about: About, limits: Limits, work: Work) -> Preview:
    deadline = Deadline(limits.seconds, work, limits.most_seconds)
    name = _unpacked_name(about.key)
    reading = Reading(
        about.key, name, about.content_type, limits, deadline, first_only=about.first_only
    )
    try:
        fetched = about.total is None or about.total <= len(data)
        if data.startswith(_PARQUET) and (seen := _parquet(data, about, reading)) is not None:
            return _finished(seen, reading, Unpacked(data))
        unpacked = unpack(data, limits, deadline, reading.findings, complete=fetched)
        reading = replace(reading, complete=unpacked.complete and fetched, packed=unpacked.packed)
        return _finished(_content_of(unpacked.data, reading), reading, unpacked)
    except _UNREADABLE:
        _log.exception("A preview failed; the object is shown as bytes")
        reading.findings.note(ProblemKind.BROKEN, "this object cannot be read: shown as bytes")
        return _finished(_bytes(data, reading), reading, Unpacked(data, complete=False))


def _unpacked_name(key: str) -> str:
    suffix = next((end for end in _PACKED_SUFFIXES if key.lower().endswith(end)), "")
    return key.removesuffix(key[len(key) - len(suffix) :]) if suffix else key


def _finished(seen: Content, reading: Reading, unpacked: Unpacked) -> Preview:
    return Preview(
        key=reading.key,
        title=seen.title or reading.key,
        count=seen.count,
        representations=tuple(
            typed(each) if isinstance(each, Table) else each for each in seen.representations
        ),
        problems=reading.findings.problems(),
        counts=dict(reading.findings.counts),
        packed=unpacked.packed,
        complete=reading.complete,
    )


def _content_of(data: bytes, reading: Reading) -> Content:
    if not data:
        return Content(reading.filename, "empty", (Lines(()),))
    plain = is_plain_text(data)
    picture = None if plain else _picture_of(data)
    if picture and reading.complete:
        return Content(
            reading.filename, f"{picture.form} picture", (picture, _hex_dump(data, reading.limits))
        )
    known = _form_of(data, plain=plain)
    text = None if known else decode(data, reading.findings, complete=reading.complete)
    return _bytes(data, reading) if text is None else read_text(text, reading)


def _parquet(data: bytes, about: About, reading: Reading) -> Content | None:
    from core.preview.parquet import read_parquet  # imports DuckDB

    total = len(data) if about.total is None else about.total
    seen = read_parquet(data, total, about.fetch, reading)
    dump = _hex_dump(data, reading.limits)
    return seen and replace(seen, representations=(*seen.representations, dump))


def _bytes(data: bytes, reading: Reading) -> Content:
    form = _form_of(data)
    if reading.packed and packing_of(data):
        form = f"packed again as {packing_of(data)}"
    if form:
        reading.findings.note(ProblemKind.NOTE, f"{form}: shown as bytes")
    representations: tuple[Representation, ...] = (_hex_dump(data, reading.limits),)
    if is_named_text(reading):
        representations += (text_lines(with_replacements(data), reading),)
    return Content(reading.filename, format_size(len(data)), representations)


def _picture_of(data: bytes) -> Picture | None:
    """Return the picture that starts with `data`, or None."""
    form = next((name for name, magic in _PICTURES if data.startswith(magic)), "")
    # RIFF is also the container of audio and video files.
    if not form or (form == "WebP" and data[8:12] != b"WEBP"):
        return None
    width, height = _png_size(data) if form == "PNG" else (0, 0)
    return Picture(form, data, width, height)


def _png_size(data: bytes) -> tuple[int, int]:
    # The first block of a PNG is IHDR, which begins with width and height (PNG specification,
    # 11.2.1).
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _form_of(data: bytes, *, plain: bool = False) -> str:
    """Return the name of a known binary format, or an empty text.

    For data that starts as `plain` text, only PDF is recognized.
    """
    found = next((name for magic, name in _NAMED if data.startswith(magic)), "")
    return found if not plain or data.startswith(b"%PDF-") else ""


def _hex_dump(data: bytes, limits: Limits) -> HexDump:
    """Return the first bytes for a hexadecimal view."""
    return HexDump(data[: limits.hex_bytes], len(data) > limits.hex_bytes)

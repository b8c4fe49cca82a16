"""Decoding of bytes to text: byte order marks, UTF-16, invalid UTF-8, binary data."""

from __future__ import annotations

import codecs
import re

from core.preview.problems import Findings, Problem, ProblemKind

#: UTF-32 before UTF-16, since the mark of UTF-16-LE is the beginning of that of UTF-32-LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Number of bytes from which the encoding is guessed.
_SAMPLE = 4096
_PLAIN_SAMPLE = 512
#: Bytes that are decoded by one call, and fewer if each may be replaced, which takes 60 times as long.
_PIECE = 512 * 1024
_INVALID_PIECE = 32 * 1024
#: Control characters that do not occur in plain text; tab, line feed, carriage return, form feed
#: and escape are allowed.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, findings: Findings, *, complete: bool) -> str | None:
    """Return the text of `data`, or None if it is binary.

    With `complete` False the last character may be incomplete, which is not reported.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, findings, complete=complete)
    encoding = _guess(data[:_SAMPLE])
    return _decoded(data, encoding, findings, complete=complete) if encoding else None


def is_plain_text(data: bytes) -> bool:
    """Return whether data begins with valid UTF-8 text, so that binary signatures are ignored.

    `BM` begins bitmaps as well as the symbol BMW, `BZh` bzip2 as well as a name.
    """
    sample = data[:_PLAIN_SAMPLE]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(
            sample, final=len(data) < _PLAIN_SAMPLE
        )
    except UnicodeDecodeError:
        return False
    return _CONTROLS.search(text) is None


def _guess(sample: bytes) -> str:
    """Return the encoding of a text without a mark, or an empty text for binary data."""
    zeros_even, zeros_odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    # Latin letters in UTF-16 have a zero as their high byte, at one of two positions only.
    if half > 1 and zeros_odd > half * 0.7 and not zeros_even:
        return "utf-16-le"
    if half > 1 and zeros_even > half * 0.7 and not zeros_odd:
        return "utf-16-be"
    text = sample.decode("utf-8", errors="replace")
    strange = len(_CONTROLS.findall(text)) + text.count("\ufffd")
    # A text with a few damaged characters is still a text.
    return "utf-8" if strange <= max(2, len(text) * 0.05) else ""


def with_replacements(data: bytes, encoding: str = "utf-8") -> str:
    """Return the text of `data`, with a replacement character for what is not valid."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return _in_pieces(decoder, data, _INVALID_PIECE, final=True)


def _decoded(data: bytes, encoding: str, findings: Findings, *, complete: bool) -> str:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    try:
        return _in_pieces(decoder, data, _PIECE, final=complete)
    except UnicodeDecodeError:
        first = _first_invalid(data, encoding)
        line = data.count(b"\n", 0, first) + 1
        where = f"byte {first:,} (line {line:,})"
        text = f"not valid {encoding.upper()} at {where}: shown as \ufffd"
        findings.add(Problem(ProblemKind.ENCODING, text, line=line, row=line - 1))
        return with_replacements(data, encoding)


def _in_pieces(decoder: codecs.IncrementalDecoder, data: bytes, size: int, *, final: bool) -> str:
    """Decode in pieces of some bytes: other threads cannot run during a call."""
    parts = [decoder.decode(data[start : start + size]) for start in range(0, len(data), size)]
    return "".join([*parts, decoder.decode(b"", final=final)])


def _first_invalid(data: bytes, encoding: str) -> int:
    """Return the position of the first byte that is not valid, else the end."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return len(data)

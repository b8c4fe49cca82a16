"""Streaming decompression of gzip, zstd, bzip2 and xz, with limits on size, ratio and time.

For a damaged stream, everything before the damage is returned, with a finding.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.preview.decoding import is_plain_text
from core.preview.gzip_reader import ChecksumError, TrailingBytesError, gzip_pieces
from core.preview.limits import Deadline, Limits
from core.preview.problems import BEGINNING, Findings, ProblemKind
from core.units import format_counted

#: Maximum size in bytes of a piece, which bounds what a bomb can add between two checks.
_CHUNK = 64 * 1024
#: The sizes of the pieces in which the good part of a damaged one is looked for.
_SALVAGE_STEPS = (1024, 1)
_WINDOW = 64 * 1024 * 1024  # maximum memory of a decoder

_Decoder = bz2.BZ2Decompressor | lzma.LZMADecompressor
#: Returns how many bytes the next piece may have.
_Size = Callable[[], int]
#: Yields the pieces of packed data, the last one at the end of the stream.
_Reader = Callable[[bytes, _Size], Iterator[bytes]]

_BROKEN = (zlib.error, OSError, ValueError, lzma.LZMAError, MemoryError)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Decompressed bytes; `complete` is True if the end of the stream was reached."""

    data: bytes
    packed: str = ""
    complete: bool = True


def packing_of(data: bytes) -> str:
    """Return the compression format by the first bytes ("gzip", …), or an empty text."""
    if is_plain_text(data):
        return ""
    return next((name for name, magic, _ in PACKINGS if data.startswith(magic)), "")


def unpack(
    data: bytes, limits: Limits, deadline: Deadline, findings: Findings, *, complete: bool = True
) -> Unpacked:
    """Return the bytes inside one layer of compression; problems are added to `findings`.

    `complete` False means that `data` is only the beginning, so that an early end is not a problem.
    """
    name = packing_of(data)
    if not name:
        return Unpacked(data)
    reader = next(reader for packing, _, reader in PACKINGS if packing == name)
    out = bytearray()
    ended = False
    try:
        ended = _collect(
            reader(data, lambda: _CHUNK), out, _Caps(len(data), limits, deadline, findings)
        )
    except ChecksumError as error:
        findings.note(ProblemKind.PACKING, f"{error}: what is shown may be damaged")
        ended = True
    except TrailingBytesError as error:
        findings.note(ProblemKind.PACKING, str(error))
        ended = True
    except EOFError:
        _note_end(name, out, findings, complete=complete)
    except _BROKEN:
        _salvage(reader, data, out, deadline)
        findings.note(
            ProblemKind.PACKING, f"{name} data is broken after {format_counted(len(out), 'byte')}"
        )
    # Not a single byte could be unpacked: the packed bytes are shown instead.
    if not out and not ended:
        return Unpacked(data, complete=False)
    return Unpacked(bytes(out), name, ended)


def _note_end(name: str, out: bytearray, findings: Findings, *, complete: bool) -> None:
    if complete:
        findings.note(
            ProblemKind.TRUNCATED, f"the {name} data ends after {format_counted(len(out), 'byte')}"
        )
    else:
        findings.note(ProblemKind.NOTE, BEGINNING)


def _salvage(reader: _Reader, data: bytes, out: bytearray, deadline: Deadline) -> None:
    """Append the bytes before the damage in a failed piece to `out`.

    A failing decoder discards the current piece. So the stream is read again up to that piece, and
    in smaller pieces from there.
    """
    for step in _SALVAGE_STEPS:
        with contextlib.suppress(EOFError, *_BROKEN):
            _read_on(reader, data, out, step, deadline)


def _read_on(reader: _Reader, data: bytes, out: bytearray, step: int, deadline: Deadline) -> None:
    good = len(out)
    done = 0

    def size() -> int:
        # Exactly up to the good part, so that the first smaller piece begins where the failed one
        # did.
        return min(_CHUNK, good - done) if done < good else step

    for number, piece in enumerate(reader(data, size)):
        if done >= good:
            out += piece
        done += len(piece)
        if number % 256 == 0 and deadline.passed:
            return


@dataclass(frozen=True, slots=True)
class _Caps:
    packed_bytes: int
    limits: Limits
    deadline: Deadline
    findings: Findings

    def reason(self, out: int) -> str:
        """Return why to stop with `out` bytes unpacked, or an empty text."""
        if out >= self.limits.bytes_out:
            return f"only the first {out // 1_000_000} MB unpacked are shown"
        if out > self.limits.bomb_min_bytes and out > self.limits.ratio * self.packed_bytes:
            return f"unpacks to more than {self.limits.ratio} times its size: stopped"
        return (
            "unpacking took too long: only the beginning is shown" if self.deadline.passed else ""
        )


def _collect(pieces: Iterator[bytes], out: bytearray, caps: _Caps) -> bool:
    """Append pieces to `out`; return whether the stream has ended."""
    for piece in pieces:
        out += piece
        reason = caps.reason(len(out))
        if reason:
            del out[caps.limits.bytes_out :]
            caps.findings.note(ProblemKind.LIMIT, reason)
            return False
    return True


def _streamed(name: str, make: Callable[[], _Decoder]) -> _Reader:
    """Return a reader for decoders of the standard library that bound their own output."""

    def pieces(data: bytes, size: _Size) -> Iterator[bytes]:
        # Several streams one after the other are one file, as `bzip2` and `xz` write when
        # appending.
        magic = data[:3]
        while data.startswith(magic):
            decoder = make()
            yield decoder.decompress(data, size())
            while not decoder.eof:
                if decoder.needs_input:
                    raise EOFError
                yield decoder.decompress(b"", size())
            data = decoder.unused_data
        if data.strip(b"\0"):
            raise TrailingBytesError(name, len(data))

    return pieces


def _zstd(data: bytes, size: _Size) -> Iterator[bytes]:
    """Yield pieces of a zstd stream."""
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    try:
        with decoder.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
            while piece := reader.read(size()):
                yield piece
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


#: Packing, the bytes it begins with, and how it is read. One line a packing.
PACKINGS: tuple[tuple[str, bytes, _Reader], ...] = (
    ("gzip", b"\x1f\x8b\x08", gzip_pieces),
    ("zstd", b"\x28\xb5\x2f\xfd", _zstd),
    ("bzip2", b"BZh", _streamed("bzip2", bz2.BZ2Decompressor)),
    ("xz", b"\xfd7zXZ\x00", _streamed("xz", lambda: lzma.LZMADecompressor(memlimit=_WINDOW))),
)

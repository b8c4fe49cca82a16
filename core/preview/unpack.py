"""Looks through gzip, zstd, bzip2 and xz as a stream, with caps on bytes, ratio and time."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.preview.limits import Deadline, Limits
from core.preview.problems import Findings, ProblemKind

_CHUNK = 64 * 1024
_WINDOW = 64 * 1024 * 1024  # the most memory a decoder may ask for

_Decoder = bz2.BZ2Decompressor | lzma.LZMADecompressor


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Bytes as they were before packing; `whole` when the end of the stream was reached."""

    data: bytes
    packed: str = ""
    whole: bool = True


def packing_of(data: bytes) -> str:
    """Return the packing that the first bytes tell ("gzip", …), or an empty text."""
    return next((name for name, magic, _ in PACKINGS if data.startswith(magic)), "")


def unpack(data: bytes, limits: Limits, deadline: Deadline, findings: Findings) -> Unpacked:
    """Return the bytes inside one layer of packing; what is wrong goes to `findings`."""
    name = packing_of(data)
    if not name:
        return Unpacked(data)
    pieces = next(pieces for packing, _, pieces in PACKINGS if packing == name)
    out = bytearray()
    whole = False
    try:
        whole = _collect(pieces(data), out, _Caps(len(data), limits, deadline), findings)
    except EOFError:
        findings.note(ProblemKind.TRUNCATED, f"the {name} data ends after {len(out):,} bytes")
    except (zlib.error, OSError, ValueError, lzma.LZMAError, MemoryError):
        findings.note(ProblemKind.PACKING, f"{name} data is broken after {len(out):,} bytes")
    if not out and not whole:
        return Unpacked(data)
    return Unpacked(bytes(out), name, whole)


@dataclass(frozen=True, slots=True)
class _Caps:
    packed_bytes: int
    limits: Limits
    deadline: Deadline

    def reason(self, out: int) -> str:
        """Return why to stop with `out` bytes unpacked, or an empty text."""
        if out >= self.limits.bytes_out:
            return f"only the first {out // 1_000_000} MB unpacked are shown"
        if out > self.limits.bomb_floor and out > self.limits.ratio * self.packed_bytes:
            return f"unpacks to more than {self.limits.ratio} times its size: stopped"
        return (
            "unpacking took too long: only the beginning is shown" if self.deadline.passed else ""
        )


def _collect(pieces: Iterator[bytes], out: bytearray, caps: _Caps, findings: Findings) -> bool:
    """Gather pieces into `out`; return whether the stream came to its end."""
    for piece in pieces:
        out += piece
        reason = caps.reason(len(out))
        if reason:
            del out[caps.limits.bytes_out :]
            findings.note(ProblemKind.LIMIT, reason)
            return False
    return True


def _gzip(data: bytes) -> Iterator[bytes]:
    """Yield pieces of all members of a gzip stream; raises EOFError when it is cut off."""
    at = 0
    while data.startswith(b"\x1f\x8b", at):
        decoder = zlib.decompressobj(wbits=31)
        feed = b""
        while not decoder.eof:
            if not feed:
                feed = data[at : at + _CHUNK]
                at += len(feed)
            piece = decoder.decompress(feed, _CHUNK)
            if not piece and not feed and not decoder.eof:
                raise EOFError
            feed = decoder.unconsumed_tail
            yield piece
        at -= len(decoder.unused_data)


def _streamed(make: Callable[[], _Decoder]) -> Callable[[bytes], Iterator[bytes]]:
    """Return a reader for decoders of the standard library that bound their own output."""

    def pieces(data: bytes) -> Iterator[bytes]:
        magic = data[:3]
        while data.startswith(magic):
            decoder = make()
            yield decoder.decompress(data, _CHUNK)
            while not decoder.eof:
                if decoder.needs_input:
                    raise EOFError
                yield decoder.decompress(b"", _CHUNK)
            data = decoder.unused_data

    return pieces


def _zstd(data: bytes) -> Iterator[bytes]:
    """Yield pieces of a zstd stream."""
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    try:
        with decoder.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
            while piece := reader.read(_CHUNK):
                yield piece
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


#: Packing, the bytes it begins with, and how it is read. One line a packing.
PACKINGS: tuple[tuple[str, bytes, Callable[[bytes], Iterator[bytes]]], ...] = (
    ("gzip", b"\x1f\x8b\x08", _gzip),
    ("zstd", b"\x28\xb5\x2f\xfd", _zstd),
    ("bzip2", b"BZh", _streamed(bz2.BZ2Decompressor)),
    ("xz", b"\xfd7zXZ\x00", _streamed(lambda: lzma.LZMADecompressor(memlimit=_WINDOW))),
)

"""Cyclic redundancy checks of S3: CRC-32, CRC-32C and CRC-64/NVME.

The first two are computed with instructions of the processor (the `fastcrc` package), at more than
10 GB/s: zlib's CRC-32, at 1 GB/s, would take longer than the SHA-256 of a file. All functions take
the value of the bytes before `data`, like `zlib.crc32`, and release the interpreter lock for blocks
of 16 KiB or more, except CRC-64/NVME, which is computed in Python at about 8 MB/s.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

#: The reversed polynomial of CRC-64/NVME, and the mask of its 64 bits.
_POLYNOMIAL, _MASK = 0x9A6C9329AC4BC9B5, (1 << 64) - 1


def crc32(data: bytes | memoryview, value: int = 0) -> int:
    """Return the CRC-32 of `data`, which follows the bytes of `value`."""
    return _native()[0](data, value)


def crc32c(data: bytes | memoryview, value: int = 0) -> int:
    """Return the CRC-32C (Castagnoli) of `data`, which follows the bytes of `value`."""
    return _native()[1](data, value)


def crc64nvme(data: bytes | memoryview, value: int = 0) -> int:
    """Return the CRC-64/NVME of `data`, which follows the bytes of `value`."""
    table, value = _table(), value ^ _MASK
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ _MASK


@cache
def _native() -> tuple[Callable[[Any, int], int], Callable[[Any, int], int]]:
    from fastcrc.crc32 import iscsi, iso_hdlc  # on first use: commands that list do not need it

    return iso_hdlc, iscsi


@cache
def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            # The bitwise definition of a reflected CRC; the table applies it to eight bits at once.
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901 - the definition
        rows.append(value)
    return tuple(rows)

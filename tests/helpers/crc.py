"""CRC-32C and CRC-64/NVME from their definitions: stock boto3 needs a native library for them."""

import base64
import zlib
from functools import cache

#: name -> (reflected polynomial, bits). Sources: RFC 3720 appendix B.4; NVM Express, NVM Command
#: Set Specification 1.0, section 5.2.1.3.4.
_POLYNOMIALS = {"CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)}


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    rows = []
    for value in range(256):
        row = value
        for _ in range(8):
            row = (row >> 1) ^ (polynomial if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


def checksum(name: str, data: bytes) -> str:
    """Return a checksum as S3's headers carry it: big-endian, base64."""
    if name == "CRC32":
        return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    polynomial, bits = _POLYNOMIALS[name]
    table, mask = _table(polynomial), (1 << bits) - 1
    value = mask
    for byte in data:
        value = table[(value ^ byte) & 255] ^ (value >> 8)
    return base64.b64encode((value ^ mask).to_bytes(bits // 8, "big")).decode()

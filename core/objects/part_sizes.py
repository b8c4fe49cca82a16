"""Whether a file is sent in one request or in parts, and the size of the parts."""

from __future__ import annotations

import math

from core.aws.limits import MIB, OBJECT_BYTES, PART_COUNT
from core.errors import InvalidInput
from core.units import format_counted

#: Files up to this size are sent in one request.
SINGLE_BYTES = 8 * MIB
_PART_BYTES = 8 * MIB


def part_size(size: int) -> int:
    """Return the part size for an object of `size` bytes; the last part may be smaller.

    Raises:
        InvalidInput: the object is larger than S3 allows.
    """
    if size > OBJECT_BYTES:
        raise InvalidInput(
            "The file is larger than S3 allows",
            cause=f"It has {format_counted(size, 'byte')}; the maximum for an object is {OBJECT_BYTES}.",
            remedy="Split the file.",
        )
    needed = math.ceil(size / PART_COUNT)
    return max(_PART_BYTES, math.ceil(needed / MIB) * MIB)

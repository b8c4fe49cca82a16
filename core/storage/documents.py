"""JSON documents of the bucket, gzip looked through, numbers exact."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from decimal import Decimal
from typing import Any

from core.errors import Corrupt

#: A document that unpacks to more than this is not read as a whole.
MOST_BYTES = 1024 * 1024 * 1024


def document(key: str, raw: bytes) -> Any:
    """Return the JSON value of an object; fractions are `Decimal`, never float.

    Raises:
        Corrupt: the bytes are not gzip or not JSON; the error says where.
    """
    try:
        if key.endswith(".gz") or raw[:2] == b"\x1f\x8b":
            raw = _unpacked(raw)
        return json.loads(raw, parse_float=Decimal)
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise Corrupt(
            f"{key} cannot be read",
            cause=f"{type(error).__name__}: {error}.",
            remedy="Look at it in the browser, or take an older version.",
            subject=key,
        ) from None


def _unpacked(raw: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        message = f"it unpacks to more than {MOST_BYTES} bytes"
        raise ValueError(message)
    return data

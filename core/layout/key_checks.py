"""Checks of keys and of the names in them."""

from __future__ import annotations

import unicodedata

from core.errors import InvalidInput
from core.units import format_counted

#: Bytes of UTF-8 in a key (S3 user guide, "Naming Amazon S3 objects").
KEY_BYTES = 1024


def check_segment(name: str, value: str) -> str:
    """Check that a value is valid as one segment of a key, and return it.

    Raises:
        InvalidInput: the value is not valid; the error contains `name`.
    """
    if not value.strip():
        raise _refused(name, value, "it is empty")
    if value in {".", ".."}:
        raise _refused(name, value, "it would mean another folder")
    if "/" in value:
        raise _refused(name, value, "a slash would divide it into two segments")
    # Cs are lone surrogates, which cannot be encoded as UTF-8.
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise _refused(name, value, "it contains a control character")
    return value


def check_key(key: str) -> str:
    """Check that a key is valid in S3, and return it.

    Raises:
        InvalidInput: the key is empty, not UTF-8, or longer than 1,024 bytes.
    """
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise _refused("key", key, "it is not valid Unicode") from None
    if not 0 < size <= KEY_BYTES:
        raise _refused(
            "key", key, f"it has {format_counted(size, 'byte')}, S3 allows 1 to {KEY_BYTES}"
        )
    return key


def _refused(name: str, value: object, why: str) -> InvalidInput:
    return InvalidInput(
        f"{value!r} cannot be used as {name.replace('_', ' ')}",
        cause=f"In a key {why}.",
        remedy="Use letters, digits, dashes, dots and underscores.",
        subject=str(value)[:80],
    )

"""Checks of keys and of the names in them."""

from __future__ import annotations

import unicodedata

from core.errors import InvalidInput
from core.units import format_count, format_counted

#: Bytes of UTF-8 in a key (S3 user guide, "Naming Amazon S3 objects").
KEY_BYTES = 1024


#: Characters of a refused value that its error shows at each end.
_SHOWN = 30
_CHARACTERS = "Use letters, digits, dashes, dots and underscores."


def check_segment(name: str, value: str) -> str:
    """Check that a value is valid as one segment of a key, and return it.

    Raises:
        InvalidInput: the value is not valid; the error contains `name`.
    """
    if not value.strip():
        raise _refused(name, value, "It is empty.")
    if value in {".", ".."}:
        raise _refused(name, value, "It would mean another folder.")
    if "/" in value:
        raise _refused(name, value, "A slash would divide it into two segments of the key.")
    # Cs are lone surrogates, which cannot be encoded as UTF-8.
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise _refused(name, value, "It contains a control character.")
    return value


def check_key(key: str) -> str:
    """Check that a key is valid in S3, and return it.

    Raises:
        InvalidInput: the key is empty, not UTF-8, or longer than 1,024 bytes.
    """
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise _refused("key", key, "It is not valid Unicode.") from None
    if not key:
        raise _refused("key", key, "It is empty.")
    if size > KEY_BYTES:
        limit = f"It has {format_counted(size, 'byte')}; S3 allows {format_count(KEY_BYTES)}."
        raise _refused("key", key, limit, "Use a shorter key.")
    return key


def _refused(name: str, value: str, cause: str, remedy: str = _CHARACTERS) -> InvalidInput:
    # A value that is too long would hide the rest of the message.
    long = len(value) > 2 * _SHOWN
    excerpt = f"{value[:_SHOWN]}…{value[-_SHOWN:]}" if long else value
    return InvalidInput(
        f"{excerpt!r} cannot be used as the {name.replace('_', ' ')}",
        cause=cause,
        remedy=remedy,
        subject=value[:80],
    )

"""Construction of keys, with checks of the names in them."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from core.errors import InvalidInput
from core.layout.kinds import Kind, kind
from core.layout.timestamps import key_timestamp
from core.units import format_counted

#: Bytes of UTF-8 in a key (S3 user guide, "Naming Amazon S3 objects").
KEY_BYTES = 1024


def build(kind_id: str, *, moment: datetime | None = None, **names: str) -> str:
    """Return the key of one object of a kind.

    Args:
        kind_id: an id of `KINDS`.
        moment: the time of the data, now if None; a naive one is taken as UTC.
        names: the names of the kind, for example `symbol` and `timeframe`.

    Raises:
        InvalidInput: a name is missing, empty, `.` or `..`, or contains `/` or a control character,
            or the key would be longer than 1,024 bytes.
    """
    found = kind(kind_id)
    moment, spelled = key_timestamp(moment)
    segments = {name: check_segment(name, names.get(name, "")) for name in found.names}
    _refuse_others(found, names)
    key = found.template.format(
        **segments,
        Y=f"{moment.year:04}",
        M=f"{moment.month:02}",
        D=f"{moment.day:02}",
        H=f"{moment.hour:02}",
        m=f"{moment.minute:02}",
        ts=spelled,
    )
    return check_key(key)


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


def _refuse_others(found: Kind, names: dict[str, str]) -> None:
    if unknown := sorted(set(names) - set(found.names)):
        raise InvalidInput(
            f"{found.title} have no {', '.join(unknown)}",
            cause=f"They are named by {', '.join(found.names)}.",
            remedy="Omit the other names.",
        )


def _refused(name: str, value: object, why: str) -> InvalidInput:
    return InvalidInput(
        f"{value!r} cannot be used as {name.replace('_', ' ')}",
        cause=f"In a key {why}.",
        remedy="Use letters, digits, dashes, dots and underscores.",
        subject=str(value)[:80],
    )

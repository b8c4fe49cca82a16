"""JSON documents in the bucket: reading with decompression, and strict writing."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

from core.errors import Corrupt, InvalidInput

#: Maximum size of a decompressed document, in bytes.
MOST_BYTES = 1024 * 1024 * 1024
#: Treatment of NaN, infinities and pandas' missing values: an error, or null instead.
NanRule = Literal["refuse", "null"]

#: Maximum number of values that an error names.
_NAMED = 5
#: Types of pandas' missing values, which `str` would convert to "NaT" or "<NA>".
_MISSING = frozenset({"NaTType", "NAType"})

#: Position of a value: the path of its container, and its name or index in it.
_Path = tuple["_Path | None", str]


def document(key: str, raw: bytes, *, exact: bool = False) -> Any:
    """Return the JSON value of an object.

    Args:
        key: the object's key; the bytes are decompressed if it ends in `.gz` or they start like
            gzip.
        raw: the object's bytes.
        exact: return fractions as `Decimal`, never as float.

    Raises:
        Corrupt: the bytes are not gzip or not JSON; the error has the position.
    """
    try:
        # Compressed objects without the ending .gz are known by gzip's magic number (RFC 1952).
        if key.endswith(".gz") or raw[:2] == b"\x1f\x8b":
            raw = _unpacked(raw)
        return json.loads(raw, parse_float=Decimal if exact else None)
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise Corrupt(
            f"{key} cannot be read",
            cause=f"{type(error).__name__}: {error}.",
            remedy="Open the object in the browser to see its content, or restore an older "
            "version.",
            subject=key,
        ) from None


def _unpacked(raw: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        # One byte more than allowed shows that the limit is exceeded, without decompressing
        # everything.
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        message = f"its decompressed size exceeds {MOST_BYTES} bytes"
        raise ValueError(message)
    return data


@dataclass(frozen=True, slots=True)
class Payload:
    """The part of a document that the caller supplies.

    `member` is its name in the document, `argument` its name in the call, for errors.
    """

    member: str
    argument: str
    value: Any


def encoded(head: Mapping[str, str], payload: Payload, *, nan: NanRule = "refuse") -> bytes:
    """Return a document of the data contract as indented JSON in UTF-8.

    Values that JSON does not support (datetimes, Decimals) are converted to text.

    Args:
        head: the members before the payload.
        payload: the caller's data.
        nan: "refuse" NaN and infinities, or write "null" instead.

    Raises:
        InvalidInput: a value is NaN or infinite (the error names it), or not serializable.
    """
    if nan not in ("refuse", "null"):
        raise InvalidInput(
            f"nan={nan!r} is not valid",
            cause="The argument specifies the treatment of NaN and infinities.",
            remedy='Use nan="refuse" (the default) or nan="null".',
        )
    plain = _Plain()
    try:
        value = plain.copy(payload.value, (None, payload.argument))
        if nan == "refuse" and plain.refused:
            raise _not_json(plain.refused, plain.count)
        body = {**head, payload.member: value}
        # Indented and with `default=str`, as earlier scripts wrote these documents (data contract).
        text = json.dumps(body, indent=2, default=str, ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{payload.argument} cannot be written as JSON",
            cause=f"{type(error).__name__}: {error}.",
            effect="Nothing was stored.",
            remedy="Use texts as names, valid Unicode in texts, and no value that contains itself.",
        ) from None


@dataclass(slots=True)
class _Plain:
    """Copies values into dicts and lists; NaN and infinities become None and are collected."""

    refused: list[str] = field(default_factory=list)
    count: int = 0

    def copy(self, value: Any, path: _Path) -> Any:
        if isinstance(value, Mapping):
            return {name: self.copy(item, (path, f".{name}")) for name, item in value.items()}
        # Tuples become lists, as `json` would write them; texts and bytes are sequences as well.
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
            return [self.copy(item, (path, f"[{at}]")) for at, item in enumerate(value)]
        if _is_finite(value):
            return value
        self.count += 1
        if len(self.refused) < _NAMED:
            self.refused.append(f"{_rendered(path)} is {value}")
        return None


def _is_finite(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    # An integer of any size is finite, but `math.isfinite` raises OverflowError for large ones.
    if isinstance(value, int | str):
        return True
    if isinstance(value, Real):  # float and numpy's floats of every width
        return math.isfinite(value)
    return type(value).__name__ not in _MISSING


def _rendered(path: _Path) -> str:
    parts = []
    at: _Path | None = path
    while at is not None:
        at, part = at
        parts.append(part)
    return "".join(reversed(parts))


_NO_NAN = "JSON has no NaN and no infinity (RFC 8259, section 6)."


def _not_json(refused: Sequence[str], count: int) -> InvalidInput:
    cause, others = _NO_NAN, "; ".join(refused[1:])
    if count > len(refused):
        cause = f"{_NO_NAN} Further such values: {others}; {count - len(refused)} more."
    elif others:
        cause = f"{_NO_NAN} Further such values: {others}."
    return InvalidInput(
        f"{refused[0]}, which JSON does not support",
        cause=cause,
        effect="Nothing was stored.",
        remedy='Correct the data, or pass nan="null" to store null instead of such values.',
        subject=refused[0].partition(" is ")[0],
    )

"""The difference of two versions of an object: of JSON by its values, of other texts by lines."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from core.errors import InvalidInput
from core.model.listing import ObjectInfo
from core.objects.bucket import Bucket
from core.objects.reading import head, read
from core.units import format_size
from core.work import Work, default_work

#: Larger versions are not compared: both would be in memory, and no one reads such a difference.
MOST_BYTES = 4 * 1024 * 1024
#: Lines of the result, after which only their number is stated.
_MOST_LINES = 5_000
#: Nesting of JSON values that is described by paths; deeper values are compared as one text.
_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two versions.

    Attributes:
        lines: lines that begin with `+`, `-` or a space; empty if the contents are equal.
        kind: `JSON values`, `lines` or `bytes`.
        omitted: the number of further lines.
    """

    lines: tuple[str, ...]
    kind: str
    omitted: int = 0


def compare_versions(
    bucket: Bucket, key: str, older: str, newer: str, *, work: Work | None = None
) -> Difference:
    """Read two versions of an object and compare them.

    Args:
        bucket: the bucket.
        key: the object.
        older: the id of the version that is shown as removed lines.
        newer: the id of the other version.
        work: cancel and retry budget.

    Raises:
        InvalidInput: a version is too large.
        StorageError: a version cannot be read.
    """
    work = default_work(work)
    found = []
    for version in (older, newer):
        info = head(bucket, key, version_id=version, work=work)
        _refuse_large(info, bucket)
        found.append(read(bucket, key, version_id=version, work=work))
    return compare_contents(*found)


def _refuse_large(info: ObjectInfo, bucket: Bucket) -> None:
    if info.size > MOST_BYTES:
        raise InvalidInput(
            f"A version of {info.key} is too large to be compared",
            cause=f"It has {format_size(info.size)}; the limit is {format_size(MOST_BYTES)}.",
            remedy="Download both versions and compare the files.",
            subject=bucket.subject(info.key),
        )


def compare_contents(older: bytes, newer: bytes) -> Difference:
    """Compare two contents; gzip is decompressed, numbers are compared as they are written."""
    before, after = _decompressed(older), _decompressed(newer)
    if before == after:
        return Difference((), "bytes")
    try:
        texts = before.decode("utf-8"), after.decode("utf-8")
    except UnicodeDecodeError:
        line = f"The bytes differ: {format_size(len(older))} and {format_size(len(newer))}."
        return Difference((line,), "bytes")
    try:
        values = [json.loads(text, parse_float=_Number, parse_int=_Number) for text in texts]
    except (ValueError, RecursionError):
        return _shortened(_line_difference(*texts), "lines")
    return _shortened(_value_difference(*values), "JSON values")


class _Number(str):
    """A number as it is written: 1.0 and 1.00 differ, and no digit is lost."""

    __slots__ = ()


def _decompressed(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(MOST_BYTES + 1)
    except (OSError, EOFError):
        return data
    # A bomb is compared in its compressed form.
    return data if len(plain) > MOST_BYTES else plain


def _shortened(lines: Iterator[str], kind: str) -> Difference:
    found = list(lines)
    return Difference(tuple(found[:_MOST_LINES]), kind, max(0, len(found) - _MOST_LINES))


def _line_difference(before: str, after: str) -> Iterator[str]:
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    # The first two lines name files, which versions have not.
    return (line for number, line in enumerate(lines) if number > 1)


def _value_difference(before: Any, after: Any) -> Iterator[str]:
    old, new = dict(_flat(before)), dict(_flat(after))
    if old == new:
        yield "  The values are equal; only the order of names or the white space differs."
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            if path in old:
                yield f"- {path}: {old[path]}"
            if path in new:
                yield f"+ {path}: {new[path]}"


def _flat(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield path and text of each value, for example `data[2].close` and `42017.50`."""
    if depth > _DEPTH or not isinstance(value, dict | list) or not value:
        yield path or "the document", _text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name, depth + 1)
    else:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{number}]", depth + 1)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)

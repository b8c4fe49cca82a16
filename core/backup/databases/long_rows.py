"""Rows in several pieces, so that a value of hundreds of megabytes is never in memory completely."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import zip_longest

#: Maximum length of a row's line in bytes; a longer row is refused when it is backed up.
LONGEST_LINE = 1 << 30


def complete_rows(rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield the same rows in pieces that end with a row, however long it is."""
    pending: list[bytes] = []
    for count, data in rows:
        if count and not pending:
            yield count, data
            continue
        pending.append(data)
        if count:
            yield count, b"".join(pending)
            pending.clear()


def are_equal(some: Iterable[tuple[int, bytes]], others: Iterable[tuple[int, bytes]]) -> bool:
    """Return whether complete rows of JSON lines have the same values in the same order."""
    return all(
        left is not None and right is not None and _values(left) == _values(right)
        for left, right in zip_longest(_lines(some), _lines(others))
    )


def _lines(rows: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    for _, lines in rows:
        yield from lines.rstrip(b"\n").split(b"\n")


def _values(line: bytes) -> str:
    """Return the values of a row with types and signs: 1, 1.0, -0.0 and "1" all differ."""
    return repr(json.loads(line))

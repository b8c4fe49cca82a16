"""Rows in several pieces, so that a value of hundreds of megabytes is never in memory completely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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

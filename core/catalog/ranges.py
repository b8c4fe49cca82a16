"""Ranges of keys. S3 sorts keys by the bytes of UTF-8, in which DuckDB compares texts, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: Greater than every key, which has at most 1,024 bytes.
LAST_KEY = "\U0010ffff" * 257

#: First key, and the first key behind the range.
Range = tuple[str, str]


def prefix_end(prefix: str) -> str:
    """Return the first text behind all keys with a prefix that is empty or ends in `/`."""
    # "0" follows "/" in UTF-8.
    return prefix[:-1] + "0" if prefix else LAST_KEY


def range_of(prefix: str, after: str = "") -> Range:
    """Return the range of the keys with a prefix, or of those after a key."""
    # No text is between a key and the same key followed by a null character.
    return (after + "\0" if after else prefix), prefix_end(prefix)


def gaps(prefix: str, folders: Iterable[str]) -> Sequence[Range]:
    """Return the ranges of keys with a prefix that are in none of the folders below it."""
    found: list[Range] = []
    begin, end = range_of(prefix)
    for folder in sorted(folders):
        if begin < folder:
            found.append((begin, folder))
        begin = prefix_end(folder)
    if begin < end:
        found.append((begin, end))
    return found

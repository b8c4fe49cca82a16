"""Comparison of wildcard patterns, in which `*` is any text and `?` one character."""

from __future__ import annotations


def covers(pattern: str, other: str) -> bool:
    """Return whether `pattern` matches every text that `other` matches.

    True is always correct; the result may be False for differently spelled patterns of the same
    set.
    """
    # Dynamic programming over both patterns: `row[n]` is whether the pattern so far covers
    # `other[:n]`.
    row = [True] + [False] * len(other)
    for char in pattern:
        last, row = row, [char == "*" and row[0]]
        for number, theirs in enumerate(other):
            if char == "*":
                fits = last[number + 1] or row[number]
            else:
                fits = last[number] and theirs != "*" and char in {"?", theirs}
            row.append(fits)
    return row[-1]


def overlaps(pattern: str, other: str) -> bool:
    """Return whether some text matches both patterns."""
    # `row[n]` is whether the pattern so far and `other[:n]` match a common text.
    row = [True]
    for theirs in other:
        row.append(row[-1] and theirs == "*")
    for char in pattern:
        last, row = row, [char == "*" and row[0]]
        for number, theirs in enumerate(other):
            if "*" in {char, theirs}:
                fits = last[number + 1] or row[number]
            else:
                fits = last[number] and (char in {"?", theirs} or theirs == "?")
            row.append(fits)
    return row[-1]

"""Values of a preview as a person reads them: long ones are cut."""

from __future__ import annotations

#: Characters that are shown before the first difference of two long values.
_BEFORE = 8


def cut(text: str, longest: int) -> str:
    """Return the beginning of a text that has more than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def cut_pair(today: str, backup: str, longest: int) -> tuple[str, str]:
    """Return the texts of two different values, cut so that their first difference is visible.

    If both texts are the same, the values differ behind what was read of them: their beginnings.

    Args:
        today: The text of the present row.
        backup: The text of the row of the backup.
        longest: The most characters of each result.
    """
    shown = cut(today, longest), cut(backup, longest)
    if shown[0] != shown[1] or today == backup:
        return shown
    start = _first_difference(today, backup) - _BEFORE
    if start <= 0:
        return shown
    return cut("…" + today[start:], longest), cut("…" + backup[start:], longest)


def _first_difference(one: str, other: str) -> int:
    """Return the length of the common beginning; by halves, since values may have megabytes."""
    same, most = 0, min(len(one), len(other))
    while same < most:
        middle = (same + most + 1) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            most = middle - 1
    return same

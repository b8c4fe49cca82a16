"""Ranges that are requested before it is known that every server places their bounds alike.

Folders beside each other usually have the same folders inside, so a folder is divided like the
first one while the names in it are still requested. An answer of such a range waits until these
names have arrived. Then the folder is divided by its own names: ranges that are the same are used
with their answers, and all others are dropped, unread.
"""

from __future__ import annotations

from core.objects.key_ranges import KeyRange
from core.objects.pages import Columns

#: A page of a range, and what continues it.
Answer = tuple[KeyRange, Columns, str | None]


class ExpectedRanges:
    """The expected ranges of all folders whose names are not known yet."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[KeyRange, list[KeyRange]]] = {}
        self._bounds: dict[str, list[str]] = {}
        self._homes: dict[KeyRange, str] = {}
        self._answers: dict[str, list[Answer]] = {}
        self._dropped: set[KeyRange] = set()

    def add(self, home: str, bounds: list[str], first: KeyRange, others: list[KeyRange]) -> None:
        """Expect that a folder is divided.

        Args:
            home: the folder.
            bounds: the texts at which it is divided.
            first: its range up to the first one.
            others: the ranges after each of them.
        """
        self._parts[home], self._bounds[home] = (first, others), bounds
        self._homes |= dict.fromkeys([first, *others], home)

    def __contains__(self, part: KeyRange) -> bool:
        """Whether a range is only expected, or was dropped."""
        return part in self._homes or part in self._dropped

    def store(self, part: KeyRange, columns: Columns, token: str | None) -> None:
        """Store the answer of a range that `in` contains, until its folder is settled."""
        if part not in self._dropped:
            self._answers.setdefault(self._homes[part], []).append((part, columns, token))

    def drop(self, part: KeyRange) -> bool:
        """Drop a range that is refused, and return whether it may be: it may not be needed."""
        if part in self._homes and part is not self._parts[self._homes[part]][0]:
            self._parts[self._homes.pop(part)][1].remove(part)
            self._dropped.add(part)
        return part in self._dropped

    def bounds(self, home: str) -> list[str]:
        """Return the bounds of a folder; none if it is not expected to be divided."""
        return self._bounds.get(home, [])

    def settle(
        self, home: str, bounds: list[str], others: list[KeyRange]
    ) -> tuple[list[KeyRange], set[KeyRange], list[Answer]]:
        """Replace the expected ranges of a folder by those that its names allow.

        Args:
            home: the folder.
            bounds: those of its bounds that every server places alike.
            others: the ranges after each of them.

        Returns:
            The ranges that were not expected and have to be requested, those that are dropped, and
            the stored answers of those that were expected.
        """
        first, expected = self._parts.pop(home)
        del self._bounds[home]
        for part in (first, *expected):
            del self._homes[part]
        # Its request does not depend on where it ends.
        first.until = bounds[0] if bounds else None
        same = {_place(part): part for part in expected}
        missing = [part for part in others if same.pop(_place(part), None) is None]
        dropped = set(same.values())
        self._dropped |= dropped
        answers = [each for each in self._answers.pop(home, []) if each[0] not in self._dropped]
        return missing, dropped, answers


def _place(part: KeyRange) -> tuple[str, str, str | None]:
    return part.prefix, part.after, part.until

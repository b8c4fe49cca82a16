"""The number of orphaned rows, which refer to missing rows, that a replaced table adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

#: Returns how many rows of a table satisfy any of these conditions.
Count = Callable[[Sequence[str]], int]


def more_orphans(keys: Iterable[tuple[str, bool]], now: Count, before: Count) -> int:
    """Return how many more rows are orphans than in the replaced table, by keys that have more.

    Args:
        keys: For each foreign key the condition of orphans, and whether the replaced table has its
            columns, so that its orphans are subtracted.
        now: Counts rows of the new table.
        before: Counts rows of the replaced one.

    Returns:
        The number. A row counts once, by however many keys it refers to missing rows.
    """
    counts: list[int] = []
    tests: list[str] = []
    former: list[str] = []
    for test, existed in keys:
        there = [test] if existed else []
        count = now([test])
        count -= before(there) if count else 0
        if count > 0:
            counts.append(count)
            tests.append(test)
            former += there
    if len(counts) < 2:
        return sum(counts)
    return max(*counts, now(tests) - before(former))

"""Sums inside each folder: by storage class, month and size, and its largest objects.

A page is counted run by run (see `totals.runs`). A value that is equal for a complete page, usually
the storage class, costs one addition for each run, so that a million keys are counted quickly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest

from core.model.statistics import FolderDetail, LargeObject, Share

#: Minimum billed object size of archive classes in bytes (S3 pricing).
SMALL_BYTES = 128 * 1024
#: Upper bounds of the size histogram, in bytes.
BOUNDS = (1024, 10_240, SMALL_BYTES, 1_048_576, 10_485_760, 104_857_600, 1_073_741_824)
#: Maximum number of folders with details; with more folders, their parents have the details.
MOST_DETAILS = 2000
#: Number of largest objects that are stored for a folder, and if there are many folders.
LARGEST_OF_FOLDER, LARGEST_OF_MANY = 20, 3
#: Runs up to this length are counted object by object, which is faster than sorting slices.
_SHORT = 4

#: Size, key and time of an object, sorted by size.
Large = tuple[int, str, str]
Sums = dict[str, list[int]]


class PageTexts:
    """Storage classes and months of one page, and their common values."""

    def __init__(self, classes: Sequence[str], modified: Sequence[str]) -> None:
        self.classes = classes
        self.months = [text[:7] for text in modified]
        self.one_class = classes[0] if len(set(classes)) == 1 else ""
        self.one_month = self.months[0] if len(set(self.months)) == 1 else ""


class FolderSums:
    """Count and size of a folder, in total and by storage class, month and range of sizes."""

    __slots__ = ("classes", "largest", "months", "objects", "ranges", "size")

    def __init__(self) -> None:
        self.objects = self.size = 0
        self.classes: Sums = {}
        self.months: Sums = {}
        self.ranges = [0] * (2 * len(BOUNDS) + 2)
        self.largest: list[Large] = []

    def add(self, sizes: Sequence[int], texts: PageTexts, begin: int) -> None:
        """Count one run of a page, which starts at the row `begin`."""
        count, total, end = len(sizes), sum(sizes), begin + len(sizes)
        self.objects += count
        self.size += total
        if texts.one_class:
            put(self.classes, texts.one_class, count, total)
        else:
            _put_each(self.classes, texts.classes[begin:end], sizes)
        if texts.one_month:
            put(self.months, texts.one_month, count, total)
        else:
            _put_each(self.months, texts.months[begin:end], sizes)
        self._add_ranges(sizes)

    def add_largest(self, rows: Iterable[Large], limit: int) -> None:
        """Update the largest objects."""
        self.largest = nlargest(limit, [*self.largest, *rows])

    def least(self, limit: int) -> int:
        """Return the size that an object must exceed to be among the largest."""
        return self.largest[-1][0] if len(self.largest) >= limit else -1

    def merge(self, other: FolderSums) -> None:
        """Add the sums of other objects."""
        self.objects += other.objects
        self.size += other.size
        for mine, theirs in ((self.classes, other.classes), (self.months, other.months)):
            for name, (count, size) in theirs.items():
                put(mine, name, count, size)
        self.ranges = [mine + more for mine, more in zip(self.ranges, other.ranges, strict=True)]
        if other.largest:
            self.add_largest(other.largest, LARGEST_OF_FOLDER)

    def _add_ranges(self, sizes: Sequence[int]) -> None:
        ranges = self.ranges
        if len(sizes) <= _SHORT:
            for size in sizes:
                place = 2 * bisect_right(BOUNDS, size)
                ranges[place] += 1
                ranges[place + 1] += size
            return
        ordered, begin = sorted(sizes), 0
        # Sorting once and searching the bounds is faster than a search for each object.
        for number, bound in enumerate((*BOUNDS, ordered[-1] + 1)):
            end = bisect_left(ordered, bound, begin)
            if end > begin:
                ranges[2 * number] += end - begin
                ranges[2 * number + 1] += sum(ordered[begin:end])
                begin = end


def put(sums: Sums, name: str, count: int, size: int) -> None:
    """Add a count and a size to one group."""
    group = sums.get(name)
    if group is None:
        sums[name] = [count, size]
    else:
        group[0] += count
        group[1] += size


def _put_each(sums: Sums, names: Sequence[str], sizes: Sequence[int]) -> None:
    counts = Counter(names)
    if len(counts) == 1:
        put(sums, names[0], len(names), sum(sizes))
        return
    totals = dict.fromkeys(counts, 0)
    for name, size in zip(names, sizes, strict=True):
        totals[name] += size
    for name, count in counts.items():
        put(sums, name, count, totals[name])


def ranges_of(flat: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return count and size of each range of sizes, the smallest range first."""
    return zip(flat[::2], flat[1::2], strict=True)


def details_of(folders: Mapping[str, FolderSums]) -> tuple[FolderDetail, ...]:
    """Return the details of all folders, or of their parents if there are too many."""
    if len(folders) > MOST_DETAILS:
        folders = _cut(folders)
    # The result crosses a pipe between processes, so its size is limited.
    limit = LARGEST_OF_FOLDER if len(folders) <= MOST_DETAILS // 4 else LARGEST_OF_MANY
    return tuple(_detail(name, sums, limit) for name, sums in sorted(folders.items()))


def _cut(folders: Mapping[str, FolderSums]) -> dict[str, FolderSums]:
    """Return the sums of the deepest level that has few enough folders."""
    # Complete levels are merged, so that the details of all folders stay comparable.
    depth = max(name.count("/") for name in folders)
    while depth > 1 and len({_above(name, depth) for name in folders}) > MOST_DETAILS:
        depth -= 1
    found: defaultdict[str, FolderSums] = defaultdict(FolderSums)
    for name, sums in folders.items():
        found[_above(name, depth)].merge(sums)
    return dict(found) if len(found) <= MOST_DETAILS else {}


def _above(name: str, depth: int) -> str:
    return "/".join(name.split("/")[:depth])


def _detail(name: str, sums: FolderSums, limit: int) -> FolderDetail:
    return FolderDetail(
        name,
        tuple(Share(each, *group) for each, group in sums.classes.items()),
        tuple(Share(each, *group) for each, group in sums.months.items()),
        tuple(ranges_of(sums.ranges)),
        tuple(LargeObject(key, size, when) for size, key, when in sums.largest[:limit]),
    )

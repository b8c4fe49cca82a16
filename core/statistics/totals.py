"""Counting of the pages of a listing, in runs of keys.

A page is sorted, so the keys of a folder are adjacent: start and end of a run are found by
bisection, and its sizes are summed in C. A million keys take a few tenths of a second.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from core.layout.kinds import KINDS
from core.layout.parsing import kind_of
from core.model.statistics import LargeObject, Share, StorageStatistics
from core.objects.pages import Columns
from core.statistics.details import (
    BOUNDS,
    LARGEST_OF_FOLDER,
    LARGEST_OF_MANY,
    MOST_DETAILS,
    SMALL_BYTES,
    FolderSums,
    PageTexts,
    Sums,
    details_of,
    put,
    ranges_of,
)
from core.units import format_size, utc_now

#: Maximum depth below the counted prefix, and number, of separately counted folders.
FOLDER_DEPTH = 4
# The table of folders crosses the pipe to the window with every partial result.
MOST_FOLDERS = 20_000
#: Name of the group for objects outside any folder.
ROOT = "(top level)"
LARGEST = 100

_TITLES = {kind.id: kind.title for kind in KINDS} | {"other": "Other objects"}
#: Number of size groups that are entirely below the limit of small objects.
_SMALL_GROUPS = BOUNDS.index(SMALL_BYTES) + 1


class Totals:
    """The current sums; not thread-safe."""

    def __init__(self, bucket: str, prefix: str, depth: int | None = None) -> None:
        """Begin with no objects.

        Args:
            bucket: the name of the bucket.
            prefix: the prefix of all keys.
            depth: the number of levels of separately counted folders; None for `depth_of(prefix)`.
        """
        self._bucket, self._prefix = bucket, prefix
        self._depth = depth_of(prefix) if depth is None else depth
        self._started = utc_now()
        self.objects, self.size = 0, 0
        self._folders: defaultdict[str, FolderSums] = defaultdict(FolderSums)
        self._largest: list[tuple[int, str, str]] = []

    def add(self, page: Columns) -> None:
        """Count a page."""
        page = _sorted(page)
        keys, sizes, modified = page.keys, page.sizes, page.modified
        texts = PageTexts(page.classes, modified)
        self.objects += len(keys)
        self.size += sum(sizes)
        many = len(self._folders) > MOST_DETAILS // 4
        limit = LARGEST_OF_MANY if many else LARGEST_OF_FOLDER
        for folder, begin, end in runs(keys, self._depth):
            sums, part = self._folder(folder), sizes[begin:end]
            sums.add(part, texts, begin)
            # Most runs contain no object that is large enough, and one comparison excludes them.
            if max(part) > sums.least(limit):
                rows = zip(part, keys[begin:end], modified[begin:end], strict=True)
                sums.add_largest(rows, limit)
        self._add_largest(page)

    def merge(self, other: Totals) -> None:
        """Add the totals of other keys of the same bucket."""
        self.objects += other.objects
        self.size += other.size
        for folder, sums in other._folders.items():
            # The other process has the name ROOT for the empty folder.
            self._folder("" if folder == ROOT else folder).merge(sums)
        self._largest = heapq.nlargest(LARGEST, [*self._largest, *other._largest])
        heapq.heapify(self._largest)

    def snapshot(self, *, list_calls: int, partial: bool) -> StorageStatistics:
        """Return the current sums, with details of folders only if they are complete."""
        folders = _shares({name: (f.objects, f.size) for name, f in self._folders.items()})
        ranges = self._ranges()
        small = list(ranges_of(ranges))[:_SMALL_GROUPS]
        return StorageStatistics(
            bucket=self._bucket,
            prefix=self._prefix,
            started=self._started,
            finished=utc_now(),
            partial=partial,
            list_calls=list_calls,
            objects=self.objects,
            size=self.size,
            small_objects=sum(count for count, _ in small),
            small_size=sum(size for _, size in small),
            folders=folders,
            tops=group_totals(folders, lambda name: name.partition("/")[0]),
            kinds=by_kind(folders),
            symbols=by_symbol(folders),
            classes=_shares(_sums(sums.classes for sums in self._folders.values())),
            months=by_name(_shares(_sums(sums.months for sums in self._folders.values()))),
            sizes=histogram(ranges_of(ranges)),
            largest=tuple(
                LargeObject(key, size, modified)
                for size, key, modified in sorted(self._largest, reverse=True)
            ),
            # Details are expensive to build and would be replaced by the next partial result.
            details=() if partial else details_of(self._folders),
        )

    def _folder(self, folder: str) -> FolderSums:
        """Return the sums of a folder, or of its parent if the limit is reached."""
        # The parent's sums then include the folder, so that totals stay complete.
        while folder not in self._folders and len(self._folders) >= MOST_FOLDERS and folder:
            folder = folder.rpartition("/")[0]
        return self._folders[folder or ROOT]

    def _ranges(self) -> list[int]:
        # Without folders `zip` yields nothing; an empty bucket still has all ranges.
        columns = zip(*(sums.ranges for sums in self._folders.values()), strict=True)
        return [sum(column) for column in columns] or FolderSums().ranges

    def _add_largest(self, page: Columns) -> None:
        least = self._largest[0][0] if len(self._largest) == LARGEST else -1
        if not page.sizes or max(page.sizes) <= least:
            return
        rows = zip(page.sizes, page.keys, page.modified, strict=True)
        self._largest = heapq.nlargest(
            LARGEST, [*self._largest, *(row for row in rows if row[0] > least)]
        )
        heapq.heapify(self._largest)


def depth_of(prefix: str) -> int:
    """Return the number of levels of separately counted folders for a scan of a prefix."""
    return prefix.count("/") + FOLDER_DEPTH


def runs(keys: list[str], depth: int = FOLDER_DEPTH) -> Iterator[tuple[str, int, int]]:
    """Yield each folder of sorted keys with start and end of its run."""
    begin, count = 0, len(keys)
    while begin < count:
        folder = folder_of(keys[begin], depth)
        # Objects outside any folder are adjacent to folders in the order of keys, so each is its
        # own run.
        if not folder:
            yield "", begin, begin + 1
            begin += 1
            continue
        # "0" follows "/" in Unicode, so this is the first key after those in the folder.
        end = bisect_left(keys, f"{folder}0", begin)
        end = _shallow_end(keys, folder, begin, end, depth)
        yield folder, begin, end
        begin = end


def folder_of(key: str, depth: int = FOLDER_DEPTH) -> str:
    """Return the folder of a key, cut at so many levels, without its last slash."""
    return "/".join(key.split("/", depth)[:depth][: key.count("/")])


def _shallow_end(keys: list[str], folder: str, begin: int, end: int, depth: int) -> int:
    """End a run before deeper folders: `a/x` is in `a`, `a/b/c` in `a/b`."""
    if folder.count("/") + 1 >= depth:
        return end
    return next((n for n in range(begin, end) if folder_of(keys[n], depth) != folder), end)


def by_kind(folders: Iterable[Share]) -> tuple[Share, ...]:
    """Return the sums of each kind of data, the largest first."""
    # The kind follows from the first folders of a key, so no key has to be parsed.
    return group_totals(folders, lambda name: _TITLES[kind_of(f"{name}/")])


def by_symbol(folders: Iterable[Share]) -> tuple[Share, ...]:
    """Return the sums of each symbol of the market data, the largest first."""
    return group_totals(folders, _symbol)


def by_name(shares: Iterable[Share]) -> tuple[Share, ...]:
    """Return groups in the order of their names."""
    return tuple(sorted(shares, key=lambda share: share.name))


def _symbol(folder: str) -> str:
    parts = folder.split("/")
    return parts[2] if parts[0] == "market-data" and len(parts) > 2 else ""


def group_totals(folders: Iterable[Share], name_of: Callable[[str], str]) -> tuple[Share, ...]:
    """Return the sums of groups of folders, largest first, without unnamed groups."""
    groups: Sums = {}
    for share in folders:
        name = name_of(share.name)
        if name:
            put(groups, name, share.objects, share.size)
    return _shares(groups)


def merge_groups(parts: Iterable[Iterable[Share]]) -> tuple[Share, ...]:
    """Return the sums of equal groups of several totals, largest first."""
    groups: Sums = {}
    for part in parts:
        for share in part:
            put(groups, share.name, share.objects, share.size)
    return _shares(groups)


def histogram(ranges: Iterable[tuple[int, int]]) -> tuple[Share, ...]:
    """Return the ranges of sizes with their names, the smallest range first."""
    names = [f"below {format_size(bound)}" for bound in BOUNDS]
    names.append(f"{format_size(BOUNDS[-1])} and more")
    return tuple(Share(name, *group) for name, group in zip(names, ranges, strict=True))


def _sums(parts: Iterable[Sums]) -> Sums:
    found: Sums = {}
    for part in parts:
        for name, (count, size) in part.items():
            put(found, name, count, size)
    return found


def _shares(groups: Mapping[str, tuple[int, int] | list[int]]) -> tuple[Share, ...]:
    """Return groups as values, the largest first."""
    found = [Share(name, count, size) for name, (count, size) in groups.items()]
    return tuple(sorted(found, key=lambda share: (-share.size, share.name)))


def _sorted(page: Columns) -> Columns:
    """Return a page sorted by key, since not every server sorts."""
    keys = page.keys
    if keys == sorted(keys):
        return page
    order = sorted(range(len(keys)), key=keys.__getitem__)
    names = ("keys", "sizes", "modified", "classes")
    columns = {name: [getattr(page, name)[n] for n in order] for name in names}
    return replace(page, **columns)

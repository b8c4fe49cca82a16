"""Counts pages of a listing, whole runs of keys at a time.

A page is sorted, so the keys of one folder stand together: where a run begins and ends is found
by bisection, and its sizes are summed in C. A million keys cost a few tenths of a second.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from core.layout import KINDS, kind_of
from core.model.statistics import LargeObject, Share, StorageStatistics
from core.objects.pages import Columns
from core.units import format_size, utc_now

#: What counts as small: below it, archive classes bill as if it were this size (S3 pricing).
SMALL_BYTES = 128 * 1024
#: Folders are told apart down to this depth, and at most so many of them.
FOLDER_DEPTH = 4
MOST_FOLDERS = 20_000
#: What lies outside any folder.
ROOT = "(top level)"
LARGEST = 100
#: Upper bounds of the size histogram, in bytes.
BOUNDS = (1024, 10_240, SMALL_BYTES, 1_048_576, 10_485_760, 104_857_600, 1_073_741_824)

_TITLES = {kind.id: kind.title for kind in KINDS} | {"other": "Other objects"}
_Group = list[int]


def _group() -> _Group:
    return [0, 0]


class Tally:
    """The sums so far; one thread at a time."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._started = utc_now()
        self.objects, self.size = 0, 0
        self._folders: defaultdict[str, _Group] = defaultdict(_group)
        self._classes: defaultdict[str, _Group] = defaultdict(_group)
        self._months: defaultdict[str, _Group] = defaultdict(_group)
        self._sizes = [_group() for _ in range(len(BOUNDS) + 1)]
        self._largest: list[tuple[int, str, str]] = []

    def add(self, page: Columns) -> None:
        """Count a page."""
        keys, sizes = page.keys, page.sizes
        if keys != sorted(keys):  # a server that does not sort
            order = sorted(range(len(keys)), key=keys.__getitem__)
            keys, sizes = [keys[n] for n in order], [sizes[n] for n in order]
        self.objects += len(keys)
        self.size += sum(sizes)
        for folder, begin, end in runs(keys):
            self._put(self._folder(folder), end - begin, sum(sizes[begin:end]))
        self._add_sizes(sorted(page.sizes))
        self._add_named(self._classes, page.classes, page)
        self._add_named(self._months, [text[:7] for text in page.modified], page)
        self._add_largest(page)

    def merge(self, other: Tally) -> None:
        """Take over the sums of another tally, of other keys of the same bucket."""
        self.objects += other.objects
        self.size += other.size
        for folder, group in other._folders.items():
            self._put(self._folder("" if folder == ROOT else folder), *group)
        for mine, theirs in (
            (self._classes, other._classes),
            (self._months, other._months),
        ):
            for name, group in theirs.items():
                self._put(mine[name], *group)
        for kept, group in zip(self._sizes, other._sizes, strict=True):
            self._put(kept, *group)
        self._largest = heapq.nlargest(LARGEST, [*self._largest, *other._largest])
        heapq.heapify(self._largest)

    def snapshot(self, *, list_calls: int, partial: bool) -> StorageStatistics:
        """Return the sums so far as a value."""
        folders = _shares(self._folders)
        return StorageStatistics(
            bucket=self._bucket,
            prefix=self._prefix,
            started=self._started,
            finished=utc_now(),
            partial=partial,
            list_calls=list_calls,
            objects=self.objects,
            size=self.size,
            small_objects=sum(group[0] for group in self._sizes[:_SMALL_GROUPS]),
            small_size=sum(group[1] for group in self._sizes[:_SMALL_GROUPS]),
            folders=folders,
            tops=_regrouped(folders, lambda name: name.partition("/")[0]),
            kinds=_regrouped(folders, lambda name: _TITLES[kind_of(f"{name}/")]),
            symbols=_regrouped(folders, _symbol),
            classes=_shares(self._classes),
            months=tuple(sorted(_shares(self._months), key=lambda share: share.name)),
            sizes=_histogram(self._sizes),
            largest=tuple(
                LargeObject(key, size, modified)
                for size, key, modified in sorted(self._largest, reverse=True)
            ),
        )

    def _folder(self, folder: str) -> _Group:
        """Return the folder's sums; past the limit it is counted with the folder above it."""
        while folder not in self._folders and len(self._folders) >= MOST_FOLDERS and folder:
            folder = folder.rpartition("/")[0]
        return self._folders[folder or ROOT]

    @staticmethod
    def _put(group: _Group, count: int, size: int) -> None:
        group[0] += count
        group[1] += size

    def _add_sizes(self, ordered: list[int]) -> None:
        begin = 0
        for number, bound in enumerate((*BOUNDS, ordered[-1] + 1 if ordered else 0)):
            end = bisect_left(ordered, bound, begin)
            self._put(self._sizes[number], end - begin, sum(ordered[begin:end]))
            begin = end

    def _add_named(self, groups: defaultdict[str, _Group], names: list[str], page: Columns) -> None:
        counts = Counter(names)
        if len(counts) == 1:
            self._put(groups[names[0]], len(names), sum(page.sizes))
            return
        sums = dict.fromkeys(counts, 0)
        for name, size in zip(names, page.sizes, strict=True):
            sums[name] += size
        for name, count in counts.items():
            self._put(groups[name], count, sums[name])

    def _add_largest(self, page: Columns) -> None:
        least = self._largest[0][0] if len(self._largest) == LARGEST else -1
        if not page.sizes or max(page.sizes) <= least:
            return
        rows = zip(page.sizes, page.keys, page.modified, strict=True)
        self._largest = heapq.nlargest(
            LARGEST, [*self._largest, *(row for row in rows if row[0] > least)]
        )
        heapq.heapify(self._largest)


_SMALL_GROUPS = BOUNDS.index(SMALL_BYTES) + 1


def runs(keys: list[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each folder of sorted keys with where its run begins and ends."""
    begin, count = 0, len(keys)
    while begin < count:
        folder = folder_of(keys[begin])
        if not folder:
            yield "", begin, begin + 1
            begin += 1
            continue
        # "0" follows "/" in Unicode, so this is the first key after all that lie in the folder.
        end = bisect_left(keys, f"{folder}0", begin)
        end = _shallow_end(keys, folder, begin, end)
        yield folder, begin, end
        begin = end


def folder_of(key: str) -> str:
    """Return the folder of a key, cut at `FOLDER_DEPTH` levels, without its last slash."""
    return "/".join(key.split("/", FOLDER_DEPTH)[:FOLDER_DEPTH][: key.count("/")])


def _shallow_end(keys: list[str], folder: str, begin: int, end: int) -> int:
    """Cut a run where deeper folders begin: `a/x` lies in `a`, `a/b/c` in `a/b`."""
    if folder.count("/") + 1 >= FOLDER_DEPTH:
        return end
    return next((n for n in range(begin, end) if folder_of(keys[n]) != folder), end)


def _symbol(folder: str) -> str:
    parts = folder.split("/")
    return parts[2] if parts[0] == "market-data" and len(parts) > 2 else ""


def _regrouped(folders: tuple[Share, ...], name_of: Callable[[str], str]) -> tuple[Share, ...]:
    groups: defaultdict[str, _Group] = defaultdict(_group)
    for share in folders:
        name = name_of(share.name)
        if name:
            groups[name][0] += share.objects
            groups[name][1] += share.size
    return _shares(groups)


def _shares(groups: Mapping[str, _Group]) -> tuple[Share, ...]:
    """Return groups as values, the largest first."""
    found = [Share(name, count, size) for name, (count, size) in groups.items()]
    return tuple(sorted(found, key=lambda share: (-share.size, share.name)))


def _histogram(groups: list[_Group]) -> tuple[Share, ...]:
    names = [f"below {format_size(bound)}" for bound in BOUNDS]
    names.append(f"{format_size(BOUNDS[-1])} and more")
    return tuple(Share(name, *group) for name, group in zip(names, groups, strict=True))

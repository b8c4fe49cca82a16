"""The groups of one folder, from the statistics of the bucket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest

from core.model.statistics import LargeObject, Share, StorageStatistics
from core.statistics.totals import (
    LARGEST,
    ROOT,
    by_kind,
    by_name,
    by_symbol,
    group_totals,
    histogram,
    merge_groups,
)


@dataclass(frozen=True, slots=True)
class Level:
    """Sums and groups of one folder. Sizes in bytes.

    `tops` are the folders directly below it; objects in the folder itself are `(top level)`.
    `detailed` is False if the scan has no details of this folder; then the groups by class, month
    and size, and `largest`, are empty.
    """

    folder: str
    objects: int
    size: int
    kinds: tuple[Share, ...]
    tops: tuple[Share, ...]
    symbols: tuple[Share, ...]
    classes: tuple[Share, ...]
    months: tuple[Share, ...]
    sizes: tuple[Share, ...]
    largest: tuple[LargeObject, ...]
    detailed: bool = True


def level_of(found: StorageStatistics, folder: str) -> Level:
    """Return the groups of a folder without final slash; empty means everything that was scanned."""
    base = base_of(found.prefix)
    if folder in {"", base}:
        tops = group_totals(found.folders, lambda name: _below(name, base)) if base else found.tops
        return Level(
            base, found.objects, found.size, found.kinds, tops, found.symbols,
            found.classes, found.months, found.sizes, found.largest,
        )  # fmt: skip
    shares = [share for share in found.folders if is_inside(share.name, folder)]
    details = [detail for detail in found.details if is_inside(detail.name, folder)]
    # Details of a higher level include more than this folder.
    detailed = bool(details) and _objects(d.classes for d in details) == _objects([shares])
    if not detailed:
        details = []
    # All details have the same ranges, so sums of equal positions are sums of equal ranges.
    ranges = zip(*(detail.sizes for detail in details), strict=True)
    sums = [(sum(c for c, _ in column), sum(s for _, s in column)) for column in ranges]
    return Level(
        folder,
        _objects([shares]),
        sum(share.size for share in shares),
        by_kind(shares),
        group_totals(shares, lambda name: _below(name, folder)),
        by_symbol(shares),
        merge_groups(detail.classes for detail in details),
        by_name(merge_groups(detail.months for detail in details)),
        histogram(sums) if sums else (),
        tuple(nlargest(LARGEST, (o for d in details for o in d.largest), key=lambda o: o.size)),
        detailed,
    )


def base_of(prefix: str) -> str:
    """Return the folder, without final slash, that contains all keys with a prefix."""
    return prefix.rpartition("/")[0]


def is_inside(name: str, folder: str) -> bool:
    """Return whether a folder is equal to or below another one."""
    return not folder or name == folder or name.startswith(f"{folder}/")


def _below(name: str, folder: str) -> str:
    """Return the first segment of a folder below another one."""
    return name[len(folder) + 1 :].partition("/")[0] or ROOT


def _objects(parts: Iterable[Iterable[Share]]) -> int:
    return sum(share.objects for part in parts for share in part)

"""Results of a scan of a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Share:
    """Count and size (bytes) of one group: a folder, a kind, a symbol, a class, a month."""

    name: str
    objects: int
    size: int


@dataclass(frozen=True, slots=True)
class LargeObject:
    """One of the largest objects; `modified` as the server wrote it (ISO 8601)."""

    key: str
    size: int
    modified: str


@dataclass(frozen=True, slots=True)
class FolderDetail:
    """Groups inside one folder.

    `sizes` has count and size of each range of sizes, in the order of `StorageStatistics.sizes`.
    `largest` has the folder's largest objects, the largest first.
    """

    name: str
    classes: tuple[Share, ...]
    months: tuple[Share, ...]
    sizes: tuple[tuple[int, int], ...]
    largest: tuple[LargeObject, ...]


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """The result of one pass over a listing. Sizes in bytes.

    `folders` are the deepest groups, at most four levels deep: they cover all objects, and a
    treemap is built from them. `partial` is True while the scan runs and after an interruption.
    `details` divides them further, once the scan is complete; in a bucket with very many folders
    the details are those of folders at a higher level.
    """

    bucket: str
    prefix: str
    started: datetime
    finished: datetime
    partial: bool
    list_calls: int
    objects: int
    size: int
    small_objects: int
    small_size: int
    folders: tuple[Share, ...]
    tops: tuple[Share, ...]
    kinds: tuple[Share, ...]
    symbols: tuple[Share, ...]
    classes: tuple[Share, ...]
    months: tuple[Share, ...]
    sizes: tuple[Share, ...]
    largest: tuple[LargeObject, ...]
    details: tuple[FolderDetail, ...] = ()

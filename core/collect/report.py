"""What collections and queries will read, what that costs, and what they have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.collect.cache import ObjectCache
from core.collect.keys import ARCHIVES, Found
from core.errors import StorageError
from core.model.prices import GET_PRICE, LIST_PRICE
from core.objects.ranges import RANGE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """Objects before any of them is read, and the requests that reading them needs.

    Attributes:
        objects: the number of objects.
        size: their bytes.
        cached: how many of them are in the cache, and need no request.
        lists: the LIST requests that the plan has needed.
        archived: the objects in archive classes, which cannot be read.
        other: the objects that are of no use, and are omitted.
        ranges: the further requests for large objects, which are read in ranges.
        listed: when the catalogue listed the keys; None if they were listed for the plan.
    """

    objects: int
    size: int
    cached: int
    lists: int
    archived: int
    other: int
    ranges: int = 0
    listed: datetime | None = None

    @property
    def gets(self) -> int:
        """The GET requests that reading needs."""
        return self.objects - self.cached - self.archived + self.ranges

    @property
    def cost(self) -> float:
        """The price of all requests in US dollars, without traffic."""
        return (self.gets * GET_PRICE + self.lists * LIST_PRICE) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ReadPlan):
    """The objects of a range; `other` counts keys that do not have the form of the contract.

    Attributes:
        names: the symbols, users or report types with objects, without patterns.
        without: the names of the request that have no objects in the range.
    """

    names: tuple[str, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlan(ReadPlan):
    """The objects of a folder; `other` counts those that are neither CSV, JSON nor Parquet.

    Attributes:
        folder: the prefix.
        formats: each format and the number of its objects.
        ranged: whether a statement reads only the parts of the objects that it needs. The numbers
            are those of complete objects.
    """

    folder: str
    formats: tuple[tuple[str, int], ...]
    ranged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPlan:
    """What a statement will read of a folder.

    Attributes:
        folder: all objects.
        size: the bytes that it reads, from the server or the cache.
        gets: the GET requests that it needs.
        footers: the GET requests that this plan has needed, for the ends of Parquet files.
    """

    folder: FolderPlan
    size: int
    gets: int
    footers: int = 0

    @property
    def cost(self) -> float:
        """The price of all requests in US dollars, without traffic."""
        gets = self.gets + self.footers
        return (gets * GET_PRICE + self.folder.lists * LIST_PRICE) / 1000


def ranges_of(size: int) -> int:
    """Return the requests that a large object needs besides the first one."""
    # Its state is requested before the ranges.
    return -(-size // RANGE_BYTES) if size > 2 * RANGE_BYTES else 0


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a `ReadPlan` that follow from the objects and the cache."""

    size: int
    cached: int
    archived: int


def counts_of(found: Sequence[Found], cache: ObjectCache | None) -> Counts:
    """Return what is known of objects before they are read."""
    readable = [each for each in found if each.storage_class not in ARCHIVES]
    pairs = [(each.key, each.etag) for each in readable]
    return Counts(
        sum(each.size for each in found),
        sum(cache.known(pairs)) if cache is not None else 0,
        len(found) - len(readable),
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that is missing from the result, completely or in part, and why."""

    key: str
    reason: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """A table that was written.

    Attributes:
        rows: the number of rows.
        columns: the names of the columns.
        types: DuckDB's names of their types.
        seconds: the duration.
        size: the bytes of the file.
    """

    rows: int
    columns: tuple[str, ...]
    types: tuple[str, ...]
    seconds: float
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryReport(TableReport):
    """The result of a query, as a file or as a table of the window.

    Attributes:
        path: the file.
        table: the name of the table, for `read_page`; empty for another file.
        notes: remarks about columns.
    """

    path: str
    table: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport(TableReport):
    """A table of the rows of objects.

    Attributes:
        problems: the objects that are missing from the table, completely or in part.
        notes: remarks about columns.
        gets: the GET requests that were sent.
    """

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    gets: int

    @property
    def complete(self) -> bool:
        """Whether the table has the rows of all objects."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport(ReadReport):
    """The result of a collection.

    Attributes:
        plan: what was read.
        repeated: rows that were omitted because an equal one is in the table.
        revised: rows that a later object has replaced by other values.
        conflicting: rows that a later row of the same object has replaced by other values.
        outside: rows that are outside the range.
        path: the written file, or the table of the window.
    """

    plan: Plan
    repeated: int
    revised: int
    outside: int
    conflicting: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderReport(ReadReport):
    """The table of a folder.

    Attributes:
        plan: what was read.
        table: the name of the table, for `core.collect.querying`; empty if a statement has read
            the objects in parts.
        received: the bytes that were read of the objects, from the server or the cache, if they
            are not all.
    """

    plan: FolderPlan
    table: str
    received: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderQueryReport:
    """The result of a statement on folders.

    Attributes:
        result: the result; None if it has failed.
        folders: what was read of the folders, by their names in the statement.
        failure: why the statement cannot be run on the folders, which were read.
    """

    result: QueryReport | None
    folders: Mapping[str, FolderReport]
    failure: StorageError | None = None

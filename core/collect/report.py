"""What a collection will read, and what it has found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.model.prices import GET_PRICE, LIST_PRICE


@dataclass(frozen=True, slots=True)
class Plan:
    """The objects of a range, before any of them is read.

    Attributes:
        objects: the number of objects.
        size: their bytes.
        cached: how many of them are in the cache, and need no request.
        lists: the LIST requests that the plan has needed.
        archived: the objects in archive classes, which cannot be read.
        other: keys below the listed prefixes that do not have the form of the contract.
        names: the symbols, users or report types with objects, without patterns.
        without: the names of the request that have no objects in the range.
        listed: when the catalogue listed the keys; None if they were listed for the plan.
    """

    objects: int
    size: int
    cached: int
    lists: int
    archived: int
    other: int
    names: tuple[str, ...]
    without: tuple[str, ...] = ()
    listed: datetime | None = None

    @property
    def gets(self) -> int:
        """The GET requests that the collection needs."""
        return self.objects - self.cached - self.archived

    @property
    def cost(self) -> float:
        """The price of all requests in US dollars, without traffic."""
        return (self.gets * GET_PRICE + self.lists * LIST_PRICE) / 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that is missing from the result, completely or in part, and why."""

    key: str
    reason: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class CollectReport:
    """The result of a collection.

    Attributes:
        plan: what was read.
        rows: the number of rows of the table.
        repeated: rows that were omitted because an equal one is in the table.
        revised: rows that a later object has replaced by other values.
        outside: rows that are outside the range.
        columns: the names of the columns.
        types: DuckDB's names of their types.
        problems: the objects that are missing from the table, completely or in part.
        notes: remarks about columns.
        gets: the GET requests that were sent.
        seconds: the duration.
        path: the written file, or the table of the window.
        size: its bytes.
    """

    plan: Plan
    rows: int
    repeated: int
    revised: int
    outside: int
    columns: tuple[str, ...]
    types: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    gets: int
    seconds: float
    path: str = ""
    size: int = 0

    @property
    def complete(self) -> bool:
        """Whether the table has the rows of all objects."""
        return not self.problems

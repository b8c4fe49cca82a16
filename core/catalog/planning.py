"""Which requests a refresh sends, and what they cost.

New keys of the data contract follow the known ones in the order of keys, because their folders are
dates. Such a *stream*, for example the candles of one symbol and timeframe, is listed from its last
known day on. Other folders are listed completely. Folders are listed one level at a time to find
new ones where that needs fewer requests than listing all of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.aws.limits import LIST_KEYS
from core.catalog.columns import day_depth, stream_depth
from core.catalog.ranges import Range, gaps, range_of
from core.layout.kinds import KINDS
from core.model.catalog import RefreshEstimate
from core.model.prices import LIST_PRICE, PRICES

if TYPE_CHECKING:
    import duckdb

#: Depth to which folders without dates are distinguished.
_FOLDER_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One listing of a refresh.

    Attributes:
        prefix: empty or ending in `/`.
        after: only the keys after this one are listed; empty for all.
        children: the known folders that other steps list, if only one level is listed.
        level: whether only one level is listed. Folders that are not in `children` are new, and
            are then listed completely.
        requests: the expected number of requests; None if it is not known.
    """

    prefix: str
    after: str = ""
    children: tuple[str, ...] = ()
    level: bool = False
    requests: int | None = None

    def ranges(self) -> tuple[Range, ...]:
        """Return the ranges of keys whose stored rows the listing replaces."""
        if self.level:
            return tuple(gaps(self.prefix, self.children))
        return (range_of(self.prefix, self.after),)


@dataclass(slots=True)
class _Folder:
    """A folder with the number of keys at any depth.

    A stream also has the last key before its last day, and the number of keys after it.
    """

    keys: int = 0
    own: int = 0
    before: str = ""
    after: int = 0
    children: dict[str, _Folder] = field(default_factory=dict)


def plan_steps(
    connection: duckdb.DuckDBPyConnection, table: str, prefix: str, *, complete: bool
) -> tuple[Step, ...]:
    """Return the listings of a refresh of a prefix.

    Args:
        connection: a database.
        table: its table or view with all keys, and the column `kind`.
        prefix: empty or ending in `/`.
        complete: list all keys, and not only new ones.
    """
    if complete:
        return (Step(prefix),)
    root = _tree(connection, table, prefix)
    return tuple(_cheapest(prefix, root)[1])


def estimate_of(steps: Iterable[Step], prefix: str, *, complete: bool, known: int) -> RefreshEstimate:  # fmt: skip
    """Return the number of requests and the price of a refresh.

    Args:
        steps: see `plan_steps`.
        prefix: what is listed.
        complete: whether all keys are listed.
        known: the number of known keys below the prefix.
    """
    requests = _pages(known) if complete else sum(step.requests or 1 for step in steps)
    return RefreshEstimate(prefix, complete, requests, requests * LIST_PRICE / 1000, PRICES)


def _pages(keys: int) -> int:
    return max(1, -(-keys // LIST_KEYS))


def _cheapest(prefix: str, folder: _Folder) -> tuple[int, list[Step]]:
    """Return the smallest number of requests that find the new keys of a folder, and their steps."""
    everything = _pages(folder.keys)
    best, steps = everything, [Step(prefix, requests=everything)]
    if folder.before:
        requests = _pages(folder.after)
        # With equal costs everything is listed, because that also finds deleted keys.
        if requests < best:
            best, steps = requests, [Step(prefix, after=folder.before, requests=requests)]
    elif folder.children:
        inner = [_cheapest(prefix + name, child) for name, child in folder.children.items()]
        level = _pages(folder.own + len(folder.children))
        requests = level + sum(each for each, _steps in inner)
        if requests < best:
            children = tuple(prefix + name for name in folder.children)
            step = Step(prefix, children=children, level=True, requests=level)
            best, steps = requests, [step, *(each for _count, some in inner for each in some)]
    return best, steps


def _tree(connection: duckdb.DuckDBPyConnection, table: str, prefix: str) -> _Folder:
    root = _Folder()
    found = connection.execute(_folders_sql(table), [prefix]).fetchall()
    for path, keys, before, after in found:
        folder = root
        folder.keys += keys
        for name in _names(path[len(prefix) :]):
            folder = folder.children.setdefault(name, _Folder())
            folder.keys += keys
        folder.own += keys
        if before:
            folder.before, folder.after = before, after
    return root


def _names(path: str) -> Iterator[str]:
    """Yield the folders of a relative path, each with its final slash."""
    return (f"{name}/" for name in path.split("/")[:-1])


def _folders_sql(table: str) -> str:
    """Return the query for each folder: number of keys, last key before its last day, keys after it.

    Folders of the contract are streams. Others are cut at a depth, and have no days.
    """
    # The name of the last day would do for S3, but SeaweedFS lists nothing of a folder that is
    # named as the key to start after. A key before it works everywhere.
    depths = " ".join(f"WHEN '{kind.id}' THEN {stream_depth(kind)}" for kind in KINDS)
    days = " ".join(f"WHEN '{kind.id}' THEN {day_depth(kind)}" for kind in KINDS)
    cut = f"least(len(parts) - 1, {_FOLDER_DEPTH})"
    return (
        "WITH split AS (SELECT key, nullif(kind, '') AS kind, string_split(key, '/') AS parts "  # noqa: S608 - names of this module
        f"FROM {table} WHERE starts_with(key, $1)), "
        f"placed AS (SELECT key, kind, {_joined(f'CASE kind {depths} ELSE {cut} END')} || "
        "CASE WHEN len(parts) > 1 THEN '/' ELSE '' END AS folder, "
        f"CASE WHEN kind IS NOT NULL THEN {_joined(f'CASE kind {days} END')} END AS day_folder "
        "FROM split), "
        "days AS (SELECT folder, max(day_folder) AS last_day FROM placed GROUP BY folder) "
        "SELECT folder, count(*), coalesce(max(key) FILTER (key < last_day), ''), "
        "count(*) FILTER (key >= last_day) FROM placed JOIN days USING (folder) GROUP BY folder"
    )


def _joined(depth: str) -> str:
    return f"array_to_string(list_slice(parts, 1, {depth}), '/')"

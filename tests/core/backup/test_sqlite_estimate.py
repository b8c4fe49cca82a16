"""The row count of a large SQLite table is estimated from its rowids."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

import apsw
import pytest

from core.backup.databases.sqlite.estimate import estimated_rows
from core.backup.databases.sqlite.inspect import read_schema

_DAY = 86_400_000


def estimate(rowids: Iterable[int], columns: str = "k INTEGER PRIMARY KEY") -> int | None:
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t({columns})")
        connection.executemany("INSERT INTO t(rowid) VALUES (?)", ((one,) for one in rowids))
        return estimated_rows(connection, read_schema(connection, "t"))


@pytest.mark.parametrize("first", [1, -30_000, 10**18])
def test_it_is_exact_without_gaps(first: int) -> None:
    assert estimate(range(first, first + 60_000), "v") == 60_000


@pytest.mark.parametrize(
    "rowids", [range(0, 600_000, 10), range(-(2**62), 2**62, 2**63 // 60_000)], ids=["few", "all"]
)
def test_even_gaps_count(rowids: range) -> None:
    found = estimate(rowids)
    assert found is not None
    assert abs(found / len(rowids) - 1) < 0.02


@pytest.mark.parametrize(
    "rowids",
    [
        [*range(30_000), *range(10**12, 10**12 + 30_000)],
        [day * _DAY + order * 7 for day in range(60) for order in range(1_000)],
        [*range(60_000), 10**15],
    ],
    ids=["two blocks", "days", "one far away"],
)
def test_a_table_with_uneven_gaps_is_counted(rowids: list[int]) -> None:
    assert estimate(rowids) is None


@pytest.mark.parametrize("rowids", [(), (5,), range(40_000), (0, 10, 60_000)])
def test_a_small_table_is_counted_or_exact(rowids: Iterable[int]) -> None:
    assert estimate(rowids) in (None, len(list(rowids)))


def test_a_table_without_rowid_is_counted() -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute("CREATE TABLE t(k PRIMARY KEY) WITHOUT ROWID")
        connection.executemany("INSERT INTO t VALUES (?)", ((one,) for one in range(60_000)))
        assert estimated_rows(connection, read_schema(connection, "t")) is None

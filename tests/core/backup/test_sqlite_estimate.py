"""The row count of a large SQLite table is estimated from its rowids."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from unittest.mock import MagicMock

import apsw
import pytest

from core.backup.databases.sqlite.estimate import estimated_rows
from core.backup.databases.sqlite.inspect import read_schema
from core.backup.filters import plan_backup
from core.model.selection import Selection

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


def test_a_plan_marks_an_estimate_and_an_exact_one_counts(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with closing(apsw.Connection(path)) as connection, connection:
        connection.execute("CREATE TABLE large(k INTEGER PRIMARY KEY); CREATE TABLE small(k)")
        rowids = ((one + one % 7,) for one in range(0, 700_000, 10))
        connection.executemany("INSERT INTO large VALUES (?)", rowids)

    def planned(where: dict[str, str], *, exact: bool) -> dict[str, tuple[int, bool]]:
        plan = plan_backup(
            MagicMock(), database=path, selection=Selection(where=where), exact=exact
        )
        return {table.name: (table.rows, table.estimated) for table in plan.tables}

    found = planned({}, exact=False)
    assert found["small"] == (0, False)
    assert found["large"] == (pytest.approx(70_000, rel=0.02), True)
    assert planned({}, exact=True) == {"large": (70_000, False), "small": (0, False)}
    assert planned({"large": "k < 100"}, exact=False)["large"] == (10, False)

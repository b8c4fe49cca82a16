"""A table whose columns change before its rows are read is not stored with other values."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.backups import MemoryStore

from core.backup.databases.mysql import inspect
from core.backup.databases.mysql.reading import ReadableDatabase
from core.backup.databases.naming import LockedError
from core.backup.run import back_up
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

#: The server makes these without rewriting the table, so that an older view can still be read.
CHANGES = (
    "RENAME COLUMN name TO former, ADD COLUMN name VARCHAR(20)",
    "CHANGE code name VARCHAR(20), CHANGE name code VARCHAR(20)",
    "DROP COLUMN name, ADD COLUMN name VARCHAR(20) DEFAULT 'new'",
    "DROP COLUMN name",
)


@pytest.fixture
def coins(trading: Trading) -> Trading:
    trading.sql(
        "CREATE TABLE coins (id INT PRIMARY KEY, code VARCHAR(20), name VARCHAR(20))",
        "INSERT INTO coins SELECT seq, CONCAT('c', seq), CONCAT('n', seq) FROM seq_1_to_50",
        "CREATE TABLE zz (id INT PRIMARY KEY)",
    )
    return trading


def change_once(monkeypatch: pytest.MonkeyPatch, coins: Trading, change: str) -> None:
    """Alter the table after its schema was read: a large one, whose rows are only estimated."""
    changes = [change]

    def estimated(_self: Any, schema: Any, **_options: Any) -> int:
        if schema.table == "coins" and changes:
            coins.sql("SET lock_wait_timeout = 5", f"ALTER TABLE coins {changes.pop()}")
        return 1

    monkeypatch.setattr(ReadableDatabase, "estimated_rows", estimated)


@pytest.mark.parametrize("change", CHANGES)
def test_columns_that_change_before_the_rows_are_read_are_noticed(
    coins: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The backup was verified, and had the values of other columns, or none."""
    change_once(monkeypatch, coins, change)
    with (
        coins.open() as source,
        pytest.raises(LockedError, match="has just changed coins in "),
    ):
        back_up(store, source, ["coins"], "", Work())
    assert store.objects == {}
    assert coins.backed_up(store, "coins").rows == 50


def test_a_backup_of_all_tables_skips_the_changed_one(
    coins: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_once(monkeypatch, coins, CHANGES[0])
    monkeypatch.setattr(inspect, "_COUNTED_BYTES", -1)  # a count locks the definition
    with coins.open() as source:
        report = back_up(store, source, None, "", Work())
    assert [(each.table, each.locked) for each in report.skipped] == [("coins", True)]
    assert [made.table for made in report.backups] == ["zz"]


def test_rows_and_statistics_that_change_are_no_change_of_the_table(
    coins: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def estimated(_self: Any, _schema: Any, **_options: Any) -> int:
        coins.sql("DELETE FROM coins WHERE id < 20", "ANALYZE TABLE coins")
        return 1

    monkeypatch.setattr(ReadableDatabase, "estimated_rows", estimated)
    assert coins.backed_up(store, "coins").rows == 50

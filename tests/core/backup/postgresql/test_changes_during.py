"""A table that another session alters while a backup begins is never stored without its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database
from helpers.waiting import until

from core.backup.databases import open_database
from core.backup.databases.naming import LockedError
from core.backup.manifest import from_bytes
from core.backup.run import back_up
from core.errors import NotFound
from core.model.backup import BackupReport
from core.work import Work

#: A view that begins before these does not see the rows, or sees columns of other names.
CHANGES = (
    "ALTER TABLE coins ALTER amount TYPE bigint",
    "ALTER TABLE coins ADD score float8 DEFAULT random()",
    "ALTER TABLE coins SET UNLOGGED",
    "TRUNCATE coins",
    "ALTER TABLE coins RENAME name TO title",
    "ALTER TABLE coins DROP name, ADD name text",
)


@pytest.fixture
def coins(database: Database) -> Database:
    database.script(
        "CREATE TABLE coins (id int PRIMARY KEY, amount int, name text)",
        "INSERT INTO coins SELECT i, i * 2, 'coin ' || i FROM generate_series(1, 50) i",
        "CREATE TABLE zz (id int)",
    )
    return database


@pytest.fixture
def waiting(coins: Database, store: MemoryStore, postgresql_server: Server) -> Callable[..., Any]:
    """Return a context in which a backup waits for a transaction of another session."""

    def backed_up(tables: list[str] | None) -> BackupReport:
        with open_database(coins.address) as source:
            return back_up(store, source, tables, "", Work())

    @contextmanager
    def during(
        change: str, tables: list[str] | None, end: str = "COMMIT"
    ) -> Iterator[Future[BackupReport]]:
        blocked = (
            "SELECT FROM pg_stat_activity WHERE application_name = 'strongroom' "
            f"AND datname = '{coins.name}' AND wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%'"
        )
        with ThreadPoolExecutor(1) as pool, coins.session() as other:
            other("BEGIN")
            other(change)
            future = pool.submit(backed_up, tables)
            until(lambda: postgresql_server.ask(blocked))
            other(end)
            yield future

    return during


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_that_is_altered_while_the_backup_waits_is_not_stored(
    waiting: Callable[..., Any], store: MemoryStore, change: str
) -> None:
    """It was stored as a verified backup with 0 rows."""
    with (
        waiting(change, ["coins"]) as running,
        pytest.raises(LockedError, match="has just changed coins in "),
    ):
        running.result()
    assert store.objects == {}


def test_a_backup_of_all_tables_skips_the_altered_one_which_can_be_retried(
    waiting: Callable[..., Any], coins: Database, store: MemoryStore
) -> None:
    with waiting(CHANGES[0], None) as running:
        report = running.result()
    assert [(each.table, each.locked) for each in report.skipped] == [("coins", True)]
    assert [made.table for made in report.backups] == ["zz"]
    assert coins.back_up(store, "coins").rows == 50


@pytest.mark.parametrize("tables", [["coins"], None])
def test_a_change_that_is_rolled_back_is_no_change(
    waiting: Callable[..., Any], coins: Database, store: MemoryStore, tables: list[str] | None
) -> None:
    with waiting(CHANGES[0], tables, end="ROLLBACK") as running:
        report = running.result()
    coins.script("BEGIN", "ALTER TABLE coins ADD more int", "ROLLBACK", "ANALYZE coins")
    assert {made.table: made.rows for made in report.backups}["coins"] == 50
    again = coins.back_up(store, "coins")
    assert from_bytes(store.objects[again.key]).rows == 50


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE parted DETACH PARTITION parted_1",
        "ALTER TABLE parted ATTACH PARTITION apart FOR VALUES FROM (1000) TO (2000)",
        "DROP TABLE parted_1",
        "TRUNCATE parted_1",
    ],
)
def test_a_partition_that_comes_or_goes_while_the_backup_begins_is_noticed(
    coins: Database, change: str
) -> None:
    coins.script(
        "CREATE TABLE parted (id int, note text) PARTITION BY RANGE (id)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (500)",
        "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (500) TO (1000)",
        "INSERT INTO parted SELECT i, 'x' FROM generate_series(0, 999) i",
        "CREATE TABLE apart (id int, note text)",
        "INSERT INTO apart VALUES (1500, 'apart')",
    )
    with open_database(coins.address) as source:
        with source.snapshot():
            coins.run(change)
            with pytest.raises(LockedError, match="has just changed parted in "):
                source.schema("parted")
        with source.snapshot():
            assert source.schema("parted").table == "parted"


def test_a_table_that_is_dropped_while_the_backup_begins_is_missing(coins: Database) -> None:
    """The user was to be granted a permission on it."""
    with open_database(coins.address) as source, source.snapshot():
        coins.run("DROP TABLE coins")
        with pytest.raises(NotFound, match="does not exist"):
            source.schema("coins")

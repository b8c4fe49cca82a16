"""The list of tables names why a table cannot be read, and such a table does not prevent the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.run import back_up
from core.errors import AccessDenied, Conflict
from core.redaction import Secret
from core.work import Work


@contextmanager
def reader_of(orders: Database, server: Server, *tables: str) -> Iterator[DatabaseAddress]:
    """Create a user who can read some tables."""
    reader = f"reader_{orders.name}"
    server.ask(f"CREATE ROLE {reader} LOGIN PASSWORD 'only reads'")
    orders.script(*(f"GRANT SELECT ON {table} TO {reader}" for table in tables))
    try:
        url = f"postgresql://{reader}@127.0.0.1:{server.port}/{orders.name}"
        yield DatabaseAddress(url, Secret("only reads"))
    finally:
        orders.script(
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {reader}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {reader}",
        )
        server.ask(f"DROP ROLE {reader}")


def test_tables_that_a_user_cannot_read_are_skipped_with_the_reason(
    orders: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    orders.script(
        "CREATE TABLE secured (id int PRIMARY KEY)",
        "ALTER TABLE secured ENABLE ROW LEVEL SECURITY",
    )
    # `users` has a sequence that the user cannot read.
    with reader_of(orders, postgresql_server, "fills", "secured", "users") as address:
        with open_database(address) as source:
            problems = {info.name: info.problem for info in source.tables()}
            with source.snapshot():
                assert {info.name: info.problem for info in source.tables()} == problems
        assert problems["fills"] == problems["users"] == ""
        assert problems["orders"] == "not readable for this user, who lacks the permission SELECT"
        assert problems["secured"].startswith("protected by row-level security")
        with open_database(address) as source:
            report = back_up(store, source, None, "", Work())
        assert [backup.table for backup in report.backups] == ["fills"]
        reasons = {each.table: each.problem for each in report.skipped}
        assert reasons.keys() == {"orders", "secured", "users"}
        assert "lacks the permission SELECT" in reasons["orders"]
        assert "Row-level security hides rows of secured" in reasons["secured"]
        assert "Permission denied for sequence users_id_seq" in reasons["users"]
        with open_database(address) as source, pytest.raises(AccessDenied) as refused:
            back_up(store, source, ["fills", "orders"], "", Work())
    assert "cannot read orders" in refused.value.summary
    assert "back up the other tables without it" in refused.value.remedy


def test_a_locked_table_is_listed_with_the_estimate_and_named_by_a_backup(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list ended with an error, since the rows of each small table are counted."""
    orders.run("ANALYZE orders")
    # The time limit of the session, which a backup waits for the lock.
    monkeypatch.setitem(
        __import__("core.backup.databases.postgresql.session", fromlist=["_SETTINGS"])._SETTINGS,
        "lock_timeout",
        "300ms",
    )
    with orders.session() as run:
        run("BEGIN")
        run("LOCK TABLE orders")
        with open_database(orders.address) as source:
            rows = {info.name: (info.rows, info.problem) for info in source.tables()}
            limit = source._session.value("SHOW lock_timeout")  # type: ignore[attr-defined] # of PostgreSQL
        with open_database(orders.address) as source, pytest.raises(Conflict) as refused:
            back_up(store, source, ["orders"], "", Work())
    assert rows["orders"] == (500, "")
    assert rows["users"] == (3, "")
    assert limit == "10s"
    assert refused.value.summary.startswith("Another session holds a lock on orders in 127.0.0.1")


def test_a_partitioned_table_has_the_rows_of_its_partitions(orders: Database) -> None:
    orders.script(
        "CREATE TABLE candles (day int) PARTITION BY RANGE (day)",
        "CREATE TABLE candles_early PARTITION OF candles FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE candles_late PARTITION OF candles DEFAULT PARTITION BY LIST (day)",
        "CREATE TABLE candles_last PARTITION OF candles_late DEFAULT",
        "INSERT INTO candles SELECT generate_series(1, 30)",
        "CREATE TABLE without_partitions (day int) PARTITION BY RANGE (day)",
    )
    with open_database(orders.address) as source:
        rows = {info.name: info.rows for info in source.tables()}
    assert rows["candles"] == 30
    assert rows["without_partitions"] == 0
    assert "candles_early" not in rows

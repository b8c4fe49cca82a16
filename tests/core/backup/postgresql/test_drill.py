"""Restore drills on a real PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, trading_database
from helpers.postgresql_tables import Database

from core.backup.drill import drill_of_backup, newest_of_engine
from core.backup.listing import backups_in
from core.errors import Corrupt, InvalidInput
from core.work import Work


def test_a_drill_is_compared_by_the_server_and_leaves_nothing(
    orders: Database, store: MemoryStore
) -> None:
    backup = orders.back_up(store, "orders")
    before = orders.everything()
    with pytest.raises(InvalidInput, match="needs a scratch database"):
        drill_of_backup(store, backup, None, Work())
    report = drill_of_backup(store, backup, orders.address, Work())
    assert (report.problems, report.proven, report.rows) == ((), True, 500)
    assert report.verified == "verified (SHA-256 and server fingerprint)"
    assert report.notes == (
        "Not part of the drill: 1 foreign key to other tables.",
        "Not part of the drill: 1 trigger.",
    )
    assert orders.everything() == before
    assert backups_in(store, "orders", Work())[0].proven is not None


def test_the_newest_backup_of_the_engine_of_the_scratch_database_is_used(
    orders: Database, store: MemoryStore, tmp_path: Path
) -> None:
    orders.back_up(store, "orders")
    mine = orders.back_up(store, "orders")
    other = backed_up(store, trading_database(tmp_path / "trading.db"), "orders")
    found = newest_of_engine(store, "orders", orders.address, Work())
    assert (found and found.id) == mine.id
    assert newest_of_engine(store, "users", orders.address, Work()) is None
    assert drill_of_backup(store, mine, orders.address, Work()).proven
    store.objects[other.key] = b"{}"
    with pytest.raises(Corrupt):
        newest_of_engine(store, "orders", orders.address, Work())


def test_tables_whose_defaults_use_sequences_are_proven(
    database: Database, store: MemoryStore
) -> None:
    database.script(
        'CREATE SCHEMA "Od.d"',
        "CREATE TABLE t (id serial PRIMARY KEY, n bigserial, v text)",
        'CREATE TABLE "Od.d"."T\'" ("I d" serial, code text DEFAULT \'x\')',
        'ALTER TABLE "Od.d"."T\'" ALTER code '
        "SET DEFAULT 'x' || nextval('\"Od.d\".\"T''_I d_seq\"')::text",
        "INSERT INTO t (v) VALUES ('a')",
        'INSERT INTO "Od.d"."T\'" DEFAULT VALUES',
    )
    for table in ("t", '"Od.d".T\''):
        backup = database.back_up(store, table)
        report = drill_of_backup(store, backup, database.address, Work())
        assert (report.problems, report.proven) == ((), True)

"""Backups of the rows that meet an SQL condition, on a real PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup.comparison import compare_of
from core.backup.databases import open_database
from core.backup.run import back_up
from core.errors import Cancelled, InvalidInput, StorageError
from core.model.backup import BackupReport
from core.model.selection import Selection
from core.work import Work


def run(store: MemoryStore, database: Database, selection: Selection) -> BackupReport:
    with open_database(database.address) as source:
        return back_up(store, source, selection, "", Work())


def test_exactly_the_rows_that_meet_the_condition_are_backed_up(orders):
    store = MemoryStore()
    where = (
        "status = 'open' AND price > 10 -- a comment )\n"
        "AND user_id IN (SELECT id FROM public.users WHERE name <> 'bob') AND pg_sleep(0) IS NOT NULL"
    )
    backup = run(store, orders, Selection(("orders",), {"orders": where})).backups[0]
    report = orders.restore(store, backup, target="chosen")
    assert report.verified == "verified (SHA-256 and server fingerprint)"
    expected = orders.run(
        "SELECT ROW(o.*)::text FROM orders o WHERE status = 'open' AND price > 10 AND user_id <> 2"
    )
    assert orders.content("chosen") == sorted(row[0] for row in expected)
    assert 0 < len(expected) == backup.rows


def test_a_partitioned_table_is_filtered_in_all_partitions(database):
    database.script(
        "CREATE TABLE p (day int, v text) PARTITION BY RANGE (day)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
        "INSERT INTO p SELECT i, 'v' || i FROM generate_series(0, 19) i",
    )
    store = MemoryStore()
    backup = run(store, database, Selection(("p",), {"p": "day % 5 = 0) OR (day = 3"})).backups[0]
    assert backup.rows == 5
    database.restore(store, backup, target="q")
    assert [row[0] for row in database.run("SELECT day FROM q ORDER BY 1")] == [0, 3, 5, 10, 15]


def test_a_text_that_is_not_a_condition_changes_nothing(orders):
    orders.script(
        "CREATE SEQUENCE counter",
        "CREATE FUNCTION spoil() RETURNS boolean LANGUAGE plpgsql AS "
        "'BEGIN DELETE FROM public.fills; RETURN true; END'",
    )
    before, store = orders.everything(), MemoryStore()
    for where in (
        "1=1; DROP TABLE fills",
        "true); DROP TABLE fills; --",
        "true) TO STDOUT; COMMIT; DROP TABLE fills; --",
        "true) UNION SELECT 1 WHERE (true",
        "true) LIMIT (1",
        "true) ORDER BY (1",
        "true) THEN 1 END FROM orders UNION SELECT CASE WHEN (true",
        "status = 'open",
        'status = "open',
        "status = $$open",
        "(true",
        "true)",
        "true /* open",
        "id = $1",
        "id",
        "public.spoil()",
        "nextval('public.counter') > 0",
        "id IN (DELETE FROM public.fills RETURNING order_id)",
        "EXISTS (WITH gone AS (DELETE FROM public.fills RETURNING 1) SELECT FROM gone)",
        "set_config('transaction_read_only', 'off', false) = 'off' AND public.spoil()",
        "1 / (id - 3) > 0",
        "count(*) > 1",
    ):
        with pytest.raises(InvalidInput) as error:
            run(store, orders, Selection(("orders",), {"orders": where}))
        assert where in error.value.summary
        assert orders.everything() == before, where
        assert not store.objects, where


def test_a_condition_that_changes_how_it_is_parsed_changes_nothing(orders):
    """Without standard strings the second string would end COPY, which is not a single statement."""
    where = (
        r"set_config('standard_conforming_strings', 'off', false) = 'off' AND '\' <> "
        "') TO STDOUT; COMMIT; SET default_transaction_read_only = off; DROP TABLE fills; --'"
    )
    before, store = orders.everything(), MemoryStore()
    with pytest.raises(StorageError):
        run(store, orders, Selection(("orders",), {"orders": where}))
    assert orders.everything() == before
    assert not [key for key in store.objects if "manifest" in key]


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("pg_terminate_backend(pg_backend_pid() + 100000) IS NULL", "pg_terminate_backend"),
        ("lo_create(0) > 0", "lo_create"),
        ("id > 0 AND PG_ADVISORY_LOCK (7) IS NOT NULL", "pg_advisory_lock"),
        ('"pg_catalog" . "pg_advisory_lock"(7) IS NOT NULL', "pg_advisory_lock"),
        ("id IN (SELECT order_id FROM public.fills WHERE pg_advisory_lock(7) IS NULL)",
         "pg_advisory_lock"),
        ("(SELECT pg_advisory_lock(7)) IS NULL", "pg_advisory_lock"),
        ("public.touch(id)", "public.touch"),
    ],
)  # fmt: skip
def test_functions_with_side_effects_are_refused(
    orders: Database, store: MemoryStore, where: str, named: str
) -> None:
    orders.script(
        "CREATE FUNCTION touch(bigint) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"
    )
    with pytest.raises(InvalidInput) as refused:
        run(store, orders, Selection(("orders",), {"orders": where}))
    assert f"{named} may have side effects" in refused.value.cause


def test_texts_and_functions_without_side_effects_are_accepted(
    orders: Database, store: MemoryStore
) -> None:
    orders.script(
        "CREATE FUNCTION positive(bigint) RETURNS bool STABLE LANGUAGE plpgsql "
        "AS 'BEGIN RETURN $1 > 0; END'",
        "CREATE FUNCTION lower(bigint) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END'",
    )
    where = (
        "public.positive(id) AND lower(status) <> 'pg_advisory_lock(7)' AND now() > '2000-01-01'"
    )
    assert run(store, orders, Selection(("orders",), {"orders": where})).backups[0].rows == 500


def test_patterns_match_names_with_their_schema(orders):
    orders.script("CREATE SCHEMA audit", "CREATE TABLE audit.orders (id int)")
    for include, tables in {
        "orders": ["orders"],
        "*.orders": ["audit.orders", "orders"],
        "audit.*": ["audit.orders"],
        "public.[ou]*": ["orders", "users"],
    }.items():
        report = run(MemoryStore(), orders, Selection(include=(include,)))
        assert [each.table for each in report.backups] == tables
    with pytest.raises(InvalidInput, match="No table matches the pattern Orders"):
        run(MemoryStore(), orders, Selection(include=("Orders",)))


def test_two_backups_are_compared_by_key_and_without_one_by_rows(orders):
    store = MemoryStore()
    before = run(store, orders, Selection(("orders", "fills"))).backups
    orders.script(
        "UPDATE orders SET status = NULL, price = 1.10 WHERE id = 5",
        "UPDATE orders SET status = '' || status WHERE id = 6",
        "DELETE FROM fills WHERE order_id = 7",
        "INSERT INTO fills SELECT * FROM fills WHERE order_id = 8",
        "INSERT INTO orders (user_id, status) VALUES (1, E'a,\"b\"\\n')",
    )
    after = run(store, orders, Selection(("orders", "fills"))).backups
    found = compare_of(store, before[0], after[0], 10, Work())
    assert (found.added, found.changed, found.removed, found.unchanged) == (1, 1, 0, 499)
    assert found.by_key == ("id",)
    added, changed = found.rows
    assert added.after == ("501", "1", "NULL", 'a,"b"\n')
    assert changed.different == ("price", "status")
    assert changed.after == ("5", "3", "1.10000000", "NULL")
    found = compare_of(store, before[1], after[1], 10, Work())
    assert (found.added, found.changed, found.removed, found.unchanged) == (1, 0, 1, 19)


def test_a_cancel_ends_the_evaluation_of_a_slow_condition(orders):
    work, selection = Work(), Selection(("orders",), {"orders": "pg_sleep(30) IS NOT NULL"})
    timer = threading.Timer(0.3, work.token.cancel)
    with open_database(orders.address) as source:
        timer.start()
        with pytest.raises(Cancelled):
            back_up(MemoryStore(), source, selection, "", work)
        timer.join()

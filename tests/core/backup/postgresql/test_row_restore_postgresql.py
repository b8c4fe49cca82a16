"""Single rows of a PostgreSQL backup are restored exactly, and an undo reverses it."""

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.preview import preview_of
from core.backup.row_conditions import keys_where
from core.backup.row_restore import preview_rows_of, restore_rows_of
from core.errors import Conflict, InvalidInput, NotFound, NotSupported, StorageError
from core.model.row_restore import RowCounts
from core.work import Work

_TYPES = (
    "a numeric, b double precision, c bytea, d timestamptz, e text[], f jsonb, g interval, h mood, "
    "i uuid, j int4range, k json, l boolean, m char(5), n money, o bit(3), p inet"
)
_VALUES = (
    "1.2300, '-0'::float8, '\\x00ff', '-infinity', ARRAY['a', NULL, '\"'], '{\"b\": 1.0}', "
    "'1 mon -2 days', 'good', '00000000-0000-0000-0000-000000000001', '[1,5)', "
    "'{\"z\":1, \"a\":2}', true, 'x', 12.5, B'101', '10.0.0.1/8'"
)


def _undo(database: Database, former: str) -> None:
    with open_database(database.address, write=True) as target, target.change(work=Work()):
        target.undo(former)


def test_rows_are_inserted_updated_and_deleted_and_the_undo_reverses_it(
    store: MemoryStore, orders: Database
) -> None:
    backup = orders.back_up(store, "orders")
    before = orders.content("orders")
    orders.script(
        "UPDATE orders SET price = 0 WHERE id = 100",
        "DELETE FROM orders WHERE id = 500",
        "UPDATE orders SET status = 'odd' WHERE id = 101",
        "INSERT INTO orders (user_id) VALUES (1)",
        "CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''fired''; END'",
    )
    changed = orders.everything()
    keys = ["100", "[500]", "501", '["1"]']
    shown = preview_rows_of(store, backup, orders.address, keys, Work())
    assert shown.counts == RowCounts(1, 1, 1, 1)
    assert shown.problems == ("Triggers of the table do not fire for these rows: orders_stamp.",)
    assert orders.everything() == changed
    difference = preview_of(store, backup, orders.address, 10, Work()).difference
    assert difference.added_keys == ('["500"]',)
    assert difference.removed_keys == ('["501"]',)
    assert {cell.row for cell in difference.cells} == {'["100"]', '["101"]'}

    report = restore_rows_of(store, backup, orders.address, keys, Work())
    assert report.counts == shown.counts
    assert [row for row in orders.content("orders") if ",odd," not in row] == [
        row for row in before if not row.startswith("(101,")
    ]
    assert orders.run("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'orders_stamp'") == [
        ["O"]
    ]
    _undo(orders, report.former)
    assert orders.everything() == changed


def test_every_type_is_exact_and_the_sequence_continues(
    store: MemoryStore, database: Database
) -> None:
    database.script(
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        f"CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {_TYPES})",
        f"INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (7, {_VALUES})",
        "INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (8)",
    )
    backup, before = database.back_up(store, "t"), database.content("t")
    database.script(
        'UPDATE t SET a = 1.23, b = 0, f = NULL, k = \'{"a":2,"z":1}\' WHERE id = 7',
        "DELETE FROM t WHERE id = 8",
    )
    report = restore_rows_of(store, backup, database.address, ["7", "8"], Work())
    assert report.counts == RowCounts(1, 1)
    assert database.content("t") == before
    database.run("INSERT INTO t (a) VALUES (1)")
    assert database.run("SELECT max(id) FROM t") == [[9]]


@pytest.mark.parametrize(
    ("statement", "key", "kind", "text"),
    [
        ("DELETE FROM users WHERE id = 2", "1", Conflict, "The row 1 of orders would refer to"),
        ("INSERT INTO orders (user_id) VALUES (1)", "999", NotFound, "There is no row 999"),
        ("SELECT 1", "abc", InvalidInput, "does not fit the primary key"),
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE",
            "1",
            NotSupported,
            "Single rows of orders",
        ),
    ],
)
def test_what_prevents_a_row_is_named_and_nothing_changes(
    store: MemoryStore, orders: Database, statement: str, key: str, kind: type[Exception], text: str
) -> None:
    backup = orders.back_up(store, "orders")
    orders.script("DELETE FROM fills", statement, "DELETE FROM orders WHERE id = 1")
    before = orders.everything()
    with pytest.raises(kind, match=text):
        restore_rows_of(store, backup, orders.address, [key], Work())
    assert orders.everything() == before


def test_a_deletion_that_would_cascade_is_refused(store: MemoryStore, orders: Database) -> None:
    backup = orders.back_up(store, "users")
    orders.script(
        "INSERT INTO users (name) VALUES ('dan')", "UPDATE orders SET user_id = 4 WHERE id = 50"
    )
    before = orders.everything()
    with pytest.raises(Conflict, match="Rows of orders refer to the row 4 of users"):
        restore_rows_of(store, backup, orders.address, ["4"], Work())
    assert orders.everything() == before


def test_a_column_of_another_type_is_converted_exactly_or_refused(
    store: MemoryStore, database: Database
) -> None:
    database.script(
        "CREATE TABLE t (id int PRIMARY KEY, a int, b numeric(10, 4))",
        "INSERT INTO t VALUES (1, 5, 1.2345), (2, 6, 1.5000)",
    )
    backup = database.back_up(store, "t")
    database.script(
        "ALTER TABLE t ALTER a TYPE bigint", "UPDATE t SET a = 0", "DELETE FROM t WHERE id = 2"
    )
    restore_rows_of(store, backup, database.address, ["1", "2"], Work())
    assert database.content("t") == ["(1,5,1.2345)", "(2,6,1.5000)"]
    database.script("ALTER TABLE t ALTER b TYPE numeric(10, 2)")
    before = database.everything()
    with pytest.raises(Conflict, match="The row 1 of t cannot be stored as in the backup"):
        restore_rows_of(store, backup, database.address, ["1"], Work())
    assert database.everything() == before


def test_triggers_fire_for_a_user_who_does_not_own_the_table(
    store: MemoryStore, orders: Database
) -> None:
    backup = orders.back_up(store, "orders")
    other = Database(orders.server, orders.name, f"{orders.name}_other", "other")
    orders.server.ask(f"CREATE ROLE {other.user} LOGIN PASSWORD 'other'")
    try:
        orders.script(
            f"GRANT ALL ON orders, users, fills TO {other.user}",
            f"GRANT ALL ON SEQUENCE orders_id_seq TO {other.user}",
            f"GRANT CREATE ON SCHEMA public TO {other.user}",
            "DELETE FROM orders WHERE id = 500",
        )
        report = restore_rows_of(store, backup, other.address, ["500"], Work())
        assert "only its owner can disable them: orders_stamp" in report.problems[-1]
        assert report.counts == RowCounts(inserted=1)
        orders.script(
            "DELETE FROM orders WHERE id = 500",
            "CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN new.status = ''stamped''; RETURN new; END'",
        )
        with pytest.raises(Conflict, match="The row 500 of orders cannot be stored"):
            restore_rows_of(store, backup, other.address, ["500"], Work())
    finally:
        other.run("DROP OWNED BY CURRENT_USER")
        orders.script(
            f"REVOKE ALL ON orders, users, fills FROM {other.user}",
            f"REVOKE ALL ON SEQUENCE orders_id_seq FROM {other.user}",
            f"REVOKE ALL ON SCHEMA public FROM {other.user}",
        )
        orders.server.ask(f"DROP ROLE {other.user}")


def test_a_failure_at_any_statement_changes_nothing(
    store: MemoryStore, orders: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.backup.databases.postgresql.row_restore import PostgreSQLRowChanges

    backup = orders.back_up(store, "orders")
    orders.script("UPDATE orders SET price = 0 WHERE id = 100", "DELETE FROM orders WHERE id = 500")
    before = orders.everything()
    query, count, limit = PostgreSQLRowChanges.query, 0, 0

    def cut(self: PostgreSQLRowChanges, statement: str) -> list[list[object]]:
        nonlocal count
        count += 1
        if count == limit:
            self._session.cut()
        return query(self, statement)

    monkeypatch.setattr(PostgreSQLRowChanges, "query", cut)
    for limit in range(1, 60, 3):
        count = 0
        try:
            restore_rows_of(store, backup, orders.address, ["100", "500"], Work())
        except StorageError:
            assert orders.everything() == before, limit
        else:
            break
    assert 15 < limit < 58


def test_partitions_deferred_and_self_references_domains_and_hostile_names(
    store: MemoryStore, database: Database
) -> None:
    database.script(
        "CREATE DOMAIN filled AS text NOT NULL",
        'CREATE TABLE "a.b""; x" (strongroom_action int, "k" int, "T \'s" filled, up int, '
        "serial serial, PRIMARY KEY (strongroom_action, k)) PARTITION BY LIST (k)",
        'CREATE TABLE p1 PARTITION OF "a.b""; x" FOR VALUES IN (1)',
        'CREATE TABLE p2 PARTITION OF "a.b""; x" DEFAULT',
        'ALTER TABLE "a.b""; x" ADD FOREIGN KEY (up, k) REFERENCES "a.b""; x" '
        "DEFERRABLE INITIALLY DEFERRED",
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''fired''; END'",
        "INSERT INTO \"a.b\"\"; x\" VALUES (1, 1, 'x', NULL), (2, 1, 'y', 1), (3, 2, 'z', NULL)",
        'CREATE TRIGGER "t "" 1" BEFORE INSERT OR UPDATE OR DELETE ON "a.b""; x" FOR EACH ROW '
        "EXECUTE FUNCTION stop()",
        "CREATE TRIGGER only_one BEFORE UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION stop()",
        "ALTER TABLE p1 ENABLE ALWAYS TRIGGER only_one",
    )
    table = '"a.b""; x"'
    backup, before = database.back_up(store, table), database.content(table)
    states = database.run("SELECT tgrelid, tgname, tgenabled::text FROM pg_trigger ORDER BY 1, 2")
    database.script(
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        "ALTER TABLE p1 DISABLE TRIGGER USER",
        f"DELETE FROM {table} WHERE strongroom_action < 3",
        f"UPDATE {table} SET \"T 's\" = 'changed'",
        f"ALTER TABLE {table} ENABLE TRIGGER USER",
        "ALTER TABLE p1 ENABLE TRIGGER USER",
        "ALTER TABLE p1 ENABLE ALWAYS TRIGGER only_one",
    )
    changed = database.content(table)
    with pytest.raises(Conflict, match="The row 2, 1 of"):
        restore_rows_of(store, backup, database.address, ["[2, 1]"], Work())
    keys = ["[1, 1]", "[2, 1]", "[3, 2]"]
    report = restore_rows_of(store, backup, database.address, keys, Work())
    assert report.counts == RowCounts(2, 1)
    assert database.content(table) == before
    found = database.run("SELECT tgrelid, tgname, tgenabled::text FROM pg_trigger ORDER BY 1, 2")
    assert found == states
    _undo(database, report.former)
    assert database.content(table) == changed


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("timestamptz", ["'2024-01-01 10:00:00.123456+02'", "'infinity'", "'0044-01-01 BC'"]),
        ("numeric", ["1.50", "1.5000001", "'NaN'"]),
        ("double precision", ["0.1", "'-0'", "1e-300"]),
        ("bytea", ["'\\x00ff'", "''"]),
        ("uuid", ["'00000000-0000-0000-0000-000000000001'"]),
        ("text", ["'a,\"b'", "''", "' x '"]),
        ("date", ["'2024-02-29'"]),
        ("boolean", ["true", "false"]),
    ],
)
def test_rows_that_meet_a_condition_are_restored_by_their_exact_keys(
    store: MemoryStore, orders: Database, kind: str, values: list[str]
) -> None:
    orders.script(f"CREATE TABLE k (a {kind}, b int, v int, PRIMARY KEY (b, a))")
    rows = ", ".join(f"({value}, 1, {n})" for n, value in enumerate(values))
    orders.script(f"INSERT INTO k VALUES {rows}")
    backup, before = orders.back_up(store, "k"), orders.content("k")
    orders.script("UPDATE k SET v = v + 100")
    keys = keys_where(store, backup, "b = 1 AND v >= 0", Work())
    report = restore_rows_of(store, backup, orders.address, keys, Work())
    assert report.counts == RowCounts(0, len(values), 0, 0)
    assert sorted(orders.content("k")) == sorted(before)

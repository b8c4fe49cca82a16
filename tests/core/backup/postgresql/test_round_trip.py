"""A PostgreSQL table is the same after a backup and a restore: rows, schema and next identity."""

from __future__ import annotations

import hashlib
import json

import pytest
import zstandard
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.databases.postgresql import PostgreSQLDatabase
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.restore import BY_FINGERPRINT
from core.backup.run import back_up
from core.backup.verify import verify_of
from core.errors import AlreadyExists, Conflict, InvalidInput, NotFound, NotSupported
from core.model.restore import UndoReport
from core.work import Work

#: Each type with values that lose something in a careless conversion.
TYPES = {
    "smallint": ["-32768", "0"],
    "bigint": ["9223372036854775807", "9007199254740993"],
    "numeric": ["NaN", "Infinity", "-Infinity", "1.10", "0.000", "1" + "0" * 300, "-0.00000000000000000001"],
    "numeric(10,4)": ["1.5", "-5"],
    "real": ["1e-45", "-0", "NaN", "3.4028235e38"],
    "double precision": ["5e-324", "-0", "Infinity", "0.1", "1.7976931348623157e308"],
    "boolean": ["t", "f"],
    "text": ["", " ", "NULL", '"', "a,b", "line\nbreak\r\n", "\\.", "\\N", "tab\t", "é 😀 \u200b", "x" * 70_000],
    "varchar(5)": ["abc", ""],
    "character(5)": ["ab", ""],
    '"char"': ["a", ""],
    "bytea": ["\\x00ff", "\\x"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "date": ["infinity", "-infinity", "0044-03-15 BC", "9999-12-31"],
    "time": ["24:00:00", "12:34:56.789012"],
    "time with time zone": ["12:00:00.5+14:59:59"],
    "timestamp": ["infinity", "2024-02-29 23:59:59.999999", "0001-01-01 00:00:00 BC"],
    "timestamp with time zone": ["-infinity", "2024-03-31 02:30:00+02", "294276-12-31 00:00:00+00"],
    "interval": ["1 year 2 mons -3 days 04:05:06.789", "-00:00:00.000001", "178000000 years"],
    "json": ['{"a": 1.10, "a": 2}', '"\\u0000"', "null"],
    "jsonb": ["[1, null, {}]", "1.10", '"é"'],
    "integer[]": ["{}", "{1,NULL,3}", "[0:1]={7,8}", "{{1,2},{3,4}}"],
    "text[]": ['{"",NULL,"NULL","a,b","\\"q\\""}'],
    "inet": ["10.0.0.1/8", "::1"],
    "cidr": ["10.0.0.0/8"],
    "macaddr": ["08:00:2b:01:02:03"],
    "bit(3)": ["101"],
    "bit varying": ["", "1011"],
    "point": ["(1.1,-0)"],
    "polygon": ["((0,0),(1,1),(2,0.5))"],
    "circle": ["<(0,0),1.5>"],
    "int4range": ["empty", "[1,5)", "(,)"],
    "tstzrange": ['["2024-01-01 00:00:00+00",)'],
    "int8multirange": ["{[1,2),[5,9)}"],
    "tsvector": ["'a':1A 'b':2"],
    "xml": ["<a>é</a>"],
    "money": ["$1,000.50"],
    "oid": ["4294967295"],
    "pg_lsn": ["16/B374D848"],
    "mood": ["sad", "it's ok"],
    "positive": ["1"],
    "place": ['(1,"a, b")'],
    "mood[]": ['{sad,"it\'s ok"}'],
    "float_range": ["[1.5,2.5)"],
}  # fmt: skip


@pytest.fixture
def typed(database: Database) -> Database:
    """One table with a column of every type and a row for each value; every value also NULL."""
    database.script(
        "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')",
        "CREATE DOMAIN positive AS int DEFAULT 7 CHECK (VALUE > 0)",
        "CREATE TYPE place AS (level int, name varchar(20))",
        "CREATE TYPE float_range AS RANGE (SUBTYPE = float8)",
        "CREATE TABLE typed (n serial, "
        + ", ".join(f"c{number} {kind}" for number, kind in enumerate(TYPES))
        + ")",
        "INSERT INTO typed DEFAULT VALUES",
    )
    for number, (kind, values) in enumerate(TYPES.items()):
        for value in values:
            database.run(f"INSERT INTO typed (c{number}) VALUES ($1::text::{kind})", value)
    return database


def test_every_type_comes_back_exactly(typed: Database, store: MemoryStore) -> None:
    before = typed.content("typed")
    with open_database(typed.address) as opened:
        schema = opened.schema("typed")
    backup = typed.back_up(store, "typed")
    typed.script("DROP TABLE typed", "DROP TYPE mood, place, float_range", "DROP DOMAIN positive")
    report = typed.restore(store, backup)
    assert report.verified == "verified (SHA-256 and server fingerprint)"
    assert typed.content("typed") == before
    with open_database(typed.address) as opened:
        assert opened.schema("typed") == schema


def test_types_of_extensions_come_back_and_a_missing_extension_is_named(
    database: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    database.script(
        "CREATE EXTENSION citext",
        "CREATE EXTENSION hstore",
        "CREATE TABLE t (name citext PRIMARY KEY, tags hstore, more citext[])",
        """INSERT INTO t VALUES ('Ada', 'a=>1, "b c"=>NULL, q=>"\\"", e=>""', '{x,NULL,"",Y}')""",
        "INSERT INTO t VALUES ('', NULL, '{}')",
    )
    before = database.content("t")
    backup = database.back_up(store, "t")
    database.script("DROP TABLE t")
    assert database.restore(store, backup).verified == BY_FINGERPRINT
    assert database.content("t") == before
    with new_database(postgresql_server) as other:
        with pytest.raises(NotSupported) as error:
            other.restore(store, backup)
        assert "citext" in f"{error.value.summary} {error.value.cause} {error.value.remedy}"
        assert not [row for row in other.everything()[0] if row[1] == "t"]


def test_the_parts_are_csv_that_psql_reads(typed: Database, store: MemoryStore) -> None:
    backup = typed.back_up(store, "typed")
    parts = [key for key in store.objects if key.endswith(".csv.zst")]
    assert len(parts) == 1
    text = zstandard.ZstdDecompressor().decompressobj().decompress(store.objects[parts[0]])
    manifest = json.loads(store.objects[backup.key])
    assert hashlib.sha256(text).hexdigest() == manifest["content"]
    assert manifest["encoding"]["rows"].startswith("CSV")
    assert manifest["ddl"].startswith('CREATE TABLE "public"."typed"')
    assert verify_of(store, backup, Work()).good


def test_a_table_is_replaced_with_everything_that_is_bound_to_it(
    orders: Database, store: MemoryStore
) -> None:
    before, fills = orders.content("orders"), orders.content("fills")
    with open_database(orders.address) as opened:
        schema = opened.schema("orders")
    backup = orders.back_up(store, "orders")
    orders.script(
        "UPDATE orders SET price = 0 WHERE id < 10",
        "DELETE FROM orders WHERE id > 490",
        "INSERT INTO orders (user_id) VALUES (1)",
    )
    changed = orders.content("orders")
    report = orders.restore(store, backup)
    assert orders.content("orders") == before
    assert orders.content("fills") == fills
    assert len(orders.run("SELECT * FROM open_orders")) == 250
    assert orders.run("INSERT INTO orders (user_id) VALUES (1) RETURNING id") == [[501]]
    with open_database(orders.address) as opened:
        assert opened.schema("orders").foreign_keys == schema.foreign_keys
        assert opened.schema("orders").indexes == schema.indexes
        assert opened.schema("orders").triggers == schema.triggers
        (former,) = [table for table in opened.tables() if table.former_name]
    assert (former.name, former.former_name) == (report.kept, "orders")
    with pytest.raises(Exception, match="violates foreign key"):
        orders.run("DELETE FROM orders WHERE id = 1")
    assert orders.content(f'"{report.kept}"') == changed


def test_undo_brings_the_former_table_back(orders: Database, store: MemoryStore) -> None:
    backup = orders.back_up(store, "orders")
    orders.script("UPDATE orders SET price = 0 WHERE id < 10")
    before = orders.everything()
    report = orders.restore(store, backup)
    with open_database(orders.address, write=True) as opened, opened.change(work=Work()):
        assert opened.undo(report.kept) == UndoReport("orders")
    assert orders.everything() == before


def test_the_former_table_is_dropped_and_no_other(orders: Database, store: MemoryStore) -> None:
    report = orders.restore(store, orders.back_up(store, "orders"))
    with open_database(orders.address, write=True) as opened:
        with pytest.raises(InvalidInput, match="not a former table"):
            opened.drop_former("users")
        opened.drop_former(report.kept)
        assert not opened.exists(report.kept)


def test_a_copy_gets_names_of_its_own(orders: Database, store: MemoryStore) -> None:
    before = orders.content("orders")
    backup = orders.back_up(store, "orders")
    orders.restore(store, backup, target="orders_copy")
    assert orders.content("orders_copy") == before
    assert orders.content("orders") == before
    assert orders.run("INSERT INTO orders_copy (user_id) VALUES (1) RETURNING id") == [[501]]
    with pytest.raises(AlreadyExists):
        orders.restore(store, backup, target="orders_copy")


def test_the_preview_shows_rows_and_orphans(orders: Database, store: MemoryStore) -> None:
    backup = orders.back_up(store, "orders")
    orders.script(
        "UPDATE orders SET price = 1.00000001 WHERE id = 3",
        "DELETE FROM orders WHERE id = 500",
        "INSERT INTO orders (user_id) VALUES (1), (2)",
        "INSERT INTO fills VALUES (501, 1)",
        "ALTER TABLE orders ADD COLUMN extra text",
    )
    preview = preview_of(store, backup, orders.address, 5, Work())
    found = preview.difference
    assert (found.added, found.changed, found.removed) == (1, 1, 2)
    assert [(cell.key, cell.column, cell.today) for cell in found.cells] == [
        ("3", "price", "1.00000001"),
        ("3", "total", "2.00000002"),
    ][: len(found.cells)]
    assert preview.orphans == (("fills", 1),)
    assert preview.drift == (
        "column extra was added since the backup: its values would be removed",
    )
    before = orders.everything()
    with pytest.raises(Conflict, match="missing rows"):
        orders.restore(store, backup)
    assert orders.everything() == before
    report = orders.restore(store, backup, allow_orphans=True)
    assert any("fills" in problem for problem in report.problems)


def test_a_table_without_a_key_is_compared_by_rows(database: Database, store: MemoryStore) -> None:
    database.script("CREATE TABLE log (line text)", "INSERT INTO log VALUES ('a'), ('a'), ('b')")
    backup = database.back_up(store, "log")
    database.script("DELETE FROM log WHERE line = 'a'", "INSERT INTO log VALUES ('a'), ('c')")
    found = preview_of(store, backup, database.address, 5, Work()).difference
    assert (found.added, found.removed, found.by_key) == (1, 1, ())


def test_a_partitioned_table_is_one_backup(database: Database, store: MemoryStore) -> None:
    database.script(
        "CREATE TABLE trades (day date NOT NULL, symbol text NOT NULL, price float8) "
        "PARTITION BY RANGE (day)",
        "CREATE TABLE trades_2024 PARTITION OF trades FOR VALUES FROM ('2024-01-01') TO "
        "('2025-01-01') PARTITION BY LIST (symbol)",
        "CREATE TABLE trades_2024_btc PARTITION OF trades_2024 FOR VALUES IN ('BTC')",
        "CREATE TABLE trades_rest PARTITION OF trades DEFAULT",
        "INSERT INTO trades VALUES ('2024-05-01', 'BTC', 1), ('2026-01-01', 'ETH', 2)",
    )
    before = database.content("trades")
    with open_database(database.address) as opened:
        assert [table.name for table in opened.tables()] == ["trades"]
        schema = opened.schema("trades")
    backup = database.back_up(store, "trades")
    report = database.restore(store, backup)
    assert database.content("trades") == before
    assert len(database.content("trades_2024_btc")) == 1
    with open_database(database.address) as opened:
        assert opened.schema("trades") == schema
    assert report.kept


def test_old_form_and_sqlite_backups_are_restored(
    database: Database, store: MemoryStore, path: object
) -> None:
    from helpers.backups import backed_up

    records = [{"id": 1, "price": 1.5, "note": 'x, "y"'}, {"id": 2, "price": None, "note": ""}]
    store.objects["backups/database/old/2024/01/15/2024-01-15T10:00:00Z.json"] = json.dumps(
        {"table_name": "old", "timestamp": "2024-01-15T10:00:00Z", "records": records}
    ).encode()
    (old,) = backups_in(store, "old", Work())
    database.restore(store, old)
    assert database.content("old") == ['(1,1.5,"x, ""y""")', '(2,,"")']
    # A present table with other columns does not fit, so that its schema cannot be used.
    database.script("DROP TABLE old", "CREATE TABLE old (id int PRIMARY KEY, other text NOT NULL)")
    preview = preview_of(store, old, database.address, 5, Work())
    assert preview.inferred
    assert any("other" in difference for difference in preview.drift)
    database.restore(store, old)
    assert database.content("old") == ['(1,1.5,"x, ""y""")', '(2,,"")']
    of_sqlite = backed_up(store, path, "orders")  # type: ignore[arg-type] # the fixture's path
    report = database.restore(store, of_sqlite)
    assert report.rows == len(database.content("orders")) == 500
    assert any("another database" in problem for problem in report.problems)


def test_what_cannot_be_moved_prevents_a_restore_in_place(
    orders: Database, store: MemoryStore
) -> None:
    orders.script("CREATE MATERIALIZED VIEW totals AS SELECT sum(price) FROM orders")
    backup = orders.back_up(store, "orders")
    preview = preview_of(store, backup, orders.address, 5, Work())
    assert any("totals" in str(one) and one.problem for one in preview.dependants)
    before = orders.everything()
    with pytest.raises(NotSupported, match="bound to the present table"):
        orders.restore(store, backup)
    assert orders.everything() == before


def test_tables_that_cannot_be_backed_up_name_the_cause(
    orders: Database, store: MemoryStore
) -> None:
    orders.script(
        "CREATE TABLE parted (a int) PARTITION BY LIST (a)",
        "CREATE TABLE child PARTITION OF parted DEFAULT",
    )
    for name, error, text in (
        ("open_orders", NotSupported, "a view"),
        ("missing", NotFound, "no table"),
        ("child", NotSupported, "a partition of parted"),
    ):
        with pytest.raises(error, match=text) as refused:
            orders.back_up(store, name)
        assert ". Its rows are" in refused.value.reason or name != "child"
    assert not store.objects


def test_a_server_of_a_version_that_is_not_tested_is_named(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_database(orders.address) as source:
        assert (source.version[:3], source.untested) == ("15.", "")
    monkeypatch.setattr(PostgreSQLDatabase, "version", "151.2")
    text = "PostgreSQL 151.2 is not tested, only PostgreSQL 15: prove a backup by a restore drill."
    with open_database(orders.address) as source:
        report = back_up(store, source, ["orders"], "", Work())
        assert (report.notes, source.info().untested) == ((text,), text)
    preview = preview_of(store, report.backups[0], orders.address, 5, Work())
    assert text in preview.problems

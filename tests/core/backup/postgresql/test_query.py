"""SQL on backups of PostgreSQL tables: types and values as in the server."""

from __future__ import annotations

from decimal import Decimal

from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database
from helpers.reading_examples import rows_of_example, rows_of_pandas

from core.backup.query import query_of
from core.work import Work

COLUMNS = {
    "id": ("bigint", "BIGINT", "9223372036854775807", 9223372036854775807),
    "small": ("smallint", "SMALLINT", "-5", -5),
    "price": ("numeric(18,8)", "DECIMAL(18,8)", "1.10", "1.10000000"),
    "loose": ("numeric", "DECIMAL(18,3)", "12345.678", "12345.678"),
    "long": ("numeric(50,2)", "VARCHAR", "1" * 40 + ".25", "1" * 40 + ".25"),
    "nan": ("numeric(10,2)", "VARCHAR", "NaN", "NaN"),
    "wide": ("numeric", "VARCHAR", "1" * 39, "1" * 39),
    "f8": ("double precision", "DOUBLE", "5e-324", 5e-324),
    "f4": ("real", "FLOAT", "0.1", 0.1),
    "inf": ("double precision", "DOUBLE", "-Infinity", "-Infinity"),
    "yes": ("boolean", "BOOLEAN", "t", True),
    "empty": ("text", "VARCHAR", "", ""),
    "lines": ("text", "VARCHAR", 'a,"b"\r\n\\.', 'a,"b"\r\n\\.'),
    "raw": ("bytea", "BLOB", "\\x00ff", "\\x00ff"),
    "day": ("date", "DATE", "infinity", "infinity"),
    "old": ("timestamp", "VARCHAR", "0044-03-15 00:00:00 BC", "0044-03-15 00:00:00 BC"),
    "at": ("timestamptz", "TIMESTAMP WITH TIME ZONE", "2024-03-31 02:30:00+02", "2024-03-31 00:30:00+00"),
    "moment": ("timestamp(3)", "TIMESTAMP", "2024-02-29 23:59:59.123", "2024-02-29 23:59:59.123"),
    "key": ("uuid", "UUID", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "list": ("int[]", "VARCHAR", "{1,NULL}", "{1,NULL}"),
    "amount": ("positive", "INTEGER", "7", 7),
    'a"b\'c': ("jsonb", "VARCHAR", '{"a": 1.10}', '{"a": 1.10}'),
    "ID": ("text", "VARCHAR", "case", "case"),
}  # fmt: skip


def test_every_type_is_read_exactly(database: Database):
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in COLUMNS)
    definitions = ", ".join(
        f"{name} {kind}"
        for name, (kind, *_) in zip(names.split(", "), COLUMNS.values(), strict=True)
    )
    values = ", ".join("'" + value.replace("'", "''") + "'" for _, _, value, _ in COLUMNS.values())
    database.script(
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        "CREATE SCHEMA republic",
        f"CREATE TABLE republic.typed ({definitions})",
        f"INSERT INTO republic.typed VALUES ({values})",
        f"INSERT INTO republic.typed ({names}) SELECT {', '.join('NULL' for _ in COLUMNS)}",
    )
    store = MemoryStore()
    backup = database.back_up(store, "republic.typed")
    found = query_of(store, backup, "SELECT * FROM republic.typed", 10, Work())
    assert found.columns == (*list(COLUMNS)[:-1], "ID_2")
    assert found.types == tuple(kind for _, kind, _, _ in COLUMNS.values())
    assert found.rows[0] == tuple(value for *_, value in COLUMNS.values())
    assert set(found.rows[1]) == {None}
    text = "".join(found.notes)
    assert all(f"The column {name} is" in text for name in ("nan", "wide", "old", "ID"))
    total = "SELECT sum(price), sum(loose), count(*) FROM backup"
    assert query_of(store, backup, total, 1, Work()).rows == (("1.10000000", "12345.678", 2),)


def test_a_table_of_one_column_has_its_empty_rows(database: Database):
    database.script(
        "CREATE TABLE one (v text)", "INSERT INTO one VALUES (NULL), (''), ('a'), (NULL)"
    )
    store = MemoryStore()
    backup = database.back_up(store, "one")
    sql = "SELECT count(*), count(v), count(*) FILTER (v = '') FROM one"
    assert query_of(store, backup, sql, 1, Work()).rows == ((4, 2, 1),)


def test_a_row_larger_than_the_usual_limit_is_read(database: Database):
    database.script("CREATE TABLE big (v text)", "INSERT INTO big SELECT repeat('x', 5000000)")
    store = MemoryStore()
    backup = database.back_up(store, "big")
    assert query_of(store, backup, "SELECT length(v) FROM big", 1, Work()).rows == ((5000000,),)


def test_the_documented_example_reads_the_parts(database: Database, tmp_path):
    database.script(
        "CREATE TABLE orders (id bigint, price numeric(18,8), status text, payload bytea)",
        "INSERT INTO orders VALUES (9223372036854775807, 0.1, '', '\\x00ff'), (1, NULL, NULL, NULL)",
    )
    store = MemoryStore()
    backup = database.back_up(store, "orders")
    rows = rows_of_example("PostgreSQL", store, backup, tmp_path)
    assert rows == [
        (9223372036854775807, Decimal("0.10000000"), "", b"\x00\xff"),
        (1, None, None, None),
    ]
    assert rows_of_pandas("PostgreSQL", store, backup, tmp_path) == rows

"""SQL on backups and exports of MariaDB tables: types and values as in the server."""

from __future__ import annotations

import re
from decimal import Decimal

from helpers.backups import MemoryStore
from helpers.reading_examples import rows_of_example, rows_of_pandas

from core.backup.export import Target, export_of
from core.backup.query import query_of
from core.work import Work

COLUMNS = {
    "id": ("bigint unsigned", "UBIGINT", "18446744073709551615", 18446744073709551615),
    "small": ("smallint", "BIGINT", "-5", -5),
    "price": ("decimal(18,8)", "DECIMAL(18,8)", "1.1", "1.10000000"),
    "wide": ("decimal(65,1)", "VARCHAR", "1" * 40 + ".5", "1" * 40 + ".5"),
    "d": ("double", "DOUBLE", "5e-324", 5e-324),
    "f": ("float", "DOUBLE", "0.5", 0.5),
    "empty": ("text", "VARCHAR", "", ""),
    "lines": ("varchar(50)", "VARCHAR", 'a\\b"\n\'', 'a\\b"\n\''),
    "raw": ("blob", "BLOB", "x'00FF'", "\\x00ff"),
    "day": ("date", "VARCHAR", "0000-00-00", "0000-00-00"),
    "at": ("datetime(3)", "TIMESTAMP", "2024-02-29 23:59:59.5", "2024-02-29 23:59:59.5"),
    "span": ("time", "VARCHAR", "-838:59:59", "-838:59:59"),
    "flags": ("bit(5)", "UBIGINT", "b'10101'", 21),
    "year": ("year", "BIGINT", "2024", 2024),
    "a`b'c": ("json", "VARCHAR", '{"a": 1.10}', '{"a": 1.10}'),
    "old": ("varchar(9) character set gbk", "VARCHAR", "é", "é"),
}  # fmt: skip


def _values():
    for _, _, value, _ in COLUMNS.values():
        bare = re.fullmatch(r"[xb]'\w*'|[-\d.]+(e-\d+)?", value)
        yield value if bare else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def test_every_type_is_read_and_exported_exactly(trading, tmp_path):
    names = ["`" + name.replace("`", "``") + "`" for name in COLUMNS]
    definitions = [
        f"{n} {kind} NULL" for n, (kind, *_) in zip(names, COLUMNS.values(), strict=True)
    ]
    values = ", ".join(_values()).replace("%", "%%")
    trading.sql(
        f"CREATE TABLE typed ({', '.join(definitions)}) CHARACTER SET utf8mb4",
        f"INSERT INTO typed VALUES ({values})",
        f"INSERT INTO typed VALUES ({', '.join('NULL' for _ in COLUMNS)})",
    )
    store = MemoryStore()
    backup = trading.backed_up(store, "typed")
    found = query_of(store, backup, "SELECT * FROM typed", 10, Work())
    assert found.columns == tuple(COLUMNS)
    assert found.types == tuple(kind for _, kind, _, _ in COLUMNS.values())
    assert set(found.rows) == {
        tuple(value for *_, value in COLUMNS.values()),
        tuple(None for _ in COLUMNS),
    }
    before = sorted(map(repr, trading.rows("typed")))
    path = tmp_path / "typed.sql"
    assert export_of(store, backup, Target(path, "sql"), Work()).rows == 2
    text = path.read_text(encoding="utf-8")
    statement = text[text.index("INSERT") : text.rindex(";\nCOMMIT")]
    trading.sql("DELETE FROM typed", statement)
    assert sorted(map(repr, trading.rows("typed"))) == before


def test_the_documented_example_reads_the_parts(trading, tmp_path):
    trading.sql(
        "CREATE TABLE orders (id bigint unsigned PRIMARY KEY, price decimal(18,8), status text, payload blob)",
        "INSERT INTO orders VALUES (18446744073709551615, 0.1, '', x'00FF'), (1, NULL, NULL, NULL)",
    )
    store = MemoryStore()
    backup = trading.backed_up(store, "orders")
    rows = rows_of_example("MariaDB", store, backup, tmp_path)
    assert rows == [
        (1, None, None, None),
        (18446744073709551615, Decimal("0.10000000"), "", b"\x00\xff"),
    ]
    found = rows_of_pandas("MariaDB", store, backup, tmp_path)
    assert found == [(1, None, None, None), (18446744073709551615, "0.10000000", "", b"\x00\xff")]

"""Reading of rows from MariaDB: a sample chooses the statement, and the server counts the rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.backups import MemoryStore
from pymysql import Connection

from core.backup.databases.mysql import inspect, sampling
from core.backup.databases.mysql.packets import Packets
from core.backup.databases.mysql.rows import row_sql
from core.backup.restore import BY_FINGERPRINT
from core.backup.run import back_up
from core.errors import DatabaseError, InvalidInput, NotSupported
from core.work import Progress, Work
from tests.core.backup.mariadb.conftest import Trading

_COLUMNS = {
    "i": "INT", "d": "DOUBLE", "n": "DECIMAL(9,3)", "t": "VARCHAR(20)", "l": "TEXT CHARACTER SET latin1",
    "b": "VARBINARY(9)", "w": "DATETIME(6)", "k": "VARCHAR(9) COLLATE utf8mb4_bin", "x": "BIT(3)",
}  # fmt: skip
_VALUES = "(%s, 7, 1.5, 2.250, 'a\"b', 'é', x'00FF', '2026-11-02 03:04:05.000006', 'K', b'101')"


@pytest.fixture
def orders(trading: Trading) -> Trading:
    """A table whose columns are NULL in one row in the middle each, outside of any sample."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    trading.sql(
        f"CREATE TABLE orders (id INT PRIMARY KEY, {columns})",
        "INSERT INTO orders VALUES " + ",".join(_VALUES % number for number in range(60)),
        *(
            f"UPDATE orders SET {name}=NULL WHERE id IN ({25 + number}, 40)"
            for number, name in enumerate(_COLUMNS)
        ),
    )
    return trading


def lines_of(trading: Trading) -> list[bytes]:
    with trading.open() as source, source.snapshot():
        pieces = source.dump(source.schema("orders"))
        return b"".join(lines for _, lines in pieces).splitlines()


@pytest.mark.parametrize("sampled", [5, 100])
def test_rows_with_null_outside_of_the_sample_have_the_same_lines(
    orders: Trading, sampled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "_ROWS", sampled)
    found = lines_of(orders)
    with orders.open() as source:
        sql = row_sql(source.schema("orders"))
    expected = [
        bytes(row[0], "utf8") for row in orders.sql(f"SELECT {sql} FROM orders ORDER BY id")
    ]
    assert found == expected
    nulls = [sum(value is None for value in json.loads(line).values()) for line in found]
    assert nulls == [0] * 25 + [1] * 9 + [0] * 6 + [9] + [0] * 19
    store = MemoryStore()
    before = orders.everything()
    report = orders.restored(store, orders.backed_up(store, "orders"), target="again")
    assert report.verified == BY_FINGERPRINT
    assert orders.rows("again") == orders.rows("orders")
    orders.sql("DROP TABLE again")
    assert orders.everything() == before


def test_the_sample_decides_on_both_ends(orders: Trading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_ROWS", 5)
    orders.sql("UPDATE orders SET n=NULL WHERE id=59", "UPDATE orders SET w=NULL WHERE id=0")
    with orders.open() as source:
        schema = source.schema("orders")
        filled = [name for name in _COLUMNS if name not in {"n", "w", "l"}]
        assert sampling.sampled_row_sql(source._session, schema) == row_sql(schema, filled)


def test_a_large_table_is_not_counted_before_it_is_read(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect, "_COUNTED_BYTES", 0)
    reported: list[Progress] = []
    start = len(orders.server.logs)
    with orders.open() as source:
        report = back_up(MemoryStore(), source, ["orders"], "", Work(report=reported.append))
    assert report.backups[0].rows == 60
    assert "COUNT(*)" not in orders.server.logs[start:]
    assert all(found.done <= (found.total or 0) for found in reported)


def test_rows_that_the_server_sent_and_were_not_read_are_missed(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect, "_COUNTED_BYTES", 0)
    with orders.open() as source:
        session: Any = source._session
        stream = session.stream

        def short(statement: str, work: Work) -> Any:
            for values, null in stream(statement, work):
                yield values[1:], null

        monkeypatch.setattr(session, "stream", short)
        with pytest.raises(DatabaseError, match="rows are missing") as refused:
            back_up(MemoryStore(), source, ["orders"], "", Work())
    assert "CHECK TABLE" in refused.value.remedy


def test_a_database_without_tables_is_not_called_a_file(trading: Trading) -> None:
    with trading.open() as source, pytest.raises(InvalidInput, match="no tables") as refused:
        back_up(MemoryStore(), source, None, "", Work())
    assert "file" not in refused.value.remedy
    assert "address" in refused.value.remedy


def _packet(value: bytes | None) -> bytes:
    """Return a packet of a result with one column."""
    if value is None:
        body = b"\xfb"
    elif len(value) < 251:
        body = bytes([len(value)]) + value
    elif len(value) < 1 << 16:
        body = b"\xfc" + len(value).to_bytes(2, "little") + value
    else:
        body = b"\xfd" + len(value).to_bytes(3, "little") + value
    return len(body).to_bytes(3, "little") + b"\7" + body


@pytest.mark.parametrize("block", [1, 2, 7, 250, 4096, 1 << 20])
def test_packets_are_read_whatever_the_blocks_contain(block: int) -> None:
    sizes = [0, 1, 249, 250, 251, 3, 252, 5, 65_535, 2, 65_536, 250]
    values = [None if size == 3 else bytes([size % 251]) * size for size in sizes]
    data = b"".join(map(_packet, values)) + b"\5\0\0\1\xfe\0\0\2\0"
    packets, found = Packets(), list[bytes | None]()
    for start in range(0, len(data), block):
        packets.add(data[start : start + block])
        while (received := packets.values())[0] or received[1]:
            found += received[0] + [None] * received[1]
    assert packets.ended
    assert found == values


@pytest.mark.parametrize(
    ("reported", "named"),
    [
        ("10.11.11-MariaDB-0+deb12u1", ""),
        ("5.5.5-10.11.6-MariaDB-log", ""),
        ("11.4.2-MariaDB", "MariaDB 11.4.2 is not tested, only MariaDB 10.11: "),
        ("8.4.3", "MySQL 8.4.3 is not tested, only MariaDB 10.11: "),
    ],
)
def test_a_server_of_a_version_that_is_not_tested_is_named(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, reported: str, named: str
) -> None:
    monkeypatch.setattr(Connection, "get_server_info", lambda _self: reported)
    with orders.open() as source:
        report = back_up(MemoryStore(), source, ["orders"], "", Work())
    assert "".join(report.notes) == (f"{named}prove a backup by a restore drill." if named else "")


def test_a_table_of_a_list_that_cannot_be_backed_up_is_named_and_none_is_written(
    orders: Trading, store: MemoryStore
) -> None:
    orders.sql(
        f"CREATE DATABASE `{orders.name}_x`",
        f"CREATE TABLE `{orders.name}_x`.p (id INT PRIMARY KEY)",
        f"CREATE TABLE a (id INT, FOREIGN KEY (id) REFERENCES `{orders.name}_x`.p (id))",
        "CREATE SEQUENCE numbers",
        "CREATE TABLE numbered (id INT, `next one` BIGINT DEFAULT nextval(numbers))",
        "CREATE TABLE old (id INT) ENGINE=MyISAM",
    )
    try:
        with pytest.raises(NotSupported) as refused:
            orders.backed_up(store, "orders", "a", "numbered", "old")
        assert refused.value.summary.startswith("a cannot be described: A foreign key refers to")
        assert "numbered cannot be backed up" in refused.value.cause
        assert "old is a table of the storage engine MyISAM" in refused.value.cause
        assert refused.value.remedy.endswith("Or back up the other tables without it.")
        assert not store.objects
        with pytest.raises(NotSupported, match="numbered") as refused:
            orders.backed_up(store, "numbered")
        assert "because the column next one uses a sequence" in refused.value.summary
        assert refused.value.cause.startswith("Its default is nextval(")
    finally:
        orders.sql("DROP TABLE a", f"DROP DATABASE `{orders.name}_x`")


@pytest.mark.parametrize(
    "options",
    ["PAGE_COMPRESSED=1", "PAGE_COMPRESSED='ON' PAGE_COMPRESSION_LEVEL=3", "ENCRYPTED=NO"],
)
def test_options_of_the_storage_engine_come_back(
    trading: Trading, store: MemoryStore, options: str
) -> None:
    trading.sql(
        f"CREATE TABLE t (id INT PRIMARY KEY, a TEXT DEFAULT 'nextval(x)') {options}",
        "INSERT INTO t VALUES (1, 'x')",
    )
    before = trading.definition("t")
    assert "`='" in before
    assert trading.restored(store, trading.backed_up(store, "t")).problems == ()
    assert trading.definition("t") == before

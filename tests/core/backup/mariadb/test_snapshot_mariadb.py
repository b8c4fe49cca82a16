"""A large table is read by two sessions with one view; it is the same backup as of one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

import pymysql
import pytest
from helpers.backups import MemoryStore
from helpers.waiting import until

from core.backup.databases import open_database, parallel_reading
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql import snapshot
from core.backup.databases.mysql.reading import ReadableDatabase
from core.backup.databases.mysql.session import Session
from core.backup.listing import backups_in
from core.backup.manifest import from_bytes
from core.backup.restore import BY_FINGERPRINT
from core.backup.run import back_up
from core.errors import Cancelled, Offline
from core.model.backup import Manifest
from core.model.selection import Selection
from core.redaction import Secret
from core.work import CancelToken, Work
from tests.core.backup.mariadb.conftest import PASSWORD, Trading

_LOCK = "LOCK TABLES `orders` READ NOWAIT"
_RANGE = "`id`>="


@pytest.fixture
def orders(trading: Trading, monkeypatch: pytest.MonkeyPatch) -> Trading:
    """A table that is divided into ranges of about 60 rows, some of them empty."""
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, n INT NOT NULL, note VARCHAR(300), KEY (n))",
        "INSERT INTO orders SELECT seq, seq % 7, IF(seq % 5, REPEAT(seq, 40), NULL) "
        "FROM seq_1_to_4000",
        "DELETE FROM orders WHERE id BETWEEN 500 AND 1500",
        "ANALYZE TABLE orders",
    )
    monkeypatch.setattr(snapshot, "_LARGE_BYTES", 1)
    monkeypatch.setattr(snapshot, "_RANGE_BYTES", 10_000)
    return trading


def manifest_of(trading: Trading, *tables: str) -> tuple[Manifest, MemoryStore]:
    store = MemoryStore()
    backup = trading.backed_up(store, *(tables or ("orders",)))
    return from_bytes(store.objects[backup.key]), store


def log_of(trading: Trading, run: Callable[[], Any]) -> str:
    """Return the statements that the server received during a call."""
    begun = len(trading.server.logs)
    run()
    return trading.server.logs[begun:]


@contextmanager
def session_of(trading: Trading) -> Iterator[Any]:
    """Provide the cursor of another session, whose connection is `cursor.connection`."""
    with closing(
        pymysql.connect(
            user="operator", password=PASSWORD, host="127.0.0.1", port=trading.server.port,
            database=trading.name, ssl_disabled=True,
        )
    ) as other:  # fmt: skip
        yield other.cursor()


def read_by_one(trading: Trading, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_LARGE_BYTES", 1 << 40)
        found, _ = manifest_of(trading)
    return found


def sessions(trading: Trading) -> list[tuple[int, str]]:
    """Return number and statement of the sessions of the operator in this database."""
    rows = trading.sql(
        "SELECT ID, INFO FROM information_schema.PROCESSLIST "
        f"WHERE USER = 'operator' AND DB = '{trading.name}' ORDER BY ID"
    )
    return [(int(number), str(info)) for number, info in rows]


@pytest.fixture
def no_session_left(trading: Trading) -> Iterator[None]:
    yield
    until(lambda: not sessions(trading))


def test_two_sessions_write_the_same_backup_as_one(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[Manifest, MemoryStore]] = []
    log = log_of(orders, lambda: found.append(manifest_of(orders)))
    several, store = found[0]
    assert log.count(_LOCK) == log.count("UNLOCK TABLES") == 1
    assert log.count("START TRANSACTION WITH CONSISTENT SNAPSHOT") == 2
    assert log.count(_RANGE) > 20
    # The sample of the first and last rows is not taken again for each range.
    assert log.count("LIMIT 100") == 2
    one = read_by_one(orders, monkeypatch)
    assert several.fingerprint.startswith("crc32-crc32c:2999:")
    assert (several.rows, several.content, several.fingerprint) == (
        (one.rows, one.content, one.fingerprint)
    )
    before = orders.everything()
    orders.sql("DROP TABLE orders")
    (listed,) = backups_in(store, None, Work())
    assert orders.restored(store, listed).verified == BY_FINGERPRINT
    assert orders.everything() == before


_KEYS = {
    "INT": [-(1 << 31), -5, 0, 7, (1 << 31) - 1],
    "BIGINT UNSIGNED": [0, 1, 1 << 63, (1 << 64) - 1],
    "BIGINT": [-(1 << 63), -1, (1 << 63) - 1],
    "TINYINT": list(range(-128, 128)),
    "INT(9) ZEROFILL": [0, 1, 12, 4_000_000_000],
    "VARCHAR(9)": ["a", "b", "ß"],
    "DECIMAL(9,2)": ["1.25", "-7.5"],
    "BIT(9)": [0, 1, 511],
}


@pytest.mark.parametrize("kind", _KEYS)
@pytest.mark.parametrize("key", ["PRIMARY KEY (a, b)", "PRIMARY KEY (a DESC, b)"])
def test_keys_of_each_type_are_read_completely_and_in_their_order(
    trading: Trading, monkeypatch: pytest.MonkeyPatch, kind: str, key: str
) -> None:
    values = ", ".join(f"({value!r}, {b})" for value in _KEYS[kind] for b in range(3))
    trading.sql(
        f"CREATE TABLE orders (a {kind}, b INT, {key})",
        f"INSERT INTO orders VALUES {values}",
        "ANALYZE TABLE orders",
    )
    monkeypatch.setattr(snapshot, "_LARGE_BYTES", 1)
    monkeypatch.setattr(snapshot, "_RANGE_BYTES", 2_000)
    several, _ = manifest_of(trading)
    one = read_by_one(trading, monkeypatch)
    assert several.rows == 3 * len(_KEYS[kind])
    assert (several.rows, several.content, several.fingerprint) == (
        (one.rows, one.content, one.fingerprint)
    )


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_with_few_rows_is_read(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    orders.sql(f"DELETE FROM orders WHERE id > {rows}")
    found, _ = manifest_of(orders)
    assert found.rows == rows
    assert found.fingerprint == read_by_one(orders, monkeypatch).fingerprint


def test_partitions_are_read_by_one_session(
    trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EXCHANGE PARTITION can replace one by a table that was not locked, and leaves no trace."""
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(90)) "
        "PARTITION BY HASH (id) PARTITIONS 3",
        "INSERT INTO orders SELECT seq, REPEAT('x', 90) FROM seq_1_to_2000",
        "ANALYZE TABLE orders",
    )
    monkeypatch.setattr(snapshot, "_LARGE_BYTES", 1)
    monkeypatch.setattr(snapshot, "_RANGE_BYTES", 10_000)
    found: list[Manifest] = []
    log = log_of(trading, lambda: found.append(manifest_of(trading)[0]))
    assert _RANGE not in log
    assert "LOCK TABLES" not in log
    one = read_by_one(trading, monkeypatch)
    assert (found[0].rows, found[0].content) == (2000, one.content)


def test_rows_that_the_server_cannot_build_are_read_value_by_value_in_their_range(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.sql("ALTER TABLE orders ADD COLUMN a TEXT, ADD COLUMN b TEXT")
    orders.sql("UPDATE orders SET a = REPEAT('a', 3000), b = REPEAT('b', 3000) WHERE id % 900 = 1")
    limit = orders.sql("SELECT @@max_allowed_packet")[0][0]
    one = read_by_one(orders, monkeypatch)
    orders.server.ask("SET GLOBAL max_allowed_packet=4096")
    try:
        found, _ = manifest_of(orders)
    finally:
        orders.server.ask(f"SET GLOBAL max_allowed_packet={limit}")
    assert (found.rows, found.content) == (one.rows, one.content)


def transfers(trading: Trading, ended: threading.Event, seed: int) -> None:
    """Move amounts between rows far apart of two tables, each time in one transaction."""
    with session_of(trading) as cursor:
        number = seed
        while not ended.wait(0.002):
            number += 97
            cursor.execute("START TRANSACTION")
            cursor.execute(f"UPDATE orders SET n = n - 1 WHERE id = {1 + number % 400}")
            cursor.execute(f"UPDATE orders SET n = n + 1 WHERE id = {3900 + number % 100}")
            cursor.execute(f"UPDATE others SET n = n + 1 WHERE id = {1 + number % 400}")
            cursor.execute(f"UPDATE others SET n = n - 1 WHERE id = {3900 + number % 100}")
            cursor.connection.commit()


def test_the_view_of_both_sessions_is_one_while_others_write(orders: Trading) -> None:
    orders.sql("CREATE TABLE others LIKE orders", "INSERT INTO others SELECT * FROM orders")
    orders.sql("ANALYZE TABLE others")
    expected = int(orders.sql("SELECT SUM(n) FROM orders")[0][0])
    ended, together, ends = threading.Event(), 0, monotonic() + 60
    writers = [threading.Thread(target=transfers, args=(orders, ended, seed)) for seed in (3, 50)]
    for writer in writers:
        writer.start()
    try:
        while together < 6 and monotonic() < ends:
            begun = len(orders.server.logs)
            with orders.open() as source, source.snapshot(Selection(("orders", "others"))):
                sums = [sum_of(source, table) for table in ("orders", "others")]
            assert sums == [expected, expected]
            together += _RANGE in orders.server.logs[begun:]
    finally:
        ended.set()
        for writer in writers:
            writer.join(30)
    assert together == 6, "the tables were locked by writers each time"


def sum_of(source: ReadableDatabase, table: str) -> int:
    pieces = b"".join(lines for _, lines in source.dump(source.schema(table)))
    return sum(json.loads(line)["n"] for line in pieces.splitlines())


def test_a_table_in_a_transaction_is_read_by_one_session_without_waiting(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = read_by_one(orders, monkeypatch)
    with session_of(orders) as cursor:
        cursor.execute("UPDATE orders SET n = 99 WHERE id = 1")
        found: list[Manifest] = []
        log = log_of(orders, lambda: found.append(manifest_of(orders)[0]))
        cursor.connection.rollback()
    assert log.count(_LOCK) == snapshot._ATTEMPTS
    assert _RANGE not in log
    assert (found[0].content, found[0].fingerprint) == (one.content, one.fingerprint)


def test_rows_of_deleted_parents_are_locked_as_well(orders: Trading) -> None:
    """A DELETE of a parent deletes rows of its children, which it does not name."""
    orders.sql(
        "CREATE TABLE parents (id INT PRIMARY KEY)",
        "INSERT INTO parents VALUES (1)",
        "ALTER TABLE orders ADD COLUMN parent INT, "
        "ADD FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE",
        "UPDATE orders SET parent = 1 WHERE id < 200",
    )
    with session_of(orders) as cursor:
        cursor.execute("DELETE FROM parents")
        log = log_of(orders, lambda: manifest_of(orders))
        cursor.connection.rollback()
    assert log.count(_LOCK) == snapshot._ATTEMPTS
    assert _RANGE not in log


def test_with_a_prepared_transaction_one_session_reads(orders: Trading) -> None:
    """Another session can commit it, although its connection, and with it its lock, has ended."""
    with session_of(orders) as cursor:
        cursor.execute("XA START 'x'")
        cursor.execute("UPDATE orders SET n = 99 WHERE id = 1")
        cursor.execute("XA END 'x'")
        cursor.execute("XA PREPARE 'x'")
    until(lambda: not sessions(orders))
    try:
        log = log_of(orders, lambda: manifest_of(orders))
    finally:
        orders.sql("XA ROLLBACK 'x'")
    assert log.count(_LOCK) == 1
    assert _RANGE not in log
    assert _RANGE in log_of(orders, lambda: manifest_of(orders))


@pytest.mark.parametrize("limit", ["MAX_USER_CONNECTIONS 1", "MAX_USER_CONNECTIONS 2"])
def test_without_another_connection_or_privilege_one_session_reads(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    one = read_by_one(orders, monkeypatch)
    user = f"single_{uuid4().hex[:8]}"
    orders.sql(
        f"CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}' WITH {limit}",
        f"GRANT SELECT, SHOW VIEW, LOCK TABLES ON `{orders.name}`.* TO {user}@'%'",
    )
    try:
        url = f"mysql://{user}@127.0.0.1:{orders.server.port}/{orders.name}"
        store = MemoryStore()
        begun = len(orders.server.logs)
        with open_database(DatabaseAddress(url, Secret(PASSWORD))) as source:
            backup = back_up(store, source, ["orders"], "", Work()).backups[0]
        assert _RANGE not in orders.server.logs[begun:]
        assert from_bytes(store.objects[backup.key]).content == one.content
    finally:
        orders.sql(f"DROP USER {user}@'%'")
    reader = Trading(orders.server, orders.name, user="reader")  # without LOCK TABLES
    found: list[Manifest] = []
    log = log_of(orders, lambda: found.append(manifest_of(reader)[0]))
    assert log.count(_LOCK) == 1
    assert _RANGE not in log
    assert found[0].content == one.content


def test_writers_are_not_locked_out_for_longer_than_seconds_if_this_computer_stops(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_LOCK_SECONDS", 1)
    with orders.open() as source:
        snapshot._lock(source._session, ["orders"])
        # Nothing is sent any more, but the connection remains open.
        orders.sql("SET lock_wait_timeout = 30", "UPDATE orders SET n = 7 WHERE id = 1")
    assert orders.sql("SELECT n FROM orders WHERE id = 1") == ((7,),)


def test_a_change_of_the_table_that_waits_for_the_backup_does_not_stop_it(orders: Trading) -> None:
    with orders.open() as source, source.snapshot(Selection(("orders",))):
        schema = source.schema("orders")
        # The first session has the lock of the definition, for which the change waits.
        source._session.query("SELECT 1 FROM orders LIMIT 1")
        waiting = threading.Thread(
            target=orders.sql, args=("ALTER TABLE orders ADD COLUMN later INT",)
        )
        waiting.start()
        until(lambda: "metadata lock" in str(orders.sql("SHOW FULL PROCESSLIST")))
        rows = sum(count for count, _ in source.dump(schema))
        assert source.count("orders") == rows == 2999
    waiting.join(30)
    assert not waiting.is_alive()
    assert "later" in orders.definition("orders")


@pytest.mark.usefixtures("no_session_left")
@pytest.mark.parametrize("which", [0, 1])
def test_a_session_that_ends_ends_the_run(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    monkeypatch.setattr(parallel_reading, "_AHEAD_BYTES", 1)  # each waits in its first range
    of, readers = parallel_reading.ParallelReading, set[Session]()
    take = of._next

    def taking(reading: Any, session: Session, *pieces: Any) -> Any:
        readers.add(session)
        return take(reading, session, *pieces)

    monkeypatch.setattr(of, "_next", taking)
    orders.sql("UPDATE orders SET note = REPEAT('x', 300)")
    with orders.open() as source, source.snapshot(Selection(("orders",))):
        until(lambda: len(sessions(orders)) == 2)  # the third one, which had the lock, has ended
        numbers = [number for number, _ in sessions(orders)]
        rows = source.dump(source.schema("orders"))
        next(rows)
        until(lambda: len(readers) == 2)  # before its first range, the second one is only omitted
        orders.sql(f"KILL {numbers[which]}")
        with pytest.raises(Offline), closing(rows):  # type: ignore[type-var] # a generator
            list(rows)


@pytest.mark.usefixtures("no_session_left")
def test_a_cancel_ends_all_sessions(
    orders: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = CancelToken()
    original = snapshot._RangeReader.__call__

    def cancelled(self: Any, *values: Any) -> Any:
        token.cancel()
        return original(self, *values)

    monkeypatch.setattr(snapshot._RangeReader, "__call__", cancelled)
    with pytest.raises(Cancelled), open_database(orders.address) as source:
        back_up(store, source, ["orders"], "", Work(token))
    assert store.objects == {}


@pytest.mark.usefixtures("no_session_left")
def test_a_failed_upload_ends_all_sessions(orders: Trading, store: MemoryStore) -> None:
    store.fail_after = 0
    with pytest.raises(Offline, match="cannot be reached"):
        orders.backed_up(store, "orders")


def test_a_preview_of_a_backup_locks_nothing(orders: Trading) -> None:
    begun = len(orders.server.logs)
    with orders.open() as source, source.snapshot():
        assert source.count("orders") == 2999
    assert "LOCK TABLES" not in orders.server.logs[begun:]

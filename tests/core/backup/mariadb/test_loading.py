"""Loading of rows into MariaDB by LOAD DATA: not in bulk, and with values that do not fit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from helpers.backups import MemoryStore
from helpers.databases import running_mariadb

from core.backup.databases import open_database
from core.backup.databases.base import Rows
from core.backup.databases.mysql.address import ServerAddress
from core.backup.databases.mysql.session import Session
from core.backup.restore import BY_FINGERPRINT
from core.errors import DatabaseError, DatabaseOffline
from core.redaction import Secret
from core.work import Work
from tests.core.backup.mariadb.conftest import PASSWORD, Trading

_ROWS = "INSERT INTO orders SELECT seq, CONCAT('text ', seq) FROM seq_1_to_50"
#: More than a load until the connection ends takes, and less than systems give up a full socket
#: after.
_SECONDS = 25


@pytest.fixture
def orders(trading: Trading) -> Trading:
    trading.sql("CREATE TABLE orders (id INT PRIMARY KEY, v VARCHAR(200))", _ROWS)
    return trading


def loads(trading: Trading, start: int) -> list[str]:
    """Return the first words of the LOAD DATA statements since a position of the log."""
    lines = trading.server.logs[start:].splitlines()
    return [line.partition("INFILE 'rows' ")[2][:12] for line in lines if "LOAD DATA" in line]


def loaded(trading: Trading, rows: list[Rows]) -> None:
    """Load rows into a new table, and remove it; raise an error if one of them is missing."""
    with open_database(trading.without_tls, write=True) as database, database.change(work=Work()):
        shadow = replace(
            database.schema("orders"), table="orders__restoring", indexes=(), triggers=()
        )
        database.create(shadow)
        count, found = database.load(shadow, rows, work=Work()), database.content(shadow).rows
        message = f"{found} of {count} rows"
        raise DatabaseError(message, remedy="None.")


def test_rows_are_not_loaded_in_bulk_which_can_end_the_server(orders: Trading) -> None:
    store = MemoryStore()
    backup, start = orders.backed_up(store, "orders"), len(orders.server.logs)
    assert orders.restored(store, backup, target="again").verified == BY_FINGERPRINT
    assert loads(orders, start) == ["INTO TABLE `"]
    assert orders.rows("again") == orders.rows("orders")


def test_an_enum_without_label_is_loaded_as_it_was(orders: Trading) -> None:
    orders.sql(
        "CREATE TABLE states (id INT PRIMARY KEY, v ENUM('a','b'))",
        "INSERT IGNORE INTO states VALUES (1,'a'), (2,'other'), (3,NULL)",
    )
    store = MemoryStore()
    backup, start = orders.backed_up(store, "states"), len(orders.server.logs)
    assert orders.restored(store, backup, target="again").verified == BY_FINGERPRINT
    assert loads(orders, start) == ["INTO TABLE `"]
    assert orders.sql("SELECT id, v, v+0 FROM again") == ((1, "a", 1), (2, "", 0), (3, None, None))


@pytest.mark.parametrize("position", [0, 99])
def test_an_unfit_value_ends_the_load(orders: Trading, position: int) -> None:
    """The server stops reading where the error is; the rest is sent nevertheless."""
    line = b'{"id":%d,"v":"' + b"x" * 190 + b'"}\n'
    pieces = [b"".join(line % (n * 1000 + i) for i in range(1000)) for n in range(100)]
    pieces[position] = pieces[position].replace(b"xxx", b"x" * 200, 1)
    with pytest.raises(DatabaseError, match="does not store the rows of"):
        loaded(orders, [(1000, piece) for piece in pieces])
    assert orders.tables() == ["orders"]


def test_doubled_keys_end_the_load(orders: Trading) -> None:
    piece = b'{"id":1,"v":"a"}\n{"id":1,"v":"b"}\n'
    with pytest.raises(DatabaseError, match="does not store the rows of"):
        loaded(orders, [(2, piece)])
    assert orders.tables() == ["orders"]


@pytest.mark.parametrize("kind", ["VARBINARY(9)", "LONGBLOB", "BIT(9)", "POINT", "VARCHAR(9)"])
def test_a_row_with_the_number_0_is_restored(
    trading: Trading, store: MemoryStore, kind: str
) -> None:
    """With SET, `LOAD DATA` took 0 for a request of the next number, also in this SQL mode."""
    value = {"BIT(9)": "b'101'", "POINT": "POINT(1, 2)"}.get(kind, "'x'")
    trading.sql(
        f"CREATE TABLE orders (v {kind}, id INT AUTO_INCREMENT PRIMARY KEY)",
        f"INSERT INTO orders VALUES ({value}, 0), ({value}, -3), (NULL, 1), ({value}, 2)",
    )
    before = trading.everything()
    backup = trading.backed_up(store, "orders")
    trading.sql("DROP TABLE orders")
    assert trading.restored(store, backup).verified == BY_FINGERPRINT
    assert trading.everything() == before


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_server_that_is_shut_down_ends_the_load(*, tls: bool) -> None:
    """The server receives nothing more: the socket would be full until the system gives it up."""
    with running_mariadb(log_statements=False, tls=tls) as server:
        server.ask("CREATE TABLE trading.orders (v VARCHAR(200))")
        server.ask(f"CREATE USER loader@'%%' IDENTIFIED BY '{PASSWORD}'")
        server.ask("GRANT ALL ON trading.* TO loader@'%%'")
        address = ServerAddress.parse(f"mysql://loader@127.0.0.1:{server.port}/trading")
        with closing(Session.open(address, Secret(PASSWORD), Work())) as session:
            assert session.encrypted is tls

            def pieces() -> Iterator[bytes]:
                for part in range(200):
                    if part == 2:
                        os.kill(int((server.folder / "pid").read_text()), signal.SIGTERM)
                    yield b"x" * 100 + (b"\n" + b"x" * 100) * 9_999

            started = time.monotonic()
            with pytest.raises(DatabaseOffline, match="ended") as ended:
                session.load("LOAD DATA LOCAL INFILE 'rows' INTO TABLE orders", pieces(), Work())
        assert time.monotonic() - started < _SECONDS
        assert ended.value.cause.startswith(("The server closed", "Connection was killed"))

"""What else could give two sessions different views of a table, or end the second one."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from helpers.databases import Server, running_mariadb
from helpers.waiting import until

from core.backup.databases.mysql import snapshot
from core.backup.databases.mysql.reading import ReadableDatabase
from core.backup.databases.mysql.session import Session
from core.model.selection import Selection
from tests.core.backup.mariadb.conftest import PASSWORD, Trading

_RANGE = "`id`>="
_ROWS = (
    "CREATE TABLE {table} (id INT PRIMARY KEY, n INT NOT NULL)",
    "INSERT INTO {table} SELECT seq, {n} FROM seq_1_to_4000",
    "ANALYZE TABLE {table}",
)


@pytest.fixture
def orders(trading: Trading, monkeypatch: pytest.MonkeyPatch) -> Trading:
    """A table of about 10 ranges."""
    trading.sql(*(statement.format(table="orders", n=0) for statement in _ROWS))
    monkeypatch.setattr(snapshot, "_LARGE_BYTES", 1)
    monkeypatch.setattr(snapshot, "_RANGE_BYTES", 10_000)
    return trading


def sum_of(source: ReadableDatabase, table: str = "orders") -> int:
    pieces = b"".join(lines for _, lines in source.dump(source.schema(table)))
    return sum(json.loads(line)["n"] for line in pieces.splitlines())


def changing_between(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, *statements: str
) -> list[str]:
    """Run statements after the first transaction has begun, before the second one begins."""
    begun: list[str] = []
    original = Session.run

    def run(self: Session, statement: str) -> None:
        if statement == snapshot._BEGIN:
            begun.append(statement)
            if len(begun) == 2:
                orders.sql(*statements)
        original(self, statement)

    monkeypatch.setattr(Session, "run", run)
    return begun


def test_a_table_that_was_renamed_since_is_read_by_one_session(
    orders: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools that change tables load a copy and exchange the names; only the former was locked."""
    orders.sql(*(statement.format(table="copy", n=1) for statement in _ROWS))
    # The time of the change of a table has no fractions.
    latest = "SELECT MAX(CREATE_TIME) < NOW() FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
    until(lambda: orders.sql(latest)[0][0])
    begun = changing_between(orders, monkeypatch, "UPDATE copy SET n = 2")
    logged = len(orders.server.logs)
    with orders.open() as source, source.snapshot(Selection(("orders",))):
        assert len(begun) == 2
        orders.sql("RENAME TABLE orders TO former, copy TO orders")
        assert sum_of(source) in (4000, 8000)
    assert _RANGE not in orders.server.logs[logged:]


@pytest.fixture(scope="module")
def replica() -> Iterator[Server]:
    """Another server behind the same address."""
    with running_mariadb() as server:
        server.ask("CREATE USER operator@'%%' IDENTIFIED BY %s", PASSWORD)
        yield server


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
def test_sessions_that_lead_to_several_servers_share_no_view(
    orders: Trading,
    replica: Server,
    monkeypatch: pytest.MonkeyPatch,
    which: tuple[int, ...],
) -> None:
    """An address can name a proxy or all replicas, of which each connection gets one."""
    replica.ask(f"CREATE DATABASE IF NOT EXISTS `{orders.name}`")
    replica.ask(f"GRANT ALL ON `{orders.name}`.* TO operator@'%%'")
    there = Trading(replica, orders.name)
    there.sql(*(statement.format(table="orders", n=5) for statement in _ROWS))
    original, opened = Session.open, 0

    def balanced(address: Any, *rest: Any) -> Session:
        nonlocal opened
        one = there if opened in which else orders
        opened += 1
        return original(type(address).parse(one.address.url), *rest)

    logged = len(orders.server.logs)
    with orders.open() as source:
        monkeypatch.setattr(Session, "open", balanced)
        with source.snapshot(Selection(("orders",))):
            assert opened == 2
            assert sum_of(source) == 0
    assert "UNLOCK TABLES" in (replica if 0 in which else orders.server).logs
    assert _RANGE not in orders.server.logs[logged:]


@pytest.mark.parametrize(("found", "ranges"), [((), True), ((("wsrep_on", "ON"),), False)])
def test_a_server_without_the_variable_of_clusters_is_none(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, found: tuple[Any, ...], ranges: bool
) -> None:
    original = Session.query

    def query(self: Session, statement: str) -> Any:
        if "wsrep_on" not in statement:
            return original(self, statement)
        if statement.startswith("SHOW"):
            return found
        return original(self, "SELECT @@a_variable_that_no_server_has")

    monkeypatch.setattr(Session, "query", query)
    logged = len(orders.server.logs)
    with orders.open() as source, source.snapshot(Selection(("orders",))):
        assert sum_of(source) == 0
    assert (_RANGE in orders.server.logs[logged:]) is ranges


def test_only_tables_that_are_read_completely_are_locked(orders: Trading) -> None:
    """Another one may be in use all the time, for example one of sessions that is excluded."""
    orders.sql("CREATE TABLE used LIKE orders", "ANALYZE TABLE used")
    condition = {"used": "id > 5"}
    locks: list[tuple[Selection | None, list[str]]] = [
        (Selection(), ["orders", "used"]),
        (Selection(("orders",)), ["orders"]),
        (Selection(("orders", "used"), where=condition), ["orders"]),
        (Selection(include=("ord*",)), ["orders"]),
        (Selection(exclude=("us?d",)), ["orders"]),
        (Selection(include=("*",), exclude=("orders",), where=condition), []),
        (None, []),
    ]
    for selection, names in locks:
        logged = len(orders.server.logs)
        with orders.open() as source, source.snapshot(selection):
            pass
        locked = re.findall(r"`(\w+)` READ\b", orders.server.logs[logged:])
        assert sorted(locked) == names


def other_sessions(orders: Trading, source: ReadableDatabase) -> list[int]:
    own = int(source._session.value("SELECT CONNECTION_ID()"))
    rows = orders.sql(
        "SELECT ID FROM information_schema.PROCESSLIST "
        f"WHERE USER = 'operator' AND DB = '{orders.name}' AND ID <> {own}"
    )
    return [int(number) for (number,) in rows]


@pytest.fixture
def limits(orders: Trading) -> Iterator[Callable[[int], None]]:
    """Set after how many seconds the server ends an idle session."""
    names = ("wait_timeout", "idle_readonly_transaction_timeout")
    before = [orders.sql(f"SELECT @@GLOBAL.{name}")[0][0] for name in names]

    def limit(*values: int) -> None:
        for name, value in zip(names, values, strict=True):
            orders.server.ask(f"SET GLOBAL {name}={value}")

    yield lambda seconds: limit(seconds, seconds)
    limit(*before)


def test_the_second_session_may_be_idle_while_other_tables_are_read(
    orders: Trading, limits: Callable[[int], None]
) -> None:
    source = orders.open()
    limits(2)  # not for the first session
    with source, source.snapshot(Selection(("orders",))):
        ends = monotonic() + 4
        until(lambda: source._session.value("SELECT SLEEP(0.5)") is None or monotonic() > ends)
        assert len(other_sessions(orders, source)) == 1
        assert sum_of(source) == 0


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="macOS has another name")
def test_routers_do_not_drop_the_second_session_while_it_is_idle(orders: Trading) -> None:
    with orders.open() as source:
        link = source._session._link
        assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, distance, tests = (
            link.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle <= 120
        assert idle + distance * tests <= 180  # after so many seconds a vanished host is noticed


def test_a_second_session_that_ends_before_its_table_is_replaced_by_the_first(
    orders: Trading,
) -> None:
    with orders.open() as source, source.snapshot(Selection(("orders",))):
        until(lambda: len(other_sessions(orders, source)) == 1)  # that of the lock has ended
        (number,) = other_sessions(orders, source)
        orders.sql(f"KILL {number}")
        until(lambda: not other_sessions(orders, source))
        schema = source.schema("orders")
        assert sum(rows for rows, _ in source.dump(schema)) == source.count("orders") == 4000

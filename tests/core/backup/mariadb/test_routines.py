"""Procedures, functions and events that use a table by its name, as far as a user sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from helpers.backups import MemoryStore

from core.backup.databases.mysql.routines import _is_like
from core.backup.preview import preview_of
from core.backup.undo import describe_former_table, drop_former_table
from core.errors import Conflict
from core.work import Work
from tests.core.backup.mariadb.conftest import PASSWORD, Trading

Limited = Callable[[str], Trading]


@pytest.fixture
def orders(trading: Trading) -> Trading:
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, extra INT)",
        "INSERT INTO orders VALUES (1, 1)",
        "CREATE TABLE orders_log (id INT)",
        "CREATE PROCEDURE other() SELECT 'orders' FROM orders_log",
    )
    return trading


def add_users(trading: Trading, table: str, column: str = "id") -> None:
    """Create a procedure, a function and an event that use a table."""
    trading.sql(
        f"CREATE PROCEDURE sweep() BEGIN DELETE FROM `{table}` WHERE {column} < 3; END",
        f"CREATE FUNCTION newest() RETURNS INT READS SQL DATA RETURN (SELECT max({column}) FROM {table})",
        f"CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM {table.upper()}",
    )


@pytest.fixture
def limited(trading: Trading) -> Iterator[Limited]:
    """Return the database with a user that has only these privileges on it."""
    user = f"u{uuid4().hex[:8]}"

    def with_rights(rights: str) -> Trading:
        trading.server.ask(f"CREATE OR REPLACE USER {user}@'%%' IDENTIFIED BY %s", PASSWORD)
        pattern = trading.name.replace("_", r"\_")
        trading.server.ask(f"GRANT SELECT {rights} ON `{pattern}`.* TO {user}@'%%'")
        return Trading(trading.server, trading.name, user)

    yield with_rights
    trading.server.ask(f"DROP USER IF EXISTS {user}@'%%'")


def previewed(trading: Trading, store: MemoryStore, user: Trading) -> list[str]:
    backup = trading.backed_up(store, "orders")
    shown = preview_of(store, backup, user.address, 10, Work())
    return [str(each) for each in shown.dependants if each.kind != "foreign key"]


def test_routines_and_events_that_use_the_table_are_listed(
    orders: Trading, store: MemoryStore, limited: Limited
) -> None:
    add_users(orders, "orders")
    user = limited(", EXECUTE, EVENT")
    orders.server.ask(f"GRANT SELECT ON mysql.proc TO {user.user}@'%%'")
    assert previewed(orders, store, user) == ["function newest", "procedure sweep", "event nightly"]


def test_a_column_that_the_backup_does_not_have_is_a_problem(
    orders: Trading, store: MemoryStore, limited: Limited
) -> None:
    user = limited(", EXECUTE, EVENT")
    orders.server.ask(f"GRANT SELECT ON mysql.proc TO {user.user}@'%%'")
    backup = orders.backed_up(store, "orders")
    orders.sql("ALTER TABLE orders ADD added INT")
    add_users(orders, "orders", "added")
    shown = preview_of(store, backup, user.address, 10, Work())
    problems = [each for each in shown.dependants if each.problem and each.kind != "foreign key"]
    assert [str(each) for each in problems] == [
        "function newest: uses columns that this schema does not have: added",
        "procedure sweep: uses columns that this schema does not have: added",
    ]


def test_what_a_user_with_few_rights_cannot_see_is_stated(
    orders: Trading, store: MemoryStore, limited: Limited
) -> None:
    add_users(orders, "orders")
    hidden, unseen = previewed(orders, store, limited(""))
    assert hidden.startswith("routines of other users: Procedures and functions that use the table")
    assert "EXECUTE" in hidden
    assert unseen.startswith("events of this database: ")
    assert unseen.endswith("with the privilege EVENT")
    listed, unread = previewed(orders, store, limited(", CREATE ROUTINE, EVENT"))
    assert listed == "event nightly"
    assert "3 routines (newest, other, sweep)" in unread
    assert "SELECT on mysql.proc" in unread
    orders.sql("DROP FUNCTION newest", "DROP PROCEDURE sweep", "DROP PROCEDURE other", "DROP EVENT nightly")  # fmt: skip
    assert previewed(orders, store, limited(", EXECUTE, EVENT")) == []


def test_a_restored_table_reports_no_rights_that_only_its_preview_needs(
    orders: Trading, store: MemoryStore
) -> None:
    report = orders.restored(store, orders.backed_up(store, "orders"))
    assert not [text for text in report.problems if "routine" in text or "event" in text]


def test_a_former_table_that_a_routine_uses_is_named_before_an_undo_and_not_dropped(
    orders: Trading, store: MemoryStore
) -> None:
    former = orders.restored(store, orders.backed_up(store, "orders")).kept
    orders.server.ask("GRANT SELECT ON mysql.proc TO operator@'%%'")
    add_users(orders, former)
    used = describe_former_table(orders.address, "orders").used_by
    assert [str(each) for each in used] == ["function newest", "procedure sweep", "event nightly"]
    with pytest.raises(Conflict) as refused:
        drop_former_table(None, database=orders.address, former=former)
    assert "used by the function newest" in str(refused.value)
    orders.server.ask("REVOKE SELECT ON mysql.proc FROM operator@'%%'")


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (r"a\_b", True), ("a_b", True), ("a%", True), ("A_B", True), (r"a\%", False), ("b%", False),
        ("a`` b", False), ("a.b", False),
    ],
)  # fmt: skip
def test_a_grant_names_databases_by_a_pattern(pattern: str, matches: bool) -> None:
    assert _is_like("a_b", pattern) is matches

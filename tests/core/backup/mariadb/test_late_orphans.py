"""Rows that other sessions write during a restore are in the former table, or are reported."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.databases.mysql.session import Session
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

_TABLES = (
    "CREATE TABLE orders (id INT PRIMARY KEY, last INT)",
    (
        "CREATE TABLE fills (id INT PRIMARY KEY, order_id INT,"
        " CONSTRAINT k FOREIGN KEY (order_id) REFERENCES orders (id))"
    ),
    "INSERT INTO orders VALUES (1, NULL)",
    "INSERT INTO fills VALUES (10, 1)",
)
_CYCLE = "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (last) REFERENCES fills (id)"
_WRITTEN = ("INSERT INTO orders VALUES (2, NULL)", "INSERT INTO fills VALUES (20, 2)")


def write_before(trading: Trading, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another session write rows before the first statement of the restore with this start."""
    run, pending = Session.run, list(_WRITTEN)

    def writing(session: Session, statement: str) -> None:
        if statement.startswith(start) and pending:
            trading.sql(*pending)
            pending.clear()
        run(session, statement)

    monkeypatch.setattr(Session, "run", writing)


@pytest.mark.parametrize(("cycle", "start"), [((_CYCLE,), "RENAME TABLE"), ((), "LOCK TABLES")])
def test_rows_written_before_the_swap_are_reported_and_come_back(
    trading: Trading, monkeypatch: pytest.MonkeyPatch, cycle: tuple[str, ...], start: str
) -> None:
    trading.sql(*_TABLES, *cycle)
    store = MemoryStore()
    backup = trading.backed_up(store, "orders")
    assert trading.restored(store, backup).problems == ()
    write_before(trading, start, monkeypatch)
    report = trading.restored(store, backup)
    expected = (
        "1 row of fills, written during the restore, refers to missing rows. The former table has "
        "them."
    )
    assert report.problems == (expected,)
    assert trading.rows("orders") == ((1, None),)
    assert trading.sql("SELECT id FROM fills ORDER BY id") == ((10,), (20,))
    with trading.open(write=True) as database, database.change(work=Work()):
        database.undo(report.kept)
    assert trading.sql("SELECT id FROM orders ORDER BY id") == ((1,), (2,))

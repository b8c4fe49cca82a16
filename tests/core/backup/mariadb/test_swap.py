"""The swap of tables: triggers, foreign keys and views; undo; failures and kills at every step."""

from __future__ import annotations

import random
from typing import Any

import pytest
from helpers.backups import MemoryStore
from helpers.doses import HEAVY

from core.backup.databases import open_database
from core.backup.databases.mysql import MySQLDatabase
from core.backup.databases.mysql.session import Session
from core.backup.restore import BY_FINGERPRINT
from core.backup.undo import describe_former_table, drop_former_table, undo
from core.errors import Conflict, InvalidInput, StorageError
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20) NOT NULL UNIQUE)",
    (
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT NOT NULL, parent INT,"
        " status VARCHAR(10) DEFAULT 'open', KEY status (status),"
        " CONSTRAINT `buyer` FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,"
        " CONSTRAINT `up` FOREIGN KEY (parent) REFERENCES orders (id),"
        " FOREIGN KEY (user_id) REFERENCES users (id) ON UPDATE CASCADE)"
    ),
    (
        "CREATE TABLE fills (id INT PRIMARY KEY, order_id INT, CONSTRAINT `of order` FOREIGN KEY (order_id)"
        " REFERENCES orders (id) ON DELETE SET NULL ON UPDATE CASCADE)"
    ),
    "CREATE TABLE notes (order_id INT, FOREIGN KEY (order_id) REFERENCES orders (id))",
    "CREATE TABLE audit (what TEXT)",
    "CREATE VIEW open_orders AS SELECT id, status FROM orders WHERE status='open'",
    (
        "CREATE TRIGGER seen AFTER INSERT ON orders FOR EACH ROW BEGIN"
        " INSERT INTO audit VALUES (CONCAT('order ', NEW.id)); END"
    ),
    (
        "CREATE DEFINER=operator@'%' TRIGGER `up``per` BEFORE UPDATE ON orders FOR EACH ROW"
        " SET NEW.status=UPPER(NEW.status)"
    ),
    "INSERT INTO users (name) VALUES ('ada'), ('bob')",
    "INSERT INTO orders (user_id, parent) VALUES (1, NULL), (2, 1), (1, 2)",
    "INSERT INTO fills VALUES (1, 1), (2, 3)",
    "INSERT INTO notes VALUES (2)",
    "DELETE FROM audit",
)


@pytest.fixture
def shop(trading: Trading) -> Trading:
    trading.sql(*TABLES)
    return trading


def _changed(shop: Trading) -> None:
    shop.sql(
        "UPDATE orders SET status='late' WHERE id=2", "INSERT INTO orders (user_id) VALUES (2)"
    )


def test_triggers_keys_and_views_belong_to_the_restored_table(
    shop: Trading, store: MemoryStore
) -> None:
    backup = shop.backed_up(store, "orders")
    _changed(shop)
    report = shop.restored(store, backup)
    assert report.verified == BY_FINGERPRINT
    assert {str(found) for found in report.dependants} == {
        "foreign key fills (order_id)", "foreign key notes (order_id)", "view open_orders",
    }  # fmt: skip
    assert {*shop.tables()} - {"audit", "fills", "notes", "open_orders", "orders", "users"} == {
        report.kept, report.kept + "__note",
    }  # fmt: skip
    shop.sql(
        "INSERT INTO orders (user_id) VALUES (1)", "UPDATE orders SET status='done' WHERE id=1"
    )
    assert shop.sql("SELECT id, status FROM orders ORDER BY id") == (
        (1, "DONE"), (2, "open"), (3, "open"), (4, "open"),
    )  # fmt: skip
    assert shop.sql("SELECT what FROM audit")[-1] == ("order 4",)
    with pytest.raises(Exception, match="foreign key constraint fails"):
        shop.sql("INSERT INTO fills VALUES (9, 99)")
    shop.sql("DELETE FROM notes", "UPDATE orders SET parent=NULL", "DELETE FROM users WHERE id=2")
    assert describe_former_table(shop.address, "orders").name == report.kept


def test_an_undo_leaves_everything_as_before_the_restore(shop: Trading, store: MemoryStore) -> None:
    backup = shop.backed_up(store, "orders")
    _changed(shop)
    before = shop.everything()
    report = shop.restored(store, backup)
    undo(None, database=shop.address, former=report.kept)
    assert shop.everything() == before
    report = shop.restored(store, backup, with_triggers=True)
    with pytest.raises(InvalidInput):
        drop_former_table(None, database=shop.address, former="users")
    drop_former_table(None, database=shop.address, former=report.kept)
    assert shop.tables() == ["audit", "fills", "notes", "open_orders", "orders", "users"]
    assert shop.sql("SHOW CREATE TABLE fills")[0][1].count("REFERENCES `orders`") == 1


def test_an_undo_names_rows_that_refer_to_rows_of_the_restored_table(
    shop: Trading, store: MemoryStore
) -> None:
    report = shop.restored(store, shop.backed_up(store, "orders"))
    shop.sql("INSERT INTO orders (id, user_id) VALUES (77, 1)", "INSERT INTO fills VALUES (9, 77)")
    undone = undo(None, database=shop.address, former=report.kept)
    assert undone.problems == ("1 row of fills refers to missing rows.",)


def test_a_table_that_a_killed_drill_was_loading_is_not_backed_up(shop: Trading) -> None:
    shop.sql(
        "CREATE TABLE users__drill__restoring (id INT) "
        "COMMENT 'strongroom: this table is being loaded by a restore'",
        "CREATE TABLE mine__restoring (id INT)",
    )
    with open_database(shop.address) as database:
        names = [table.name for table in database.tables()]
    assert "users__drill__restoring" not in names
    assert "mine__restoring" in names, "a table of the user that only has such a name"


def test_a_table_that_was_dropped_comes_back_with_its_children(
    shop: Trading, store: MemoryStore
) -> None:
    backup = shop.backed_up(store, "orders")
    before = shop.everything()
    shop.sql("SET foreign_key_checks=0", "DROP TABLE orders")
    report = shop.restored(store, backup, with_triggers=True)
    assert report.kept == ""
    assert shop.everything() == before


def test_orphans_are_refused_and_nothing_is_changed(shop: Trading, store: MemoryStore) -> None:
    shop.sql("DELETE FROM fills", "DELETE FROM notes", "DELETE FROM orders WHERE id=3")
    backup = shop.backed_up(store, "orders")
    shop.sql("INSERT INTO orders (user_id) VALUES (1)", "INSERT INTO fills VALUES (5, 4)")
    before = shop.everything()
    with pytest.raises(Conflict, match="missing rows") as refused:
        shop.restored(store, backup)
    assert "1 in fills" in refused.value.cause
    assert shop.everything() == before
    report = shop.restored(store, backup, allow_orphans=True)
    assert any("1 in fills" in problem for problem in report.problems)


def test_a_schema_that_children_cannot_refer_to_is_refused(
    shop: Trading, store: MemoryStore
) -> None:
    shop.sql("CREATE TABLE coins (id INT, name TEXT)", "INSERT INTO coins VALUES (1, 'x')")
    backup = shop.backed_up(store, "coins")
    shop.sql(
        "ALTER TABLE coins ADD PRIMARY KEY (id)",
        "CREATE TABLE prices (coin INT, FOREIGN KEY (coin) REFERENCES coins (id))",
    )
    before = shop.everything()
    with pytest.raises(Conflict, match="cannot refer"):
        shop.restored(store, backup)
    assert shop.everything() == before
    assert shop.restored(store, backup, target="coins2").table == "coins2"


#: Every step on demand; each run of the suite takes some of them.
STRIDE = 1 if HEAVY else 6


class _KilledError(BaseException):
    """The process ends here."""


def _fail_at(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> dict[str, int]:
    """Cut the connection before the statement of this number, counted from the first change."""
    original = Session.query
    seen = {"statements": 0}

    def query(self: Session, statement: str) -> Any:
        if statement.split(maxsplit=1)[0] in (
            "CREATE",
            "ALTER",
            "RENAME",
            "DROP",
            "INSERT",
            "LOCK",
            "COMMIT",
        ):
            seen["statements"] += 1
            if seen["statements"] == number:
                self.cut()
                raise error
        return original(self, statement)

    monkeypatch.setattr(Session, "query", query)
    return seen


@pytest.mark.parametrize("kind", ["failure", "kill"])
def test_a_failure_at_any_step_changes_nothing_and_a_kill_is_recovered(
    shop: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    backup = shop.backed_up(store, "orders")
    _changed(shop)
    before = shop.everything()
    error = StorageError("cut") if kind == "failure" else _KilledError()
    number, outcomes = random.randint(1, STRIDE), list[str]()
    while True:
        with monkeypatch.context() as patch:
            if kind == "kill":
                patch.setattr(MySQLDatabase, "_clean_up", lambda *_: None)
            seen = _fail_at(patch, number, error)
            try:
                report = shop.restored(store, backup)
            except (StorageError, _KilledError):
                pass
            else:
                assert seen["statements"] < number
                break
        if kind == "failure":
            assert shop.everything() == before, number
        else:
            with shop.open(write=True) as database, database.change(work=Work()):
                pass  # the next run completes or removes what is left
            outcomes.append(_outcome(shop, before))
        number += STRIDE
    assert number > 20
    undo(None, database=shop.address, former=report.kept)
    assert shop.everything() == before
    if kind == "kill":
        assert set(outcomes) == {"as before", "restored"}
        assert outcomes == sorted(outcomes)  # once restored, never half


def _outcome(shop: Trading, before: list[Any]) -> str:
    if shop.everything() == before:
        return "as before"
    former = describe_former_table(shop.address, "orders").name
    assert shop.sql("SELECT id, status FROM orders ORDER BY id")[1] == (2, "open")
    assert "__restoring" not in str(
        [
            shop.tables(),
            shop.everything()[-1],
            *(
                shop.sql(f"SHOW CREATE TABLE {name}")
                for name in ("orders", "fills", "notes", former)
            ),
        ]
    )
    undo(None, database=shop.address, former=former)
    assert shop.everything() == before
    return "restored"


def test_a_kill_during_an_undo_is_recovered(
    shop: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shop.backed_up(store, "orders")
    _changed(shop)
    before = shop.everything()
    number = random.randint(1, STRIDE)
    while True:
        report = shop.restored(store, backup)
        restored = shop.everything()
        with monkeypatch.context() as patch:
            patch.setattr(MySQLDatabase, "_clean_up", lambda *_: None)
            seen = _fail_at(patch, number, _KilledError())
            try:
                undo(None, database=shop.address, former=report.kept)
            except (StorageError, _KilledError):
                pass
            else:
                assert seen["statements"] < number
                break
        with shop.open(write=True) as database, database.change(work=Work()):
            pass
        if shop.everything() != before:
            assert shop.everything() == restored, number
            undo(None, database=shop.address, former=report.kept)
        assert shop.everything() == before, number
        number += STRIDE
    assert shop.everything() == before

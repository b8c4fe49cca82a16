"""Restore drills on a real MariaDB, whose tables no transaction removes again."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.databases.mysql import MySQLDatabase, recovery
from core.backup.drill import drill_of_backup
from core.backup.restore import BY_FINGERPRINT
from core.errors import Conflict, DatabaseError
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading


def test_a_drill_leaves_nothing_even_if_it_fails(
    trading: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading.sql(
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE orders (id bigint AUTO_INCREMENT PRIMARY KEY, price decimal(18,8), "
        "parent int, status varchar(9) DEFAULT 'open' CHECK (status <> ''), KEY by_status (status), "
        "CONSTRAINT belongs FOREIGN KEY (parent) REFERENCES parents (id))",
        "INSERT INTO orders (price) VALUES (1.5), (NULL), (3.25)",
    )
    backup = trading.backed_up(store, "orders")
    before = trading.everything()
    report = drill_of_backup(store, backup, trading.address, Work())
    assert (report.problems, report.proven, report.rows) == ((), True, 3)
    assert report.verified == BY_FINGERPRINT
    assert report.notes == ("Not part of the drill: 1 foreign key to other tables.",)
    assert trading.everything() == before

    def fail(*_arguments: object, **_more: object) -> None:
        raise DatabaseError("the server has ended the connection")

    monkeypatch.setattr(MySQLDatabase, "publish", fail)
    with pytest.raises(DatabaseError) as raised:
        drill_of_backup(store, backup, trading.address, Work())
    assert raised.value.effect.startswith("The scratch table in ")
    assert raised.value.effect.endswith(" was removed.")
    assert trading.everything() == before


@pytest.mark.parametrize(
    ("answers", "text"), [(True, " remains in "), (False, " may remain in ")], ids=str
)
def test_a_failed_drill_names_the_scratch_table_that_remains(
    trading: Trading,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
    text: str,
) -> None:
    trading.sql("CREATE TABLE orders (id int PRIMARY KEY)")
    backup = trading.backed_up(store, "orders")

    def exists(_database: MySQLDatabase, _name: str) -> bool:
        if not answers:
            raise DatabaseError("the server does not answer")
        return True

    def fail(*_arguments: object, **_more: object) -> None:
        monkeypatch.setattr(MySQLDatabase, "exists", exists)
        raise DatabaseError("the server has ended the connection")

    monkeypatch.setattr(MySQLDatabase, "load", fail)
    with pytest.raises(DatabaseError) as raised:
        drill_of_backup(store, backup, trading.address, Work())
    assert raised.value.effect.startswith(f"The scratch table orders__drill__restoring{text}")


def test_a_drill_that_proves_the_backup_names_a_scratch_table_that_remains(
    trading: Trading,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    trading.sql("CREATE TABLE orders (id int PRIMARY KEY)")
    backup = trading.backed_up(store, "orders")

    calls = []

    def refuse(*_arguments: object, **_more: object) -> None:
        calls.append(1)
        if len(calls) > 1:  # the first one is before the scratch table is created
            raise Conflict("Another restore changes the database")

    monkeypatch.setattr(recovery, "recover", refuse)
    report = drill_of_backup(store, backup, trading.address, Work())
    assert (report.proven, report.remains) == (True, "orders__drill__restoring")
    assert report.end.startswith("The scratch table orders__drill__restoring could not be removed")
    assert "Another restore changes the database." in report.end
    assert not caplog.messages  # they would appear on the terminal
    monkeypatch.undo()
    report = drill_of_backup(store, backup, trading.address, Work())
    assert (report.remains, report.end) == ("", "The scratch table was removed.")
    assert [name for name in trading.everything() if "drill" in str(name)] == []

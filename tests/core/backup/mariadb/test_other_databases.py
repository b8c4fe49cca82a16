"""Foreign keys of tables of other databases: seen, and never left without their table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.backups import MemoryStore

from core.backup.preview import preview_of
from core.backup.row_restore import preview_rows_of, restore_rows_of
from core.backup.undo import drop_former_table, undo
from core.errors import Conflict
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

PARENT = "odd-name ü"


@pytest.fixture
def other(trading: Trading) -> Iterator[str]:
    """The name of another database, on which the operator has no privilege."""
    name = f"{trading.name}-x"
    trading.sql(f"CREATE DATABASE `{name}`")
    trading.sql(f"CREATE TABLE `{PARENT}` (id INT PRIMARY KEY)")
    trading.sql(f"INSERT INTO `{PARENT}` VALUES (1), (2)")
    yield name
    trading.sql(f"DROP DATABASE `{name}`")


def _add_child(trading: Trading, other: str, rule: str = "", table: str = "x") -> None:
    trading.sql(
        f"CREATE TABLE `{other}`.`{table}` (id INT PRIMARY KEY, pid INT, CONSTRAINT kx "
        f"FOREIGN KEY (pid) REFERENCES `{trading.name}`.`{PARENT}` (id) {rule})"
    )


def _see(trading: Trading, other: str, *, privilege: str) -> None:
    """Let the operator see the keys of the other database in one way only."""
    if privilege == "INSERT":
        trading.sql(f"GRANT SELECT, INSERT ON `{other}`.* TO operator@'%'")
    if privilege != "PROCESS":
        trading.sql("REVOKE PROCESS ON *.* FROM operator@'%'")


def _state(trading: Trading, other: str) -> list[Any]:
    return [*trading.everything(), trading.sql(f"SHOW CREATE TABLE `{other}`.x")]


@pytest.mark.parametrize("table", ["x", PARENT])
def test_rows_to_which_another_database_refers_are_not_deleted(
    trading: Trading, store: MemoryStore, other: str, table: str
) -> None:
    backup = trading.backed_up(store, PARENT)
    _add_child(trading, other, "ON DELETE CASCADE", table)
    _see(trading, other, privilege="INSERT")
    trading.sql(
        f"INSERT INTO `{PARENT}` VALUES (4), (5)", f"INSERT INTO `{other}`.`{table}` VALUES (4, 4)"
    )
    for change in (preview_rows_of, restore_rows_of):
        with pytest.raises(Conflict, match="refer to the row 4") as refused:
            change(store, backup, trading.address, ["4"], Work())
        assert f"{other}.{table}" in refused.value.summary
    assert trading.sql(f"SELECT * FROM `{other}`.`{table}`") == ((4, 4),)
    report = restore_rows_of(store, backup, trading.address, ["5"], Work())
    assert report.counts.deleted == 1
    trading.sql(f"INSERT INTO `{PARENT}` VALUES (6)")
    report = restore_rows_of(store, backup, trading.address, ["6"], Work())
    undo(None, database=trading.address, former=report.former)
    assert (6,) in trading.rows(PARENT)


@pytest.mark.parametrize("privilege", ["INSERT", "PROCESS"])
def test_a_table_to_which_another_database_refers_is_not_replaced(
    trading: Trading, store: MemoryStore, other: str, privilege: str
) -> None:
    backup = trading.backed_up(store, PARENT)
    former = trading.restored(store, backup).kept
    _add_child(trading, other)
    _see(trading, other, privilege=privilege)
    before = _state(trading, other)
    for change in (
        lambda: trading.restored(store, backup),
        lambda: undo(None, database=trading.address, former=former),
    ):
        with pytest.raises(Conflict, match="another database refers") as refused:
            change()
        assert f"kx of {other}.x" in refused.value.cause
        assert _state(trading, other) == before
    shown = preview_of(store, backup, trading.address, 10, Work())
    assert [r.table for r in shown.incoming] == [f"{other}.x"]
    assert any(f"{other}.x (pid): belongs to another" in str(found) for found in shown.dependants)
    assert trading.restored(store, backup, target="copy").table == "copy"
    drop_former_table(None, database=trading.address, former=former)


@pytest.mark.parametrize("privilege", ["INSERT", "none"])
def test_a_former_table_to_which_another_database_refers_is_not_dropped(
    trading: Trading, store: MemoryStore, other: str, privilege: str
) -> None:
    former = trading.restored(store, trading.backed_up(store, PARENT)).kept
    trading.sql(
        f"CREATE TABLE `{other}`.x (id INT PRIMARY KEY, pid INT, CONSTRAINT kx "
        f"FOREIGN KEY (pid) REFERENCES `{trading.name}`.`{former}` (id))"
    )
    _see(trading, other, privilege=privilege)
    with pytest.raises(Conflict, match="foreign key"):
        drop_former_table(None, database=trading.address, former=former)
    assert former in trading.tables()
    assert former + "__note" in trading.tables()


def test_an_undo_drops_no_table_to_which_an_unseen_key_refers(
    trading: Trading, store: MemoryStore, other: str
) -> None:
    former = trading.restored(store, trading.backed_up(store, PARENT)).kept
    trading.sql(f"DELETE FROM `{former}` WHERE id = 2")
    _add_child(trading, other)
    _see(trading, other, privilege="none")
    with pytest.raises(Conflict, match="cannot be dropped") as stated:
        undo(None, database=trading.address, former=former)
    assert "a part was changed" in stated.value.effect
    assert trading.rows(PARENT) == ((1,),)
    (discarded,) = [name for name in trading.tables() if "__discarded" in name]
    assert discarded in stated.value.remedy
    assert f"`{discarded}`" in trading.sql(f"SHOW CREATE TABLE `{other}`.x")[0][1]
    backup = trading.backed_up(store, PARENT)
    assert trading.restored(store, backup, target="copy").table == "copy"


def test_what_a_user_cannot_see_is_stated(trading: Trading, store: MemoryStore, other: str) -> None:
    backup = trading.backed_up(store, PARENT)
    for privilege, stated in (("PROCESS", False), ("none", True)):
        if privilege == "none":
            trading.sql("REVOKE PROCESS ON *.* FROM operator@'%'")
        shown = preview_of(store, backup, trading.address, 10, Work())
        assert any("PROCESS" in str(found) for found in shown.dependants) == stated
        rows = preview_rows_of(store, backup, trading.address, ["1"], Work())
        assert any("PROCESS" in problem for problem in rows.problems) == stated
    assert other
